//! Counters that are always active, and the figures derived from them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::name::TopicName;

/// The whole broker. Totals count from its start and outlive topics and sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Attached sessions.
    pub sessions: usize,
    /// Subscriptions of all sessions.
    pub subscriptions: usize,
    /// Topics that have entries or subscribers.
    pub topics: usize,
    /// Topics with a retained message.
    pub retained: usize,
    /// Number of times that a topic lost its last image because memory was full.
    pub emptied: u64,
    /// Topics that were removed with what they kept, because they were idle for long or a new one needed room.
    pub aged_out: u64,
    /// Queues that have a name.
    pub queues: usize,
    /// Published entries.
    pub published: u64,
    /// Published bytes, including the structure of the entries.
    pub published_bytes: u64,
    /// Refused publications.
    pub refused: u64,
    /// Entries delivered to subscriptions.
    pub delivered: u64,
    /// Entries that subscriptions skipped at their bound.
    pub dropped: u64,
    /// Sessions ended at the bound of a subscription.
    pub disconnected: u64,
    /// Messages to deleted temporary destinations.
    pub undeliverable: u64,
    /// Bytes of entries that histories, slow readers and queues hold.
    pub held_bytes: u64,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFigures {
    /// Its name.
    pub name: TopicName,
    /// Sequence of its newest entry: the number of entries published to it.
    pub sequence: u64,
    /// Bytes published to it.
    pub bytes: u64,
    /// Entries that it keeps.
    pub history_entries: u64,
    /// Bytes that it keeps.
    pub history_bytes: u64,
    /// Subscriptions that cover it.
    pub subscriptions: usize,
    /// Entries delivered to subscriptions.
    pub delivered: u64,
    /// Entries that subscriptions skipped at their bound.
    pub dropped: u64,
    /// Number of entries that the slowest subscription has not read.
    pub greatest_lag: u64,
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFigures {
    /// Its name.
    pub name: TopicName,
    /// Messages that no consumer has.
    pub waiting: u64,
    /// Waiting messages whose content is only in the journal.
    pub paged: u64,
    /// Messages that a consumer has and has not acknowledged.
    pub unacknowledged: u64,
    /// Subscriptions that consume from it.
    pub consumers: usize,
    /// Bytes of waiting and unacknowledged messages.
    pub bytes: u64,
    /// Messages that entered it.
    pub enqueued: u64,
    /// Deliveries.
    pub dispatched: u64,
    /// Acknowledged messages.
    pub acknowledged: u64,
    /// Messages that returned, to be delivered again.
    pub redelivered: u64,
    /// Messages sent to a dead letter queue, after too many deliveries or a rejection.
    pub dead_lettered: u64,
    /// Messages that expired.
    pub expired: u64,
    /// Messages dropped because the queue was full, or deleted by an operator; and dead messages that no dead letter queue
    /// accepted.
    pub discarded: u64,
    /// Messages that an operator moved to another destination.
    pub moved: u64,
    /// True if its consumers get no messages for now.
    pub is_paused: bool,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFigures {
    /// Its name.
    pub name: String,
    /// Its subscriptions.
    pub subscriptions: usize,
    /// Entries delivered to it.
    pub delivered: u64,
    /// Entries that its subscriptions skipped at their bound.
    pub dropped: u64,
    /// Entries that its client published.
    pub published: u64,
}

/// The counters of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) delivered: Count,
    pub(crate) dropped: Count,
}

/// A number that only grows. It does not order other memory accesses.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// Entries and their bytes, counted by one thread at a time: the holder of the broker's lock.
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

    /// Sets the numbers of an earlier run.
    pub(crate) fn restore(&self, entries: u64, bytes: u64) {
        self.entries.store(entries, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
