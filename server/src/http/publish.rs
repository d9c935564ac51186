//! A request's body as a message: the same for topics and queues.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, StatusCode, header},
};
use broker::{Outcome, Publication, Published, TopicName};

use super::problem::Problem;
use crate::{clock, content_type, server::Server};

/// What a request brings.
pub struct Content {
    pub headers: HeaderMap,
    pub body: Result<Bytes, BytesRejection>,
}

/// How a body becomes a message: to a topic, or to a queue.
pub type Make = fn(TopicName, Arc<str>, u64, Bytes) -> Publication;

/// Publishes the body, as it is.
///
/// With the rule `block` the answer waits for subscribers that lie too far behind, half a minute at most: the
/// message has been taken then.
pub async fn publish(
    server: &Server,
    make: Make,
    name: TopicName,
    Content { headers, body }: Content,
) -> Result<Published, Problem> {
    let body = body.map_err(|rejection| body_refused(server, &rejection))?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        // What curl says of every body, whatever it is.
        .filter(|value| *value != "application/x-www-form-urlencoded")
        .map(content_type::interned);
    // A body of its own: the one given may be a piece of a larger buffer.
    let body = Bytes::copy_from_slice(&body);
    let publication = make(name, Arc::clone(&server.http_name), clock::unix_ms(), body)
        .with_headers(content_type, Box::default());
    let mut outcome = Outcome::default();
    server.broker.publish(&mut vec![publication], &mut outcome);
    server.carry_out(&mut outcome);
    let broker = &server.broker;
    let caught_up =
        std::future::poll_fn(|context| broker.poll_clear(&mut outcome.blocked, context.waker()));
    // Late or not, the message is there.
    let _ = tokio::time::timeout(BLOCKED_TIME, caught_up).await;
    match outcome.results.pop() {
        Some(result) => Ok(result?),
        None => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the broker gave no answer",
        )),
    }
}

fn body_refused(server: &Server, rejection: &BytesRejection) -> Problem {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = server.options.max_body_bytes;
        return Problem::new(
            status,
            format!("the body is larger than the limit of {limit} bytes"),
        );
    }
    Problem::new(status, rejection.body_text())
}

/// How long a publisher waits for subscribers that make it wait.
const BLOCKED_TIME: Duration = Duration::from_secs(30);
