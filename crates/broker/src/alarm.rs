//! The alarm: the earliest time at which the broker has something to do without a call.
//!
//! The broker has no clock. The embedding program waits until this time, or until an earlier one is set, and calls
//! [`Broker::deliver_due`](crate::Broker::deliver_due).

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

/// The earliest time, and the task that waits for it. Not modelled by loom: it protects no other data.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// Unix milliseconds; `u64::MAX` if there is nothing to do.
    at_ms: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

impl Alarm {
    /// Sets the alarm to this time, unless it is set to an earlier one. Wakes the task that waits if the time is earlier. The
    /// waker must not call the broker: the caller may hold locks.
    pub(crate) fn set(&self, at_ms: u64) {
        if self.at_ms.fetch_min(at_ms, Ordering::SeqCst) > at_ms
            && let Some(waker) = self.lock().take()
        {
            waker.wake();
        }
    }

    /// Clears the alarm. The caller sets it again for what is left.
    pub(crate) fn clear(&self) {
        self.at_ms.store(u64::MAX, Ordering::SeqCst);
    }

    /// Returns the time if it is earlier than `known_ms`. Otherwise wakes `waker` when it is.
    pub(crate) fn poll_earlier(&self, known_ms: u64, waker: &Waker) -> Poll<u64> {
        // The waker is stored first, so that a time that is set meanwhile is not missed.
        *self.lock() = Some(waker.clone());
        match self.at_ms.load(Ordering::SeqCst) {
            at_ms if at_ms < known_ms => Poll::Ready(at_ms),
            _ => Poll::Pending,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Alarm {
    fn default() -> Self {
        Self {
            at_ms: AtomicU64::new(u64::MAX),
            waker: Mutex::default(),
        }
    }
}
