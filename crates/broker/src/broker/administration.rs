//! Operations on queues for an operator.

use std::sync::Arc;

use crate::{
    broker::Broker,
    figures::QueueFigures,
    name::TopicName,
    queue::{Browsed, ConsumerFigures, Queue},
    subscription_id::SubscriptionId,
    sync::lock_state,
};

impl Broker {
    /// Returns the figures of one queue.
    #[must_use]
    pub fn queue(&self, name: &TopicName) -> Option<QueueFigures> {
        let queue = self.named_queue(name)?;
        Some(queue.figures(name))
    }

    /// Returns the messages of a queue after a position, oldest first, without consuming them; at most `most`. If it does
    /// not return the last ones, the caller continues after the last one returned.
    #[must_use]
    pub fn browse(&self, name: &TopicName, after: u64, most: usize) -> Option<Browsed> {
        Some(self.named_queue(name)?.browse(after, most))
    }

    /// Returns the consumers of a queue with greater subscription numbers than `after`, in their order; at most `most`. Each
    /// is examined alone, so the list is not a snapshot.
    #[must_use]
    pub fn queue_consumers(
        &self,
        name: &TopicName,
        after: u64,
        most: usize,
    ) -> Option<Vec<ConsumerFigures>> {
        let queue = self.named_queue(name)?;
        let mut last = Some(SubscriptionId(after));
        let consumers = std::iter::from_fn(|| {
            let next = queue.consumer_figures_after(last)?;
            last = Some(next.id);
            Some(next)
        });
        Some(consumers.take(most).collect())
    }

    /// Deletes all waiting messages of a queue. Returns their number.
    pub fn purge(&self, name: &TopicName) -> Option<usize> {
        Some(self.named_queue(name)?.purge())
    }

    /// Deletes a queue with its waiting messages. Returns their number. A queue with consumers is only emptied.
    pub fn remove_queue(&self, name: &TopicName) -> Option<usize> {
        let mut state = lock_state(&self.state);
        let queue = Arc::clone(state.queues.named.find(name.as_str())?);
        if queue.consumer_count() == 0 {
            state.remove_queue(name);
        }
        drop(state);
        Some(queue.purge())
    }

    fn named_queue(&self, name: &TopicName) -> Option<Arc<Queue>> {
        let state = lock_state(&self.state);
        state.queues.named.find(name.as_str()).map(Arc::clone)
    }
}
