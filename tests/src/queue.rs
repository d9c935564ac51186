//! Queues as the HTTP API shows them.

use http::StatusCode;
use serde_json::Value;

use crate::Carillon;
use crate::deadline::eventually;
use crate::http::get;

/// The figures of a queue; null when there is no such queue.
pub async fn figures(server: &Carillon, queue: &str) -> Value {
    let answer = get(server.url(&format!("/api/queues/{queue}"))).await;
    if answer.status == StatusCode::NOT_FOUND {
        return Value::Null;
    }
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// One figure of a queue that exists.
pub async fn figure(server: &Carillon, queue: &str, name: &str) -> u64 {
    let figures = figures(server, queue).await;
    let figure = figures[name].as_u64();
    figure.unwrap_or_else(|| panic!("no {name} of {queue} in {figures}"))
}

/// Messages that wait, and those that consumers hold.
pub async fn depth(server: &Carillon, queue: &str) -> (u64, u64) {
    let waiting = figure(server, queue, "waiting").await;
    (waiting, figure(server, queue, "unacknowledged").await)
}

/// Waits until a figure of a queue is this.
pub async fn until(server: &Carillon, queue: &str, name: &str, value: u64) {
    let what = format!("{name} of {queue} to be {value}");
    let ask = || figures(server, queue);
    eventually(&what, ask, |figures| figures[name] == value).await;
}
