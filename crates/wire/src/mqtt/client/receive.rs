//! Handling of received packets, and the answers that are sent at once.

use super::super::server::Topic;
use super::super::{
    AliasError, Arrival, Connack, Disconnect, Incoming, KeepAlive, Packet, PacketId, Properties,
    ReleaseReason,
};
use super::super::{Publish as PublishPacket, PublishReason::Success};
use super::event::{Connected, Disconnected, Event, Message, Published, Refused, Ticket};
use super::fault::ProtocolError;
use super::publishing::{Grant, Outcome, release};
use super::session::{Client, Server, State, acknowledgement};

impl Client {
    /// Returns the next event and the number of bytes it used, or `None` if more bytes are needed
    /// or the connection is over. `input` must begin with the first byte not yet consumed.
    /// Immediate answers are appended to `out`.
    ///
    /// # Errors
    ///
    /// The server broke the protocol: see [`fail`](Self::fail).
    pub fn event<'a>(
        &mut self,
        now_ms: u64,
        input: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(Event<'a>, usize)>, ProtocolError> {
        if self.state == State::Over {
            return Ok(None);
        }
        let Some((packet, taken)) = self.decoder.decode(input)? else {
            return Ok(None);
        };
        let event = match (self.state, packet) {
            (State::Connecting, Packet::Connack(connack)) => self.connack(now_ms, &connack, out)?,
            (State::Connecting, packet) => {
                let packet = packet.packet_type();
                return Err(ProtocolError::NotConnected { packet });
            }
            (_, packet) => self.dispatch(packet, out)?,
        };
        Ok(Some((event, taken)))
    }

    fn dispatch<'a>(
        &mut self,
        packet: Packet<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'a>, ProtocolError> {
        let packet_type = packet.packet_type();
        let unknown = |unknown| ProtocolError::Unknown {
            packet: packet_type,
            unknown,
        };
        match packet {
            Packet::Publish(publish) => self.message(&publish, out),
            Packet::Puback(ack) => {
                let outcome = self.publishing.puback(ack.packet_id, ack.reason);
                Ok(self.acknowledged(outcome.map_err(unknown)?, ack.properties, out))
            }
            Packet::Pubrec(ack) => {
                let outcome = self.publishing.pubrec(ack.packet_id, ack.reason);
                Ok(self.acknowledged(outcome.map_err(unknown)?, ack.properties, out))
            }
            Packet::Pubcomp(ack) => {
                let outcome = self.publishing.pubcomp(ack.packet_id);
                Ok(self.acknowledged(outcome.map_err(unknown)?, ack.properties, out))
            }
            Packet::Pubrel(ack) => Ok(self.released(ack.packet_id, out)),
            Packet::Suback(suback) => {
                let freed = self.publishing.free(suback.packet_id);
                freed.map_err(unknown).map(|()| Event::Subscribed(suback))
            }
            Packet::Unsuback(unsuback) => {
                let freed = self.publishing.free(unsuback.packet_id);
                let event = Event::Unsubscribed(unsuback);
                freed.map_err(unknown).map(|()| event)
            }
            Packet::Pingresp => Ok(Event::Answered),
            Packet::Disconnect(disconnect) => Ok(self.disconnected(&disconnect)),
            other => Err(ProtocolError::Unexpected {
                packet: other.packet_type(),
            }),
        }
    }

    fn connack<'a>(
        &mut self,
        now_ms: u64,
        connack: &Connack<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'a>, ProtocolError> {
        let properties = connack.properties;
        if connack.reason.is_failure() {
            self.state = State::Over;
            let reason = connack.reason;
            return Ok(Event::Refused(Refused { reason, properties }));
        }
        if connack.session_present && self.asked.clean_start {
            return Err(ProtocolError::SessionPresent);
        }
        self.state = State::Connected;
        self.server = Server::of(connack);
        // [MQTT-3.2.2-21].
        let keep_alive_s = properties.server_keep_alive();
        let keep_alive_s = keep_alive_s.unwrap_or(self.asked.keep_alive_s);
        self.keep_alive = KeepAlive::of_client(now_ms, keep_alive_s);
        let given_up = self.resume(connack, out);
        Ok(Event::Connected(Connected {
            session_present: connack.session_present,
            given_up,
            assigned_client_id: properties.assigned_client_identifier(),
            keep_alive_s,
            maximum_qos: self.server.maximum_qos,
            properties,
        }))
    }

    fn resume(&mut self, connack: &Connack<'_>, out: &mut Vec<u8>) -> usize {
        let present = connack.session_present;
        match present {
            true => self.incoming.resume(self.asked.receive_maximum),
            false => self.incoming = Incoming::new(self.asked.receive_maximum),
        }
        let receive_maximum = connack.properties.receive_maximum();
        let grant = Grant {
            session_present: present,
            receive_maximum: receive_maximum.map_or(u16::MAX, u16::from),
        };
        let wire = self.wire();
        let given_up = self.publishing.resume(&grant, &self.config, wire);
        self.publishing.resend(wire, out);
        given_up
    }

    fn message<'a>(
        &mut self,
        packet: &PublishPacket<'a>,
        out: &mut Vec<u8>,
    ) -> Result<Event<'a>, ProtocolError> {
        let topic = self.topic(packet)?;
        let delivery = packet.delivery;
        if self.state == State::Left {
            // The message cannot be acknowledged after DISCONNECT, so it is treated as not
            // received.
            return Ok(Event::Answered);
        }
        if self.incoming.publish(delivery)? == Arrival::Duplicate {
            // The message was reported before, perhaps on an earlier connection, and the caller
            // will handle it.
            if let Some(id) = delivery.packet_id() {
                self.answer(&Packet::Pubrec(acknowledgement(id, Success)), out);
            }
            return Ok(Event::Answered);
        }
        let connection = self.connections;
        let ticket = Ticket {
            delivery,
            connection,
        };
        Ok(Event::Message(Message {
            topic,
            delivery,
            retain: packet.retain,
            properties: packet.properties,
            payload: packet.payload,
            ticket: delivery.packet_id().map(|_| ticket),
        }))
    }

    /// 3.3.4.
    fn topic<'a>(&mut self, packet: &PublishPacket<'a>) -> Result<Topic<'a>, AliasError> {
        match (packet.topic, packet.properties.topic_alias()) {
            (Some(topic), None) => Ok(Topic::Said(topic.as_str())),
            (Some(topic), Some(alias)) => {
                self.aliases.set(alias, topic)?;
                Ok(Topic::Said(topic.as_str()))
            }
            (None, Some(alias)) => self.aliases.topic(alias).cloned().map(Topic::Aliased),
            // The decoder rejects such a packet.
            (None, None) => Err(AliasError::NotSet { alias: 0 }),
        }
    }

    fn acknowledged<'a>(
        &mut self,
        outcome: Outcome,
        properties: Properties<'a>,
        out: &mut Vec<u8>,
    ) -> Event<'a> {
        let event = match outcome {
            Outcome::Done(tag, reason) => Event::Published(Published {
                tag,
                reason,
                properties,
            }),
            Outcome::Release(id, reason) => {
                self.answer(&release(id, self.said(reason)), out);
                Event::Answered
            }
        };
        // There may be room to resend more publications.
        if self.is_connected() {
            self.publishing.resend(self.wire(), out);
        }
        event
    }

    /// Answers PUBREL, even if its identifier is not in use ([MQTT-4.3.3-11]).
    fn released<'a>(&mut self, id: PacketId, out: &mut Vec<u8>) -> Event<'a> {
        let reason = match self.incoming.release(id) {
            true => ReleaseReason::Success,
            false => ReleaseReason::PacketIdentifierNotFound,
        };
        let ack = acknowledgement(id, self.said(reason));
        self.answer(&Packet::Pubcomp(ack), out);
        Event::Answered
    }

    fn disconnected<'a>(&mut self, disconnect: &Disconnect<'a>) -> Event<'a> {
        self.state = State::Over;
        Event::Disconnected(Disconnected {
            reason: disconnect.reason,
            properties: disconnect.properties,
        })
    }

    /// Before 5.0 every acknowledgement means success.
    const fn said(&self, reason: ReleaseReason) -> ReleaseReason {
        match self.config.version.is_5() {
            true => reason,
            false => ReleaseReason::Success,
        }
    }
}
