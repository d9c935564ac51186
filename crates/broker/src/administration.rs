//! What an operator sees of queues and does to them.

use std::sync::Arc;

use crate::{
    broker::Broker, figures::QueueFigures, message::entry::SharedEntry, name::TopicName,
    queue::Queue, sync::lock_state,
};

impl Broker {
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
