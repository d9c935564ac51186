//! A message as a page sees it.

use broker::MessageId;
use wire::stomp::client;
pub use wire::stomp::server::Missed;

use crate::host::Image;

/// An entry of a topic, as the broker delivered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: MessageId,
    pub sequence: u64,
    pub timestamp_ms: f64,
    /// The publishing connection.
    pub producer: String,
    /// The body as text; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// What the subscription skipped just before this message.
    pub missed: Option<Missed>,
}

impl Message {
    /// Carillon's own headers are always there on Carillon's own connection; a message without a
    /// readable id could not be told from its double, so it is none.
    pub fn read(received: &client::Message<'_>) -> Option<Self> {
        Some(Self {
            id: received.message_id.parse().ok()?,
            sequence: received.sequence.unwrap_or_default(),
            timestamp_ms: received.timestamp.unwrap_or_default() as f64,
            producer: received.producer.as_deref().unwrap_or_default().into(),
            body: String::from_utf8_lossy(received.body).into_owned(),
            missed: received.missed,
        })
    }

    /// The image that came with the page, as if it had come over the connection.
    pub fn of_image(image: &Image) -> Option<Self> {
        Some(Self {
            id: image.id.parse().ok()?,
            sequence: image.sequence,
            timestamp_ms: image.timestamp_ms as f64,
            producer: image.producer.clone(),
            body: image.body.clone(),
            missed: None,
        })
    }
}
