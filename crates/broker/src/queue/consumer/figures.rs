//! The consumers of a queue as an operator sees them.

use std::sync::Arc;

use super::{Consumer, QueueUse, Session};
use crate::{
    name::TopicFilter, queue::Queue, queue::in_flight::HeldCount, subscription_id::SubscriptionId,
    sync::lock,
};

/// A consumer of a queue, with what it has of this queue.
#[derive(Debug, Clone)]
pub struct ConsumerFigures {
    /// Its subscription.
    pub id: SubscriptionId,
    /// Its session.
    pub session: Arc<Session>,
    /// The queues or topics that it subscribes to.
    pub filter: TopicFilter,
    /// The condition on messages.
    pub selector: Option<String>,
    /// True if it is an exclusive consumer.
    pub is_exclusive: bool,
    /// Maximum number of messages that it may have, of all its queues.
    pub prefetch: usize,
    /// Messages, of the queue or of all its queues, that it has and has not settled.
    pub held: u64,
    /// The time at which the oldest of them was delivered, in Unix milliseconds; `None` if none was.
    pub oldest_held_ms: Option<u64>,
}

impl Consumer {
    /// Returns the figures, with the messages of all its queues.
    pub(crate) fn figures(&self) -> ConsumerFigures {
        self.figures_with(lock(&self.in_flight).count_all())
    }

    /// Returns the queue that only this consumer has.
    pub(crate) fn own_queue(&self) -> Option<Arc<Queue>> {
        let is_own = self.queue_use == QueueUse::Alone;
        self.queues().first().filter(|_| is_own).cloned()
    }

    fn figures_with(&self, held: HeldCount) -> ConsumerFigures {
        ConsumerFigures {
            id: self.id,
            session: Arc::clone(&self.session),
            filter: self.filter.clone(),
            selector: self.selector.as_ref().map(ToString::to_string),
            is_exclusive: self.is_exclusive,
            prefetch: self.prefetch,
            held: held.messages,
            oldest_held_ms: held.oldest_read_ms,
        }
    }
}

impl Queue {
    /// Returns the first consumer with a greater id. Locks the queue, and then the consumer.
    pub(crate) fn consumer_figures_after(
        &self,
        id: Option<SubscriptionId>,
    ) -> Option<ConsumerFigures> {
        let consumer = self.lock().consumer_after(id)?;
        let held = lock(&consumer.in_flight).count(self);
        Some(consumer.figures_with(held))
    }

    /// Returns the number of messages that wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.lock().waiting()
    }
}
