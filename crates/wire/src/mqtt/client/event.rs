//! Events: the packets of a server, and their meaning for the session.

use super::super::server::Topic;
use super::super::{
    Attempt, ConnectReason, DisconnectReason, Properties, PublishReason, QoS, QosDelivery, Suback,
    Unsuback,
};

/// An event of the session. Borrows from the decoded bytes.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The connection is accepted.
    Connected(Connected<'a>),
    /// The connection is refused. The server closes it afterwards ([MQTT-3.2.2-7]).
    Refused(Refused<'a>),
    /// A message was received.
    Message(Message<'a>),
    /// A publication of QoS 1 or 2 is complete.
    Published(Published<'a>),
    /// SUBACK.
    Subscribed(Suback<'a>),
    /// UNSUBACK.
    Unsubscribed(Unsuback<'a>),
    /// DISCONNECT. The server closes the connection afterwards ([MQTT-3.14.4-2]).
    Disconnected(Disconnected<'a>),
    /// A packet was handled that needs no action by the caller.
    Answered,
}

/// The content of a CONNACK that accepts the connection.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// True if the server continues the session: its subscriptions exist, and unacknowledged
    /// publications are being sent again. Always false in 3.1.
    pub session_present: bool,
    /// Number of publications that were given up and that the server may not have received: their
    /// session no longer exists, or they are too large for the server now.
    pub given_up: usize,
    /// The client identifier assigned to a client that sent none ([MQTT-3.2.2-16]).
    pub assigned_client_id: Option<&'a str>,
    /// Keep alive in seconds; the server's value if it sent one.
    pub keep_alive_s: u16,
    /// The maximum QoS that the server supports.
    pub maximum_qos: QoS,
    /// The properties of CONNACK.
    pub properties: Properties<'a>,
}

/// The content of a CONNACK that refuses the connection.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The reason.
    pub reason: ConnectReason,
    /// The properties of CONNACK.
    pub properties: Properties<'a>,
}

/// A received message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// The topic.
    pub topic: Topic<'a>,
    /// QoS, packet identifier and DUP flag.
    pub delivery: QosDelivery,
    /// True if this is a retained message.
    pub retain: bool,
    /// The properties of PUBLISH.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
    /// The argument of [`Client::acknowledge`](super::Client::acknowledge). `None` for QoS 0.
    pub ticket: Option<Ticket>,
}

/// A received message that is not acknowledged yet. Only valid on the connection of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The QoS and packet identifier of the message.
    pub(super) delivery: QosDelivery,
    /// The number of the client's connection that received the message.
    pub(super) connection: u32,
}

/// The result of a publication.
#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// The [`Publication::tag`](super::Publication::tag) of the publication.
    pub tag: u64,
    /// The result: accepted, or the reason of the refusal.
    pub reason: PublishReason,
    /// The properties of the acknowledgement.
    pub properties: Properties<'a>,
}

/// The content of a DISCONNECT.
#[derive(Clone, Copy, Debug)]
pub struct Disconnected<'a> {
    /// The reason.
    pub reason: DisconnectReason,
    /// The properties of DISCONNECT.
    pub properties: Properties<'a>,
}

impl Message<'_> {
    /// Returns true if the server may have sent the message before ([MQTT-3.3.1-1]).
    pub const fn is_duplicate(&self) -> bool {
        matches!(
            self.delivery,
            QosDelivery::AtLeastOnce(_, Attempt::Again)
                | QosDelivery::ExactlyOnce(_, Attempt::Again)
        )
    }
}
