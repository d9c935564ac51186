//! The synchronisation primitives that the concurrency model (`--cfg loom`) replaces.

use std::sync::TryLockError;

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

#[cfg(not(loom))]
pub(crate) use parking_lot::{Mutex as StateMutex, MutexGuard as StateGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex as StateMutex, MutexGuard as StateGuard};
#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};
#[cfg(loom)]
pub(crate) use model::OnceLock;

/// Locks, also after a panic in another thread: every critical section in this crate leaves its data consistent at each
/// step, and the fault of one connection must not stop the broker.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Locks the broker's state. A fair mutex: a thread that unlocks and locks again at once would otherwise starve the
/// waiters. A peer's requests may hold the lock for milliseconds, many times in sequence.
#[cfg(not(loom))]
pub(crate) fn lock_state<T>(mutex: &StateMutex<T>) -> StateGuard<'_, T> {
    mutex.lock()
}

#[cfg(loom)]
pub(crate) fn lock_state<T>(mutex: &StateMutex<T>) -> StateGuard<'_, T> {
    lock(mutex)
}

/// Unlocks the broker's state in favour of waiting threads, even if the caller locks it again at once.
#[cfg(not(loom))]
pub(crate) fn pass_on<T>(guard: StateGuard<'_, T>) {
    StateGuard::unlock_fair(guard);
}

#[cfg(loom)]
pub(crate) fn pass_on<T>(guard: StateGuard<'_, T>) {
    drop(guard);
}

/// Locks if no other thread has the lock.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(loom)]
mod model {
    use super::{AtomicBool, Ordering};

    /// `std::sync::OnceLock` for one writer, with a publication that the loom model can observe.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        published: AtomicBool,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            Self {
                value: std::sync::OnceLock::new(),
                published: AtomicBool::new(false),
            }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            if self.published.load(Ordering::Acquire) {
                self.value.get()
            } else {
                None
            }
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            self.value.set(value)?;
            self.published.store(true, Ordering::Release);
            Ok(())
        }

        pub(crate) fn take(&mut self) -> Option<T> {
            self.value.take()
        }
    }
}
