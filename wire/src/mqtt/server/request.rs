//! What a client may ask for, behind CONNECT.

use std::sync::Arc;

use super::super::{
    Acknowledgement, Arrival, Delivery, DisconnectReason, PacketId, Properties, PublishReason,
    ReleaseReason, Subscribe, Unsubscribe,
};

/// Borrows from the bytes it was read from.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// To be answered by [`Session::puback`](super::Session::puback) or
    /// [`Session::pubrec`](super::Session::pubrec), unless its QoS is 0.
    Publish(Publish<'a>),
    /// For [`Outgoing::puback`](super::super::Outgoing::puback). Nothing answers it.
    Puback(Acknowledgement<'a, PublishReason>),
    /// For [`Outgoing::pubrec`](super::super::Outgoing::pubrec), which tells whether PUBREL answers it.
    Pubrec(Acknowledgement<'a, PublishReason>),
    /// To be answered by [`Session::pubcomp`](super::Session::pubcomp).
    Pubrel(Release),
    /// For [`Outgoing::pubcomp`](super::super::Outgoing::pubcomp). Nothing answers it.
    Pubcomp(Acknowledgement<'a, ReleaseReason>),
    /// To be answered by [`Session::suback`](super::Session::suback).
    Subscribe(Subscribe<'a>),
    /// To be answered by [`Session::unsuback`](super::Session::unsuback).
    Unsubscribe(Unsubscribe<'a>),
    /// To be answered by [`Session::pingresp`](super::Session::pingresp).
    Pingreq,
    /// The last request; close the connection.
    Disconnect(Disconnect),
}

/// PUBLISH, of which the topic is known whether or not it was said.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    pub topic: Topic<'a>,
    pub delivery: Delivery,
    /// A duplicate is not published again, but answered as the first one was: with QoS 2 only.
    pub arrival: Arrival,
    pub retain: bool,
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
    /// Whether the payload is not the UTF-8 that it is said to be: refuse it with
    /// [`PublishReason::PayloadFormatInvalid`]. Only where
    /// [`PayloadCheck`](super::PayloadCheck) asks for it.
    pub refused: Option<PublishReason>,
}

/// A legal topic name.
#[derive(Clone, Debug)]
pub enum Topic<'a> {
    Said(&'a str),
    /// What an alias stands for.
    Aliased(Arc<str>),
}

/// PUBREL. The identifier is free from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    pub packet_id: PacketId,
    /// What PUBCOMP says: whether the identifier was in use.
    pub reason: ReleaseReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    pub reason: DisconnectReason,
    /// Seconds that the session lives on, if it is not what CONNECT said: no more than is granted.
    pub session_expiry_s: Option<u32>,
}

impl Topic<'_> {
    #[inline]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Said(topic) => topic,
            Self::Aliased(topic) => topic,
        }
    }
}

impl Disconnect {
    /// Whether the will is published all the same. Reason code 0 discards it ([MQTT-3.14.4-3]); before
    /// 5.0 there is no other.
    pub fn publishes_will(&self) -> bool {
        self.reason != DisconnectReason::NormalDisconnection
    }
}
