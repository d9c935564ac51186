//! The peer of a session that is read by polling, instead of by the task of a connection.

use std::task::Waker;

use broker::Peer;
use futures_util::task::AtomicWaker;

/// The broker's callback of such a session: everything that happens wakes the task that polls it.
#[derive(Debug, Default)]
pub struct PolledPeer(AtomicWaker);

impl PolledPeer {
    /// Sets the task to wake. An event between this and the next look at the session is not missed.
    pub fn register(&self, waker: &Waker) {
        self.0.register(waker);
    }

    /// Wakes the task.
    pub fn wake(&self) {
        self.0.wake();
    }
}

impl Peer for PolledPeer {
    fn deliver(&self) {
        self.0.wake();
    }

    fn wake(&self) {
        self.0.wake();
    }
}
