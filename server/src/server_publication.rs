//! What the server itself publishes: JSON, under its own name.

use broker::{Header, Publication, TopicName};
use serde::Serialize;

use crate::clock;

/// A message to one of the broker's own topics.
pub fn publication(topic: TopicName, body: &impl Serialize, headers: Box<[Header]>) -> Publication {
    // These structures hold nothing that JSON could not.
    let body = serde_json::to_vec(body).unwrap_or_default();
    Publication::new(topic, PRODUCER.into(), clock::unix_ms(), &body)
        .with_headers(Some("application/json".into()), headers)
}

const PRODUCER: &str = "carillon";

/// A text of one line.
pub fn text(topic: TopicName, text: &str, now_ms: u64) -> Publication {
    Publication::new(topic, PRODUCER.into(), now_ms, text.as_bytes())
        .with_headers(Some("text/plain".into()), Box::default())
}
