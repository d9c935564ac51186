//! The receiving half of a connection after CONNECT.

use super::super::{
    Acknowledgement, AliasError, AliasesIn, Decoder, Due, Incoming, KeepAlive, Packet, PacketId,
    PacketType, PayloadFormat, Properties, PublishReason, QosDelivery, ReleaseReason, Role,
    SubscribeReason, UnsubscribeReason,
};
use super::super::{Disconnect as DisconnectPacket, Publish as PublishPacket};
use super::config::{Config, PayloadCheck};
use super::connect::Opened;
use super::fault::Fault;
use super::peer::Peer;
use super::request::{Disconnect, Publish, Release, Request, Topic};

/// A connection from CONNACK on. Kept small, since it is the only cost here of an idle connection.
#[derive(Clone, Debug)]
pub struct Session {
    decoder: Decoder,
    peer: Peer,
    aliases: AliasesIn,
    incoming: Incoming,
    keep_alive: KeepAlive,
    payload_check: PayloadCheck,
    /// The session expiry granted in CONNACK.
    session_expiry_s: u32,
    session_expiry_maximum_s: u32,
    /// True after DISCONNECT: "MUST NOT send any more MQTT Control Packets" ([MQTT-3.14.4-1]).
    is_over: bool,
}

impl Session {
    pub(super) fn new(opened: &Opened, config: &Config, now_ms: u64) -> Self {
        let version = opened.version;
        let receive_maximum = match version.is_5() {
            true => config.receive_maximum.get(),
            false => u16::MAX,
        };
        Self {
            decoder: Decoder::new(Role::Server, version, config.limits),
            peer: opened.peer,
            aliases: AliasesIn::new(config.topic_alias_maximum, config.topic_alias_bytes),
            incoming: Incoming::new(receive_maximum),
            keep_alive: KeepAlive::of_server(now_ms, opened.keep_alive_s),
            payload_check: config.payload_check,
            session_expiry_s: opened.session_expiry_s,
            session_expiry_maximum_s: config.session_expiry_maximum_s,
            is_over: false,
        }
    }

    /// Continues with the state that an earlier connection of the same session left
    /// ([`take_incoming`](Self::take_incoming)).
    pub fn resume(&mut self, mut incoming: Incoming) {
        incoming.resume(self.incoming.maximum());
        self.incoming = incoming;
    }

    /// Returns the packet identifiers of QoS 2 that were received and not released.
    pub fn unreleased(&self) -> impl Iterator<Item = PacketId> {
        self.incoming.unreleased()
    }

    /// Removes and returns the state that outlives the connection, if the session does.
    pub fn take_incoming(&mut self) -> Incoming {
        let empty = Incoming::new(self.incoming.maximum());
        std::mem::replace(&mut self.incoming, empty)
    }

    /// Returns the parameters for writing to the client.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Returns the next request and the number of bytes it used, or `None` if more bytes are needed
    /// or DISCONNECT has been received. `input` must begin with the first byte not yet consumed.
    ///
    /// # Errors
    ///
    /// A violation by the client. Answer with [`disconnect`](Self::disconnect) and close the
    /// connection.
    #[inline]
    pub fn request<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Request<'a>, usize)>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        if let Some(ack) = plain_puback(input) {
            return Ok(Some((Request::Puback(ack), PLAIN_PUBACK)));
        }
        let Some((packet, taken)) = self.decoder.decode(input)? else {
            return Ok(None);
        };
        let request = match packet {
            Packet::Publish(publish) => self.publish(publish).map(Request::Publish),
            other => self.dispatch(other),
        };
        request.map(|request| Some((request, taken)))
    }

    /// Handles all packets; apart from `request`, which inlines PUBLISH, the most frequent packet.
    fn dispatch<'a>(&mut self, packet: Packet<'a>) -> Result<Request<'a>, Fault> {
        match packet {
            Packet::Publish(publish) => self.publish(publish).map(Request::Publish),
            Packet::Puback(ack) => Ok(Request::Puback(ack)),
            Packet::Pubrec(ack) => Ok(Request::Pubrec(ack)),
            Packet::Pubrel(ack) => Ok(Request::Pubrel(self.release(ack.packet_id))),
            Packet::Pubcomp(ack) => Ok(Request::Pubcomp(ack)),
            Packet::Subscribe(subscribe) => Ok(Request::Subscribe(subscribe)),
            Packet::Unsubscribe(unsubscribe) => Ok(Request::Unsubscribe(unsubscribe)),
            Packet::Pingreq => Ok(Request::Pingreq),
            Packet::Disconnect(packet) => self.disconnected(&packet).map(Request::Disconnect),
            // A CONNECT with an Authentication Method is refused, so AUTH is never valid. The
            // decoder rejects the other packets.
            Packet::Auth(_)
            | Packet::Connect(_)
            | Packet::Connack(_)
            | Packet::Suback(_)
            | Packet::Unsuback(_)
            | Packet::Pingresp => Err(Fault::Authentication),
        }
    }

    #[inline]
    fn publish<'a>(&mut self, packet: PublishPacket<'a>) -> Result<Publish<'a>, Fault> {
        let topic = self.topic(&packet)?;
        let arrival = self.incoming.publish(packet.delivery)?;
        let refused = self.check_payload(&packet);
        if refused.is_some() && packet.delivery == QosDelivery::AtMostOnce {
            return Err(Fault::PayloadFormat);
        }
        Ok(Publish {
            topic,
            delivery: packet.delivery,
            arrival,
            retain: packet.retain,
            properties: packet.properties,
            payload: packet.payload,
            refused,
        })
    }

    /// 3.3.4.
    #[inline]
    fn topic<'a>(&mut self, packet: &PublishPacket<'a>) -> Result<Topic<'a>, Fault> {
        let alias = match packet.properties.is_empty() {
            true => None,
            false => packet.properties.topic_alias(),
        };
        match (packet.topic, alias) {
            (Some(topic), Some(alias)) => {
                self.aliases.set(alias, topic)?;
                Ok(Topic::Said(topic.as_str()))
            }
            (Some(topic), None) => Ok(Topic::Said(topic.as_str())),
            (None, Some(alias)) => Ok(Topic::Aliased(self.aliases.topic(alias)?.clone())),
            // The decoder rejects such a packet.
            (None, None) => Err(AliasError::NotSet { alias: 0 }.into()),
        }
    }

    #[inline]
    fn check_payload(&self, packet: &PublishPacket<'_>) -> Option<PublishReason> {
        if self.payload_check == PayloadCheck::Trust
            || packet.properties.payload_format() != Some(PayloadFormat::Utf8)
        {
            return None;
        }
        match std::str::from_utf8(packet.payload) {
            Ok(_) => None,
            Err(_) => Some(PublishReason::PayloadFormatInvalid),
        }
    }

    fn release(&mut self, packet_id: PacketId) -> Release {
        let reason = match self.incoming.release(packet_id) {
            true => ReleaseReason::Success,
            false => ReleaseReason::PacketIdentifierNotFound,
        };
        Release { packet_id, reason }
    }

    fn disconnected(&mut self, packet: &DisconnectPacket<'_>) -> Result<Disconnect, Fault> {
        let wanted = packet.properties.session_expiry_interval();
        // 3.14.2.2.2: "If the Session Expiry Interval in the CONNECT packet was zero, then it is a
        // Protocol Error to set a non-zero Session Expiry Interval in the DISCONNECT packet".
        if self.session_expiry_s == 0 && wanted.is_some_and(|seconds| seconds != 0) {
            return Err(Fault::SessionExpiry);
        }
        self.is_over = true;
        Ok(Disconnect {
            reason: packet.reason,
            session_expiry_s: wanted.map(|seconds| seconds.min(self.session_expiry_maximum_s)),
        })
    }

    /// Answers a PUBLISH of QoS 1.
    ///
    /// # Errors
    ///
    /// The answer cannot be sent: see [`Peer::puback`].
    #[inline]
    pub fn puback(
        &mut self,
        packet_id: PacketId,
        reason: PublishReason,
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.incoming.answered();
        self.peer.puback(packet_id, reason, text, out)
    }

    /// Answers a PUBLISH of QoS 2. A refusal frees its identifier ([MQTT-4.3.3-9]).
    ///
    /// # Errors
    ///
    /// The answer cannot be sent: see [`Peer::pubrec`].
    pub fn pubrec(
        &mut self,
        packet_id: PacketId,
        reason: PublishReason,
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if reason.is_failure() {
            self.incoming.release(packet_id);
        }
        self.peer.pubrec(packet_id, reason, text, out)
    }

    /// Forgets a PUBLISH that is neither handled nor answered, because the connection ends first.
    /// The client sends it again as a new one; otherwise a message of QoS 2 would be taken for a
    /// duplicate and lost.
    pub fn disregard(&mut self, delivery: QosDelivery) {
        match delivery {
            QosDelivery::AtMostOnce => {}
            QosDelivery::AtLeastOnce(..) => self.incoming.answered(),
            QosDelivery::ExactlyOnce(id, _) => {
                self.incoming.release(id);
            }
        }
    }

    /// Answers a PUBREL ([MQTT-4.3.3-11]).
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn pubcomp(&self, release: Release, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.peer.pubcomp(release.packet_id, release.reason, out)
    }

    /// Answers a SUBSCRIBE: see [`Peer::suback`].
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn suback(
        &self,
        packet_id: PacketId,
        reasons: &[SubscribeReason],
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.peer.suback(packet_id, reasons, text, out)
    }

    /// Answers an UNSUBSCRIBE: see [`Peer::unsuback`].
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn unsuback(
        &self,
        packet_id: PacketId,
        reasons: &[UnsubscribeReason],
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.peer.unsuback(packet_id, reasons, text, out)
    }

    /// Answers a PINGREQ.
    ///
    /// # Errors
    ///
    /// The packet is too large for the client.
    pub fn pingresp(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.peer.pingresp(out)
    }

    /// Reports why the connection ends: see [`Peer::disconnect`]. Later packets of the client are
    /// ignored.
    pub fn disconnect(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        // Nothing is sent after the client's DISCONNECT.
        if !std::mem::replace(&mut self.is_over, true) {
            self.peer.disconnect(fault, out);
        }
    }

    /// Must be called when bytes have arrived, even part of a packet. The specification counts
    /// whole packets; a packet that takes longer than the keep alive interval also shows that the
    /// client is alive.
    #[inline]
    pub const fn received(&mut self, now_ms: u64) {
        self.keep_alive.received(now_ms);
    }

    /// Returns the time of the next call of [`on_deadline`](Self::on_deadline). Each `received`
    /// postpones it. A timer for an earlier time need not be reset; it finds nothing due.
    pub fn deadline(&self) -> Option<u64> {
        self.keep_alive.deadline()
    }

    /// Returns the action due: [`Due::PeerSilent`], to be reported as [`Fault::KeepAlive`], or
    /// nothing.
    pub fn on_deadline(&mut self, now_ms: u64) -> Due {
        self.keep_alive.on_deadline(now_ms)
    }
}

/// Decodes a PUBACK of only an identifier, which means success in every version (5.0, 3.4.2.1). A
/// fast path: PUBACK is as frequent as PUBLISH but much shorter, so that the general dispatch would
/// be most of the work.
#[inline]
fn plain_puback<'a>(input: &[u8]) -> Option<Acknowledgement<'a, PublishReason>> {
    let &[PUBACK, 2, high, low, ..] = input else {
        return None;
    };
    Some(Acknowledgement {
        // The identifier 0 is a fault, which the decoder reports.
        packet_id: PacketId::new(u16::from_be_bytes([high, low]))?,
        reason: PublishReason::Success,
        properties: Properties::default(),
    })
}

/// The first byte of PUBACK.
const PUBACK: u8 = (PacketType::Puback as u8) << 4;
/// The bytes of the packet.
const PLAIN_PUBACK: usize = 4;
