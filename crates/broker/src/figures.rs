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
    /// The refused publications by cause.
    pub refusals: RefusalFigures,
    /// Entries delivered to subscriptions.
    pub delivered: u64,
    /// Entries that subscriptions skipped at their bound.
    pub dropped: u64,
    /// Of these, the ones skipped because of lag, or because memory was nearly full.
    pub dropped_for_lag: u64,
    /// Of these, the ones lost because their topic was removed before they were read.
    pub dropped_with_topic: u64,
    /// Of these, the ones skipped because there was no cursor, at the limit of cursors.
    pub dropped_without_cursor: u64,
    /// The results of the messages of all queues, also of those that have no name or were removed.
    pub queue_results: QueueResults,
    /// Sessions ended at the bound of a subscription.
    pub disconnected: u64,
    /// Messages to deleted temporary destinations.
    pub undeliverable: u64,
    /// Bytes of entries that histories, slow readers and queues hold.
    pub held_bytes: u64,
}

/// The ends of messages of queues, apart from their delivery and acknowledgement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueResults {
    /// Deliveries of messages that had been delivered before.
    pub redelivered: u64,
    /// Messages sent to a dead letter queue, after too many deliveries or a rejection.
    pub dead_lettered: u64,
    /// Messages that expired.
    pub expired: u64,
    /// Messages dropped because a queue was full, or deleted by an operator; and dead messages that no dead letter queue
    /// accepted.
    pub discarded: u64,
}

/// The cause for which a publication was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalCause {
    /// The destination belongs to the broker.
    Reserved,
    /// The limit of topics.
    Topics,
    /// The limit of queues.
    Queues,
    /// The limit of cursors.
    Cursors,
    /// The queue is full.
    QueueFull,
    /// The share or the quota of the client.
    Share,
    /// The memory for messages is full.
    Memory,
    /// The journal cannot record the message.
    Journal,
    /// The schedule of the message is not allowed.
    Schedule,
}

/// The number of refused publications for each cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefusalFigures([u64; RefusalCause::ALL.len()]);

impl RefusalCause {
    /// Every cause.
    pub const ALL: [Self; 9] = [
        Self::Reserved,
        Self::Topics,
        Self::Queues,
        Self::Cursors,
        Self::QueueFull,
        Self::Share,
        Self::Memory,
        Self::Journal,
        Self::Schedule,
    ];

    /// Returns the name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Topics => "topics",
            Self::Queues => "queues",
            Self::Cursors => "cursors",
            Self::QueueFull => "queue_full",
            Self::Share => "share",
            Self::Memory => "memory",
            Self::Journal => "disk",
            Self::Schedule => "schedule",
        }
    }
}

impl RefusalFigures {
    /// Returns the number of publications that were refused for this cause.
    #[must_use]
    pub const fn of(&self, cause: RefusalCause) -> u64 {
        self.0[cause as usize]
    }

    /// Returns the number of all refused publications.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
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
    /// Those of the waiting messages that wait for their redelivery.
    pub delayed: u64,
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

/// Amounts of one queue, or sums over many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueAmounts {
    /// Number of queues.
    pub queues: u64,
    /// Messages that no consumer has.
    pub waiting: u64,
    /// Messages that a consumer has and has not acknowledged.
    pub unacknowledged: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Subscriptions that consume from the queues.
    pub consumers: u64,
    /// The time at which the oldest waiting message was published, in Unix milliseconds, of those whose content is in
    /// memory; `None` if there is none.
    pub oldest_ms: Option<u64>,
}

impl QueueAmounts {
    /// Adds the amounts of other queues.
    pub(crate) fn add(&mut self, other: Self) {
        let oldest_ms = [self.oldest_ms, other.oldest_ms].into_iter().flatten();
        *self = Self {
            queues: self.queues + other.queues,
            waiting: self.waiting + other.waiting,
            unacknowledged: self.unacknowledged + other.unacknowledged,
            bytes: self.bytes + other.bytes,
            consumers: self.consumers + other.consumers,
            oldest_ms: oldest_ms.min(),
        };
    }
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
    pub(crate) dropped_for_lag: Count,
    pub(crate) dropped_with_topic: Count,
    pub(crate) dropped_without_cursor: Count,
    pub(crate) queue_results: QueueResultCounts,
}

/// The counters of [`QueueResults`]. All queues share them, so only rare events count here.
#[derive(Debug, Default)]
pub(crate) struct QueueResultCounts {
    pub(crate) redelivered: Count,
    pub(crate) dead_lettered: Count,
    pub(crate) expired: Count,
    pub(crate) discarded: Count,
}

impl QueueResultCounts {
    pub(crate) fn figures(&self) -> QueueResults {
        QueueResults {
            redelivered: self.redelivered.total(),
            dead_lettered: self.dead_lettered.total(),
            expired: self.expired.total(),
            discarded: self.discarded.total(),
        }
    }
}

/// The counters of [`RefusalFigures`].
#[derive(Debug, Default)]
pub(crate) struct RefusalCounts([Count; RefusalCause::ALL.len()]);

impl RefusalCounts {
    pub(crate) fn add(&self, cause: RefusalCause) {
        self.0[cause as usize].add(1);
    }

    pub(crate) fn figures(&self) -> RefusalFigures {
        RefusalFigures(RefusalCause::ALL.map(|cause| self.0[cause as usize].total()))
    }
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
