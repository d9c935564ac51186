//! What a consumer had in hand, on its way back to the queues it came from.

use std::{collections::HashMap, sync::Arc};

use super::{Queue, Queued, in_flight::Held};

/// Messages on their way back, by queue.
#[derive(Default)]
pub(super) struct Returned(HashMap<*const Queue, (Arc<Queue>, Vec<Queued>)>);

impl Returned {
    pub(super) fn add(&mut self, Held { message, queue }: Held) {
        let by_queue = self.0.entry(Arc::as_ptr(&queue));
        let (_, messages) = by_queue.or_insert_with(|| (queue, Vec::new()));
        messages.push(message);
    }

    pub(super) fn of(&mut self, queue: &Arc<Queue>) -> Vec<Queued> {
        let found = self.0.remove(&Arc::as_ptr(queue));
        found.map_or_else(Vec::new, |(_, messages)| messages)
    }

    /// Gives all of them back; tells which queues may want to give them to others.
    pub(super) fn take_back(self) -> Vec<Arc<Queue>> {
        let by_queue = self.0.into_values();
        let wanted =
            by_queue.filter_map(|(queue, messages)| queue.take_back(messages).then_some(queue));
        wanted.collect()
    }
}
