//! The bounds on what the broker holds, and the rule at each bound.

use crate::{
    memory::{redelivery::Redelivery, share::Pool},
    name::TopicName,
};

/// All bounds of the broker. The comment of each bound contains its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries that a topic keeps for later and resumed subscriptions, at least 1 (the last image). Above this number
    /// the oldest are removed.
    pub history_entries: u64,
    /// Bytes that a topic keeps for the same purpose; the last image is kept whatever its size.
    pub history_bytes: u64,
    /// Maximum lag of a cursor in entries. Above it the subscription's [`Overflow`](crate::Overflow) rule is applied.
    pub lag_entries: u64,
    /// Maximum lag of a cursor in bytes, with the same rule.
    pub lag_bytes: u64,
    /// Bytes of all entries held, by histories and slow readers together. From seven eighths on, the overflow rule is
    /// applied to subscriptions whose lag exceeds what their topics keep. At the bound a publication first reduces the
    /// history of its own topic to the last image, and is refused if that is not enough.
    pub memory_bytes: u64,
    /// Topics. At the bound the topic that was not published to for the longest time is removed for a new one, with the
    /// messages that it keeps, unless it retains a message or a subscription names it. If there is no such topic, a
    /// request that needs a new topic is refused.
    pub topics: usize,
    /// Milliseconds without a publication after which a topic is removed on the same conditions; `None` for never.
    pub topic_idle_ms: Option<u64>,
    /// Cursors: pairs of a subscription and a topic that it reads, or of a consumer and a queue. At the bound, a
    /// subscription or queue that needs a new one is refused. A subscription with wildcards has a cursor only in topics
    /// that were published to; at the bound, or at the share of its client, it gets no more cursors, and misses the
    /// messages of the topics in which it has none.
    pub cursors: usize,
    /// Cursors of one session, without those of subscriptions with wildcards to topics. A subscription that would exceed
    /// it is refused; queues created later do not count.
    pub cursors_per_session: usize,
    /// Subscriptions of one session. At the bound the next is refused.
    pub subscriptions_per_session: usize,
    /// Queues that have a name. At the bound, queues that are empty and unused are removed; if that is not enough, a
    /// request that needs a new queue is refused.
    pub queues: usize,
    /// Messages in one queue, including unacknowledged ones. At the bound a publication to the queue is refused; in a
    /// queue that topics feed, the oldest waiting messages are dropped, or else the new one.
    pub queue_entries: u64,
    /// Bytes in one queue, with the same rule; in a queue that no topic feeds, messages whose content is only in the
    /// journal do not count. All queues together hold at most half of [`memory_bytes`](Self::memory_bytes), with the same
    /// rule; a message that topics feed to several queues counts once there, plus a small amount for each queue.
    pub queue_bytes: u64,
    /// Bytes in all queues above which waiting messages that the [`Journal`](crate::Journal) has leave memory; `None` for an
    /// eighth of [`memory_bytes`](Self::memory_bytes).
    pub page_out_bytes: Option<u64>,
    /// Durable subscriptions. At the bound the next is refused.
    pub durables: usize,
    /// Sessions without a connection. The broker does not count them: the embedding program stores them and applies the
    /// rule.
    pub sessions: usize,
    /// Bytes of wills. The embedding program stores them and applies the rule.
    pub will_bytes: u64,
    /// Messages that wait for the time of their schedule. At the bound, or at the share of its client, the next is refused.
    pub scheduled: usize,
    /// Maximum delay and maximum period of a scheduled message, in milliseconds. A longer one is refused.
    pub max_delay_ms: u64,
    /// The redelivery of messages that consumers return.
    pub redelivery: Redelivery,
    /// The queue for dead messages.
    pub dead_letters: DeadLetterQueue,
}

/// The queue for messages that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeadLetterQueue {
    /// `ActiveMQ.DLQ`, for all queues.
    #[default]
    Shared,
    /// `DLQ.NAME`, one for each queue or topic.
    Own,
    /// This queue.
    Named(TopicName),
    /// None: dead messages are discarded.
    Discard,
}

impl Limits {
    /// Returns the size of a pool that all clients share.
    pub(crate) fn pool(&self, pool: Pool) -> u64 {
        match pool {
            Pool::Topics => self.topics as u64,
            Pool::Queues => self.queues as u64,
            Pool::QueueBytes => self.memory_bytes / 2,
            // A broker with little memory for messages still has subscribers.
            Pool::SubscriptionBytes => (self.memory_bytes / 2).max(1 << 20),
            Pool::TransactionBytes => self.memory_bytes / 4,
            Pool::Durables => self.durables as u64,
            Pool::Sessions => self.sessions as u64,
            Pool::WillBytes => self.will_bytes,
            Pool::Cursors => self.cursors as u64,
            Pool::Scheduled => self.scheduled as u64,
            Pool::SelectorWork => SELECTOR_WORK,
        }
    }

    pub(crate) fn lag(&self) -> Lag {
        Lag {
            entries: self.lag_entries,
            bytes: self.lag_bytes,
        }
    }
}

/// A distance between a cursor and the end of its log, or the maximum of such a distance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lag {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// Maximum work of the selectors that are evaluated for one message while the broker is locked: about 20 ms, if the message has
/// the largest body and the longest headers that selectors examine.
const SELECTOR_WORK: u64 = 2_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            history_entries: 1_000,
            history_bytes: 1 << 20,
            lag_entries: 10_000,
            lag_bytes: 16 << 20,
            memory_bytes: 512 << 20,
            topics: 100_000,
            topic_idle_ms: None,
            cursors: 2_000_000,
            cursors_per_session: 200_000,
            subscriptions_per_session: 1_000,
            queues: 10_000,
            queue_entries: 1_000_000,
            queue_bytes: 128 << 20,
            page_out_bytes: None,
            durables: 1_000,
            sessions: 10_000,
            will_bytes: 64 << 20,
            scheduled: 100_000,
            max_delay_ms: 365 * 24 * 3_600 * 1_000,
            redelivery: Redelivery::default(),
            dead_letters: DeadLetterQueue::Shared,
        }
    }
}

/// Names examined in one step: about 50 µs.
pub(crate) const NAMES: usize = if cfg!(loom) { 1 } else { 1_000 };
/// Topics, queues, sessions or cursors that one step processes, in about the same time. The loom model uses fewer.
pub(crate) const ITEMS: usize = if cfg!(loom) { 1 } else { 128 };
