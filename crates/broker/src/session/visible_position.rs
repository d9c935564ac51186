//! How far the order has got, as readers see it.
//!
//! A reader may meet an entry in a log while its publisher is still announcing it and what came before
//! it. It must not be read yet, and the publisher will not announce it to this reader again. So the reader
//! leaves its session here, and the publisher that gets there schedules it.

use std::sync::Arc;

use crate::{
    session::Session,
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence, lock},
};

#[derive(Debug)]
pub(crate) struct VisiblePosition {
    /// The newest position that is in its log and announced to all who cover it.
    position: AtomicU64,
    is_awaited: AtomicBool,
    /// Sessions that met an entry beyond; emptied by the next publisher.
    early: Mutex<Vec<Arc<Session>>>,
}

impl VisiblePosition {
    pub(crate) fn new() -> Self {
        Self {
            position: AtomicU64::new(0),
            is_awaited: AtomicBool::new(false),
            early: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Called by whoever holds the order, after everything up to `position` was announced.
    pub(crate) fn advance(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    /// Has the session scheduled once `position` is visible; false when it is already.
    pub(crate) fn wait_for(&self, position: u64, session: &Arc<Session>) -> bool {
        let mut early = lock(&self.early);
        if !early.iter().any(|other| Arc::ptr_eq(other, session)) {
            early.push(Arc::clone(session));
        }
        self.is_awaited.store(true, Ordering::Relaxed);
        drop(early);
        // With the fence in `schedule_early`: either the publisher sees that it is awaited, or its
        // position is seen here.
        fence(Ordering::SeqCst);
        self.position() < position
    }

    /// After [`VisiblePosition::advance`]: gives `ready` the sessions that waited and are up to the caller.
    pub(crate) fn schedule_early(&self, ready: &mut Vec<Arc<Session>>) {
        fence(Ordering::SeqCst);
        if !self.is_awaited.load(Ordering::Relaxed) {
            return;
        }
        let mut early = lock(&self.early);
        self.is_awaited.store(false, Ordering::Relaxed);
        ready.extend(early.drain(..).filter(|session| session.schedule()));
    }
}
