//! Records: the changes that the log holds.
//!
//! A record names what it changes by ids and positions that the caller chose. What depends on a protocol is bytes that this
//! crate does not interpret.

pub(crate) mod content;
pub(crate) mod decode;
pub(crate) mod encode;
#[cfg(test)]
mod tests;

use crate::format::ids::{Location, NameId, PositionRange, QueueId};

/// A change of the stored state. `C` is the content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<C> {
    /// Gives an id to a name. Comes before the first record that uses the id.
    Name(Name),
    /// Ends the use of an id. The caller has removed everything that uses it.
    NameRemoved(NameId),
    /// A message.
    Publish(Publish<C>),
    /// Removes messages from a queue: acknowledged, expired, dropped or purged.
    Settle(Settle),
    /// Sets how often a message of a queue was delivered.
    Deliveries(Deliveries),
    /// Moves a message to another queue, for example to a dead letter queue; its content is not written again.
    Moved(Moved),
    /// Creates a queue or durable subscription, or replaces its attributes.
    QueueSaved(QueueSaved),
    /// Removes a queue or durable subscription with its messages.
    QueueRemoved(QueueId),
    /// Removes the oldest messages from a topic's log.
    Trim(Trim),
    /// Removes a topic's retained message.
    Forget(NameId),
    /// Creates a session, or replaces its data. The session's cursor stays.
    SessionSaved(SessionSaved),
    /// Removes a session with its cursor.
    SessionRemoved(Box<[u8]>),
    /// Sets a session's place in the order and its window.
    Cursor(Cursor),
}

/// A name and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The id.
    pub id: NameId,
    /// The kind of the name; the caller chooses the values.
    pub kind: u8,
    /// The name.
    pub name: Box<[u8]>,
}

/// A message and the places that hold it. A message that no place holds is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish<C> {
    /// The place of the message in the broker's order.
    pub position: u64,
    /// The destination.
    pub destination: NameId,
    /// The kind of the destination; the caller chooses the values.
    pub kind: u8,
    /// Places that hold the message besides queues, and marks of the caller.
    pub flags: Flags,
    /// Unix milliseconds.
    pub timestamp_ms: u64,
    /// Unix milliseconds at which the message expires; 0 if it does not.
    pub expires_ms: u64,
    /// The queues and durable subscriptions that hold the message.
    pub queues: Queues,
    /// Attributes, headers and body.
    pub content: C,
}

/// Flags of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// The destination's log holds the message, until [`Record::Trim`].
    pub const IN_TOPIC: Self = Self(1);
    /// The message becomes the destination's retained message, until the next one or [`Record::Forget`].
    pub const RETAINED: Self = Self(2);
    /// The bits that the caller may use.
    pub const CALLER: Self = Self(0xfc);

    /// True if all flags of `other` are set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the flags of both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The queues that hold a message. One queue needs no allocation.
#[derive(Debug, Clone)]
pub enum Queues {
    /// One queue.
    One([QueueId; 1]),
    /// Any number of queues.
    Many(Vec<QueueId>),
}

impl Queues {
    /// Returns no queue.
    #[must_use]
    pub fn none() -> Self {
        Self::Many(Vec::new())
    }

    /// Returns one queue.
    #[must_use]
    pub fn one(queue: QueueId) -> Self {
        Self::One([queue])
    }

    /// Returns the queues.
    #[must_use]
    pub fn as_slice(&self) -> &[QueueId] {
        match self {
            Self::One(one) => one,
            Self::Many(many) => many,
        }
    }

    /// Keeps the queues for which `keeps` returns true.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(QueueId) -> bool) {
        match self {
            Self::One([queue]) if !keeps(*queue) => *self = Self::none(),
            Self::One(_) => {}
            Self::Many(queues) => queues.retain(|queue| keeps(*queue)),
        }
    }
}

impl PartialEq for Queues {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Queues {}

/// Messages that leave a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// The queue.
    pub queue: QueueId,
    /// The messages' positions in the queue.
    pub ranges: Vec<PositionRange>,
}

/// The number of deliveries of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deliveries {
    /// The queue.
    pub queue: QueueId,
    /// The message's position in the queue.
    pub position: u64,
    /// Number of deliveries of the message.
    pub count: u32,
}

/// A message that changes its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The queue that the message leaves.
    pub from: QueueId,
    /// The message's position in that queue.
    pub position: u64,
    /// The queue that holds the message from now on.
    pub to: QueueId,
    /// The message's position in the new queue.
    pub new_position: u64,
}

/// A queue or durable subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSaved {
    /// The id.
    pub queue: QueueId,
    /// The kind; the caller chooses the values.
    pub kind: u8,
    /// Name, filter, selector and options, in the caller's encoding.
    pub attributes: Box<[u8]>,
}

/// The messages of a topic that are not needed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// The topic.
    pub topic: NameId,
    /// Messages with lower positions are removed.
    pub before: u64,
}

/// A session that outlives its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSaved {
    /// The client's id.
    pub client: Box<[u8]>,
    /// Subscriptions, will and expiry, in the caller's encoding.
    pub data: Box<[u8]>,
}

/// A session's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The client's id.
    pub client: Box<[u8]>,
    /// The session has received all messages up to this position, except those of its window.
    pub position: u64,
    /// Deliveries in flight in both directions, in the caller's encoding.
    pub window: Box<[u8]>,
}

/// A place that holds a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A queue or durable subscription.
    Queue(QueueId),
    /// A topic's log.
    Topic(NameId),
    /// A topic's retained message.
    Retained(NameId),
}

/// One message at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// The place.
    pub holder: Holder,
    /// The message's position there.
    pub position: u64,
}

/// The stored state of a message in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The message's record.
    pub location: Location,
    /// Number of deliveries of the message.
    pub deliveries: u32,
}

/// A record as it is in the log.
#[derive(Debug, Clone)]
pub(crate) enum Logged<'a> {
    /// A record that a caller pushed, except [`Record::Moved`].
    Pushed(Record<content::StoredContent<'a>>),
    /// [`Record::Moved`] with the state of the message when the record was written. Snapshots are not taken at one
    /// instant, so the message may be missing from the queue that it left.
    Moved { moved: Moved, waiting: Waiting },
    /// A copy of a message that compaction wrote, for these holders.
    Relocated {
        holders: Vec<Held>,
        message: Publish<content::StoredContent<'a>>,
    },
}
