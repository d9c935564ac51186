//! The server's own publications: JSON, with the server as producer.

use broker::{Header, Publication, TopicName};
use serde::Serialize;

use crate::clock;

/// Returns a message to one of the broker's own topics.
pub fn publication(topic: TopicName, body: &impl Serialize, headers: Box<[Header]>) -> Publication {
    // JSON can represent all these values.
    let body = serde_json::to_vec(body).unwrap_or_default();
    Publication::new(topic, PRODUCER.into(), clock::unix_ms(), &body)
        .with_headers(Some("application/json".into()), headers)
}

const PRODUCER: &str = "carillon";

/// Returns a message with a line of text.
pub fn text(topic: TopicName, text: &str, now_ms: u64) -> Publication {
    Publication::new(topic, PRODUCER.into(), now_ms, text.as_bytes())
        .with_headers(Some("text/plain".into()), Box::default())
}
