//! A received message in the form that the pages use.

use std::borrow::Cow;

use broker::MessageId;
use wire::stomp::client;
pub use wire::stomp::server::Missed;

use crate::host::Image;

/// An entry of a topic, as delivered by the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    /// The topic, which is not that of a subscription with wildcards; empty in a message of [`Message::of_image`].
    pub topic: String,
    pub sequence: u64,
    pub timestamp_ms: f64,
    /// The publishing connection.
    pub producer: String,
    /// The media type of the body; empty if the publisher named none.
    pub content_type: String,
    pub body: Vec<u8>,
    /// The messages that the subscription skipped just before this one.
    pub missed: Option<Missed>,
}

impl Message {
    /// Reads a message. Carillon always sends its own headers on this connection; a message without
    /// a valid id is ignored, because it could not be distinguished from a duplicate.
    pub fn read(received: &client::Message<'_>) -> Option<Self> {
        let destination = &*received.destination;
        let topic = destination.strip_prefix(TOPIC).unwrap_or(destination);
        Some(Self {
            id: received.message_id.parse().ok()?,
            topic: topic.into(),
            sequence: received.sequence.unwrap_or_default(),
            timestamp_ms: received.timestamp.unwrap_or_default() as f64,
            producer: received.producer.as_deref().unwrap_or_default().into(),
            content_type: received.content_type.as_deref().unwrap_or_default().into(),
            body: received.body.into(),
            missed: received.missed,
        })
    }

    /// Converts the image that came with the page into a message.
    pub fn of_image(image: &Image) -> Option<Self> {
        Some(Self {
            id: image.id.parse().ok()?,
            topic: String::new(),
            sequence: image.sequence,
            timestamp_ms: image.timestamp_ms as f64,
            producer: image.producer.clone(),
            content_type: image.content_type.clone(),
            body: image.body.clone().into_bytes(),
            missed: None,
        })
    }

    /// Returns the body as text; `None` if it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        str::from_utf8(&self.body).ok()
    }

    /// Returns the body as text; bytes that are not UTF-8 are replaced.
    pub fn replaced_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// The beginning of the destinations of topics.
const TOPIC: &str = "/topic/";
