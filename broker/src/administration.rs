//! What an operator sees of queues and does to them.

use std::sync::Arc;

use crate::{
    broker::Broker,
    entry::SharedEntry,
    figures::QueueFigures,
    name::{TopicFilter, TopicName},
    queue::Queue,
    sync::lock_order,
};

impl Broker {
    /// The queues that `filter` covers, with their figures, by name; at most `most` of them, and how many
    /// more there are.
    #[must_use]
    pub fn queues(&self, filter: &TopicFilter, most: usize) -> (Vec<QueueFigures>, usize) {
        let mut found = Vec::new();
        lock_order(&self.order)
            .queues
            .named
            .for_each_covered(filter, |queue| {
                if let Some(name) = queue.name() {
                    found.push((name.clone(), Arc::clone(queue)));
                }
            });
        let more = found.len().saturating_sub(most);
        if more > 0 {
            found.select_nth_unstable_by(most, |(one, _), (other, _)| one.cmp(other));
            found.truncate(most);
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let figures = found.iter().map(|(name, queue)| queue.figures(name));
        (figures.collect(), more)
    }

    /// The figures of one queue.
    #[must_use]
    pub fn queue(&self, name: &TopicName) -> Option<QueueFigures> {
        let queue = self.named_queue(name)?;
        Some(queue.figures(name))
    }

    /// What is in a queue behind a position, oldest first, without taking it; at most `most`.
    #[must_use]
    pub fn browse(&self, name: &TopicName, after: u64, most: usize) -> Option<Vec<SharedEntry>> {
        Some(self.named_queue(name)?.browse(after, most))
    }

    /// Lets go of all that waits in a queue; tells how many messages that was.
    pub fn purge(&self, name: &TopicName) -> Option<usize> {
        Some(self.named_queue(name)?.purge())
    }

    /// Removes a queue with what waits in it; tells how many messages that was. While somebody consumes from
    /// it, it is only emptied.
    pub fn remove_queue(&self, name: &TopicName) -> Option<usize> {
        let mut order = lock_order(&self.order);
        let queue = Arc::clone(order.queues.named.find(name.as_str())?);
        if queue.consumer_count() == 0 {
            order.remove_queue(name);
        }
        drop(order);
        Some(queue.purge())
    }

    fn named_queue(&self, name: &TopicName) -> Option<Arc<Queue>> {
        let order = lock_order(&self.order);
        order.queues.named.find(name.as_str()).map(Arc::clone)
    }
}
