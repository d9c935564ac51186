//! The waker that is called when owed replies are due.
//!
//! The thread that writes the log calls it. If few connections have replies that are due, this thread writes the replies
//! itself, because waking the connection's task takes half as long as a sync of a fast disk. If there are more, their tasks
//! write the replies while the next sync runs.

use std::{
    sync::{Arc, TryLockError, Weak},
    task::{Wake, Waker},
};

use super::{Connection, Encoder, Framing, Transport, outbound::Progress};

/// Writes or announces the owed replies of a connection.
pub struct ReplyWaker<T, F, E>(Weak<Connection<T, F, E>>);

impl<T: Transport, F: Framing, E: Encoder> ReplyWaker<T, F, E> {
    /// Returns the waker of a connection.
    pub fn waker(connection: &Arc<Connection<T, F, E>>) -> Waker {
        Waker::from(Arc::new(Self(Arc::downgrade(connection))))
    }
}

impl<T: Transport, F: Framing, E: Encoder> Wake for ReplyWaker<T, F, E> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(connection) = self.0.upgrade() else {
            return;
        };
        let is_done = connection.completion.ended_waits() <= MAX_WRITTEN
            && connection.write_due_replies(&Arc::clone(self).into());
        if !is_done {
            connection.wake.notify_one();
        }
    }
}

impl<T: Transport, F: Framing, E: Encoder> Connection<T, F, E> {
    /// Writes the replies that are due. Returns false if the connection's task must continue.
    fn write_due_replies(&self, waker: &Waker) -> bool {
        let mut outbound = match self.outbound.try_lock() {
            Ok(outbound) => outbound,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let mut written = 0;
        let progress =
            outbound.write_due_replies(&self.completion, waker, &self.socket, &mut written);
        let delivers = outbound.has_deliverer();
        drop(outbound);
        self.note_written(written);
        // A task with deliveries that could not lock the output state relies on this check after the lock is released.
        progress == Some(Progress::Done) && !(delivers && self.session.is_scheduled())
    }
}

/// Maximum number of connections whose replies the thread of the log writes after one sync.
const MAX_WRITTEN: u64 = 2;
