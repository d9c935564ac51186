//! Looking at a queue without taking anything out of it.
//!
//! It is no snapshot: what changes hands meanwhile may be seen twice, or not.

use std::sync::Arc;

use super::Queue;
use crate::{
    message::entry::{Entry, SharedEntry},
    message::scan_budget::Budget,
    session::subscription::SubscriptionId,
    sync::{Mutex, lock},
};

/// One consumer's look: first at what waits, in order, then at what each consumer has.
pub(super) struct Browse {
    pub(super) queue: Arc<Queue>,
    place: Mutex<Option<Place>>,
}

/// How far it has come.
struct Place {
    stage: Stage,
    /// What says that this was all.
    end: SharedEntry,
}

#[derive(Clone, Copy)]
enum Stage {
    /// What waits behind this position.
    Waiting(u64),
    /// What a consumer has behind this delivery; none yet.
    Held(Option<SubscriptionId>, u64),
}

/// A part of what there is to see, as much as is fetched at once.
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

    /// What is there next that is `wanted`. Nothing: the budget is spent, or what says that this was all
    /// has been told.
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

    /// Whether there may be more to see.
    pub(super) fn goes_on(&self) -> bool {
        lock(&self.place).is_some()
    }

    pub(super) fn end(&self) {
        lock(&self.place).take();
    }
}

impl Queue {
    /// A part of what there is to see, and where the next one begins.
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

    /// Takes an entry in, and tells whether there is room for another. There is always room for one.
    pub(super) fn take(&mut self, entry: &SharedEntry) -> bool {
        self.bytes += entry.size();
        self.entries.push(SharedEntry::clone(entry));
        self.entries.len() < Self::ENTRIES && self.bytes < Self::BYTES
    }

    pub(super) const ENTRIES: usize = 16;
    const BYTES: u64 = 64 << 10;
}
