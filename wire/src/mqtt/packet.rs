//! The control packets: one model, shaped like 5.0. What a version does not have is absent or has
//! the value that means what that version does.

use super::{
    AuthReason, ConnectReason, Delivery, DisconnectReason, List, PacketId, PacketType, Properties,
    PublishReason, QoS, ReleaseReason, SubscribeReason, Subscription, TopicFilter, TopicName,
    UnsubscribeReason, Version,
};

/// Borrows from the bytes it was read from; nothing is copied or allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Connect(Connect<'a>),
    Connack(Connack<'a>),
    Publish(Publish<'a>),
    Puback(Acknowledgement<'a, PublishReason>),
    Pubrec(Acknowledgement<'a, PublishReason>),
    Pubrel(Acknowledgement<'a, ReleaseReason>),
    Pubcomp(Acknowledgement<'a, ReleaseReason>),
    Subscribe(Subscribe<'a>),
    Suback(Suback<'a>),
    Unsubscribe(Unsubscribe<'a>),
    Unsuback(Unsuback<'a>),
    Pingreq,
    Pingresp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

/// 5.0, 3.1. It alone says its version; in encoding, that is taken and not the codec's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    pub version: Version,
    /// Before 5.0 "Clean Session": there it also says that the session ends with the connection.
    pub clean_start: bool,
    /// Seconds; 0 is never.
    pub keep_alive: u16,
    pub properties: Properties<'a>,
    /// May be empty ([MQTT-3.1.3-6]).
    pub client_id: &'a str,
    pub will: Option<Will<'a>>,
    pub user_name: Option<&'a str>,
    pub password: Option<&'a [u8]>,
}

/// What the server publishes when the connection ends otherwise than it should: 5.0, 3.1.2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties<'a>,
    pub topic: TopicName<'a>,
    pub payload: &'a [u8],
}

/// 5.0, 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connack<'a> {
    pub session_present: bool,
    pub reason: ConnectReason,
    pub properties: Properties<'a>,
}

/// 5.0, 3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    pub delivery: Delivery,
    pub retain: bool,
    /// `None` is an empty one, which stands for that of the property Topic Alias.
    pub topic: Option<TopicName<'a>>,
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP: 5.0, 3.4 to 3.7. Before 5.0 they all mean success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement<'a, R> {
    pub packet_id: PacketId,
    pub reason: R,
    pub properties: Properties<'a>,
}

/// 5.0, 3.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// One or more.
    pub subscriptions: List<'a, Subscription<'a>>,
}

/// 5.0, 3.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suback<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// One for each subscription, in their order ([MQTT-3.9.3-1]). Before 5.0 there is one failure.
    pub reasons: List<'a, SubscribeReason>,
}

/// 5.0, 3.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// One or more.
    pub filters: List<'a, TopicFilter<'a>>,
}

/// 5.0, 3.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsuback<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// One for each filter, in their order ([MQTT-3.11.3-1]). Before 5.0 there are none.
    pub reasons: List<'a, UnsubscribeReason>,
}

/// 5.0, 3.14. Before 5.0 only clients say it, and it is normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    pub reason: DisconnectReason,
    pub properties: Properties<'a>,
}

/// 5.0, 3.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    pub reason: AuthReason,
    pub properties: Properties<'a>,
}

impl Packet<'_> {
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
