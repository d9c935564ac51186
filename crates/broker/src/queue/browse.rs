//! Browsing a queue without consuming messages.
//!
//! A browse is not a snapshot: a message that moves between the queue and a consumer in the meantime may be seen twice,
//! or not at all. A message that is not in memory is loaded for the browser only.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Poll, Waker},
};

use super::{Consumer, Queue, paged::PartLimit};
use crate::{
    message::entry::SharedEntry,
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
    /// Messages are on their way from the journal.
    is_loading: bool,
}

/// The result of a stage.
enum Found {
    /// Messages, and the stage after them.
    Messages(Vec<SharedEntry>, Stage),
    /// The next messages are on their way from the journal.
    Loading,
}

/// A part of the messages of a queue: see [`Broker::browse`](crate::Broker::browse).
#[derive(Debug)]
pub struct Browsed {
    /// Messages in memory.
    pub entries: Vec<SharedEntry>,
    /// The messages after them, if these are not in memory.
    pub paged: Option<PagedMessages>,
}

/// Messages on their way from the journal.
#[derive(Debug)]
pub struct PagedMessages {
    last: u64,
    slot: Arc<BrowseSlot>,
}

/// The place for messages on their way, and the task that waits for them.
#[derive(Debug, Default)]
pub(crate) struct BrowseSlot(Mutex<Arriving>);

#[derive(Debug, Default)]
struct Arriving {
    entries: Option<Vec<SharedEntry>>,
    waker: Option<Waker>,
}

impl PagedMessages {
    /// Returns the messages up to a position that come to a slot.
    pub(super) fn new(last: u64, slot: Arc<BrowseSlot>) -> Self {
        Self { last, slot }
    }

    /// Returns the messages when they have arrived; those that have left the queue in the meantime are left out. Otherwise
    /// wakes `waker`, and no earlier one, when they have.
    pub fn poll(&mut self, waker: &Waker) -> Poll<Vec<SharedEntry>> {
        let mut arriving = lock(&self.slot.0);
        match arriving.entries.take() {
            Some(entries) => Poll::Ready(entries),
            None => {
                arriving.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// Returns the position of the last of them.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }
}

impl BrowseSlot {
    pub(super) fn fill(&self, entries: Vec<SharedEntry>) {
        let mut arriving = lock(&self.0);
        arriving.entries = Some(entries);
        let waker = arriving.waker.take();
        drop(arriving);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
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
            place: Mutex::new(Some(Place {
                stage,
                end,
                is_loading: false,
            })),
        }
    }

    /// Returns the next messages that the browser wants. Returns none if the budget is spent, the next messages are not in
    /// memory, or the end mark has been returned.
    pub(super) fn next(&self, browser: &Arc<Consumer>, budget: &mut Budget) -> Vec<SharedEntry> {
        let mut place = lock(&self.place);
        while let Some(Place {
            stage, is_loading, ..
        }) = &mut *place
        {
            if budget.is_spent() || *is_loading {
                return Vec::new();
            }
            let (mut found, next) = match self.queue.look(*stage, browser) {
                Some(Found::Messages(found, next)) => (found, next),
                Some(Found::Loading) => {
                    *is_loading = true;
                    return Vec::new();
                }
                None => return place.take().map(|place| place.end).into_iter().collect(),
            };
            *stage = next;
            if found.is_empty() {
                budget.spend();
            }
            found.retain(|entry| {
                let is_wanted = browser.wants(entry);
                if !is_wanted {
                    budget.spend_on(entry, browser.body_reads(entry));
                }
                is_wanted
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Returns whether there may be more in memory.
    pub(super) fn has_more(&self) -> bool {
        let place = lock(&self.place);
        place.as_ref().is_some_and(|place| !place.is_loading)
    }

    /// Continues after messages that were loaded.
    pub(super) fn end_load(&self, last: u64) {
        if let Some(place) = &mut *lock(&self.place) {
            place.is_loading = false;
            place.stage = Stage::Waiting(last);
        }
    }

    pub(super) fn end(&self) {
        lock(&self.place).take();
    }
}

impl Queue {
    /// Returns what comes next. If that is not in memory, it is loaded for the browser.
    fn look(self: &Arc<Self>, stage: Stage, browser: &Arc<Consumer>) -> Option<Found> {
        let mut state = self.lock();
        let (id, after) = match stage {
            Stage::Held(id, after) => (id, after),
            Stage::Waiting(after) => {
                let mut part = Part::new();
                let paged = state.paged.first_from(after.saturating_add(1));
                let is_in_memory =
                    |entry: &&SharedEntry| paged.is_none_or(|paged| entry.position() < paged);
                state
                    .waiting_after(after)
                    .take_while(is_in_memory)
                    .all(|entry| part.take(entry));
                if let Some(last) = part.entries.last() {
                    let stage = Stage::Waiting(last.position());
                    return Some(Found::Messages(part.entries, stage));
                }
                let Some(paged) = paged else {
                    return Some(Found::Messages(part.entries, Stage::Held(None, 0)));
                };
                let positions = state.paged_run(paged..u64::MAX, Part::LIMIT);
                self.load_for_browser(&mut state, positions, browser);
                return Some(Found::Loading);
            }
        };
        let holder = id.and_then(|id| Some(Arc::clone(state.consumer(state.place_of(id)?))));
        drop(state);
        let mut part = Part::new();
        if let Some(holder) = holder
            && let Some(after) = holder.look_at_held(self, after, &mut part)
        {
            return Some(Found::Messages(part.entries, Stage::Held(id, after)));
        }
        let next = self.lock().consumer_after(id)?;
        let stage = Stage::Held(Some(next.id), 0);
        Some(Found::Messages(part.entries, stage))
    }

    /// Returns waiting and unacknowledged messages after a position, in order; at most `most`.
    pub(crate) fn browse(self: &Arc<Self>, after: u64, most: usize) -> Browsed {
        let mut entries = self.browse_in_memory(after, most);
        let mut state = self.lock();
        let Some(paged) = state.paged.first_from(after.saturating_add(1)) else {
            return Browsed {
                entries,
                paged: None,
            };
        };
        let before_paged = entries.partition_point(|entry| entry.position() < paged);
        let after_paged = entries.get(before_paged).map(|entry| entry.position());
        entries.truncate(before_paged);
        let left = most - entries.len();
        if left == 0 {
            return Browsed {
                entries,
                paged: None,
            };
        }
        let limit = PartLimit {
            messages: left.min(Part::LIMIT.messages),
            ..Part::LIMIT
        };
        let positions = state.paged_run(paged..after_paged.unwrap_or(u64::MAX), limit);
        let slot = Arc::<BrowseSlot>::default();
        let last = positions.last().copied().unwrap_or(paged);
        self.load_for_caller(&mut state, positions, &slot);
        let paged = Some(PagedMessages { last, slot });
        Browsed { entries, paged }
    }

    /// Returns waiting and unacknowledged messages in memory after a position, in order; at most `most`.
    pub(crate) fn browse_in_memory(&self, after: u64, most: usize) -> Vec<SharedEntry> {
        let state = self.lock();
        let consumers = state.consumers();
        let waiting = state.waiting_after(after).take(most);
        // Sorted by position, because a message may move between queue and consumer in the meantime.
        let mut found: BTreeMap<_, _> = waiting
            .map(|entry| (entry.position(), SharedEntry::clone(entry)))
            .collect();
        drop(state);
        for consumer in consumers {
            consumer.for_each_unsettled(self, |entry| {
                let position = entry.position();
                let is_full = found.len() >= most;
                let is_before = |(last, _): (&u64, _)| position < *last;
                if position > after && (!is_full || found.last_key_value().is_some_and(is_before)) {
                    found.insert(position, SharedEntry::clone(entry));
                    if found.len() > most {
                        found.pop_last();
                    }
                }
            });
        }
        found.into_values().collect()
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
    /// The bounds of what is loaded for a browser at once.
    const LIMIT: PartLimit = PartLimit {
        messages: 128,
        bytes: Self::BYTES,
    };
}
