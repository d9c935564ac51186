//! What paging needs for all queues: the marks, the largest queues, and the messages on their way from the journal.
//!
//! A waiting message that the journal has is *paged out* when the queues hold many bytes: its content leaves memory, and
//! its position stays. It is *paged in* when a consumer comes near it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Weak},
};

use super::{Queue, paged::LoadRange, paged::PartLimit, store::PLACE};
use crate::{
    completion::Completion,
    journal::PageRequest,
    memory::limits::Limits,
    memory::share::Pool,
    queue::Consumer,
    queue::browse::BrowseSlot,
    sync::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering, lock, try_lock},
};

/// The part of the store that pages.
#[derive(Debug)]
pub(super) struct Paging {
    /// The bytes above which messages are paged out, if they are given: see [`Limits::page_out_bytes`].
    given_mark: Option<u64>,
    limit_in_all: u64,
    /// Bytes of messages in one queue above which its messages are paged out.
    queue_mark: u64,
    /// A queue is listed by its bytes, in steps of this size.
    step: u64,
    /// Bytes in all queues up to which no queue is listed.
    least_listed: u64,
    /// Number of paged messages in all queues.
    pub(super) messages: AtomicU64,
    /// Queues with bytes that may be paged out, by bytes and id.
    listed: Mutex<BTreeMap<(u64, u64), Weak<Queue>>>,
    /// A listed queue is above `queue_mark`.
    has_large: AtomicBool,
    durable: Mutex<Durable>,
    loads: Mutex<Loads>,
    /// Publications during which nothing is paged out, because the last attempt found nothing.
    pause: AtomicU64,
    /// Held by the thread that pages out.
    running: Mutex<()>,
    completion: Arc<Completion>,
}

/// Bytes in all queues, without the places of paged messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marks {
    /// Above this, messages are paged out.
    pub(super) high: u64,
    /// Paging out stops here.
    pub(super) low: u64,
    /// Above this, publishers of recorded messages wait until their messages can be paged out.
    pub(super) wait: u64,
    /// Above this, messages that a consumer needs soon are paged out too.
    pub(super) urgent: u64,
}

/// The position up to which all messages are durable. The journal forgets the content of a message when it is durable; to
/// page it out earlier would free nothing.
#[derive(Debug, Default)]
struct Durable {
    position: u64,
    /// Positions and the tickets that must be complete for them, ascending.
    pending: VecDeque<(u64, u64)>,
}

/// Messages on their way from the journal.
#[derive(Debug, Default)]
struct Loads {
    last_number: u64,
    pending: HashMap<u64, PendingLoad>,
}

/// Messages of one queue on their way from the journal.
#[derive(Debug)]
pub(crate) struct PendingLoad {
    pub(super) queue: Weak<Queue>,
    pub(super) positions: LoadRange,
    pub(super) purpose: Purpose,
}

impl PendingLoad {
    /// Ends the wait for the messages of a queue that was removed.
    pub(super) fn give_up(self) {
        if let Purpose::Browse(slot) = self.purpose {
            slot.fill(Vec::new());
        }
    }
}

/// The reason why messages are loaded.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Consumers need them.
    Scan,
    /// They have expired.
    Expiry,
    /// A browser shows them.
    Browser(Arc<Consumer>),
    /// The caller of [`Broker::browse`](crate::Broker::browse) waits for them.
    Browse(Arc<BrowseSlot>),
}

impl Paging {
    pub(super) fn new(limits: &Limits, completion: &Arc<Completion>) -> Self {
        let limit_in_all = limits.pool(Pool::QueueBytes);
        let mark = limits.page_out_bytes.unwrap_or(limit_in_all / 4);
        // Bytes that are not listed are at most one step for each queue: all together no more than the mark.
        let queues = (limits.queues + limits.durables).max(1) as u64;
        Self {
            given_mark: limits.page_out_bytes,
            limit_in_all,
            queue_mark: limits.queue_bytes / 2,
            step: (mark / queues).clamp(1, MOST_UNLISTED),
            least_listed: mark / 2,
            messages: AtomicU64::new(0),
            listed: Mutex::default(),
            has_large: AtomicBool::new(false),
            durable: Mutex::default(),
            loads: Mutex::default(),
            pause: AtomicU64::new(0),
            running: Mutex::default(),
            completion: Arc::clone(completion),
        }
    }

    /// Returns the marks: parts of what the places of paged messages leave. A single queue, or a client, reaches its share
    /// at half of it, so publications are not refused while messages can be paged out.
    pub(super) fn marks(&self) -> Marks {
        let places = self.places();
        let part = self.limit_in_all.saturating_sub(places) / 32;
        let high = self.given_mark.unwrap_or(8 * part);
        Marks {
            high,
            low: high / 4 * 3,
            wait: high + part,
            urgent: (14 * part).max(high),
        }
    }

    /// Returns the bytes that the places of paged messages count for.
    pub(super) fn places(&self) -> u64 {
        self.messages.load(Ordering::Relaxed) * PLACE
    }

    pub(super) fn has_large(&self) -> bool {
        self.has_large.load(Ordering::Relaxed)
    }

    /// Returns whether a queue of this size must be listed again, if it was listed with the other size. Queues are not
    /// listed while all together hold little; at most half of the mark is in queues that have not changed since then.
    pub(super) fn must_list(&self, bytes: u64, listed: u64, in_all: u64) -> bool {
        bytes.abs_diff(listed) >= self.step.max(listed / 8)
            && (listed > 0 || in_all > self.least_listed || bytes > self.queue_mark)
    }

    /// Lists a queue by its bytes.
    pub(super) fn list(&self, queue: &Queue, bytes: u64) {
        let mut all = lock(&self.listed);
        let bytes = if bytes < self.step { 0 } else { bytes };
        self.relist(&mut all, queue, bytes);
        if bytes > self.queue_mark {
            self.has_large.store(true, Ordering::Relaxed);
        }
    }

    /// Removes a queue from the list, until its content changes.
    pub(super) fn unlist(&self, queue: &Queue) {
        self.relist(&mut lock(&self.listed), queue, 0);
    }

    fn relist(&self, all: &mut BTreeMap<(u64, u64), Weak<Queue>>, queue: &Queue, bytes: u64) {
        let before = queue.listed.swap(bytes, Ordering::Relaxed);
        all.remove(&(before, queue.id));
        if bytes > 0 {
            all.insert((bytes, queue.id), Weak::clone(&queue.own));
        }
    }

    /// Returns the listed queues with the most bytes, at most `most`.
    pub(super) fn largest(&self, most: usize) -> Vec<Arc<Queue>> {
        let all = lock(&self.listed);
        let largest = all.last_key_value().map_or(0, |((bytes, _), _)| *bytes);
        if largest <= self.queue_mark {
            self.has_large.store(false, Ordering::Relaxed);
        }
        let queues = all.values().rev().take(most);
        queues.filter_map(Weak::upgrade).collect()
    }

    /// Returns the bytes that a queue of this size has above its own mark.
    pub(super) fn above_queue_mark(&self, bytes: u64) -> u64 {
        if bytes > self.queue_mark {
            bytes - self.queue_mark / 4 * 3
        } else {
            0
        }
    }

    /// Pages nothing out during the next publications.
    pub(super) fn pause(&self) {
        self.pause.store(PAUSE, Ordering::Relaxed);
    }

    /// Returns true during a pause, and counts one publication.
    pub(super) fn is_pausing(&self) -> bool {
        let left = self.pause.load(Ordering::Relaxed);
        // A lost count does not matter.
        self.pause.store(left.saturating_sub(1), Ordering::Relaxed);
        left > 0
    }

    /// Returns the right to page out, if no other thread has it.
    pub(super) fn begin(&self) -> Option<MutexGuard<'_, ()>> {
        try_lock(&self.running)
    }

    /// Notes that all messages up to this position are durable when this ticket is complete. Called with the broker's lock
    /// held.
    pub(super) fn note_newest(&self, position: u64, ticket: u64) {
        let mut durable = lock(&self.durable);
        let is_full = durable.pending.len() >= TICKETS;
        match durable.pending.back_mut() {
            Some(last) if last.1 == ticket || is_full => *last = (position, ticket),
            _ => durable.pending.push_back((position, ticket)),
        }
    }

    /// Notes that all messages up to this position are from an earlier run.
    pub(super) fn note_restored(&self, position: u64) {
        lock(&self.durable).position = position;
    }

    /// Returns the position up to which all messages are durable; an earlier one if no publication has noted it.
    pub(super) fn durable_position(&self) -> u64 {
        let mut durable = lock(&self.durable);
        while let Some((position, ticket)) = durable.pending.front().copied()
            && self.completion.is_complete(ticket)
        {
            durable.position = durable.position.max(position);
            durable.pending.pop_front();
        }
        durable.position
    }

    /// Returns the bounds of the next part of a queue while `free` bytes are free for all queues.
    pub(super) fn part_limit(&self, free: u64) -> PartLimit {
        PartLimit {
            messages: PART_MESSAGES,
            bytes: PART_BYTES.min(free / 16),
        }
    }

    /// Registers messages on their way. Returns the request for the journal.
    pub(super) fn begin_load(
        &self,
        queue: &Queue,
        journal_id: u32,
        positions: Vec<u64>,
        purpose: Purpose,
    ) -> PageRequest {
        let mut loads = lock(&self.loads);
        loads.last_number += 1;
        let number = loads.last_number;
        let load = PendingLoad {
            queue: Weak::clone(&queue.own),
            positions: LoadRange::of(&positions),
            purpose,
        };
        loads.pending.insert(number, load);
        PageRequest {
            number,
            queue: journal_id,
            positions: positions.into(),
        }
    }

    /// Returns messages that have arrived.
    pub(super) fn end_load(&self, number: u64) -> Option<PendingLoad> {
        lock(&self.loads).pending.remove(&number)
    }
}

/// Publications of a pause: with the usual reads of 64 KiB, at most 1 MiB.
const PAUSE: u64 = 16;
/// Maximum bytes of a queue that is not listed.
const MOST_UNLISTED: u64 = 64 << 10;
/// Tickets whose positions are remembered. Usually there are two: the changes that are being written, and the next ones.
const TICKETS: usize = 8;
/// Bounds of what one load of the journal reads.
const PART_MESSAGES: usize = 1_000;
const PART_BYTES: u64 = 256 << 10;
