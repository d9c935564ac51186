//! A connection while the server stops: it takes no publications and delivers what is left for its peer.

use std::sync::atomic::Ordering;

use super::Task;
use crate::connection::{CloseReason, Framing, Protocol, Transport};

impl<T: Transport, F: Framing, P: Protocol> Task<T, F, P> {
    /// Begins the last phase. The gate is closed: everything that was acknowledged to a publisher is in the broker.
    pub(super) fn begin_to_stop(&mut self) -> Result<(), CloseReason> {
        self.stopped_ms = Some(self.context.clock.now_ms());
        self.drain()
    }

    /// Whether nothing is left for the peer, and no acknowledgement would bring more.
    pub(super) fn is_drained(&self) -> bool {
        let connection = &*self.connection;
        !self.is_full
            && !self.is_unfinished
            && !connection.session.is_scheduled()
            && !connection.session.awaits_acknowledgements()
            && !connection.outbound().is_waiting()
    }

    /// When to end a connection whose peer takes nothing.
    pub(super) fn stalls_at_ms(&self) -> Option<u64> {
        let last_sent_ms = self.connection.last_sent_ms.load(Ordering::Relaxed);
        self.stopped_ms
            .map(|stopped_ms| stopped_ms.max(last_sent_ms) + STALLED_MS)
    }
}

/// How long the server waits, when it stops, for a peer that takes nothing.
const STALLED_MS: u64 = 1_000;
