//! The versions of MQTT: one packet model for all of them, the version is an argument of the codec.

use std::fmt;

/// A version of the protocol. In ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Of IBM and Eurotech, before OASIS. It differs from 3.1.1 in CONNECT.
    V3_1,
    V3_1_1,
    #[default]
    V5_0,
}

impl Version {
    pub const ALL: [Self; 3] = [Self::V3_1, Self::V3_1_1, Self::V5_0];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V3_1 => "3.1",
            Self::V3_1_1 => "3.1.1",
            Self::V5_0 => "5.0",
        }
    }

    /// What CONNECT says in its first field ("Protocol Name").
    pub const fn protocol_name(self) -> &'static str {
        match self {
            Self::V3_1 => "MQIsdp",
            Self::V3_1_1 | Self::V5_0 => "MQTT",
        }
    }

    /// What CONNECT says in its second field ("Protocol Level", in 5.0 "Protocol Version").
    pub const fn protocol_level(self) -> u8 {
        match self {
            Self::V3_1 => 3,
            Self::V3_1_1 => 4,
            Self::V5_0 => 5,
        }
    }

    /// Properties, reason codes in every acknowledgement, AUTH, and DISCONNECT of a server.
    #[inline]
    pub const fn is_5(self) -> bool {
        matches!(self, Self::V5_0)
    }

    /// [MQTT-1.5.5-1]; before 5.0 nothing was said of the shortest form.
    #[inline]
    pub(super) const fn wants_minimal_lengths(self) -> bool {
        self.is_5()
    }

    /// [MQTT-2.2.2-1] of 3.1.1 and [MQTT-2.1.3-1]. In 3.1 the flags of all packets but PUBLISH are
    /// "not used", and DUP may be set in PUBREL, SUBSCRIBE and UNSUBSCRIBE that are sent again.
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
