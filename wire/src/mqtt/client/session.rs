//! The order of the conversation, seen from the client.

use super::super::PublishReason::Success;
use super::super::{
    Acknowledgement, AliasesIn, Connack, Decoder, Delivery, Disconnect, DisconnectReason, Due,
    EncodeError, Incoming, KeepAlive, Limits, List, MaximumQos, Packet, PacketId, Properties,
    Property, QoS, Role, Subscribe, Unsubscribe,
};
use super::Config;
use super::event::Ticket;
use super::fault::{ProtocolError, RequestError};
use super::publishing::{Publishing, Wire};
use super::request::{Connect, Publication, Topics};

/// A client's session, on one connection after the other. Writers append to `out`.
///
/// Times are milliseconds of any monotonic clock; the caller reads it. It may begin anew with each
/// connection.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) publishing: Publishing,
    pub(super) incoming: Incoming,
    /// How often [`connect`](Self::connect) was called.
    pub(super) connections: u32,
    pub(super) asked: Asked,
    // What follows is of one connection.
    pub(super) decoder: Decoder,
    pub(super) aliases: AliasesIn,
    pub(super) keep_alive: KeepAlive,
    pub(super) server: Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// CONNECT was written, or nothing.
    Connecting,
    Connected,
    /// DISCONNECT was written: "MUST NOT send any more MQTT Control Packets" ([MQTT-3.14.4-1]). What the server
    /// had to say before it read that is still heard.
    Left,
    /// The server refused or ended the connection.
    Over,
}

/// What CONNECT asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub clean_start: bool,
    pub keep_alive_s: u16,
    pub receive_maximum: u16,
    /// The session is there after the connection.
    pub outlives: bool,
}

/// What CONNACK granted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    pub maximum_packet_size: u32,
    pub maximum_qos: QoS,
    pub keeps_retained: bool,
}

impl Server {
    const UNKNOWN: Self = Self {
        maximum_packet_size: u32::MAX,
        maximum_qos: QoS::ExactlyOnce,
        keeps_retained: true,
    };

    pub fn of(connack: &Connack<'_>) -> Self {
        let properties = &connack.properties;
        Self {
            maximum_packet_size: properties.maximum_packet_size().map_or(u32::MAX, u32::from),
            maximum_qos: match properties.maximum_qos() {
                None => QoS::ExactlyOnce,
                Some(MaximumQos::AtLeastOnce) => QoS::AtLeastOnce,
                Some(MaximumQos::AtMostOnce) => QoS::AtMostOnce,
            },
            keeps_retained: properties.retain_available().unwrap_or(true),
        }
    }
}

/// The connection.
impl Client {
    /// A session that has not begun.
    pub fn new(config: &Config) -> Self {
        Self {
            config: *config,
            state: State::Over,
            publishing: Publishing::new(config),
            incoming: Incoming::new(u16::MAX),
            connections: 0,
            asked: Asked::default(),
            decoder: Decoder::new(Role::Client, config.version, Limits::FROM_SERVER),
            aliases: AliasesIn::new(0, 0),
            keep_alive: KeepAlive::awaiting_handshake(0, config.handshake_ms),
            server: Server::UNKNOWN,
        }
    }

    /// The first packet of a connection, the session's first or another one; everything else waits for
    /// [`Event::Connected`](super::Event::Connected).
    ///
    /// # Errors
    ///
    /// Something in it cannot be said.
    pub fn connect(
        &mut self,
        connect: &Connect<'_>,
        now_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let config = &self.config;
        connect.write(config, out)?;
        self.state = State::Connecting;
        self.connections = self.connections.wrapping_add(1);
        self.asked = Asked {
            clean_start: connect.clean_start,
            keep_alive_s: connect.keep_alive_s,
            receive_maximum: match config.version.is_5() {
                true => connect.receive_maximum.get(),
                false => u16::MAX,
            },
            outlives: connect.outlives(config),
        };
        self.decoder = Decoder::new(Role::Client, config.version, config.limits);
        self.aliases = AliasesIn::new(config.topic_alias_maximum, config.topic_alias_bytes);
        self.keep_alive = KeepAlive::awaiting_handshake(now_ms, config.handshake_ms);
        self.server = Server::UNKNOWN;
        Ok(())
    }

    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// The last packet of a connection. In 5.0 it may say how long the session lives on, in seconds, if
    /// that is not what CONNECT said; not if CONNECT said that it ends (3.14.2.2.2).
    pub fn disconnect(&mut self, session_expiry_s: Option<u32>, out: &mut Vec<u8>) {
        let expiry = session_expiry_s.map(Property::SessionExpiryInterval);
        self.leave(DisconnectReason::NormalDisconnection, expiry, out);
    }

    /// Tells the server what it did wrong, where that can be said; then close the connection.
    pub fn fail(&mut self, error: &ProtocolError, out: &mut Vec<u8>) {
        match self.is_connected() && self.config.version.is_5() {
            true => self.leave(error.disconnect_reason(), None, out),
            false => self.state = State::Left,
        }
    }

    fn leave(
        &mut self,
        reason: DisconnectReason,
        property: Option<Property<'_>>,
        out: &mut Vec<u8>,
    ) {
        let mut scratch = Vec::new();
        // A number can be encoded; before 5.0 properties are left out.
        let properties = List::encode(property, &mut scratch).unwrap_or_default();
        self.answer(&Packet::Disconnect(Disconnect { reason, properties }), out);
        self.state = State::Left;
    }

    /// Bytes have arrived, whatever they are.
    pub const fn received(&mut self, now_ms: u64) {
        self.keep_alive.received(now_ms);
    }

    /// When to call [`on_deadline`](Self::on_deadline) next. It moves with each `received`; a timer set
    /// for an earlier answer may stay, it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        self.keep_alive.deadline()
    }

    /// PINGREQ is due regularly, whatever else is sent: while only QoS 0 is published, nothing but its
    /// answer shows that the server is there.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        self.keep_alive.on_deadline(now_ms)
    }

    /// [MQTT-3.1.2-20].
    pub fn ping(&self, out: &mut Vec<u8>) {
        self.answer(&Packet::Pingreq, out);
    }
}

/// Requests.
impl Client {
    /// Whether another publication of QoS 1 or 2 may be sent: see [`Config::in_flight`], and the
    /// server's Receive Maximum ([MQTT-3.3.4-7]).
    pub fn has_room(&self) -> bool {
        self.publishing.has_room(&self.config)
    }

    /// Publications of QoS 1 and 2 that are not acknowledged.
    pub fn in_flight(&self) -> usize {
        self.publishing.len()
    }

    /// # Errors
    ///
    /// The server does not take such a message, or not now, or it cannot be said.
    pub fn publish(
        &mut self,
        publication: &Publication<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        self.check_connected()?;
        let Server {
            maximum_qos,
            keeps_retained,
            ..
        } = self.server;
        if publication.qos > maximum_qos {
            return Err(RequestError::Qos {
                maximum: maximum_qos,
            });
        }
        if publication.retain && !keeps_retained {
            return Err(RequestError::Retain);
        }
        if publication.qos != QoS::AtMostOnce && !self.has_room() {
            return Err(RequestError::NoRoom);
        }
        let wire = self.wire();
        self.publishing
            .publish(publication, self.asked.outlives, wire, out)
    }

    /// Subscribes, or unsubscribes. The answer, an [`Event::Subscribed`](super::Event::Subscribed) or
    /// [`Event::Unsubscribed`](super::Event::Unsubscribed), has the same identifier.
    ///
    /// # Errors
    ///
    /// It cannot be said, or too much is waiting for an answer.
    pub fn request(
        &mut self,
        topics: &Topics<'_>,
        out: &mut Vec<u8>,
    ) -> Result<PacketId, RequestError> {
        self.check_connected()?;
        let packet_id = self.publishing.reserve()?;
        let written = self.write_request(packet_id, topics, out);
        if written.is_err() {
            // It was given out above.
            let _ = self.publishing.free(packet_id);
        }
        written.map(|()| packet_id)
    }

    fn write_request(
        &self,
        packet_id: PacketId,
        topics: &Topics<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        let (mut scratch, mut list) = (Vec::new(), Vec::new());
        let packet = match topics {
            Topics::Subscribe(subscriptions, id) => Packet::Subscribe(Subscribe {
                packet_id,
                properties: List::encode(id.map(Property::SubscriptionIdentifier), &mut scratch)?,
                subscriptions: List::encode(subscriptions.iter().copied(), &mut list)?,
            }),
            Topics::Unsubscribe(filters) => Packet::Unsubscribe(Unsubscribe {
                packet_id,
                properties: Properties::EMPTY,
                filters: List::encode(filters.iter().copied(), &mut list)?,
            }),
        };
        self.wire().write(&packet, out)
    }

    /// The message was made use of: PUBACK, or PUBREC, which the machine then brings to its end. To be
    /// called in the order of arrival ([MQTT-4.6.0-2], [MQTT-4.6.0-3]), and on the same connection: later it
    /// does nothing, since the server sends the message again.
    pub fn acknowledge(&mut self, ticket: Ticket, out: &mut Vec<u8>) {
        if ticket.connection != self.connections {
            return;
        }
        match ticket.delivery {
            Delivery::AtMostOnce => {}
            Delivery::AtLeastOnce(id, _) => {
                self.incoming.answered();
                self.answer(&Packet::Puback(acknowledgement(id, Success)), out);
            }
            Delivery::ExactlyOnce(id, _) => {
                self.answer(&Packet::Pubrec(acknowledgement(id, Success)), out);
            }
        }
    }

    const fn check_connected(&self) -> Result<(), RequestError> {
        match self.is_connected() {
            true => Ok(()),
            false => Err(RequestError::NotConnected),
        }
    }

    pub(super) const fn wire(&self) -> Wire {
        Wire {
            version: self.config.version,
            maximum_packet_size: self.server.maximum_packet_size,
        }
    }

    /// Of a few bytes, and legal in every version. Who has left says nothing.
    pub(super) fn answer(&self, packet: &Packet<'_>, out: &mut Vec<u8>) {
        if !self.is_connected() {
            return;
        }
        let written = packet.encode(self.config.version, out);
        debug_assert!(written.is_ok(), "{packet:?}: {written:?}");
    }
}

pub(super) const fn acknowledgement<R>(
    packet_id: PacketId,
    reason: R,
) -> Acknowledgement<'static, R> {
    Acknowledgement {
        packet_id,
        reason,
        properties: Properties::EMPTY,
    }
}
