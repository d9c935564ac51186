//! One connection for each client id: "If the ClientID represents a Client already connected to the Server, the Server
//! sends a DISCONNECT packet to the existing Client [...] and MUST close the Network Connection of the existing Client"
//! ([MQTT-3.1.4-3]).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The lock of a client id, which its connections take one after the other.
#[derive(Default)]
pub struct ClientIdLock {
    place: Arc<Mutex<()>>,
    /// The number of the last arrival.
    latest: AtomicU64,
    sitting: AtomicWaker,
}

/// A connection that waits for the client id.
pub struct Arrival {
    id_lock: Arc<ClientIdLock>,
    number: u64,
}

/// The connection that has the client id now.
pub struct Seated {
    arrival: Arrival,
    _place: OwnedMutexGuard<()>,
}

impl ClientIdLock {
    /// Registers a connection, and asks the current one to leave.
    pub fn arrive(self: &Arc<Self>) -> Arrival {
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.sitting.wake();
        Arrival {
            id_lock: Arc::clone(self),
            number,
        }
    }
}

impl Arrival {
    /// Waits until all earlier connections have left.
    pub async fn sit(self) -> Seated {
        let place = Arc::clone(&self.id_lock.place).lock_owned().await;
        Seated {
            arrival: self,
            _place: place,
        }
    }
}

impl Seated {
    /// Ready when another connection has arrived.
    pub fn poll_wanted(&self, context: &mut Context<'_>) -> Poll<()> {
        let Arrival { id_lock, number } = &self.arrival;
        // Register before checking: an arrival in between wakes the task.
        id_lock.sitting.register(context.waker());
        match id_lock.latest.load(Ordering::SeqCst) == *number {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn an_arrival_asks_the_current_connection_to_leave() {
        let id_lock = Arc::new(ClientIdLock::default());
        let first = id_lock.arrive().sit().await;
        let second = id_lock.arrive();
        poll_fn(|context| first.poll_wanted(context)).await;
        drop(first);
        let second = second.sit().await;
        let waker = futures_util::task::noop_waker();
        let mut context = Context::from_waker(&waker);
        assert!(second.poll_wanted(&mut context).is_pending());
    }

    #[tokio::test]
    async fn of_many_arrivals_the_last_stays() {
        let id_lock = Arc::new(ClientIdLock::default());
        let arrivals: Vec<_> = (0..3).map(|_| id_lock.arrive()).collect();
        let waker = futures_util::task::noop_waker();
        let mut context = Context::from_waker(&waker);
        let mut wanted = Vec::new();
        for arrival in arrivals {
            let seated = arrival.sit().await;
            wanted.push(seated.poll_wanted(&mut context).is_ready());
        }
        assert_eq!(wanted, [true, true, false]);
    }
}
