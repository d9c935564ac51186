//! Messages of a consumer that return to their queues.

use std::{collections::HashMap, sync::Arc};

use super::{Queue, Queued, in_flight::Held};

/// Returning messages, by queue.
#[derive(Default)]
pub(super) struct Returned(HashMap<*const Queue, (Arc<Queue>, Vec<Queued>)>);

impl Returned {
    pub(super) fn add(&mut self, Held { message, queue, .. }: Held) {
        let by_queue = self.0.entry(Arc::as_ptr(&queue));
        let (_, messages) = by_queue.or_insert_with(|| (queue, Vec::new()));
        messages.push(message);
    }

    pub(super) fn of(&mut self, queue: &Arc<Queue>) -> Vec<Queued> {
        let found = self.0.remove(&Arc::as_ptr(queue));
        found.map_or_else(Vec::new, |(_, messages)| messages)
    }

    /// Returns all messages to their queues at `now_ms`. The result has the queues whose messages may go to
    /// other consumers.
    pub(super) fn take_back(self, now_ms: u64) -> Vec<Arc<Queue>> {
        let by_queue = self.0.into_values();
        let wanted = by_queue.filter_map(|(queue, messages)| {
            let is_wanted = queue.take_back(messages, now_ms);
            is_wanted.then_some(queue)
        });
        wanted.collect()
    }
}
