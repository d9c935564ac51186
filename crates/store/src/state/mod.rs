//! The stored state: what the records of the log amount to.
//!
//! The writer applies each record when it encodes it; recovery applies the same records to the state of a snapshot. Bodies
//! stay on disk: the state has a [`Location`] for each message.
//!
//! The size of the state is bounded by what the caller admits. A message needs 24 bytes for each place that holds it, about
//! 50 with the nodes of the maps.
//!
//! A snapshot is not taken at one instant, so recovery may apply a record to a state that includes it already. All changes
//! are absolute values by key or removals, and ids of queues are never used twice, so the result is the same.

mod apply;
mod live;
mod walk;

pub(crate) use live::Live;
pub(crate) use walk::{HeldMessage, WalkKey};

use std::collections::BTreeMap;

use crate::{
    format::ids::{Generation, Location, NameId, QueueId},
    record::{Held, Holder, Waiting},
};

/// The stored state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) names: BTreeMap<NameId, StoredName>,
    pub(crate) queues: BTreeMap<QueueId, StoredQueue>,
    pub(crate) topics: BTreeMap<NameId, BTreeMap<u64, Location>>,
    pub(crate) retained: BTreeMap<NameId, RetainedMessage>,
    pub(crate) sessions: BTreeMap<Box<[u8]>, StoredSession>,
    /// The highest position of all messages and cursors that were ever stored.
    pub(crate) last_position: u64,
    /// The highest id of all queues that were ever saved, 0 if there was none.
    pub(crate) last_queue: u32,
    pub(crate) live: Live,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredName {
    /// The kind that the caller gave.
    pub kind: u8,
    /// The name.
    pub name: Box<[u8]>,
}

/// A queue or durable subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQueue {
    /// The kind that the caller gave.
    pub kind: u8,
    /// The attributes that the caller gave.
    pub attributes: Box<[u8]>,
    pub(crate) waiting: BTreeMap<u64, Waiting>,
}

impl StoredQueue {
    /// Returns the messages in the order of their positions.
    pub fn waiting(&self) -> impl DoubleEndedIterator<Item = (u64, Waiting)> {
        self.waiting
            .iter()
            .map(|(&position, &waiting)| (position, waiting))
    }

    /// Returns the number of messages.
    #[must_use]
    pub fn length(&self) -> usize {
        self.waiting.len()
    }
}

/// A topic's retained message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetainedMessage {
    /// The message's position.
    pub position: u64,
    /// The message's record.
    pub location: Location,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The data that the caller gave.
    pub data: Box<[u8]>,
    /// The cursor that was stored last.
    pub cursor: Option<StoredCursor>,
}

/// A session's place in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCursor {
    /// The session has received all messages up to this position, except those of its window.
    pub position: u64,
    /// Deliveries in flight, in the caller's encoding.
    pub window: Box<[u8]>,
}

impl State {
    /// Returns the names by id.
    pub fn names(&self) -> impl Iterator<Item = (NameId, &StoredName)> {
        self.names.iter().map(|(&id, name)| (id, name))
    }

    /// Returns the queues and durable subscriptions by id.
    pub fn queues(&self) -> impl Iterator<Item = (QueueId, &StoredQueue)> {
        self.queues.iter().map(|(&id, queue)| (id, queue))
    }

    /// Returns a queue or durable subscription.
    #[must_use]
    pub fn queue(&self, id: QueueId) -> Option<&StoredQueue> {
        self.queues.get(&id)
    }

    /// Returns the topics that hold messages.
    pub fn topics(&self) -> impl Iterator<Item = NameId> {
        self.topics.keys().copied()
    }

    /// Returns the messages in a topic's log in the order of their positions.
    pub fn topic(&self, topic: NameId) -> impl Iterator<Item = (u64, Location)> {
        let messages = self.topics.get(&topic).into_iter().flatten();
        messages.map(|(&position, &location)| (position, location))
    }

    /// Returns the retained messages by topic.
    pub fn retained(&self) -> impl Iterator<Item = (NameId, RetainedMessage)> {
        self.retained
            .iter()
            .map(|(&topic, &message)| (topic, message))
    }

    /// Returns the sessions by client id.
    pub fn sessions(&self) -> impl Iterator<Item = (&[u8], &StoredSession)> {
        self.sessions
            .iter()
            .map(|(client, session)| (&**client, session))
    }

    /// Returns the highest position of all messages and cursors that were ever stored, 0 if there was none.
    #[must_use]
    pub fn last_position(&self) -> u64 {
        self.last_position
    }

    /// Returns the highest id of all queues that were ever saved, also of removed ones; 0 if there was none.
    #[must_use]
    pub fn last_queue(&self) -> u32 {
        self.last_queue
    }

    /// Returns the number of messages, counted once for each place that holds them.
    #[must_use]
    pub fn held_messages(&self) -> usize {
        let queues: usize = self.queues.values().map(StoredQueue::length).sum();
        let topics: usize = self.topics.values().map(BTreeMap::len).sum();
        queues + topics + self.retained.len()
    }

    /// Returns the place of a held message's record. It changes when the message is moved out of a segment that is mostly
    /// unused.
    #[must_use]
    pub fn location(&self, held: Held) -> Option<Location> {
        let position = held.position;
        match held.holder {
            Holder::Queue(queue) => self
                .queues
                .get(&queue)
                .and_then(|queue| queue.waiting.get(&position))
                .map(|waiting| waiting.location),
            Holder::Topic(topic) => self.topics.get(&topic)?.get(&position).copied(),
            Holder::Retained(topic) => self
                .retained
                .get(&topic)
                .filter(|message| message.position == position)
                .map(|message| message.location),
        }
    }

    /// Returns the bytes of held messages in a segment; a message that several places hold counts for each of them.
    #[must_use]
    pub fn live_bytes(&self, generation: Generation) -> u64 {
        self.live.bytes(generation)
    }
}
