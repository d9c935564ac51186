//! Errors of decoding and encoding.

use std::fmt;

use super::{
    ConnectReason, DisconnectReason, Fault, PacketType, PropertyId, Role, TopicError, Version,
};

/// A fault and its position. Each of these errors ends the connection: "When a Server detects a
/// Malformed Packet or Protocol Error [...] it MUST close the Network Connection" ([MQTT-4.13.1-1];
/// [MQTT-4.8.0-1] of 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The broken rule.
    pub fault: Fault,
    /// The packet type, or `None` if the type itself is invalid.
    pub packet: Option<PacketType>,
    /// Bytes from the beginning of the packet to the beginning of the field.
    pub offset: usize,
    /// The version that the packet was decoded as; 5.0 while the version is not known.
    pub version: Version,
    /// The role of the decoding side.
    pub role: Role,
}

impl DecodeError {
    /// Returns the reason code for DISCONNECT in 5.0. Before a successful CONNACK, DISCONNECT is
    /// not allowed ([MQTT-3.14.0-1]): use [`connect_reason`](Self::connect_reason).
    pub const fn disconnect_reason(&self) -> DisconnectReason {
        self.fault.disconnect_reason()
    }

    /// Returns the reason code for CONNACK, if one is sent at all (5.0, 4.13.1). Before 5.0,
    /// CONNACK reports only [`Fault::ProtocolLevel`] ([MQTT-3.1.4-1] of 3.1.1).
    pub const fn connect_reason(&self) -> ConnectReason {
        self.fault.connect_reason()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, offset, .. } = self;
        match self.packet {
            Some(packet) => write!(f, "{fault} ({packet}, byte {offset})"),
            None => write!(f, "{fault} (byte {offset})"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The reason why a packet was not encoded. Nothing is appended to the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A text or binary field is longer than 65,535 bytes, the maximum of its length field (5.0,
    /// 1.5.4, 1.5.6).
    #[error("a field of {bytes} bytes is too long")]
    FieldTooLong {
        /// The actual length in bytes.
        bytes: usize,
    },
    /// [MQTT-1.5.4-2].
    #[error("a string contains U+0000")]
    Nul,
    /// The packet is larger than 268,435,455 bytes, the maximum of its length field (5.0, 2.1.4).
    #[error("a packet of {bytes} bytes is too large")]
    PacketTooLarge {
        /// The actual length in bytes.
        bytes: usize,
    },
    /// The property is not allowed in this packet, or is included more than once.
    #[error("{0} is not allowed here, or is included more than once")]
    Property(PropertyId),
    /// A property that another one requires is missing (5.0, 3.1.2.11.10, 3.15.2.2.2).
    #[error("{0} is missing")]
    NoProperty(PropertyId),
    /// SUBSCRIBE, UNSUBSCRIBE and their acknowledgements need at least one element ([MQTT-3.8.3-2],
    /// [MQTT-3.10.3-2]).
    #[error("the {0} has no elements")]
    Empty(PacketType),
    /// 5.0 prescribes the form of shared subscription filters ([MQTT-4.8.2-1], [MQTT-4.8.2-2]).
    #[error("the topic filter is illegal: {0}")]
    Topic(TopicError),
    /// No Local is set on a shared subscription ([MQTT-3.8.3-4]).
    #[error("no local is set on a shared subscription")]
    NoLocalShared,
    /// Neither a topic name nor an alias, or no topic name before 5.0.
    #[error("there is no topic")]
    NoTopic,
    /// A password without a user name before 5.0 ([MQTT-3.1.2-22] of 3.1.1).
    #[error("MQTT {0} requires a user name with a password")]
    PasswordWithoutUserName(Version),
    /// Session Present is set in a CONNACK that refuses the connection ([MQTT-3.2.2-6]).
    #[error("session present is not allowed if the connection is refused")]
    SessionPresent,
    /// The version does not have this packet, or cannot express its content.
    #[error("MQTT {version} cannot express this {packet}")]
    NotInVersion {
        /// The type of the packet.
        packet: PacketType,
        /// The version.
        version: Version,
    },
}

impl From<TopicError> for EncodeError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}
