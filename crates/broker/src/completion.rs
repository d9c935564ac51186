//! Completion: the ticket of the journal up to which all changes are durable.
//!
//! A reply such as PUBACK, PUBREC, RECEIPT or an HTTP status promises that a change survives a restart. The reply is owed
//! until the change is complete. Without a journal every change is complete at once.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Poll, Waker},
};

use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// The ticket up to which all changes are complete, and the tasks that wait for a later one.
#[derive(Debug)]
pub struct Completion {
    complete: AtomicU64,
    /// The number of waits that the last call of [`complete`](Self::complete) ended.
    ended_waits: AtomicU64,
    waiters: Mutex<Waiters>,
}

/// The wakers by ticket; the number distinguishes waits for the same ticket.
#[derive(Debug, Default)]
struct Waiters {
    last_number: u64,
    wakers: BTreeMap<(u64, u64), Waker>,
}

/// A wait for one ticket. It costs nothing until it is polled, and ends when it is dropped.
#[derive(Debug)]
pub struct CompletionWait {
    completion: Arc<Completion>,
    ticket: u64,
    number: Option<u64>,
}

impl Completion {
    /// Returns the completion of a broker without a journal: everything is complete.
    pub(crate) fn immediate() -> Self {
        Self::up_to(u64::MAX)
    }

    /// Returns the completion of a broker with a journal, in which nothing is complete yet.
    #[must_use]
    pub fn pending() -> Self {
        Self::up_to(0)
    }

    fn up_to(ticket: u64) -> Self {
        Self {
            complete: AtomicU64::new(ticket),
            ended_waits: AtomicU64::new(0),
            waiters: Mutex::default(),
        }
    }

    /// Returns true if all changes up to this ticket are complete.
    #[must_use]
    pub fn is_complete(&self, ticket: u64) -> bool {
        ticket <= self.complete.load(Ordering::Acquire)
    }

    /// Notes that all changes up to this ticket are complete, and wakes the tasks that waited for that. A smaller ticket
    /// than before changes nothing.
    pub fn complete(&self, ticket: u64) {
        let mut waiters = lock(&self.waiters);
        if self.is_complete(ticket) {
            return;
        }
        self.complete.store(ticket, Ordering::Release);
        let later = match ticket.checked_add(1) {
            Some(next) => waiters.wakers.split_off(&(next, 0)),
            None => BTreeMap::new(),
        };
        let ready = std::mem::replace(&mut waiters.wakers, later);
        self.ended_waits
            .store(ready.len() as u64, Ordering::Relaxed);
        drop(waiters);
        ready.into_values().for_each(Waker::wake);
    }

    /// Returns the number of waits that ended together when a waker is called. A waker may do more than wake a task if there
    /// are few.
    #[must_use]
    pub fn ended_waits(&self) -> u64 {
        self.ended_waits.load(Ordering::Relaxed)
    }

    /// Returns a wait until all changes up to this ticket are complete.
    #[must_use]
    pub fn wait_for(self: &Arc<Self>, ticket: u64) -> CompletionWait {
        CompletionWait {
            completion: Arc::clone(self),
            ticket,
            number: None,
        }
    }
}

impl CompletionWait {
    /// Returns ready if the ticket is complete. Otherwise wakes `waker`, and no earlier one, when it is.
    pub fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if self.completion.is_complete(self.ticket) {
            return Poll::Ready(());
        }
        let mut waiters = lock(&self.completion.waiters);
        // `complete` stores the ticket with this lock held.
        if self.completion.is_complete(self.ticket) {
            return Poll::Ready(());
        }
        let number = match self.number {
            Some(number) => number,
            None => {
                waiters.last_number += 1;
                waiters.last_number
            }
        };
        self.number = Some(number);
        waiters.wakers.insert((self.ticket, number), waker.clone());
        Poll::Pending
    }
}

impl Drop for CompletionWait {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut waiters = lock(&self.completion.waiters);
            waiters.wakers.remove(&(self.ticket, number));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_task_is_woken_once_its_ticket_is_complete() {
        let completion = Arc::new(Completion::pending());
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut wait = completion.wait_for(2);
        assert_eq!(wait.poll(&waker), Poll::Pending);
        assert_eq!(wait.poll(&waker), Poll::Pending);
        completion.complete(1);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        completion.complete(5);
        assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
        assert_eq!(completion.ended_waits(), 1);
        assert_eq!(wait.poll(&waker), Poll::Ready(()));
        assert_eq!(completion.wait_for(6).poll(&waker), Poll::Pending);
    }

    #[test]
    fn a_dropped_wait_leaves_no_waker() {
        let completion = Arc::new(Completion::pending());
        let waker = Waker::from(Arc::new(Wakes::default()));
        let mut waits: Vec<_> = (1..100).map(|at| completion.wait_for(at)).collect();
        for wait in &mut waits {
            assert_eq!(wait.poll(&waker), Poll::Pending);
        }
        assert_eq!(lock(&completion.waiters).wakers.len(), 99);
        completion.complete(50);
        assert_eq!(lock(&completion.waiters).wakers.len(), 49);
        drop(waits);
        assert_eq!(lock(&completion.waiters).wakers.len(), 0);
    }

    #[test]
    fn an_earlier_ticket_does_not_replace_a_later_one() {
        let completion = Completion::pending();
        completion.complete(7);
        completion.complete(3);
        assert!(completion.is_complete(7));
        assert!(!completion.is_complete(8));
    }

    #[test]
    fn everything_is_complete_without_a_journal() {
        assert!(Completion::immediate().is_complete(u64::MAX));
    }
}
