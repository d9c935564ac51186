//! Limits of a server for its clients.

use std::num::NonZeroU16;

use super::super::Limits;

/// The configuration, common to all clients. CONNACK reports the relevant limits to clients of 5.0.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bounds on a packet; `packet_bytes` is sent as Maximum Packet Size.
    pub limits: Limits,
    /// Maximum number of incomplete publications of QoS 1 and 2 from a client, in 5.0.
    pub receive_maximum: NonZeroU16,
    /// Maximum number of topic aliases that a client may use; 0 disables them.
    pub topic_alias_maximum: u16,
    /// Maximum bytes of the topics of a client's aliases.
    pub topic_alias_bytes: usize,
    /// Maximum keep alive in seconds. A client of 5.0 that requests a longer keep alive, or none,
    /// gets this one ([MQTT-3.2.2-21]). 0 is no bound.
    pub keep_alive_maximum_s: u16,
    /// Maximum seconds that a session outlives its connection; [`FOR_EVER`](Self::FOR_EVER) is no
    /// bound.
    pub session_expiry_maximum_s: u32,
    /// Maximum time from the start of a connection to CONNACK, in milliseconds.
    pub handshake_ms: u32,
    /// The validation of payloads.
    pub payload_check: PayloadCheck,
}

/// The validation of payloads that are declared as UTF-8: a receiver "MAY validate" them
/// (3.3.2.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadCheck {
    /// Payloads are not validated.
    #[default]
    Trust,
    /// Payloads that are not UTF-8 are refused with reason code 0x99.
    Utf8,
}

impl Config {
    /// The default of `receive_maximum`: a window that fills a fast line with some 100 ms of
    /// latency with messages of 1 kB.
    pub const RECEIVE_MAXIMUM: NonZeroU16 = NonZeroU16::MIN.saturating_add(1023);
    /// The default of `topic_alias_maximum`.
    pub const TOPIC_ALIAS_MAXIMUM: u16 = 32;
    /// The default of `topic_alias_bytes`: all aliases with topics of 512 bytes.
    pub const TOPIC_ALIAS_BYTES: usize = 16 << 10;
    /// The default of `handshake_ms`.
    pub const HANDSHAKE_MS: u32 = 10_000;
    /// The default of `session_expiry_maximum_s`: a week.
    pub const SESSION_EXPIRY_MAXIMUM_S: u32 = 7 * 24 * 60 * 60;
    /// A session expiry interval without end: "the Session does not expire" (3.1.2.11.2).
    pub const FOR_EVER: u32 = u32::MAX;

    /// The default configuration.
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
