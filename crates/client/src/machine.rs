//! The interface between a connection and its protocol: heart-beats and deadlines.
//!
//! Requests and events differ between the protocols. Each protocol adds its own to
//! [`Connection`](super::connection::Connection).

/// The client side of a protocol. Times are milliseconds since the connection was opened.
pub(crate) trait Machine {
    /// Records that bytes have arrived.
    fn received(&mut self, now_ms: u64);

    /// Records that bytes were sent.
    fn sent(&mut self, now_ms: u64);

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline), or None. An earlier
    /// call does no harm.
    fn deadline(&self) -> Option<u64>;

    fn on_deadline(&mut self, now_ms: u64) -> Due;

    /// Appends a heart-beat to the unsent bytes.
    fn heart_beat(&mut self, out: &mut Vec<u8>);
}

/// The action that is due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    HeartBeat,
    /// Nothing was received for longer than was agreed.
    ServerSilent {
        silent_ms: u64,
    },
    HandshakeOverdue,
}
