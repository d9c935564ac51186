//! What can be wrong with a packet, and the reason codes that tell the peer: 5.0, 4.13.

use super::{ConnectReason, DisconnectReason, PacketType, PropertyId, Role, TopicError};

/// What is wrong. Where the specification calls it a Protocol Error, or names a code, that is in
/// [`disconnect_reason`](Self::disconnect_reason); everything else is a Malformed Packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("packet type {0} is reserved")]
    ReservedType(u8),
    #[error("a {0} is not for a {1}")]
    WrongDirection(PacketType, Role),
    #[error("the first packet is no CONNECT")]
    NotConnect,
    #[error("there has been a CONNECT")]
    SecondConnect,
    #[error("the flags {0:#06b} are reserved")]
    Flags(u8),
    #[error("both QoS bits are set")]
    ReservedQos,
    #[error("DUP is set where QoS is 0")]
    DupWithoutQos,

    #[error("a length has more than four bytes")]
    LengthTooLong,
    #[error("a variable byte integer is not in its shortest form")]
    LengthNotMinimal,
    #[error("a field is longer than what is left")]
    Truncated,
    #[error("there is something behind the last field")]
    TrailingBytes,
    #[error("a string is not UTF-8")]
    NotUtf8,
    #[error("a string holds U+0000")]
    Nul,
    #[error("a packet identifier is 0")]
    PacketIdZero,
    #[error("reason code {0:#04x} is not for this packet")]
    ReasonCode(u8),

    #[error("the protocol name is not MQTT")]
    ProtocolName,
    #[error("protocol level {0} is not supported")]
    ProtocolLevel(u8),
    #[error("the reserved connect flag is set")]
    ConnectFlag,
    #[error("will QoS is set without a will")]
    WillQosWithoutWill,
    #[error("will retain is set without a will")]
    WillRetainWithoutWill,
    #[error("both will QoS bits are set")]
    WillQos,
    #[error("there is a password without a user name")]
    PasswordWithoutUserName,
    #[error("the acknowledge flags {0:#010b} are reserved")]
    ConnackFlags(u8),
    #[error("a session is present though the connection is refused")]
    SessionPresent,

    /// A topic name or filter.
    #[error("the topic is illegal: {0}")]
    Topic(TopicError),
    #[error("the response topic is illegal: {0}")]
    ResponseTopic(TopicError),
    #[error("there is neither a topic name nor a topic alias")]
    NoTopic,
    #[error("there is no topic filter")]
    NoFilters,
    #[error("there is no reason code")]
    NoReasons,
    #[error("the reserved bits of the options {0:#010b} are set")]
    ReservedOptions(u8),
    #[error("the maximum QoS is 3")]
    SubscriptionQos,
    #[error("retain handling is 3")]
    RetainHandling,
    #[error("no local is set on a shared subscription")]
    NoLocalShared,

    #[error("property {0:#04x} is unknown")]
    UnknownProperty(u32),
    #[error("{0} is no property of this packet")]
    MisplacedProperty(PropertyId),
    #[error("{0} is there more than once")]
    DuplicateProperty(PropertyId),
    #[error("{0} has a value that is not allowed")]
    PropertyValue(PropertyId),
    #[error("a client sends a Subscription Identifier with a message")]
    SubscriptionIdOfClient,
    #[error("a server sends a Session Expiry Interval with DISCONNECT")]
    SessionExpiryOfServer,
    #[error("there is no Authentication Method")]
    NoAuthenticationMethod,

    #[error("the packet is larger than {limit} bytes")]
    PacketTooLarge { limit: u32 },
    #[error("there are more than {limit} properties")]
    TooManyProperties { limit: u32 },
    #[error("the topic is longer than {limit} bytes")]
    TopicTooLong { limit: u16 },
    #[error("there are more than {limit} topic filters")]
    TooManyFilters { limit: u32 },
}

impl Fault {
    /// Whether a limit was passed; otherwise the peer breaks the protocol.
    pub const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::PacketTooLarge { .. }
                | Self::TooManyProperties { .. }
                | Self::TopicTooLong { .. }
                | Self::TooManyFilters { .. }
        )
    }

    /// What DISCONNECT says of it: "Use Reason Code 0x81 (Malformed Packet) or 0x82 (Protocol Error)
    /// unless a more specific Reason Code has been defined" (4.13.1).
    pub const fn disconnect_reason(&self) -> DisconnectReason {
        match self {
            Self::PacketTooLarge { .. } => DisconnectReason::PacketTooLarge,
            Self::TooManyProperties { .. }
            | Self::TopicTooLong { .. }
            | Self::TooManyFilters { .. } => DisconnectReason::QuotaExceeded,
            // 3.3.4: "A Topic Alias value of 0 [...]".
            Self::PropertyValue(PropertyId::TopicAlias) => DisconnectReason::TopicAliasInvalid,
            // A boolean of 2, a zero where none may be: "It is a Protocol Error".
            Self::PropertyValue(_)
            | Self::WrongDirection(..)
            | Self::NotConnect
            | Self::SecondConnect
            | Self::SessionPresent
            | Self::NoTopic
            | Self::NoFilters
            | Self::NoReasons
            | Self::SubscriptionQos
            | Self::RetainHandling
            | Self::NoLocalShared
            | Self::DuplicateProperty(_)
            | Self::SubscriptionIdOfClient
            | Self::SessionExpiryOfServer
            | Self::NoAuthenticationMethod => DisconnectReason::ProtocolError,
            _ => DisconnectReason::MalformedPacket,
        }
    }

    /// What CONNACK says of it, where the packet is CONNECT.
    pub const fn connect_reason(&self) -> ConnectReason {
        if let Self::ProtocolName | Self::ProtocolLevel(_) = self {
            return ConnectReason::UnsupportedProtocolVersion;
        }
        match self.disconnect_reason() {
            DisconnectReason::PacketTooLarge => ConnectReason::PacketTooLarge,
            DisconnectReason::QuotaExceeded => ConnectReason::QuotaExceeded,
            DisconnectReason::ProtocolError => ConnectReason::ProtocolError,
            _ => ConnectReason::MalformedPacket,
        }
    }
}
