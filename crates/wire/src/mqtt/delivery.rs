//! Quality of service, packet identifiers, and their representation in PUBLISH.

use std::num::NonZeroU16;

/// The "Quality of Service": 5.0, 4.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum QoS {
    /// QoS 0.
    #[default]
    AtMostOnce = 0,
    /// QoS 1.
    AtLeastOnce = 1,
    /// QoS 2.
    ExactlyOnce = 2,
}

impl QoS {
    /// Returns the QoS of a level; 3 is reserved ([MQTT-3.3.1-4]).
    #[inline]
    pub const fn from_level(level: u8) -> Option<Self> {
        match level {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// Returns the level: 0, 1 or 2.
    #[inline]
    pub const fn level(self) -> u8 {
        self as u8
    }
}

/// A packet identifier: "MUST assign it a non-zero Packet Identifier" ([MQTT-2.2.1-3],
/// [MQTT-2.2.1-4]; [MQTT-2.3.1-1] of 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub NonZeroU16);

impl PacketId {
    /// The lowest identifier, 1.
    pub const FIRST: Self = Self(NonZeroU16::MIN);

    /// Returns the identifier with this number, or None for 0.
    pub const fn new(number: u16) -> Option<Self> {
        match NonZeroU16::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// The QoS of a PUBLISH with the fields that depend on it: "A PUBLISH packet MUST NOT contain a
/// Packet Identifier if its QoS value is set to 0" ([MQTT-2.2.1-2]), and "the DUP flag MUST be set
/// to 0 for all QoS 0 messages" ([MQTT-3.3.1-2]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QosDelivery {
    /// QoS 0.
    #[default]
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce(PacketId, Attempt),
    /// QoS 2.
    ExactlyOnce(PacketId, Attempt),
}

/// The DUP flag ([MQTT-3.3.1-1]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// The first attempt; DUP is 0.
    #[default]
    First,
    /// Possibly a re-delivery of an earlier attempt; DUP is 1.
    Again,
}

impl QosDelivery {
    /// Returns the QoS.
    #[inline]
    pub const fn qos(self) -> QoS {
        match self {
            Self::AtMostOnce => QoS::AtMostOnce,
            Self::AtLeastOnce(..) => QoS::AtLeastOnce,
            Self::ExactlyOnce(..) => QoS::ExactlyOnce,
        }
    }

    /// Returns the packet identifier, or None for QoS 0.
    #[inline]
    pub const fn packet_id(self) -> Option<PacketId> {
        match self {
            Self::AtMostOnce => None,
            Self::AtLeastOnce(id, _) | Self::ExactlyOnce(id, _) => Some(id),
        }
    }

    /// Returns bits 1 to 3 of the first byte: DUP and QoS.
    #[inline]
    pub(super) const fn flags(self) -> u8 {
        let dup = match self {
            Self::AtLeastOnce(_, Attempt::Again) | Self::ExactlyOnce(_, Attempt::Again) => DUP,
            _ => 0,
        };
        dup | self.qos().level() << 1
    }
}

pub(super) const RETAIN: u8 = 0b0001;
pub(super) const DUP: u8 = 0b1000;
