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

/// Locks, also after a panic elsewhere: every critical section in this crate leaves its data whole at
/// each step, and one connection's fault must not end the broker.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Locks the broker's order. Its mutex is one that passes to who has waited for it: what one peer asks for may take
/// milliseconds under it, a thousand times over, and who lets it go to take it again would else be first each time.
#[cfg(not(loom))]
pub(crate) fn lock_state<T>(mutex: &StateMutex<T>) -> StateGuard<'_, T> {
    mutex.lock()
}

#[cfg(loom)]
pub(crate) fn lock_state<T>(mutex: &StateMutex<T>) -> StateGuard<'_, T> {
    lock(mutex)
}

/// Unlocks the broker's order for whoever waits for it, also where the caller is to lock it again at once.
#[cfg(not(loom))]
pub(crate) fn pass_on<T>(guard: StateGuard<'_, T>) {
    StateGuard::unlock_fair(guard);
}

#[cfg(loom)]
pub(crate) fn pass_on<T>(guard: StateGuard<'_, T>) {
    drop(guard);
}

/// Locks if nobody has it locked.
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

    /// `std::sync::OnceLock` for one writer, with a publication that the model can see.
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
