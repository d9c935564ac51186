//! Why bytes are no MQTT, and why a packet cannot be written.

use std::fmt;

use super::{
    ConnectReason, DisconnectReason, Fault, PacketType, PropertyId, Role, TopicError, Version,
    clause,
};

/// What is wrong and where. Each of these ends the connection: "When a Server detects a Malformed
/// Packet or Protocol Error [...] it MUST close the Network Connection" ([MQTT-4.13.1-1];
/// [MQTT-4.8.0-1] of 3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub fault: Fault,
    /// `None` where the type itself is not known.
    pub packet: Option<PacketType>,
    /// Bytes between the beginning of the packet and that of the field.
    pub offset: usize,
    /// What the packet was read as: 5.0 as long as that was not told.
    pub version: Version,
    /// Who read it.
    pub role: Role,
}

impl DecodeError {
    /// What DISCONNECT says of it, in 5.0. Before a successful CONNACK there may not be one
    /// ([MQTT-3.14.0-1]): see [`connect_reason`](Self::connect_reason).
    pub const fn disconnect_reason(&self) -> DisconnectReason {
        self.fault.disconnect_reason()
    }

    /// What CONNACK says of it, if anything is said at all (5.0, 4.13.1). Before 5.0 only of
    /// [`Fault::ProtocolLevel`] ([MQTT-3.1.4-1] of 3.1.1).
    pub const fn connect_reason(&self) -> ConnectReason {
        self.fault.connect_reason()
    }

    /// The statement that is broken, such as `MQTT-3.3.1-4`, or the section, such as `2.1.4`, where
    /// no numbered statement says it; of the specification of [`version`](Self::version).
    pub fn clause(&self) -> &'static str {
        clause::clause(self)
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

/// Why a packet was not written. Nothing of it is in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A text or some data has more than the 65,535 bytes its length can tell (5.0, 1.5.4, 1.5.6).
    #[error("a field of {bytes} bytes is too long")]
    FieldTooLong { bytes: usize },
    /// [MQTT-1.5.4-2].
    #[error("a string holds U+0000")]
    Nul,
    /// More than the 268,435,455 bytes a length can tell (5.0, 2.1.4).
    #[error("a packet of {bytes} bytes is too large")]
    PacketTooLarge { bytes: usize },
    /// It does not belong there, or is there more than once.
    #[error("{0} may not be there")]
    Property(PropertyId),
    /// What else is there needs it (5.0, 3.1.2.11.10, 3.15.2.2.2).
    #[error("there is no {0}")]
    NoProperty(PropertyId),
    /// SUBSCRIBE, UNSUBSCRIBE and their answers list one or more ([MQTT-3.8.3-2],
    /// [MQTT-3.10.3-2]).
    #[error("the {0} lists nothing")]
    Empty(PacketType),
    /// 5.0 has a form for the filters of shared subscriptions ([MQTT-4.8.2-1], [MQTT-4.8.2-2]).
    #[error("the topic filter is illegal: {0}")]
    Topic(TopicError),
    /// [MQTT-3.8.3-4].
    #[error("no local is set on a shared subscription")]
    NoLocalShared,
    /// Neither a topic name nor an alias, or no name before 5.0.
    #[error("there is no topic")]
    NoTopic,
    /// [MQTT-3.1.2-22] of 3.1.1.
    #[error("MQTT {0} has no password without a user name")]
    PasswordWithoutUserName(Version),
    /// [MQTT-3.2.2-6].
    #[error("a session cannot be present where a connection is refused")]
    SessionPresent,
    /// The version has no such packet, or this packet cannot say such a thing in it.
    #[error("there is no such {packet} in MQTT {version}")]
    NotInVersion {
        packet: PacketType,
        version: Version,
    },
}

impl From<TopicError> for EncodeError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}
