//! Keep alive, and the wait for the handshake: 5.0, 3.1.2.10. The same for both sides.
//!
//! Times are milliseconds of any monotonic clock; the caller reads it.

/// What there is to do at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    /// A client has sent nothing for a while: send PINGREQ, unless bytes are waiting to be sent anyway
    /// ([MQTT-3.1.2-20]).
    Ping,
    /// Nothing was received for too long: close the connection ([MQTT-3.1.2-22]).
    PeerSilent {
        silent_ms: u64,
    },
    /// The handshake did not end in time: close the connection.
    HandshakeOverdue,
}

/// When something was last heard and said, and when that becomes too long ago.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    handshake_until: Option<u64>,
    /// After how much silence there is something to do; 0 is never.
    ping_after_ms: u32,
    silent_after_ms: u32,
    last_sent: u64,
    last_received: u64,
}

const SECOND_MS: u32 = 1000;

/// PINGREQ is due after this part of the interval, so that it arrives within it.
const PING_EARLY: (u32, u32) = (3, 4);

impl KeepAlive {
    /// Of either side, at the beginning of a connection.
    pub const fn awaiting_handshake(now_ms: u64, timeout_ms: u32) -> Self {
        Self {
            handshake_until: Some(now_ms.saturating_add(timeout_ms as u64)),
            ping_after_ms: 0,
            silent_after_ms: 0,
            last_sent: now_ms,
            last_received: now_ms,
        }
    }

    /// Of a server, behind CONNECT: it hears from the client "within one and a half times the Keep
    /// Alive time period" ([MQTT-3.1.2-22]; [MQTT-3.1.2-24] of 3.1.1). 0 is never.
    pub const fn of_server(now_ms: u64, keep_alive_s: u16) -> Self {
        let interval_ms = keep_alive_s as u32 * SECOND_MS;
        Self::new(now_ms, 0, interval_ms + interval_ms / 2)
    }

    /// Of a client, behind CONNACK: it sends something within each interval, and hears something
    /// within one and a half, as it sends PINGREQ in time.
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

    /// Bytes have arrived, whatever they are.
    #[inline]
    pub const fn received(&mut self, now_ms: u64) {
        self.last_received = now_ms;
    }

    /// A packet has been sent.
    #[inline]
    pub const fn sent(&mut self, now_ms: u64) {
        self.last_sent = now_ms;
    }

    /// When to call [`on_deadline`](Self::on_deadline) next. It moves with each `received` and `sent`;
    /// a timer set for an earlier answer may stay, it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        let times = [self.handshake_until, self.ping_at(), self.silent_at()];
        times.into_iter().flatten().min()
    }

    /// Saying that PINGREQ is due counts as having sent it.
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
