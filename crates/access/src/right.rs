//! The rights.

use std::fmt;

use broker::DestinationKind;

/// Something that a user may do with topics or queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Right {
    /// Publish to a topic.
    Publish,
    /// Receive the messages of a topic, and see its last image, history and figures.
    Subscribe,
    /// Send to a queue.
    Send,
    /// Consume the messages of a queue.
    Receive,
    /// Read the messages of a queue without consuming them, and see its figures.
    Browse,
    /// Delete and purge topics and queues, move their messages, and pause queues. With the filter `>` also: see and end the
    /// sessions and connections of others, and see the figures of the server.
    Manage,
}

impl Right {
    /// All rights, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Publish,
        Self::Subscribe,
        Self::Send,
        Self::Receive,
        Self::Browse,
        Self::Manage,
    ];

    /// Returns the name of the right in the users file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Browse => "browse",
            Self::Manage => "manage",
        }
    }

    /// Returns the right with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.name() == name)
    }

    /// Returns the kind of destination that the right is for; `None` if it is for both.
    #[must_use]
    pub const fn kind(self) -> Option<DestinationKind> {
        match self {
            Self::Publish | Self::Subscribe => Some(DestinationKind::Topic),
            Self::Send | Self::Receive | Self::Browse => Some(DestinationKind::Queue),
            Self::Manage => None,
        }
    }

    /// Returns the right to publish or send to a destination of this kind.
    #[must_use]
    pub const fn to_publish(kind: DestinationKind) -> Self {
        match kind {
            DestinationKind::Topic => Self::Publish,
            DestinationKind::Queue => Self::Send,
        }
    }

    /// Returns the right to get the messages of a destination of this kind.
    #[must_use]
    pub const fn to_receive(kind: DestinationKind) -> Self {
        match kind {
            DestinationKind::Topic => Self::Subscribe,
            DestinationKind::Queue => Self::Receive,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
