//! Requests of a client after CONNECT.

use std::sync::Arc;

use super::super::{
    Acknowledgement, Arrival, DisconnectReason, PacketId, Properties, PublishReason, QosDelivery,
    ReleaseReason, Subscribe, Unsubscribe,
};

/// A request. Borrows from the decoded bytes.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// A message. Answer with [`Session::puback`](super::Session::puback) or
    /// [`Session::pubrec`](super::Session::pubrec), unless its QoS is 0.
    Publish(Publish<'a>),
    /// Pass to [`Outgoing::puback`](super::super::Outgoing::puback). Needs no answer.
    Puback(Acknowledgement<'a, PublishReason>),
    /// Pass to [`Outgoing::pubrec`](super::super::Outgoing::pubrec), which decides if PUBREL is the
    /// answer.
    Pubrec(Acknowledgement<'a, PublishReason>),
    /// Answer with [`Session::pubcomp`](super::Session::pubcomp).
    Pubrel(Release),
    /// Pass to [`Outgoing::pubcomp`](super::super::Outgoing::pubcomp). Needs no answer.
    Pubcomp(Acknowledgement<'a, ReleaseReason>),
    /// Answer with [`Session::suback`](super::Session::suback).
    Subscribe(Subscribe<'a>),
    /// Answer with [`Session::unsuback`](super::Session::unsuback).
    Unsubscribe(Unsubscribe<'a>),
    /// Answer with [`Session::pingresp`](super::Session::pingresp).
    Pingreq,
    /// The last request; close the connection.
    Disconnect(Disconnect),
}

/// A PUBLISH whose topic is resolved.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    /// The topic.
    pub topic: Topic<'a>,
    /// QoS, packet identifier and DUP flag.
    pub delivery: QosDelivery,
    /// A duplicate, possible only with QoS 2, is answered like the first one and not published
    /// again.
    pub arrival: Arrival,
    /// The RETAIN flag.
    pub retain: bool,
    /// The properties.
    pub properties: Properties<'a>,
    /// The payload.
    pub payload: &'a [u8],
    /// [`PublishReason::PayloadFormatInvalid`] if the payload is declared as UTF-8 but is not:
    /// refuse the message with it. Only set if [`PayloadCheck`](super::PayloadCheck) requires the
    /// validation.
    pub refused: Option<PublishReason>,
}

/// A valid topic name.
#[derive(Clone, Debug)]
pub enum Topic<'a> {
    /// The name in the packet.
    Said(&'a str),
    /// The topic of an alias.
    Aliased(Arc<str>),
}

/// A PUBREL. The identifier is free from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The packet identifier.
    pub packet_id: PacketId,
    /// The reason for PUBCOMP: whether the identifier was in use.
    pub reason: ReleaseReason,
}

/// A DISCONNECT of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// The reason code.
    pub reason: DisconnectReason,
    /// Seconds that the session outlives the connection, limited to the maximum; None keeps the
    /// value of CONNECT.
    pub session_expiry_s: Option<u32>,
}

impl Topic<'_> {
    /// Returns the topic name.
    #[inline]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Said(topic) => topic,
            Self::Aliased(topic) => topic,
        }
    }
}

impl Disconnect {
    /// Returns true if the will is published nevertheless. Reason code 0 discards it
    /// ([MQTT-3.14.4-3]); before 5.0 there is no other code.
    pub fn publishes_will(&self) -> bool {
        self.reason != DisconnectReason::NormalDisconnection
    }
}
