//! Heart-beats, and the timeout of the handshake: STOMP 1.2, "Heart-beating". The same for both
//! sides.
//!
//! Times are milliseconds of any monotonic clock, read by the caller.

use std::fmt;

/// The header `heart-beat`: the intervals that a side guarantees and wants, in milliseconds. 0
/// means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartBeat {
    /// The smallest interval between heart-beats that the side can guarantee.
    pub send_ms: u32,
    /// The interval between heart-beats that the side wants to receive.
    pub receive_ms: u32,
}

/// "The receiver SHOULD be tolerant and take into account an error margin": a peer is considered
/// dead after this multiple of the negotiated interval.
pub const READ_TOLERANCE: u64 = 2;

/// A heart-beat is due after this fraction of the interval, so that it arrives within the interval.
const SEND_EARLY: (u64, u64) = (3, 4);

impl HeartBeat {
    /// The default of both intervals, on both sides.
    pub const DEFAULT_MS: u32 = 10_000;

    /// The default intervals.
    pub const DEFAULT: Self = Self {
        send_ms: Self::DEFAULT_MS,
        receive_ms: Self::DEFAULT_MS,
    };

    /// No heart-beats.
    pub const NONE: Self = Self {
        send_ms: 0,
        receive_ms: 0,
    };

    /// Returns the offer of a server that follows its client to shorter intervals: `self` is the
    /// longest that the server has, and `least_ms` the shortest.
    ///
    /// The interval agreed on is the larger of both sides' numbers, so a server with fixed numbers
    /// gives 10 seconds to a client that asks for one. ActiveMQ and RabbitMQ follow their clients.
    pub(super) const fn following(self, client: Self, least_ms: u32) -> Self {
        Self {
            send_ms: followed(self.send_ms, client.receive_ms, least_ms),
            receive_ms: followed(self.receive_ms, client.send_ms, least_ms),
        }
    }

    /// Parses two non-negative integers separated by a comma. Numbers above `u32::MAX` become
    /// `u32::MAX`.
    pub fn parse(text: &str) -> Option<Self> {
        let (send, receive) = text.split_once(',')?;
        Some(Self {
            send_ms: milliseconds(send)?,
            receive_ms: milliseconds(receive)?,
        })
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.send_ms, self.receive_ms)
    }
}

fn milliseconds(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u32::MAX))
}

/// The action due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// No action.
    Nothing,
    /// Nothing was sent for a while: send a heart-beat, unless other bytes are waiting to be sent.
    HeartBeat,
    /// Nothing was received for too long: the peer is considered dead, close the connection.
    PeerSilent {
        /// Time since the last received byte, in milliseconds.
        silent_ms: u64,
    },
    /// The handshake did not complete in time: close the connection.
    HandshakeOverdue,
}

/// The times of the last received and sent bytes, and the limits on silence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    handshake_until: Option<u64>,
    /// The negotiated intervals; 0 means none.
    send_ms: u32,
    receive_ms: u32,
    last_sent: u64,
    last_received: u64,
}

impl Pulse {
    pub(crate) const fn awaiting_handshake(now_ms: u64, timeout_ms: u32) -> Self {
        Self {
            handshake_until: Some(now_ms + timeout_ms as u64),
            send_ms: 0,
            receive_ms: 0,
            last_sent: now_ms,
            last_received: now_ms,
        }
    }

    /// "There will be heart-beats every `MAX(<cx>,<sy>)` milliseconds", none if either is 0.
    pub(crate) fn agree(&mut self, now_ms: u64, own: HeartBeat, peer: HeartBeat) {
        self.handshake_until = None;
        self.send_ms = interval(own.send_ms, peer.receive_ms);
        self.receive_ms = interval(peer.send_ms, own.receive_ms);
        self.last_sent = now_ms;
        self.last_received = now_ms;
    }

    #[inline]
    pub(crate) const fn received(&mut self, now_ms: u64) {
        self.last_received = now_ms;
    }

    #[inline]
    pub(crate) const fn sent(&mut self, now_ms: u64) {
        self.last_sent = now_ms;
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        let times = [self.handshake_until, self.send_at(), self.silent_at()];
        times.into_iter().flatten().min()
    }

    /// Returns the action due. Returning [`Due::HeartBeat`] counts as having sent it.
    pub(crate) fn on_deadline(&mut self, now_ms: u64) -> Due {
        let reached = |time: Option<u64>| time.is_some_and(|time| time <= now_ms);
        if reached(self.handshake_until) {
            Due::HandshakeOverdue
        } else if reached(self.silent_at()) {
            let silent_ms = now_ms - self.last_received;
            Due::PeerSilent { silent_ms }
        } else if reached(self.send_at()) {
            self.sent(now_ms);
            Due::HeartBeat
        } else {
            Due::Nothing
        }
    }

    fn send_at(&self) -> Option<u64> {
        let (part, whole) = SEND_EARLY;
        let after = u64::from(self.send_ms) * part / whole;
        (self.send_ms > 0).then(|| self.last_sent + after.max(1))
    }

    fn silent_at(&self) -> Option<u64> {
        let after = u64::from(self.receive_ms) * READ_TOLERANCE;
        (self.receive_ms > 0).then(|| self.last_received + after)
    }
}

const fn followed(longest: u32, wanted: u32, least: u32) -> u32 {
    if wanted == 0 || wanted > longest {
        // The client wants none, or is content with less; `interval` heeds that.
        return longest;
    }
    match wanted < least {
        true if least < longest => least,
        true => longest,
        false => wanted,
    }
}

const fn interval(can: u32, wants: u32) -> u32 {
    match (can, wants) {
        (0, _) | (_, 0) => 0,
        (can, wants) if can > wants => can,
        (_, wants) => wants,
    }
}
