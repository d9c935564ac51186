//! What a connection asks of the protocol that is spoken on it.
//!
//! What a protocol makes of the bytes is its own: each adds requests and events to [`Connection`](super::connection::Connection).

/// A client's half of a protocol. Times are milliseconds since the connection was opened.
pub trait Machine {
    /// Bytes have arrived.
    fn received(&mut self, now_ms: u64);

    /// Bytes have been sent.
    fn sent(&mut self, now_ms: u64);

    /// When to call [`on_deadline`](Self::on_deadline) next; a timer that was set for an earlier answer may stay.
    fn deadline(&self) -> Option<u64>;

    fn on_deadline(&mut self, now_ms: u64) -> Due;

    /// Writes what shows that this client is there, behind what is not sent yet.
    fn heart_beat(&mut self, out: &mut Vec<u8>);
}

/// What there is to do at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    HeartBeat,
    /// Nothing was received for too long.
    ServerSilent {
        silent_ms: u64,
    },
    HandshakeOverdue,
}
