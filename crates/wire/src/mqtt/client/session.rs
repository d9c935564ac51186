//! The client's state machine: connection state and requests.

use super::super::PublishReason::Success;
use super::super::{
    Acknowledgement, AliasesIn, Connack, Decoder, Disconnect, DisconnectReason, Due, EncodeError,
    Incoming, KeepAlive, Limits, List, MaximumQos, Packet, PacketId, Properties, Property, QoS,
    QosDelivery, Role, Subscribe, Unsubscribe,
};
use super::Config;
use super::event::Ticket;
use super::fault::{ProtocolError, RequestError};
use super::publishing::{Publishing, Wire};
use super::request::{Connect, Publication, Topics};

/// A client's session, over any number of consecutive connections. Methods that write append to
/// `out`.
///
/// Times are milliseconds of any monotonic clock, read by the caller. The clock may start anew with
/// each connection.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) config: Config,
    pub(super) state: State,
    pub(super) publishing: Publishing,
    pub(super) incoming: Incoming,
    /// Number of calls of [`connect`](Self::connect).
    pub(super) connections: u32,
    pub(super) asked: Asked,
    // The fields below belong to one connection.
    pub(super) decoder: Decoder,
    pub(super) aliases: AliasesIn,
    pub(super) keep_alive: KeepAlive,
    pub(super) server: Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// CONNECT was written, or nothing yet.
    Connecting,
    Connected,
    /// DISCONNECT was written: "MUST NOT send any more MQTT Control Packets" ([MQTT-3.14.4-1]).
    /// Packets that the server sent before it received DISCONNECT are still decoded.
    Left,
    /// The server refused or ended the connection.
    Over,
}

/// The parameters of CONNECT.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub clean_start: bool,
    pub keep_alive_s: u16,
    pub receive_maximum: u16,
    /// True if the session outlives the connection.
    pub outlives: bool,
}

/// The server's limits from CONNACK.
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

    pub(super) fn of(connack: &Connack<'_>) -> Self {
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
    /// Creates a session without a connection.
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

    /// Writes CONNECT, the first packet of a connection, for a new session or an existing one. All
    /// other requests must wait for [`Event::Connected`](super::Event::Connected).
    ///
    /// # Errors
    ///
    /// The version cannot express a parameter.
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

    /// Returns true if the server has accepted the connection.
    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// Writes DISCONNECT, the last packet of a connection. In 5.0 it can change the session expiry,
    /// in seconds, except from 0 (3.14.2.2.2).
    pub fn disconnect(&mut self, session_expiry_s: Option<u32>, out: &mut Vec<u8>) {
        let expiry = session_expiry_s.map(Property::SessionExpiryInterval);
        self.leave(DisconnectReason::NormalDisconnection, expiry, out);
    }

    /// Reports a violation to the server, if the protocol allows it. The caller then closes the
    /// connection.
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
        // Encoding a number cannot fail; before 5.0 properties are omitted.
        let properties = List::encode(property, &mut scratch).unwrap_or_default();
        self.answer(&Packet::Disconnect(Disconnect { reason, properties }), out);
        self.state = State::Left;
    }

    /// Must be called when bytes have arrived, even part of a packet.
    pub const fn received(&mut self, now_ms: u64) {
        self.keep_alive.received(now_ms);
    }

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline). Each `received`
    /// postpones it. A timer for an earlier time need not be reset; it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        self.keep_alive.deadline()
    }

    /// Returns the action due. PINGREQ is due regularly, even if other packets are sent: if only
    /// QoS 0 is published, PINGRESP is the only sign that the server is alive.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        self.keep_alive.on_deadline(now_ms)
    }

    /// Writes PINGREQ ([MQTT-3.1.2-20]).
    pub fn ping(&self, out: &mut Vec<u8>) {
        self.answer(&Packet::Pingreq, out);
    }
}

/// Requests.
impl Client {
    /// Returns true if another publication of QoS 1 or 2 may be sent: see [`Config::in_flight`] and
    /// the server's Receive Maximum ([MQTT-3.3.4-7]).
    pub fn has_room(&self) -> bool {
        self.publishing.has_room(&self.config)
    }

    /// Returns the number of unacknowledged publications of QoS 1 and 2.
    pub fn in_flight(&self) -> usize {
        self.publishing.len()
    }

    /// Writes a PUBLISH.
    ///
    /// # Errors
    ///
    /// The server does not accept such a message, the window is full, or the version cannot express
    /// it.
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

    /// Writes a SUBSCRIBE or UNSUBSCRIBE and returns its packet identifier. The answering
    /// [`Event::Subscribed`](super::Event::Subscribed) or
    /// [`Event::Unsubscribed`](super::Event::Unsubscribed) has the same identifier.
    ///
    /// # Errors
    ///
    /// The version cannot express the request, or too many requests are unanswered.
    pub fn request(
        &mut self,
        topics: &Topics<'_>,
        out: &mut Vec<u8>,
    ) -> Result<PacketId, RequestError> {
        self.check_connected()?;
        let packet_id = self.publishing.reserve()?;
        let written = self.write_request(packet_id, topics, out);
        if written.is_err() {
            // The identifier was reserved above, so this cannot fail.
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

    /// Acknowledges a message with PUBACK, or with PUBREC, after which the client completes the
    /// exchange itself. Must be called in the order of arrival ([MQTT-4.6.0-2], [MQTT-4.6.0-3]) and
    /// on the same connection. On a later connection the call has no effect, since the server sends
    /// the message again.
    pub fn acknowledge(&mut self, ticket: Ticket, out: &mut Vec<u8>) {
        if ticket.connection != self.connections {
            return;
        }
        match ticket.delivery {
            QosDelivery::AtMostOnce => {}
            QosDelivery::AtLeastOnce(id, _) => {
                self.incoming.answered();
                self.answer(&Packet::Puback(acknowledgement(id, Success)), out);
            }
            QosDelivery::ExactlyOnce(id, _) => {
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

    /// Writes a small packet that is valid in every version. Writes nothing after DISCONNECT.
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
