//! What a client grants its server, and itself.

use super::super::{Limits, Version};

#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub version: Version,
    /// Bounds on a packet; `packet_bytes` is the Maximum Packet Size.
    pub limits: Limits,
    /// Aliases that the server may use, in 5.0; 0 is none.
    pub topic_alias_maximum: u16,
    /// Bytes of the topics of the server's aliases.
    pub topic_alias_bytes: usize,
    /// Publications of QoS 1 and 2 that may be unacknowledged, if the server takes as many.
    pub in_flight: u16,
    /// Bytes of them that are kept to be sent again, and the publication that passes it: beyond, there
    /// is no room.
    pub kept_bytes: usize,
    /// How long the server may take to answer CONNECT.
    pub handshake_ms: u32,
}

impl Config {
    pub const TOPIC_ALIAS_MAXIMUM: u16 = 32;
    /// All aliases with topics of 512 bytes.
    pub const TOPIC_ALIAS_BYTES: usize = 16 << 10;
    pub const IN_FLIGHT: u16 = 4096;
    /// Before 5.0 a server cannot say how many it takes, nor refuse what is too many: some drop it
    /// unsaid, beyond 20.
    pub const IN_FLIGHT_BEFORE_5: u16 = 20;
    pub const KEPT_BYTES: usize = 64 << 20;
    pub const HANDSHAKE_MS: u32 = 10_000;

    pub const DEFAULT: Self = Self {
        version: Version::V5_0,
        limits: Limits::FROM_SERVER,
        topic_alias_maximum: Self::TOPIC_ALIAS_MAXIMUM,
        topic_alias_bytes: Self::TOPIC_ALIAS_BYTES,
        in_flight: Self::IN_FLIGHT,
        kept_bytes: Self::KEPT_BYTES,
        handshake_ms: Self::HANDSHAKE_MS,
    };

    /// The defaults of a version.
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
