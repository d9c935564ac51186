//! What an operator sees of queues and does to them.

use std::sync::Arc;

use crate::{
    broker::Broker,
    entry::Entry,
    figures::QueueFigures,
    name::{TopicFilter, TopicName},
    queue::Queue,
    sync::lock,
};

impl Broker {
    /// The queues that `filter` covers, with their figures, by name; at most `most` of them, and how many
    /// more there are.
    #[must_use]
    pub fn queues(&self, filter: &TopicFilter, most: usize) -> (Vec<QueueFigures>, usize) {
        let mut found = Vec::new();
        lock(&self.order)
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
    pub fn browse(&self, name: &TopicName, after: u64, most: usize) -> Option<Vec<Arc<Entry>>> {
        Some(self.named_queue(name)?.browse(after, most))
    }

    /// Lets go of all that waits in a queue; tells how many messages that was.
    pub fn purge(&self, name: &TopicName) -> Option<usize> {
        Some(self.named_queue(name)?.purge())
    }

    /// Removes a queue with what is in it and was not delivered; tells how many messages that was. What was
    /// delivered may still be settled, and is gone when it comes back. Those who subscribe to just this name
    /// have a new queue, which is empty.
    pub fn remove_queue(&self, name: &TopicName) -> Option<usize> {
        let queue = lock(&self.order).remove_queue(name, &self.store)?;
        Some(queue.remove())
    }

    fn named_queue(&self, name: &TopicName) -> Option<Arc<Queue>> {
        let order = lock(&self.order);
        order.queues.named.find(name.as_str()).map(Arc::clone)
    }
}
