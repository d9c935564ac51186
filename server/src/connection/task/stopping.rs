//! A connection while the server stops: it accepts no publications and delivers the remaining data to its peer.

use std::sync::atomic::Ordering;

use super::Task;
use crate::connection::{CloseReason, Framing, Protocol, Transport};

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
    /// Starts the last phase. The gate is closed: everything acknowledged to a publisher is in the broker.
    pub(super) fn begin_to_stop(&mut self) -> Result<(), CloseReason> {
        self.stopped_ms = Some(self.context.clock.now_ms());
        self.drain()
    }

    /// Returns whether everything is sent, and no acknowledgement of the peer can cause another delivery.
    pub(super) fn is_drained(&self) -> bool {
        let connection = &*self.connection;
        !self.is_full
            && !self.is_unfinished
            && !connection.session.is_scheduled()
            && !connection.session.awaits_acknowledgements()
            && !connection.outbound().is_waiting()
    }

    /// Returns the time at which the connection ends if its peer accepts no more bytes until then; `None` while the
    /// server runs.
    pub(super) fn stalls_at_ms(&self) -> Option<u64> {
        let last_sent_ms = self.connection.last_sent_ms.load(Ordering::Relaxed);
        self.stopped_ms
            .map(|stopped_ms| stopped_ms.max(last_sent_ms) + STALLED_MS)
    }
}

/// Maximum time that the server waits, when it stops, for a peer that accepts nothing.
const STALLED_MS: u64 = 1_000;
