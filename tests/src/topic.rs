//! The figures of topics, from the HTTP API, and what they show of connections that wait.

use http::StatusCode;

use crate::Carillon;
use crate::deadline::eventually;
use crate::http::get;
use crate::stomp::{Frame, StompClient};

/// Returns the number of messages published to a topic.
pub async fn sequence(server: &Carillon, topic: &str) -> u64 {
    figure(server, topic, "sequence").await
}

/// Waits until a subscription of a topic lags behind by more than `bound` messages. With `--overflow
/// block` its publishers wait from then on.
pub async fn lags_more_than(server: &Carillon, topic: &str, bound: u64) {
    let lag = || figure(server, topic, "greatestLag");
    eventually("a subscription lags", lag, |lag| *lag > bound).await;
}

/// Waits until the server has stopped reading from those who publish to a topic, and returns the
/// number of their messages: the number stays the same while the server handles many requests of
/// another client. The publishers must have more to send.
pub async fn stopped_at(server: &Carillon, topic: &str) -> u64 {
    let mut other = StompClient::connect(server).await;
    let mut before = 0;
    loop {
        for _ in 0..REQUESTS {
            other.request(Frame::publication("other", "x")).await;
        }
        let now = sequence(server, topic).await;
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
}

/// Returns a figure of a topic; 0 if nothing was published to the topic yet.
async fn figure(server: &Carillon, topic: &str, name: &str) -> u64 {
    let answer = get(server.url(&format!("/api/topics/{topic}"))).await;
    if answer.status == StatusCode::NOT_FOUND {
        return 0;
    }
    let figures = answer.json();
    figures[name].as_u64().unwrap_or(0)
}

/// Requests of another client, as a measure of the time that the server had.
const REQUESTS: usize = 100;
