//! What all queues share: their bounds, the bytes they hold together, and the dead on their way to a dead
//! letter queue.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{Queue, Queued};
use crate::{
    limits::Limits,
    notice::DeathCause,
    sync::{AtomicBool, Mutex, lock},
};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) limits: Limits,
    bytes: AtomicU64,
    /// Collected here, since who finds a message dead may hold locks that sending it on needs.
    dead: Mutex<Vec<Dead>>,
    has_dead: AtomicBool,
}

/// A message that left its queue without having been acknowledged.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) queue: Arc<Queue>,
    pub(crate) message: Queued,
    pub(crate) cause: DeathCause,
}

impl Store {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            limits: limits.clone(),
            bytes: AtomicU64::new(0),
            dead: Mutex::default(),
            has_dead: AtomicBool::new(false),
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn bury(&self, queue: &Arc<Queue>, message: Queued, cause: DeathCause) {
        lock(&self.dead).push(Dead {
            queue: Arc::clone(queue),
            message,
            cause,
        });
        self.has_dead.store(true, Ordering::Release);
    }

    /// The dead, taken out.
    pub(crate) fn take_dead(&self) -> Vec<Dead> {
        if !self.has_dead.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *lock(&self.dead))
    }
}
