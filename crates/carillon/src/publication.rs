//! Messages to publish.

use std::time::Duration;

/// A message to publish: a body, and what describes it.
///
/// Texts and bytes become a publication by themselves, so `publish("topic", "text")` needs none.
///
/// ```
/// let publication = carillon::Publication::new(r#"{"celsius": 21.5}"#)
///     .content_type("application/json")
///     .header("sensor", "roof")
///     .retained();
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Publication {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) is_retained: bool,
    /// `None` means the default of topics and queues.
    pub(crate) is_persistent: Option<bool>,
    pub(crate) time_to_live: Option<Duration>,
}

impl Publication {
    /// Creates a message with this body.
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    /// Sets the media type of the body.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Adds a header: a header of STOMP, and a user property of MQTT 5. The headers with a meaning in Carillon, such as
    /// `reply-to`, `JMSXGroupID` and `AMQ_SCHEDULED_DELAY`, have it here too.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Lets the topic retain the message for later subscriptions, as with MQTT's RETAIN flag.
    pub fn retained(mut self) -> Self {
        self.is_retained = true;
        self
    }

    /// Sets whether the message survives a restart, if the server has a data directory: in its queue, or in the durable
    /// subscriptions and sessions of its topic. The default is true for queues and false for topics.
    pub fn persistent(mut self, is_persistent: bool) -> Self {
        self.is_persistent = Some(is_persistent);
        self
    }

    /// Sets the time after which the message is not delivered any more.
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = Some(time);
        self
    }
}

impl From<&str> for Publication {
    fn from(body: &str) -> Self {
        Self::new(body)
    }
}

impl From<String> for Publication {
    fn from(body: String) -> Self {
        Self::new(body)
    }
}

impl From<&[u8]> for Publication {
    fn from(body: &[u8]) -> Self {
        Self::new(body)
    }
}

impl From<Vec<u8>> for Publication {
    fn from(body: Vec<u8>) -> Self {
        Self::new(body)
    }
}

/// The confirmation of a message that the broker has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The id of the message, the same over all protocols: `EPOCH-POSITION`.
    pub id: String,
    /// The place of the message in the one order of all messages of this server.
    pub position: u64,
    /// The number of the message in its topic or queue, from 1.
    pub sequence: u64,
    /// The number of subscriptions that cover the topic now, or of consumers of the queue.
    pub subscriptions: usize,
}
