//! The pauses and the end of a consumer: its messages return to their queues.

use std::sync::Arc;

use super::{Consumer, Source};
use crate::{
    queue::Queue,
    queue::returned::Returned,
    sync::{Ordering, lock},
};

impl Consumer {
    /// Puts all its messages back, and gets no more until [`Consumer::resume`]. Returns the queues whose messages must
    /// be distributed. The session is paused.
    pub(crate) fn pause(&self) -> Arc<Vec<Arc<Queue>>> {
        let queues = self.queues();
        if queues.is_empty() {
            return queues;
        }
        let unsettled = lock(&self.in_flight).pause();
        let mut returned = Returned::default();
        unsettled.into_iter().for_each(|held| returned.add(held));
        for queue in queues.iter() {
            queue.pause(self, returned.of(queue));
        }
        queues
    }

    /// Takes no more messages, and keeps the delivered ones until they are settled. Returns the queues whose messages
    /// must be distributed, or `None` if nothing is to be settled: then the consumer can end at once.
    pub(crate) fn leave(&self) -> Option<Arc<Vec<Arc<Queue>>>> {
        let unread = lock(&self.in_flight).leave()?;
        let mut returned = Returned::default();
        unread.into_iter().for_each(|held| returned.add(held));
        let queues = self.queues();
        for queue in queues.iter() {
            queue.pause(self, returned.of(queue));
        }
        Some(queues)
    }

    /// Returns true when all deliveries that the consumer had when it started to leave are settled.
    pub(crate) fn has_left(&self) -> bool {
        lock(&self.in_flight).has_left()
    }

    /// Takes messages again. Returns the queues whose messages must be distributed.
    /// [`Consumer::fetch_unless_scheduled`] scans the others.
    pub(crate) fn resume(&self) -> Vec<Arc<Queue>> {
        lock(&self.in_flight).resume();
        let queues = self.queues();
        let changed = queues.iter().filter(|queue| queue.resume());
        changed.cloned().collect()
    }

    /// Takes no more messages from now on. [`Consumer::close`] puts its messages back into the queues.
    pub(crate) fn stop(&self) {
        self.cancelled.store(true, Ordering::Release);
        lock(&self.in_flight).stop();
    }

    /// Ends the consumer, which has been removed from `queues`. Its messages return to them, and the caller must
    /// distribute them.
    pub(crate) fn close(&self, queues: &[Arc<Queue>]) {
        self.stop();
        let unsettled = lock(&self.in_flight).close();
        if let Source::Browse(look) = &self.source {
            look.end();
        }
        let mut returned = Returned::default();
        unsettled.into_iter().for_each(|held| returned.add(held));
        for queue in queues {
            queue.leave(self, returned.of(queue));
        }
    }
}
