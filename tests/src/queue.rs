//! The figures of queues, from the HTTP API.

use http::StatusCode;
use serde_json::Value;

use crate::Carillon;
use crate::deadline::eventually;
use crate::http::get;

/// Returns the figures of a queue; null if there is no such queue.
pub async fn figures(server: &Carillon, queue: &str) -> Value {
    let answer = get(server.url(&format!("/api/queues/{queue}"))).await;
    if answer.status == StatusCode::NOT_FOUND {
        return Value::Null;
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Returns one figure of an existing queue.
pub async fn figure(server: &Carillon, queue: &str, name: &str) -> u64 {
    let figures = figures(server, queue).await;
    let figure = figures[name].as_u64();
    figure.unwrap_or_else(|| panic!("no {name} of {queue} in {figures}"))
}

/// Returns the number of waiting messages and the number of messages that consumers hold.
pub async fn depth(server: &Carillon, queue: &str) -> (u64, u64) {
    let waiting = figure(server, queue, "waiting").await;
    (waiting, figure(server, queue, "unacknowledged").await)
}

/// Waits until a figure of a queue has this value.
pub async fn until(server: &Carillon, queue: &str, name: &str, value: u64) {
    let what = format!("{name} of {queue} to be {value}");
    let ask = || figures(server, queue);
    eventually(&what, ask, |figures| figures[name] == value).await;
}

/// Waits until a figure of a queue has at least this value.
pub async fn until_at_least(server: &Carillon, queue: &str, name: &str, value: u64) {
    let what = format!("{name} of {queue} to be at least {value}");
    let ask = || figures(server, queue);
    eventually(&what, ask, |figures| figures[name].as_u64() >= Some(value)).await;
}
