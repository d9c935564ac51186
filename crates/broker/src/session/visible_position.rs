//! The newest position that readers may read.
//!
//! A reader may find an entry in a log while its publisher is still announcing it and earlier entries. The reader must
//! not read it yet, and the publisher will not announce it to this reader again. So the reader registers its session
//! here, and the publisher that reaches the position schedules it.

use std::sync::Arc;

use crate::{
    session::Session,
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence, lock},
};

#[derive(Debug)]
pub(crate) struct VisiblePosition {
    /// The newest position whose entry is in its log and announced to all cursors that cover it.
    position: AtomicU64,
    is_awaited: AtomicBool,
    /// Sessions that found a later entry; emptied by the next publisher.
    waiting_sessions: Mutex<Vec<Arc<Session>>>,
}

impl VisiblePosition {
    pub(crate) fn new() -> Self {
        Self {
            position: AtomicU64::new(0),
            is_awaited: AtomicBool::new(false),
            waiting_sessions: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Called by the holder of the broker's lock, after everything up to `position` was announced.
    pub(crate) fn advance(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    /// Schedules the session once `position` is visible. Returns false if it is visible already.
    pub(crate) fn wait_for(&self, position: u64, session: &Arc<Session>) -> bool {
        let mut waiting_sessions = lock(&self.waiting_sessions);
        if !waiting_sessions
            .iter()
            .any(|other| Arc::ptr_eq(other, session))
        {
            waiting_sessions.push(Arc::clone(session));
        }
        self.is_awaited.store(true, Ordering::Relaxed);
        drop(waiting_sessions);
        // With the fence in `schedule_waiting`: either the publisher sees the waiting session, or this thread sees the
        // publisher's position.
        fence(Ordering::SeqCst);
        self.position() < position
    }

    /// After [`VisiblePosition::advance`]: adds to `ready` the waiting sessions, which the caller must drain.
    pub(crate) fn schedule_waiting(&self, ready: &mut Vec<Arc<Session>>) {
        fence(Ordering::SeqCst);
        if !self.is_awaited.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting_sessions = lock(&self.waiting_sessions);
        self.is_awaited.store(false, Ordering::Relaxed);
        ready.extend(
            waiting_sessions
                .drain(..)
                .filter(|session| session.schedule()),
        );
    }
}
