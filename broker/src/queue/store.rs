//! What all queues share: their bounds, the bytes they hold together, and the dead on their way to a dead
//! letter queue.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Queue, Queued, groups::IdleInAll};
use crate::{
    entry::Publication,
    limits::Limits,
    notice::DeathCause,
    sync::{AtomicBool, Mutex, lock},
};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
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

impl Load {
    pub(crate) fn of(publication: &Publication) -> Self {
        Self {
            entries: 1,
            bytes: publication.size(),
        }
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
            self.room_in_all(more.bytes)
        }
    }

    /// Whether all queues together may take so many bytes in.
    pub(crate) fn room_in_all(&self, bytes: u64) -> Room {
        let limit = self.limits.memory_bytes / PART;
        if self.bytes.load(Ordering::Relaxed) + bytes > limit {
            Room::Full("bytes in all queues", limit)
        } else {
            Room::Enough
        }
    }

    /// Whether there would be room for a message if nothing else was there.
    pub(super) fn could_hold(&self, bytes: u64) -> bool {
        let most = self.limits.queue_bytes.min(self.limits.memory_bytes / PART);
        bytes <= most && self.limits.queue_entries > 0
    }

    pub(super) fn take(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
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
