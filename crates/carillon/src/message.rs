//! Received messages.

use std::time::{Duration, SystemTime};

use broker::{MessageId, SharedEntry};

/// A received message. A clone shares the body.
#[derive(Debug, Clone)]
pub struct Message {
    entry: SharedEntry,
    id: MessageId,
    is_retained: bool,
    missed: Option<Missed>,
}

/// The messages of a topic that a subscription did not get, because it did not read them in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missed {
    /// This number of messages.
    Messages(u64),
    /// An unknown number of messages.
    Unknown,
}

impl Message {
    pub(crate) fn new(id: MessageId, delivery: &broker::Delivery<'_>) -> Self {
        Self {
            entry: SharedEntry::clone(delivery.entry),
            id,
            is_retained: delivery.is_retained,
            missed: delivery.missed.map(|missed| match missed {
                broker::Missed::Range { from, to } => Missed::Messages(to.saturating_sub(from) + 1),
                broker::Missed::Unknown => Missed::Unknown,
            }),
        }
    }

    /// Returns the name of the topic or queue to which the message was published.
    #[must_use]
    pub fn destination(&self) -> &str {
        self.entry.topic().as_str()
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.entry.body()
    }

    /// Returns the body as text; `None` if it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.body()).ok()
    }

    /// Returns the media type of the body, if the publisher named one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.entry.content_type()
    }

    /// Returns the value of the first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        headers.find_map(|(own, value)| (own == name).then_some(value))
    }

    /// Returns the names and values of the publisher's headers.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.entry.headers().iter();
        headers.map(|header| (&*header.name, &*header.value))
    }

    /// Returns the id of the message, the same over all protocols: `EPOCH-POSITION`.
    #[must_use]
    pub fn id(&self) -> String {
        self.id.to_string()
    }

    /// Returns the place of the message in the one order of all messages of its server.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.id.position
    }

    /// Returns the number of the message in its topic or queue, from 1.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.entry.sequence()
    }

    /// Returns the time at which the server got the message, in milliseconds.
    #[must_use]
    pub fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.entry.timestamp_ms())
    }

    /// Returns true if the topic had retained the message when the subscription started.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        self.is_retained
    }

    /// Returns the messages of this topic that the subscription missed immediately before this one; `None` if there are none.
    #[must_use]
    pub fn missed(&self) -> Option<Missed> {
        self.missed
    }
}
