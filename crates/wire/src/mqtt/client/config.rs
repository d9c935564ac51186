//! Limits of a client.

use super::super::{Limits, Version};

/// The configuration of a client.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The version of the protocol.
    pub version: Version,
    /// Bounds on a packet; `packet_bytes` is sent as Maximum Packet Size.
    pub limits: Limits,
    /// Maximum number of topic aliases that the server may use, in 5.0; 0 disables them.
    pub topic_alias_maximum: u16,
    /// Maximum bytes of the topics of the server's aliases.
    pub topic_alias_bytes: usize,
    /// Maximum number of unacknowledged publications of QoS 1 and 2, unless the server allows
    /// fewer.
    pub in_flight: u16,
    /// Maximum bytes of publications that are kept for sending again. There is no room for another
    /// one once this limit is reached; the last publication may exceed it.
    pub kept_bytes: usize,
    /// Maximum time for the server to answer CONNECT, in milliseconds.
    pub handshake_ms: u32,
}

impl Config {
    /// The default of `topic_alias_maximum`.
    pub const TOPIC_ALIAS_MAXIMUM: u16 = 32;
    /// The default of `topic_alias_bytes`: all aliases with topics of 512 bytes.
    pub const TOPIC_ALIAS_BYTES: usize = 16 << 10;
    /// The default of `in_flight` in 5.0.
    pub const IN_FLIGHT: u16 = 4096;
    /// The default of `in_flight` before 5.0. A server of these versions can neither announce its
    /// limit nor refuse a publication; some silently drop publications beyond 20.
    pub const IN_FLIGHT_BEFORE_5: u16 = 20;
    /// The default of `kept_bytes`.
    pub const KEPT_BYTES: usize = 64 << 20;
    /// The default of `handshake_ms`.
    pub const HANDSHAKE_MS: u32 = 10_000;

    /// The default configuration.
    pub const DEFAULT: Self = Self {
        version: Version::V5_0,
        limits: Limits::FROM_SERVER,
        topic_alias_maximum: Self::TOPIC_ALIAS_MAXIMUM,
        topic_alias_bytes: Self::TOPIC_ALIAS_BYTES,
        in_flight: Self::IN_FLIGHT,
        kept_bytes: Self::KEPT_BYTES,
        handshake_ms: Self::HANDSHAKE_MS,
    };

    /// Returns the default configuration of a version.
    pub const fn of(version: Version) -> Self {
        let in_flight = match version {
            Version::V5_0 => Self::IN_FLIGHT,
            Version::V3_1 | Version::V3_1_1 => Self::IN_FLIGHT_BEFORE_5,
        };
        Self {
            version,
            in_flight,
            ..Self::DEFAULT
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
