//! Keep alive, and the timeout of the handshake: 5.0, 3.1.2.10. The same for both sides.
//!
//! Times are milliseconds of any monotonic clock, read by the caller.

/// The action due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// No action.
    Nothing,
    /// A client has sent nothing for a while: send PINGREQ, unless other bytes are waiting to be
    /// sent ([MQTT-3.1.2-20]).
    Ping,
    /// Nothing was received for too long: close the connection ([MQTT-3.1.2-22]).
    PeerSilent {
        /// Time since the last received byte, in milliseconds.
        silent_ms: u64,
    },
    /// The handshake did not complete in time: close the connection.
    HandshakeOverdue,
}

/// The times of the last received and sent bytes, and the limits on silence.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    handshake_until: Option<u64>,
    /// Time without sending after which PINGREQ is due; 0 disables it.
    ping_after_ms: u32,
    silent_after_ms: u32,
    last_sent: u64,
    last_received: u64,
}

const SECOND_MS: u32 = 1000;

/// PINGREQ is due after this fraction of the interval, so that it arrives within the interval.
const PING_EARLY: (u32, u32) = (3, 4);

impl KeepAlive {
    /// Creates the timer of either side for the start of a connection.
    pub const fn awaiting_handshake(now_ms: u64, timeout_ms: u32) -> Self {
        Self {
            handshake_until: Some(now_ms.saturating_add(timeout_ms as u64)),
            ping_after_ms: 0,
            silent_after_ms: 0,
            last_sent: now_ms,
            last_received: now_ms,
        }
    }

    /// Creates the timer of a server after CONNECT: a packet of the client must arrive "within one
    /// and a half times the Keep Alive time period" ([MQTT-3.1.2-22]; [MQTT-3.1.2-24] of 3.1.1). 0
    /// disables it.
    pub const fn of_server(now_ms: u64, keep_alive_s: u16) -> Self {
        let interval_ms = keep_alive_s as u32 * SECOND_MS;
        Self::new(now_ms, 0, interval_ms + interval_ms / 2)
    }

    /// Creates the timer of a client after CONNACK: the client sends a packet within each interval,
    /// and, as it sends PINGREQ in time, receives one within one and a half intervals.
    pub const fn of_client(now_ms: u64, keep_alive_s: u16) -> Self {
        let interval_ms = keep_alive_s as u32 * SECOND_MS;
        let (part, whole) = PING_EARLY;
        let ping_after_ms = interval_ms / whole * part;
        Self::new(now_ms, ping_after_ms, interval_ms + interval_ms / 2)
    }

    const fn new(now_ms: u64, ping_after_ms: u32, silent_after_ms: u32) -> Self {
        Self {
            handshake_until: None,
            ping_after_ms,
            silent_after_ms,
            last_sent: now_ms,
            last_received: now_ms,
        }
    }

    /// Must be called when bytes have arrived, even part of a packet.
    #[inline]
    pub const fn received(&mut self, now_ms: u64) {
        self.last_received = now_ms;
    }

    /// Must be called when a packet has been sent.
    #[inline]
    pub const fn sent(&mut self, now_ms: u64) {
        self.last_sent = now_ms;
    }

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline). Each `received` and
    /// `sent` postpones it. A timer for an earlier time need not be reset; it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        let times = [self.handshake_until, self.ping_at(), self.silent_at()];
        times.into_iter().flatten().min()
    }

    /// Returns the action due. Returning [`Due::Ping`] counts as having sent it.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        let reached = |time: Option<u64>| time.is_some_and(|time| time <= now_ms);
        if reached(self.handshake_until) {
            Due::HandshakeOverdue
        } else if reached(self.silent_at()) {
            let silent_ms = now_ms - self.last_received;
            Due::PeerSilent { silent_ms }
        } else if reached(self.ping_at()) {
            self.sent(now_ms);
            Due::Ping
        } else {
            Due::Nothing
        }
    }

    fn ping_at(&self) -> Option<u64> {
        after(self.last_sent, self.ping_after_ms)
    }

    fn silent_at(&self) -> Option<u64> {
        after(self.last_received, self.silent_after_ms)
    }
}

fn after(last: u64, interval_ms: u32) -> Option<u64> {
    (interval_ms > 0).then(|| last.saturating_add(interval_ms.into()))
}
