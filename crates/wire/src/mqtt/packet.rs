//! The control packets: one model for all versions, shaped like 5.0. A field that a version does
//! not have is absent, or has the value that corresponds to the behaviour of that version.

use super::{
    AuthReason, ConnectReason, DisconnectReason, List, PacketId, PacketType, Properties,
    PublishReason, QoS, QosDelivery, ReleaseReason, SubscribeReason, Subscription, TopicFilter,
    TopicName, UnsubscribeReason, Version,
};

/// A control packet. Borrows from the decoded bytes; nothing is copied or allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT.
    Connect(Connect<'a>),
    /// CONNACK.
    Connack(Connack<'a>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK.
    Puback(Acknowledgement<'a, PublishReason>),
    /// PUBREC.
    Pubrec(Acknowledgement<'a, PublishReason>),
    /// PUBREL.
    Pubrel(Acknowledgement<'a, ReleaseReason>),
    /// PUBCOMP.
    Pubcomp(Acknowledgement<'a, ReleaseReason>),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// SUBACK.
    Suback(Suback<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// UNSUBACK.
    Unsuback(Unsuback<'a>),
    /// PINGREQ.
    Pingreq,
    /// PINGRESP.
    Pingresp,
    /// DISCONNECT.
    Disconnect(Disconnect<'a>),
    /// AUTH.
    Auth(Auth<'a>),
}

/// CONNECT: 5.0, 3.1. It contains its own version, which is used for encoding instead of the
/// codec's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The protocol name and level.
    pub version: Version,
    /// True if the client is the bridge of another broker, which sets the highest bit of the protocol
    /// level. Always false in 5.0.
    pub is_bridge: bool,
    /// "Clean Session" before 5.0, where it also means that the session ends with the connection.
    pub clean_start: bool,
    /// Keep alive in seconds; 0 disables it.
    pub keep_alive: u16,
    /// The properties of CONNECT.
    pub properties: Properties<'a>,
    /// The client identifier, which may be empty ([MQTT-3.1.3-6]).
    pub client_id: &'a str,
    /// The will message.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<&'a str>,
    /// The password.
    pub password: Option<&'a [u8]>,
}

/// The will: a message that the server publishes if the connection ends without a normal
/// DISCONNECT: 5.0, 3.1.2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// QoS of the will message.
    pub qos: QoS,
    /// True if the will message is published as a retained message.
    pub retain: bool,
    /// The will properties.
    pub properties: Properties<'a>,
    /// The topic of the will message.
    pub topic: TopicName<'a>,
    /// The payload of the will message.
    pub payload: &'a [u8],
}

/// CONNACK: 5.0, 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connack<'a> {
    /// True if the server continues an existing session.
    pub session_present: bool,
    /// The result of CONNECT.
    pub reason: ConnectReason,
    /// The properties of CONNACK.
    pub properties: Properties<'a>,
}

/// PUBLISH: 5.0, 3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// QoS, packet identifier and DUP flag.
    pub delivery: QosDelivery,
    /// The RETAIN flag.
    pub retain: bool,
    /// The topic name. `None` is an empty name, for which the property Topic Alias stands.
    pub topic: Option<TopicName<'a>>,
    /// The properties of PUBLISH.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP: 5.0, 3.4 to 3.7. Before 5.0 the reason is always success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement<'a, R> {
    /// The identifier of the acknowledged packet.
    pub packet_id: PacketId,
    /// The reason code.
    pub reason: R,
    /// The properties of the acknowledgement.
    pub properties: Properties<'a>,
}

/// SUBSCRIBE: 5.0, 3.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// The packet identifier.
    pub packet_id: PacketId,
    /// The properties of SUBSCRIBE.
    pub properties: Properties<'a>,
    /// One or more filters with their options.
    pub subscriptions: List<'a, Subscription<'a>>,
}

/// SUBACK: 5.0, 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suback<'a> {
    /// The identifier of the SUBSCRIBE.
    pub packet_id: PacketId,
    /// The properties of SUBACK.
    pub properties: Properties<'a>,
    /// One reason code for each subscription, in the same order ([MQTT-3.9.3-1]). Before 5.0 there
    /// is only one failure code.
    pub reasons: List<'a, SubscribeReason>,
}

/// UNSUBSCRIBE: 5.0, 3.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// The packet identifier.
    pub packet_id: PacketId,
    /// The properties of UNSUBSCRIBE.
    pub properties: Properties<'a>,
    /// One or more filters.
    pub filters: List<'a, TopicFilter<'a>>,
}

/// UNSUBACK: 5.0, 3.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsuback<'a> {
    /// The identifier of the UNSUBSCRIBE.
    pub packet_id: PacketId,
    /// The properties of UNSUBACK.
    pub properties: Properties<'a>,
    /// One reason code for each filter, in the same order ([MQTT-3.11.3-1]). None before 5.0.
    pub reasons: List<'a, UnsubscribeReason>,
}

/// DISCONNECT: 5.0, 3.14. Before 5.0 only clients send it, always with the normal reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// The reason code.
    pub reason: DisconnectReason,
    /// The properties of DISCONNECT.
    pub properties: Properties<'a>,
}

/// AUTH: 5.0, 3.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// The reason code.
    pub reason: AuthReason,
    /// The properties of AUTH.
    pub properties: Properties<'a>,
}

impl Packet<'_> {
    /// Returns the type of the packet.
    pub const fn packet_type(&self) -> PacketType {
        match self {
            Self::Connect(_) => PacketType::Connect,
            Self::Connack(_) => PacketType::Connack,
            Self::Publish(_) => PacketType::Publish,
            Self::Puback(_) => PacketType::Puback,
            Self::Pubrec(_) => PacketType::Pubrec,
            Self::Pubrel(_) => PacketType::Pubrel,
            Self::Pubcomp(_) => PacketType::Pubcomp,
            Self::Subscribe(_) => PacketType::Subscribe,
            Self::Suback(_) => PacketType::Suback,
            Self::Unsubscribe(_) => PacketType::Unsubscribe,
            Self::Unsuback(_) => PacketType::Unsuback,
            Self::Pingreq => PacketType::Pingreq,
            Self::Pingresp => PacketType::Pingresp,
            Self::Disconnect(_) => PacketType::Disconnect,
            Self::Auth(_) => PacketType::Auth,
        }
    }
}
