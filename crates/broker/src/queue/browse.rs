//! Browsing a queue without consuming messages.
//!
//! A browse is not a snapshot: a message that moves between the queue and a consumer in the meantime may be seen twice,
//! or not at all.

use std::sync::Arc;

use super::Queue;
use crate::{
    message::entry::{Entry, SharedEntry},
    message::scan_budget::Budget,
    subscription_id::SubscriptionId,
    sync::{Mutex, lock},
};

/// The browse of one consumer: first the waiting messages in order, then the messages of each consumer.
pub(super) struct Browse {
    pub(super) queue: Arc<Queue>,
    place: Mutex<Option<Place>>,
}

/// The progress of a browse.
struct Place {
    stage: Stage,
    /// The message that marks the end.
    end: SharedEntry,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Waiting messages after this position.
    Waiting(u64),
    /// The messages of a consumer after this delivery; `None` before the first consumer.
    Held(Option<SubscriptionId>, u64),
}

/// The messages that are fetched at once.
pub(super) struct Part {
    entries: Vec<SharedEntry>,
    bytes: u64,
}

impl Browse {
    pub(super) fn new(queue: Arc<Queue>, end: SharedEntry) -> Self {
        let stage = Stage::Waiting(0);
        Self {
            queue,
            place: Mutex::new(Some(Place { stage, end })),
        }
    }

    /// Returns the next messages that are `wanted`. Returns none if the budget is spent or the end mark has been
    /// returned.
    pub(super) fn next(
        &self,
        wanted: impl Fn(&Entry) -> bool,
        budget: &mut Budget,
    ) -> Vec<SharedEntry> {
        let mut place = lock(&self.place);
        while let Some(Place { stage, .. }) = &mut *place {
            if budget.is_spent() {
                return Vec::new();
            }
            let Some((mut found, next)) = self.queue.look(*stage) else {
                return place.take().map(|place| place.end).into_iter().collect();
            };
            *stage = next;
            if found.is_empty() {
                budget.spend();
            }
            found.retain(|entry| {
                let is_wanted = wanted(entry);
                if !is_wanted {
                    budget.spend_on(entry);
                }
                is_wanted
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Returns whether there may be more.
    pub(super) fn has_more(&self) -> bool {
        lock(&self.place).is_some()
    }

    pub(super) fn end(&self) {
        lock(&self.place).take();
    }
}

impl Queue {
    /// Returns the next messages, and the stage after them.
    fn look(&self, stage: Stage) -> Option<(Vec<SharedEntry>, Stage)> {
        let state = self.lock();
        let (id, after) = match stage {
            Stage::Held(id, after) => (id, after),
            Stage::Waiting(after) => {
                let mut part = Part::new();
                state.waiting_after(after).all(|entry| part.take(entry));
                return Some(match part.entries.last() {
                    Some(last) => {
                        let stage = Stage::Waiting(last.position());
                        (part.entries, stage)
                    }
                    None => (part.entries, Stage::Held(None, 0)),
                });
            }
        };
        let holder = id.and_then(|id| Some(Arc::clone(state.consumer(state.place_of(id)?))));
        drop(state);
        let mut part = Part::new();
        if let Some(holder) = holder
            && let Some(after) = holder.look_at_held(self, after, &mut part)
        {
            return Some((part.entries, Stage::Held(id, after)));
        }
        let next = self.lock().consumer_after(id)?;
        Some((part.entries, Stage::Held(Some(next.id), 0)))
    }
}

impl Part {
    fn new() -> Self {
        Self {
            entries: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds an entry. Returns whether there is room for another; the first always has room.
    pub(super) fn take(&mut self, entry: &SharedEntry) -> bool {
        self.bytes += entry.size();
        self.entries.push(SharedEntry::clone(entry));
        self.entries.len() < Self::ENTRIES && self.bytes < Self::BYTES
    }

    pub(super) const ENTRIES: usize = 16;
    const BYTES: u64 = 64 << 10;
}
