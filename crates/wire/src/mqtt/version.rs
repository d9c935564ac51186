//! The versions of MQTT. One packet model serves all versions; the version is an argument of the
//! codec.

use std::fmt;

/// A version of the protocol, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.1, published by IBM and Eurotech before OASIS. It differs from 3.1.1 in CONNECT.
    V3_1,
    /// 3.1.1.
    V3_1_1,
    /// 5.0.
    #[default]
    V5_0,
}

impl Version {
    /// All versions in ascending order.
    pub const ALL: [Self; 3] = [Self::V3_1, Self::V3_1_1, Self::V5_0];

    /// Returns the version number as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3_1 => "3.1",
            Self::V3_1_1 => "3.1.1",
            Self::V5_0 => "5.0",
        }
    }

    /// The bit of the protocol level that mosquitto's bridges set: 0x83 for 3.1, 0x84 for 3.1.1. It
    /// is not part of the specifications. In 5.0 a bridge uses subscription options instead.
    pub(super) const BRIDGE: u8 = 0x80;

    /// Returns the first field of CONNECT ("Protocol Name").
    pub const fn protocol_name(self) -> &'static str {
        match self {
            Self::V3_1 => "MQIsdp",
            Self::V3_1_1 | Self::V5_0 => "MQTT",
        }
    }

    /// Returns the second field of CONNECT ("Protocol Level", in 5.0 "Protocol Version").
    pub const fn protocol_level(self) -> u8 {
        match self {
            Self::V3_1 => 3,
            Self::V3_1_1 => 4,
            Self::V5_0 => 5,
        }
    }

    /// Returns true for 5.0, which adds properties, reason codes in every acknowledgement, AUTH,
    /// and DISCONNECT of a server.
    #[inline]
    pub const fn is_5(self) -> bool {
        matches!(self, Self::V5_0)
    }

    /// [MQTT-1.5.5-1]. Before 5.0 the shortest form was not required.
    #[inline]
    pub(super) const fn wants_minimal_lengths(self) -> bool {
        self.is_5()
    }

    /// [MQTT-2.2.2-1] of 3.1.1 and [MQTT-2.1.3-1]. In 3.1 the flags of all packets except PUBLISH
    /// are "not used", and DUP may be set in PUBREL, SUBSCRIBE and UNSUBSCRIBE that are sent again.
    #[inline]
    pub(super) const fn reserves_flags(self) -> bool {
        !matches!(self, Self::V3_1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
