//! What the server grants a client.

use std::num::NonZeroU16;

use super::super::Limits;

/// The same for all clients. What of it a client of 5.0 has to know is told in CONNACK.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bounds on a packet; `packet_bytes` is the Maximum Packet Size.
    pub limits: Limits,
    /// Publications of QoS 1 and 2 at once, in 5.0.
    pub receive_maximum: NonZeroU16,
    /// Aliases that a client may use; 0 is none.
    pub topic_alias_maximum: u16,
    /// Bytes of the topics of a client's aliases.
    pub topic_alias_bytes: usize,
    /// Seconds; a client of 5.0 that wants a longer keep alive, or none, gets this one
    /// ([MQTT-3.2.2-21]). 0 lets clients choose.
    pub keep_alive_maximum_s: u16,
    /// Seconds that a session lives on without a connection; [`FOR_EVER`](Self::FOR_EVER) is no
    /// bound.
    pub session_expiry_maximum_s: u32,
    /// How long a connection may take until it is answered with CONNACK.
    pub handshake_ms: u32,
    pub payload_check: PayloadCheck,
}

/// Whether payloads that are said to be UTF-8 are looked at: a receiver "MAY validate" them
/// (3.3.2.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadCheck {
    #[default]
    Trust,
    /// What is not is refused with reason code 0x99.
    Utf8,
}

impl Config {
    /// A window that fills a fast line over some 100 ms of latency with messages of 1 kB.
    pub const RECEIVE_MAXIMUM: NonZeroU16 = NonZeroU16::MIN.saturating_add(1023);
    pub const TOPIC_ALIAS_MAXIMUM: u16 = 32;
    /// All aliases with topics of 512 bytes.
    pub const TOPIC_ALIAS_BYTES: usize = 16 << 10;
    pub const HANDSHAKE_MS: u32 = 10_000;
    /// A week.
    pub const SESSION_EXPIRY_MAXIMUM_S: u32 = 7 * 24 * 60 * 60;
    /// Of a session expiry: "the Session does not expire" (3.1.2.11.2).
    pub const FOR_EVER: u32 = u32::MAX;

    pub const DEFAULT: Self = Self {
        limits: Limits::DEFAULT,
        receive_maximum: Self::RECEIVE_MAXIMUM,
        topic_alias_maximum: Self::TOPIC_ALIAS_MAXIMUM,
        topic_alias_bytes: Self::TOPIC_ALIAS_BYTES,
        keep_alive_maximum_s: 0,
        session_expiry_maximum_s: Self::SESSION_EXPIRY_MAXIMUM_S,
        handshake_ms: Self::HANDSHAKE_MS,
        payload_check: PayloadCheck::Trust,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
