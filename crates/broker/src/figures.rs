//! Counts that are always on, and the figures told from them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::name::TopicName;

/// The broker as a whole. Totals count from its start and outlive topics and sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Sessions attached.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Topics that have entries or subscribers.
    pub topics: usize,
    /// Topics that retain a message.
    pub retained: usize,
    /// Times that a topic gave up its last image because memory was full.
    pub emptied: u64,
    /// Topics that were removed with what they kept, because they were idle for long or a new one needed room.
    pub aged_out: u64,
    /// Queues that have a name.
    pub queues: usize,
    /// Entries published.
    pub published: u64,
    /// Bytes published, with what the entries' own structure counts for.
    pub published_bytes: u64,
    /// Publications refused.
    pub refused: u64,
    /// Entries handed to subscriptions.
    pub delivered: u64,
    /// Entries that subscriptions passed over at their bound.
    pub dropped: u64,
    /// Sessions ended at their subscriptions' bound.
    pub disconnected: u64,
    /// Messages to temporary destinations that were gone.
    pub undeliverable: u64,
    /// Bytes of entries held, by history, by slow readers and in queues.
    pub held_bytes: u64,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFigures {
    /// Its name.
    pub name: TopicName,
    /// Sequence of its newest entry: entries published to it.
    pub sequence: u64,
    /// Bytes published to it.
    pub bytes: u64,
    /// Entries it keeps.
    pub history_entries: u64,
    /// Bytes it keeps.
    pub history_bytes: u64,
    /// Subscriptions that cover it.
    pub subscriptions: usize,
    /// Entries handed to subscriptions.
    pub delivered: u64,
    /// Entries passed over by subscriptions at their bound.
    pub dropped: u64,
    /// Entries that the slowest subscription has still to read.
    pub greatest_lag: u64,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFigures {
    /// Its name.
    pub name: TopicName,
    /// Messages that nobody has been given.
    pub waiting: u64,
    /// Messages that a consumer has been given and has not acknowledged.
    pub unacknowledged: u64,
    /// Subscriptions that take from it.
    pub consumers: usize,
    /// Bytes of both.
    pub bytes: u64,
    /// Messages it has got.
    pub enqueued: u64,
    /// Deliveries.
    pub dispatched: u64,
    /// Messages that are done with.
    pub acknowledged: u64,
    /// Messages that came back to be delivered again.
    pub redelivered: u64,
    /// Messages that were given up after too many deliveries, or rejected, and that a dead letter queue was
    /// sent.
    pub dead_lettered: u64,
    /// Messages that nobody took in time.
    pub expired: u64,
    /// Messages dropped because the queue was full, or purged; and those given up that no dead letter queue
    /// took.
    pub discarded: u64,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFigures {
    /// Its name.
    pub name: String,
    /// Its subscriptions.
    pub subscriptions: usize,
    /// Entries handed to it.
    pub delivered: u64,
    /// Entries its subscriptions passed over at their bound.
    pub dropped: u64,
}

/// A number that only grows. No other memory is ordered by it.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// Entries and their bytes, counted by one thread at a time: whoever holds the broker's order.
#[derive(Debug, Default)]
pub(crate) struct Volume {
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl Count {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Volume {
    pub(crate) fn add(&self, bytes: u64) {
        self.entries.store(self.entries() + 1, Ordering::Relaxed);
        self.bytes.store(self.bytes() + bytes, Ordering::Relaxed);
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
