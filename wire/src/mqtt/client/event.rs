//! What a server says, and what it means for the session.

use super::super::server::Topic;
use super::super::{
    Attempt, ConnectReason, Delivery, DisconnectReason, Properties, PublishReason, QoS, Suback,
    Unsuback,
};

/// Borrows from the bytes it was read from.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    Connected(Connected<'a>),
    /// The server closes the connection after it ([MQTT-3.2.2-7]).
    Refused(Refused<'a>),
    Message(Message<'a>),
    /// A publication of QoS 1 or 2 is done with.
    Published(Published<'a>),
    Subscribed(Suback<'a>),
    Unsubscribed(Unsuback<'a>),
    /// The server closes the connection after it ([MQTT-3.14.4-2]).
    Disconnected(Disconnected<'a>),
    /// There was a packet, of which nothing is to be told.
    Answered,
}

/// CONNACK.
#[derive(Clone, Copy, Debug)]
pub struct Connected<'a> {
    /// The server goes on with the session: its subscriptions are there, and what was not acknowledged
    /// is being sent again. In 3.1 it cannot be said.
    pub session_present: bool,
    /// How many publications were given up that the server may not have taken: the session that they
    /// were part of is gone, or they are too large for it now.
    pub given_up: usize,
    /// The name of a client that came without one ([MQTT-3.2.2-16]).
    pub assigned_client_id: Option<&'a str>,
    /// Seconds, the server's if it has chosen one.
    pub keep_alive_s: u16,
    pub maximum_qos: QoS,
    pub properties: Properties<'a>,
}

#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    pub reason: ConnectReason,
    pub properties: Properties<'a>,
}

#[derive(Clone, Debug)]
pub struct Message<'a> {
    pub topic: Topic<'a>,
    pub delivery: Delivery,
    pub retain: bool,
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
    /// What it is acknowledged by. `None`: there is nothing to acknowledge.
    pub ticket: Option<Ticket>,
}

/// A message that was received and is not acknowledged. It is of no use on another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) delivery: Delivery,
    /// Which of the client's connections it came on.
    pub(super) connection: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Published<'a> {
    /// [`Publication::tag`](super::Publication::tag).
    pub tag: u64,
    /// Whether the server took it.
    pub reason: PublishReason,
    pub properties: Properties<'a>,
}

#[derive(Clone, Copy, Debug)]
pub struct Disconnected<'a> {
    pub reason: DisconnectReason,
    pub properties: Properties<'a>,
}

impl Message<'_> {
    /// Whether the server may have sent it before ([MQTT-3.3.1-1]).
    pub const fn is_duplicate(&self) -> bool {
        matches!(
            self.delivery,
            Delivery::AtLeastOnce(_, Attempt::Again) | Delivery::ExactlyOnce(_, Attempt::Again)
        )
    }
}
