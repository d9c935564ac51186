//! Faults of packets, and the reason codes that report them to the peer: 5.0, 4.13.

use super::{ConnectReason, DisconnectReason, PacketType, PropertyId, Role, TopicError};

/// The rule that a packet breaks. [`disconnect_reason`](Self::disconnect_reason) returns Protocol
/// Error or a more specific code for the faults for which the specification names one; all other
/// faults are Malformed Packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("packet type {0} is reserved")]
    ReservedType(u8),
    #[error("a {1} must not receive {0}")]
    WrongDirection(PacketType, Role),
    #[error("the first packet is not CONNECT")]
    NotConnect,
    #[error("a second CONNECT was received")]
    SecondConnect,
    #[error("the flags {0:#06b} are reserved")]
    Flags(u8),
    #[error("both QoS bits are set")]
    ReservedQos,
    #[error("DUP is set but QoS is 0")]
    DupWithoutQos,

    #[error("a length has more than four bytes")]
    LengthTooLong,
    #[error("a variable byte integer is not in its shortest form")]
    LengthNotMinimal,
    #[error("a field is longer than the rest of the packet")]
    Truncated,
    #[error("the packet has bytes after the last field")]
    TrailingBytes,
    #[error("a string is not UTF-8")]
    NotUtf8,
    #[error("a string contains U+0000")]
    Nul,
    #[error("a packet identifier is 0")]
    PacketIdZero,
    #[error("reason code {0:#04x} is not allowed in this packet")]
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
    #[error("a password is set without a user name")]
    PasswordWithoutUserName,
    #[error("the acknowledge flags {0:#010b} are reserved")]
    ConnackFlags(u8),
    #[error("session present is set but the connection is refused")]
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
    #[error("{0} is not allowed in this packet")]
    MisplacedProperty(PropertyId),
    #[error("{0} is included more than once")]
    DuplicateProperty(PropertyId),
    #[error("{0} has a value that is not allowed")]
    PropertyValue(PropertyId),
    #[error("a client must not send a Subscription Identifier in PUBLISH")]
    SubscriptionIdOfClient,
    #[error("a server must not send a Session Expiry Interval in DISCONNECT")]
    SessionExpiryOfServer,
    #[error("the Authentication Method is missing")]
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
    /// Returns true if a limit was exceeded, and false if the peer broke the protocol.
    pub const fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::PacketTooLarge { .. }
                | Self::TooManyProperties { .. }
                | Self::TopicTooLong { .. }
                | Self::TooManyFilters { .. }
        )
    }

    /// Returns the reason code for DISCONNECT: "Use Reason Code 0x81 (Malformed Packet) or 0x82
    /// (Protocol Error) unless a more specific Reason Code has been defined" (4.13.1).
    pub const fn disconnect_reason(&self) -> DisconnectReason {
        match self {
            Self::PacketTooLarge { .. } => DisconnectReason::PacketTooLarge,
            Self::TooManyProperties { .. }
            | Self::TopicTooLong { .. }
            | Self::TooManyFilters { .. } => DisconnectReason::QuotaExceeded,
            // 3.3.4: "A Topic Alias value of 0 [...]".
            Self::PropertyValue(PropertyId::TopicAlias) => DisconnectReason::TopicAliasInvalid,
            // A property value that is not allowed, such as a boolean of 2 or a forbidden zero, is
            // "a Protocol Error".
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

    /// Returns the reason code for CONNACK, for faults of CONNECT.
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
