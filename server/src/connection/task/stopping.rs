//! A connection while the server stops: it accepts no publications and delivers the remaining data to its peer.

use std::sync::atomic::Ordering;

use super::ConnectionTask;
use crate::connection::{CloseReason, Framing, Protocol, Transport};

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Starts the last phase. The gate is closed: everything acknowledged to a publisher is in the broker.
    pub(super) fn start_stopping(&mut self) -> Result<(), CloseReason> {
        self.stopping_since_ms = Some(self.context.clock.now_ms());
        self.drain()
    }

    /// Returns whether everything is sent, and no acknowledgement of the peer can cause another delivery.
    pub(super) fn is_drained(&self) -> bool {
        let connection = &*self.connection;
        !self.is_socket_full
            && !self.has_more_work
            && !connection.session.is_scheduled()
            && !connection.session.awaits_acknowledgements()
            && self.held.is_none()
            && !connection.outbound().is_waiting_for_peer()
    }

    /// Returns the time at which the connection ends if its peer accepts no more bytes until then; `None` while the
    /// server runs.
    pub(super) fn stall_deadline_ms(&self) -> Option<u64> {
        let last_sent_ms = self.connection.last_sent_ms.load(Ordering::Relaxed);
        self.stopping_since_ms
            .map(|stopping_since_ms| stopping_since_ms.max(last_sent_ms) + MAX_STALLED_MS)
    }
}

/// Maximum time that the server waits, when it stops, for a peer that accepts nothing.
const MAX_STALLED_MS: u64 = 1_000;
