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
    mutex: Arc<Mutex<()>>,
    /// The number of the newest request.
    newest_request: AtomicU64,
    holder_waker: AtomicWaker,
}

/// A connection that waits for the client id.
pub struct ClientIdRequest {
    id_lock: Arc<ClientIdLock>,
    number: u64,
}

/// The connection that has the client id now.
pub struct HeldClientId {
    id_request: ClientIdRequest,
    _guard: OwnedMutexGuard<()>,
}

impl ClientIdLock {
    /// Registers a connection that needs the client id, and wakes the current one, which then ends.
    pub fn request(self: &Arc<Self>) -> ClientIdRequest {
        let number = self.newest_request.fetch_add(1, Ordering::SeqCst) + 1;
        self.holder_waker.wake();
        ClientIdRequest {
            id_lock: Arc::clone(self),
            number,
        }
    }
}

impl ClientIdRequest {
    /// Waits until all earlier connections have ended.
    pub async fn acquire(self) -> HeldClientId {
        let guard = Arc::clone(&self.id_lock.mutex).lock_owned().await;
        HeldClientId {
            id_request: self,
            _guard: guard,
        }
    }
}

impl HeldClientId {
    /// Ready when another connection has requested the client id.
    pub fn poll_requested(&self, context: &mut Context<'_>) -> Poll<()> {
        let ClientIdRequest { id_lock, number } = &self.id_request;
        // Register before checking: a request in between wakes the task.
        id_lock.holder_waker.register(context.waker());
        match id_lock.newest_request.load(Ordering::SeqCst) == *number {
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
    async fn a_request_for_a_client_id_wakes_its_holder() {
        let id_lock = Arc::new(ClientIdLock::default());
        let first = id_lock.request().acquire().await;
        let second = id_lock.request();
        poll_fn(|context| first.poll_requested(context)).await;
        drop(first);
        let second = second.acquire().await;
        let waker = futures_util::task::noop_waker();
        let mut context = Context::from_waker(&waker);
        assert!(second.poll_requested(&mut context).is_pending());
    }

    #[tokio::test]
    async fn of_many_requests_the_newest_keeps_the_client_id() {
        let id_lock = Arc::new(ClientIdLock::default());
        let requests: Vec<_> = (0..3).map(|_| id_lock.request()).collect();
        let waker = futures_util::task::noop_waker();
        let mut context = Context::from_waker(&waker);
        let mut requested = Vec::new();
        for id_request in requests {
            let held_client_id = id_request.acquire().await;
            requested.push(held_client_id.poll_requested(&mut context).is_ready());
        }
        assert_eq!(requested, [true, true, false]);
    }
}
