//! Faults of packets, and the reason codes that report them to the peer: 5.0, 4.13.

use super::{ConnectReason, DisconnectReason, PacketType, PropertyId, Role, TopicError};

/// The rule that a packet breaks. [`disconnect_reason`](Self::disconnect_reason) returns Protocol
/// Error or a more specific code for the faults for which the specification names one; all other
/// faults are Malformed Packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A reserved packet type.
    #[error("packet type {0} is reserved")]
    ReservedType(u8),
    /// A packet type that the other role sends.
    #[error("a {1} must not receive {0}")]
    WrongDirection(PacketType, Role),
    /// The first packet is not CONNECT.
    #[error("the first packet is not CONNECT")]
    NotConnect,
    /// A second CONNECT.
    #[error("a second CONNECT was received")]
    SecondConnect,
    /// Reserved flags in the fixed header.
    #[error("the flags {0:#06b} are reserved")]
    Flags(u8),
    /// The reserved QoS 3 in PUBLISH.
    #[error("both QoS bits are set")]
    ReservedQos,
    /// DUP with QoS 0.
    #[error("DUP is set but QoS is 0")]
    DupWithoutQos,

    /// A variable byte integer of more than four bytes.
    #[error("a length has more than four bytes")]
    LengthTooLong,
    /// A variable byte integer that is not in its shortest form.
    #[error("a variable byte integer is not in its shortest form")]
    LengthNotMinimal,
    /// A field that exceeds the packet.
    #[error("a field is longer than the rest of the packet")]
    Truncated,
    /// Bytes after the last field.
    #[error("the packet has bytes after the last field")]
    TrailingBytes,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A string with U+0000.
    #[error("a string contains U+0000")]
    Nul,
    /// A packet identifier of 0.
    #[error("a packet identifier is 0")]
    PacketIdZero,
    /// A reason code that is not allowed in this packet.
    #[error("reason code {0:#04x} is not allowed in this packet")]
    ReasonCode(u8),

    /// An unknown protocol name.
    #[error("the protocol name is not MQTT")]
    ProtocolName,
    /// An unknown protocol level.
    #[error("protocol level {0} is not supported")]
    ProtocolLevel(u8),
    /// The reserved connect flag.
    #[error("the reserved connect flag is set")]
    ConnectFlag,
    /// Will QoS without the will flag.
    #[error("will QoS is set without a will")]
    WillQosWithoutWill,
    /// Will retain without the will flag.
    #[error("will retain is set without a will")]
    WillRetainWithoutWill,
    /// The reserved will QoS 3.
    #[error("both will QoS bits are set")]
    WillQos,
    /// A password without a user name, before 5.0.
    #[error("a password is set without a user name")]
    PasswordWithoutUserName,
    /// Reserved acknowledge flags.
    #[error("the acknowledge flags {0:#010b} are reserved")]
    ConnackFlags(u8),
    /// Session Present in a CONNACK that refuses the connection.
    #[error("session present is set but the connection is refused")]
    SessionPresent,

    /// A topic name or filter.
    #[error("the topic is illegal: {0}")]
    Topic(TopicError),
    /// An invalid response topic.
    #[error("the response topic is illegal: {0}")]
    ResponseTopic(TopicError),
    /// Neither a topic name nor a topic alias.
    #[error("there is neither a topic name nor a topic alias")]
    NoTopic,
    /// SUBSCRIBE or UNSUBSCRIBE without filters.
    #[error("there is no topic filter")]
    NoFilters,
    /// SUBACK or UNSUBACK without reason codes.
    #[error("there is no reason code")]
    NoReasons,
    /// Reserved subscription options.
    #[error("the reserved bits of the options {0:#010b} are set")]
    ReservedOptions(u8),
    /// The reserved maximum QoS 3.
    #[error("the maximum QoS is 3")]
    SubscriptionQos,
    /// The reserved retain handling 3.
    #[error("retain handling is 3")]
    RetainHandling,
    /// No Local on a shared subscription.
    #[error("no local is set on a shared subscription")]
    NoLocalShared,

    /// An unknown property.
    #[error("property {0:#04x} is unknown")]
    UnknownProperty(u32),
    /// A property that is not allowed in this packet.
    #[error("{0} is not allowed in this packet")]
    MisplacedProperty(PropertyId),
    /// A property that is included more than once.
    #[error("{0} is included more than once")]
    DuplicateProperty(PropertyId),
    /// A property value that is not allowed.
    #[error("{0} has a value that is not allowed")]
    PropertyValue(PropertyId),
    /// A Subscription Identifier in a PUBLISH of a client.
    #[error("a client must not send a Subscription Identifier in PUBLISH")]
    SubscriptionIdOfClient,
    /// A Session Expiry Interval in a DISCONNECT of a server.
    #[error("a server must not send a Session Expiry Interval in DISCONNECT")]
    SessionExpiryOfServer,
    /// AUTH or authentication data without an Authentication Method.
    #[error("the Authentication Method is missing")]
    NoAuthenticationMethod,

    /// A packet over the limit.
    #[error("the packet is larger than {limit} bytes")]
    PacketTooLarge {
        /// The limit.
        limit: u32,
    },
    /// More properties than the limit.
    #[error("there are more than {limit} properties")]
    TooManyProperties {
        /// The limit.
        limit: u32,
    },
    /// A topic over the limit.
    #[error("the topic is longer than {limit} bytes")]
    TopicTooLong {
        /// The limit.
        limit: u16,
    },
    /// More topic filters than the limit.
    #[error("there are more than {limit} topic filters")]
    TooManyFilters {
        /// The limit.
        limit: u32,
    },
}

impl Fault {
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
