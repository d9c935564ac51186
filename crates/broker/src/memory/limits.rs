//! The bounds on what the broker holds, and what happens at each.

use crate::memory::share::Pool;

/// Every bound of the broker. The rule at each is written beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries that a topic keeps for late and returning subscribers, at least 1 (the last image).
    /// Beyond it the oldest are let go.
    pub history_entries: u64,
    /// Bytes that a topic keeps likewise; the last image is kept whatever its size.
    pub history_bytes: u64,
    /// Entries that a cursor may lie behind its topic's newest. Beyond it the subscription's
    /// [`Overflow`](crate::Overflow) rule is applied.
    pub lag_entries: u64,
    /// Bytes that a cursor may lie behind likewise.
    pub lag_bytes: u64,
    /// Bytes of all entries held, by history and by slow readers together. From seven eighths on, the rules
    /// of subscriptions are applied that lie behind what their topics keep anyway. Beyond it a publication
    /// first reduces its own topic's history to the last image, and is refused if that was not enough.
    pub memory_bytes: u64,
    /// Topics. Beyond it, what would make a new one is refused.
    pub topics: usize,
    /// Cursors: pairs of a subscription and a topic it covers. Beyond it, what would make a new one is
    /// refused.
    pub cursors: usize,
    /// Cursors of one session. Beyond it a subscription that would need more is refused; topics that are
    /// made later do not count.
    pub cursors_per_session: usize,
    /// Subscriptions of one session. Beyond it the next is refused.
    pub subscriptions_per_session: usize,
    /// Queues that have a name. Beyond it those that are empty and not in use are forgotten; if that is not
    /// enough, what would make a new one is refused.
    pub queues: usize,
    /// Messages in one queue, those included that wait to be acknowledged. Beyond it a publication to the
    /// queue is refused; of what a queue gets from topics the oldest that wait are dropped, or else the new
    /// one.
    pub queue_entries: u64,
    /// Bytes in one queue, likewise. All queues together hold at most half of
    /// [`memory_bytes`](Self::memory_bytes), with the same rule; what topics feed to several of them counts
    /// once there, and a little for each.
    pub queue_bytes: u64,
    /// Durable subscriptions. Beyond it the next is refused.
    pub durables: usize,
    /// Sessions that outlive their connections, as far as they are without one. The broker does not count them
    /// itself: whoever keeps them does, and applies the rule.
    pub sessions: usize,
    /// Bytes of the messages that wait for the end of a connection, likewise.
    pub will_bytes: u64,
    /// How often a message is delivered again before it is dead.
    pub max_redeliveries: u32,
    /// Where dead messages go.
    pub dead_letters: DeadLetterQueue,
}

/// The queue that messages go to which could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeadLetterQueue {
    /// `ActiveMQ.DLQ`, for all queues.
    #[default]
    Shared,
    /// `DLQ.NAME`, for each queue or topic its own.
    Own,
}

impl Limits {
    /// How much there is of what all clients have in common.
    pub(crate) fn pool(&self, pool: Pool) -> u64 {
        match pool {
            Pool::Topics => self.topics as u64,
            Pool::Queues => self.queues as u64,
            Pool::QueueBytes => self.memory_bytes / 2,
            // A broker for a few messages still has subscribers.
            Pool::SubscriptionBytes => (self.memory_bytes / 2).max(1 << 20),
            Pool::TransactionBytes => self.memory_bytes / 4,
            Pool::Durables => self.durables as u64,
            Pool::Sessions => self.sessions as u64,
            Pool::WillBytes => self.will_bytes,
        }
    }

    pub(crate) fn lag(&self) -> Lag {
        Lag {
            entries: self.lag_entries,
            bytes: self.lag_bytes,
        }
    }
}

/// How far a cursor lies, or may lie, behind the end of its log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lag {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            history_entries: 1_000,
            history_bytes: 1 << 20,
            lag_entries: 10_000,
            lag_bytes: 16 << 20,
            memory_bytes: 512 << 20,
            topics: 100_000,
            cursors: 2_000_000,
            cursors_per_session: 200_000,
            subscriptions_per_session: 1_000,
            queues: 10_000,
            queue_entries: 1_000_000,
            queue_bytes: 128 << 20,
            durables: 1_000,
            sessions: 10_000,
            will_bytes: 64 << 20,
            max_redeliveries: 6,
            dead_letters: DeadLetterQueue::Shared,
        }
    }
}
