//! Detects a silent peer while the server does not read from it. The peer's input then waits in the socket. A growing
//! number of waiting bytes shows that the peer still sends.

use std::sync::atomic::Ordering;

use rustix::io::ioctl_fionread;

use super::ConnectionTask;
use crate::connection::{Framing, Protocol, Transport};

/// The state of a socket that is not read, at the last check.
#[derive(Debug, Clone, Copy)]
pub(super) struct SocketState {
    /// Bytes that wait in the socket.
    bytes: u64,
    /// The last time at which the socket accepted bytes, in milliseconds of the server's clock.
    last_sent_ms: u64,
}

impl<T: Transport, F: Framing, P: Protocol> ConnectionTask<T, F, P> {
    /// Records the state of the socket when reading stops, and clears it when reading continues.
    pub(super) fn track_unread_socket(&mut self) {
        self.unread_socket = match (self.is_reading(), self.unread_socket) {
            (true, _) => None,
            (false, None) => Some(self.socket_state()),
            (false, before) => before,
        };
    }

    /// While the socket is not read: restarts the keep-alive time if the peer has sent or read since the last check.
    pub(super) fn reset_keep_alive(&mut self, now_ms: u64) {
        let Some(before) = self.unread_socket else {
            return;
        };
        let now = self.socket_state();
        self.unread_socket = Some(now);
        let is_alive = match self.is_socket_full {
            // A full socket accepts bytes only when the peer reads.
            true => now.bytes > before.bytes || now.last_sent_ms > before.last_sent_ms,
            // If the buffer is full, further heart-beats cannot arrive, so the peer counts as alive.
            false => now.bytes > before.bytes || now.bytes >= FULL_BYTES,
        };
        if is_alive {
            self.inbound.protocol.reset_keep_alive(now_ms);
        }
        self.inbound.restart_incomplete_time(now_ms);
    }

    fn socket_state(&self) -> SocketState {
        let connection = &*self.connection;
        SocketState {
            // A socket for which this fails is broken; the next read or write reports it.
            bytes: ioctl_fionread(connection.socket.stream()).unwrap_or(0),
            last_sent_ms: connection.last_sent_ms.load(Ordering::Relaxed),
        }
    }
}

/// With this number of waiting bytes or more, the receive buffer may be full.
const FULL_BYTES: u64 = 16 << 10;
