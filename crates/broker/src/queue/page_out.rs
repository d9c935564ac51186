//! Paging out: the content of waiting messages leaves memory, because the journal has it.

use std::sync::Arc;

use super::{Queue, Queued, State, Store, paged::PagedMessage, store::PLACE};
use crate::sync::Ordering;

/// The task of one call for one queue.
#[derive(Debug, Clone, Copy)]
struct PageOut {
    /// Messages after this position are not durable yet.
    durable: u64,
    /// Maximum number of messages.
    most: usize,
    /// Bytes to be freed.
    bytes: u64,
    /// Bytes that the queue keeps for its consumers.
    kept: u64,
}

/// The messages of one step.
#[derive(Default)]
struct Step {
    out: Vec<Queued>,
    /// Not all messages were examined.
    is_cut: bool,
    /// There are messages that are not durable yet.
    waits_for_disk: bool,
}

/// The result of one call for one queue.
#[derive(Debug, Clone, Copy, Default)]
struct PagedOut {
    count: usize,
    /// There are messages that are not durable yet.
    waits_for_disk: bool,
}

impl Store {
    /// Returns whether messages must be paged out.
    #[inline]
    pub(crate) fn must_page_out(&self) -> bool {
        self.journal.is_some() && self.is_above_mark() && !self.paging.is_pausing()
    }

    fn is_above_mark(&self) -> bool {
        self.bytes_in_memory() > self.paging.marks().high || self.paging.has_large()
    }

    /// Returns whether publishers of recorded messages must wait until these can be paged out.
    #[inline]
    pub(crate) fn must_wait_for_paging(&self) -> bool {
        self.journal.is_some() && self.bytes_in_memory() > self.paging.marks().wait
    }

    /// Returns the bytes in all queues without the places of paged messages.
    fn bytes_in_memory(&self) -> u64 {
        self.bytes_in_all().saturating_sub(self.paging.places())
    }

    /// Returns whether a message of an earlier run has room in memory.
    pub(crate) fn has_room_for_restored(&self, bytes: u64) -> bool {
        bytes <= self.room_for_restored()
    }

    /// Returns the bytes of messages of an earlier run for which there is room in memory.
    pub(crate) fn room_for_restored(&self) -> u64 {
        let low = self.paging.marks().low;
        low.saturating_sub(self.bytes_in_memory())
    }

    /// Notes that all messages up to this position are durable when this ticket is complete.
    pub(crate) fn note_newest(&self, position: u64, ticket: u64) {
        self.paging.note_newest(position, ticket);
    }

    /// Pages out messages of the queues with the most bytes until the low mark is reached; a bounded number in one call.
    /// Only one thread does so at a time.
    #[cold]
    pub(crate) fn page_out(&self) {
        let Some(_running) = self.paging.begin() else {
            return;
        };
        let durable = self.paging.durable_position();
        let mut left = MESSAGES;
        let mut is_useless = true;
        for queue in self.paging.largest(QUEUES) {
            let marks = self.paging.marks();
            let in_memory = self.bytes_in_memory();
            let held = queue.load().bytes;
            let too_much = in_memory.saturating_sub(marks.low);
            let bytes = too_much.max(self.paging.above_queue_mark(held));
            if bytes == 0 || left == 0 {
                break;
            }
            let plan = PageOut {
                durable,
                most: left,
                bytes,
                kept: match in_memory > marks.urgent {
                    true => 0,
                    false => marks.high / KEPT_SHARE,
                },
            };
            let done = queue.page_out(plan);
            left -= done.count;
            is_useless &= done.count == 0 && !done.waits_for_disk;
        }
        if is_useless {
            // For example, most messages are not persistent. They are not examined at every publication.
            self.paging.pause();
        }
    }
}

impl Queue {
    /// Pages out messages.
    fn page_out(self: &Arc<Self>, plan: PageOut) -> PagedOut {
        let mut freed = 0;
        let mut done = PagedOut::default();
        while done.count < plan.most && freed < plan.bytes {
            let mut state = self.lock();
            let kept = match state.consumer_count() {
                0 => 0,
                _ => plan.kept,
            };
            if self.load().bytes <= kept {
                break;
            }
            let most = STEP.min(plan.most - done.count);
            let step = state.page_out(plan.durable, most);
            for message in &step.out {
                freed += message.entry.size();
                self.note_paged_out(&mut state, message);
            }
            done.count += step.out.len();
            done.waits_for_disk = step.waits_for_disk;
            drop(state);
            if step.out.is_empty() {
                if !step.is_cut && !step.waits_for_disk {
                    self.store.paging.unlist(self);
                }
                break;
            }
        }
        done
    }

    /// Keeps the counters when a message was paged out.
    fn note_paged_out(&self, state: &mut State, message: &Queued) {
        let entry = &message.entry;
        self.bytes.fetch_sub(entry.size(), Ordering::Relaxed);
        self.paged_bytes.fetch_add(entry.size(), Ordering::Relaxed);
        self.store.give_back(entry);
        self.store.take_places(1);
        self.store.paging.messages.fetch_add(1, Ordering::Relaxed);
        self.charge_owner();
        self.list_for_paging();
        state.groups.leave(entry);
    }
}

impl State {
    /// Moves waiting messages that the journal has to the paged ones, at most `most`: first those that all consumers have
    /// passed over, then the newest, which are needed last.
    fn page_out(&mut self, durable: u64, most: usize) -> Step {
        let end = durable.saturating_add(1);
        let passed = self.passed_by_all().unwrap_or(0).min(end);
        let mut positions: Vec<_> = self
            .waiting_between(0, passed)
            .take(EXAMINED)
            .filter(|(position, message)| message.may_be_paged() && !self.is_delayed(*position))
            .map(|(position, _)| position)
            .take(most)
            .collect();
        let mut is_cut = false;
        if positions.is_empty() {
            let below = self.page_out_below.take().unwrap_or(u64::MAX).min(end);
            let mut last = None;
            let mut examined = 0;
            for (position, message) in self.waiting_between(passed, below).take(EXAMINED) {
                examined += 1;
                last = Some(position);
                if message.may_be_paged() && !self.is_delayed(position) {
                    positions.push(position);
                }
                if positions.len() >= most {
                    break;
                }
            }
            // Long runs of messages that cannot be paged are not examined again and again.
            is_cut = examined == EXAMINED;
            self.page_out_below = last.filter(|_| is_cut && positions.is_empty());
        }
        let mut out = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(message) = self.take(position) else {
                continue;
            };
            if let Some(paged) = PagedMessage::of(&message.entry, message.deliveries) {
                let expires_ms = message.entry.expires_ms();
                self.paged.insert(position, paged, expires_ms);
                out.push(message);
            }
        }
        Step {
            out,
            is_cut,
            waits_for_disk: self.waiting_between(end, u64::MAX).next().is_some(),
        }
    }
}

impl Queued {
    /// Returns whether the journal has it, and the place of a paged message could keep all about it.
    fn may_be_paged(&self) -> bool {
        self.missed.is_none()
            && self.entry.may_be_recorded()
            && self.entry.account().is_some()
            && self.entry.size() < u64::from(u32::MAX)
    }
}

impl Store {
    /// Counts the places of paged messages.
    pub(super) fn take_places(&self, places: u64) {
        self.take_bytes(places * PLACE);
    }
}

/// Messages that one call pages out: more than one call usually publishes.
const MESSAGES: usize = 2_048;
/// Messages that are paged out while a queue is locked.
const STEP: usize = 128;
/// Messages examined in one step.
const EXAMINED: usize = 1_000;
/// Queues examined in one call.
const QUEUES: usize = 16;
/// A queue with consumers keeps this part of the high mark.
const KEPT_SHARE: u64 = 16;
