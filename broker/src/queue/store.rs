//! What all queues share: their bounds, the bytes they hold together, and the dead on their way to a dead
//! letter queue.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Queue, Queued, groups::IdleInAll};
use crate::{
    entry::{Entry, Publication},
    limits::Limits,
    notice::DeathCause,
    sync::{AtomicBool, Mutex, lock},
};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
    /// Of all messages, each counted once however many queues have it, and of its places in them.
    bytes: AtomicU64,
    pub(super) idle_groups: IdleInAll,
    /// To be sent to a dead letter queue, if they are wanted there.
    dead: Burial,
    /// Dropped at a bound: only to be told of.
    dropped: Burial,
}

/// Collected here, since who finds a message dead may hold locks that dealing with it needs.
#[derive(Debug)]
struct Burial {
    dead: Mutex<Vec<Dead>>,
    is_empty: AtomicBool,
}

/// A message that left its queue without having been acknowledged.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) queue: Arc<Queue>,
    pub(crate) message: Queued,
    pub(crate) cause: DeathCause,
}

/// Messages and their bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// What is too much by one message that is to come into a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    entries: u64,
    bytes: u64,
    /// In all queues.
    bytes_in_all: u64,
}

impl Load {
    pub(crate) fn of(publication: &Publication) -> Self {
        Self {
            entries: 1,
            bytes: publication.size(),
        }
    }

    /// What it counts for in all queues, if only one has it.
    fn cost(self) -> u64 {
        self.bytes + self.entries * PLACE
    }
}

impl Excess {
    pub(super) fn is_none(&self) -> bool {
        self.entries == 0 && self.bytes == 0 && self.bytes_in_all == 0
    }

    /// Whether it would remain if all was dropped that a queue holds.
    pub(super) fn is_more_than(&self, held: Load) -> bool {
        self.entries > held.entries || self.bytes > held.bytes || self.bytes_in_all > held.cost()
    }

    /// What remains if the queue drops an entry.
    pub(super) fn without(self, entry: &Entry) -> Self {
        Self {
            entries: self.entries.saturating_sub(1),
            bytes: self.bytes.saturating_sub(entry.size()),
            bytes_in_all: self
                .bytes_in_all
                .saturating_sub(cost(entry, entry.queues() == 1)),
        }
    }
}

/// What an entry in a queue counts for in all of them: its place, and itself if no other queue has it.
fn cost(entry: &Entry, is_only_here: bool) -> u64 {
    if is_only_here {
        entry.size() + PLACE
    } else {
        PLACE
    }
}

/// Whether there is room for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// What is reached, and at what number.
    Full(&'static str, u64),
}

impl Store {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: limits.clone(),
            bytes: AtomicU64::new(0),
            idle_groups: IdleInAll::default(),
            dead: Burial::new(),
            dropped: Burial::new(),
        })
    }

    /// Whether a queue that holds `held` may take `more` in.
    pub(crate) fn room(&self, held: Load, more: Load) -> Room {
        if held.entries + more.entries > self.limits.queue_entries {
            Room::Full("messages in one queue", self.limits.queue_entries)
        } else if held.bytes + more.bytes > self.limits.queue_bytes {
            Room::Full("bytes in one queue", self.limits.queue_bytes)
        } else {
            self.room_in_all(more)
        }
    }

    /// Whether all queues together may take so much in that none of them has.
    pub(crate) fn room_in_all(&self, more: Load) -> Room {
        let limit = self.limit_in_all();
        if self.bytes.load(Ordering::Relaxed) + more.cost() > limit {
            Room::Full("bytes in all queues", limit)
        } else {
            Room::Enough
        }
    }

    fn limit_in_all(&self) -> u64 {
        self.limits.memory_bytes / PART
    }

    /// What would be too much if a queue that holds `held` took in an entry too, which others may have.
    pub(super) fn excess(&self, held: Load, entry: &Entry) -> Excess {
        let in_all = self.bytes.load(Ordering::Relaxed) + cost(entry, entry.queues() == 0);
        Excess {
            entries: (held.entries + 1).saturating_sub(self.limits.queue_entries),
            bytes: (held.bytes + entry.size()).saturating_sub(self.limits.queue_bytes),
            bytes_in_all: in_all.saturating_sub(self.limit_in_all()),
        }
    }

    /// An entry comes into one more queue.
    pub(super) fn take(&self, entry: &Entry) {
        let more = cost(entry, entry.enter_queue());
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// An entry leaves a queue.
    pub(super) fn give_back(&self, entry: &Entry) {
        let less = cost(entry, entry.leave_queue());
        self.bytes.fetch_sub(less, Ordering::Relaxed);
    }

    pub(super) fn bury(&self, dead: Dead) {
        match dead.cause {
            DeathCause::QueueFull => self.dropped.add(dead),
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected | DeathCause::Expired => {
                self.dead.add(dead);
            }
        }
    }

    /// The dead that a dead letter queue may want, taken out.
    pub(crate) fn take_dead(&self) -> Vec<Dead> {
        self.dead.take()
    }

    /// Those that were dropped at a bound, taken out.
    pub(crate) fn take_dropped(&self) -> Vec<Dead> {
        self.dropped.take()
    }
}

impl Burial {
    fn new() -> Self {
        Self {
            dead: Mutex::default(),
            is_empty: AtomicBool::new(true),
        }
    }

    fn add(&self, dead: Dead) {
        let mut all = lock(&self.dead);
        all.push(dead);
        self.is_empty.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<Dead> {
        // Who added one and comes here sees it; others' are theirs to take.
        if self.is_empty.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut all = lock(&self.dead);
        self.is_empty.store(true, Ordering::Relaxed);
        std::mem::take(&mut *all)
    }
}

/// All queues together may have this part of the broker's memory.
const PART: u64 = 2;
/// What a place in a queue counts for besides the message itself, which others may have too: about what
/// the maps need in which it waits, or is in somebody's hands, and what is known of its group.
const PLACE: u64 = 128;
