//! Unacknowledged publications, and their resending.

use std::collections::VecDeque;

use super::super::Acknowledgement;
use super::super::Publish as PublishPacket;
use super::super::{
    Attempt, Outgoing, Packet, PacketId, Properties, PublishReason, QoS, QosDelivery, Received,
    ReleaseReason, Resend, TopicName, Unknown,
};
use super::{Config, Publication, RequestError};

/// The sending half of a session.
#[derive(Clone, Debug)]
pub(super) struct Publishing {
    outgoing: Outgoing<Kept>,
    /// The tags of publications that wait for PUBCOMP. PUBCOMPs arrive in this order unless the
    /// server reorders them. Bounded by the number of publications in flight.
    releasing: VecDeque<(PacketId, u64)>,
    /// Total bytes of the publications kept for resending.
    kept_bytes: usize,
}

/// The data needed to send a publication again.
#[derive(Clone, Debug)]
struct Kept {
    tag: u64,
    /// `None` if the session ends with the connection.
    message: Option<Message>,
}

#[derive(Clone, Debug)]
struct Message {
    topic: Box<str>,
    retain: bool,
    properties: Box<[u8]>,
    payload: Box<[u8]>,
}

/// The effect of an acknowledgement.
pub(super) enum Outcome {
    /// The publication with this tag is complete.
    Done(u64, PublishReason),
    /// PUBREL must be sent.
    Release(PacketId, ReleaseReason),
}

/// The values of CONNACK that concern publications in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub session_present: bool,
    pub receive_maximum: u16,
}

/// The server's limits for packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub version: super::super::Version,
    pub maximum_packet_size: u32,
}

impl Wire {
    /// Appends the packet. On an error `out` is unchanged.
    pub(super) fn write(self, packet: &Packet<'_>, out: &mut Vec<u8>) -> Result<(), RequestError> {
        let start = out.len();
        packet.encode(self.version, out)?;
        let (bytes, limit) = (out.len() - start, self.maximum_packet_size);
        if bytes > limit as usize {
            out.truncate(start);
            return Err(RequestError::TooLarge { bytes, limit });
        }
        Ok(())
    }
}

impl Publishing {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            outgoing: Outgoing::new(u16::MAX, config.in_flight),
            releasing: VecDeque::new(),
            kept_bytes: 0,
        }
    }

    pub(super) fn has_room(&self, config: &Config) -> bool {
        self.outgoing.has_room() && self.kept_bytes < config.kept_bytes
    }

    pub(super) fn len(&self) -> usize {
        self.outgoing.len()
    }

    /// Reserves an identifier for a packet other than PUBLISH.
    pub(super) fn reserve(&mut self) -> Result<PacketId, RequestError> {
        self.outgoing.reserve().ok_or(RequestError::NoRoom)
    }

    pub(super) fn free(&mut self, id: PacketId) -> Result<(), Unknown> {
        self.outgoing.release(id)
    }

    /// Writes a PUBLISH. `outlives` is true if it may have to be sent again on another connection.
    pub(super) fn publish(
        &mut self,
        publication: &Publication<'_>,
        outlives: bool,
        wire: Wire,
        out: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        let kept = Kept {
            tag: publication.tag,
            message: (outlives && publication.qos != QoS::AtMostOnce)
                .then(|| Message::of(publication)),
        };
        let bytes = kept.bytes();
        let delivery = self.outgoing.push(publication.qos, kept);
        let delivery = delivery.map_err(|_| RequestError::NoRoom)?;
        self.kept_bytes += bytes;
        let packet = PublishPacket {
            delivery,
            retain: publication.retain,
            topic: Some(publication.topic),
            properties: publication.properties,
            payload: publication.payload,
        };
        let written = wire.write(&Packet::Publish(packet), out);
        if let (Err(_), Some(id)) = (&written, delivery.packet_id()) {
            self.give_up(id);
        }
        written
    }

    pub(super) fn puback(
        &mut self,
        id: PacketId,
        reason: PublishReason,
    ) -> Result<Outcome, Unknown> {
        let kept = self.outgoing.puback(id)?;
        self.kept_bytes -= kept.bytes();
        Ok(Outcome::Done(kept.tag, reason))
    }

    /// An unknown identifier is released all the same: the server cannot be waiting for anything
    /// else.
    pub(super) fn pubrec(
        &mut self,
        id: PacketId,
        reason: PublishReason,
    ) -> Result<Outcome, Unknown> {
        match self.outgoing.pubrec(id, reason) {
            Ok(Received::First(kept)) => {
                self.kept_bytes -= kept.bytes();
                self.releasing.push_back((id, kept.tag));
                Ok(Outcome::Release(id, ReleaseReason::Success))
            }
            Ok(Received::Again) => Ok(Outcome::Release(id, ReleaseReason::Success)),
            Ok(Received::Refused(Some(kept))) => {
                self.kept_bytes -= kept.bytes();
                Ok(Outcome::Done(kept.tag, reason))
            }
            Ok(Received::Refused(None)) => self.released(id).map(|tag| Outcome::Done(tag, reason)),
            Err(_) => Ok(Outcome::Release(
                id,
                ReleaseReason::PacketIdentifierNotFound,
            )),
        }
    }

    pub(super) fn pubcomp(&mut self, id: PacketId) -> Result<Outcome, Unknown> {
        self.outgoing.pubcomp(id)?;
        let tag = self.released(id)?;
        Ok(Outcome::Done(tag, PublishReason::Success))
    }

    /// Adapts to a new connection and returns the number of publications that were given up,
    /// because their session no longer exists or because they are too large for the server now.
    pub(super) fn resume(&mut self, grant: &Grant, config: &Config, wire: Wire) -> usize {
        let before = self.outgoing.len();
        if !grant.session_present {
            // Outstanding acknowledgements are discarded too ([MQTT-3.2.2-5]).
            *self = Self::new(config);
        }
        self.outgoing
            .resume(grant.receive_maximum, config.in_flight);
        let mut scratch = Vec::new();
        let mut does_not_fit = |id, kept: &Kept| {
            scratch.clear();
            let delivery = QosDelivery::AtLeastOnce(id, Attempt::Again);
            kept.write(delivery, wire, &mut scratch).is_err()
        };
        let in_flight = self.outgoing.iter();
        let ids: Vec<_> = in_flight
            .filter_map(|(id, _, kept)| does_not_fit(id, kept).then_some(id))
            .collect();
        for id in ids {
            self.give_up(id);
        }
        before - self.outgoing.len()
    }

    /// Sends publications and PUBRELs again, as far as the server's Receive Maximum allows.
    pub(super) fn resend(&mut self, wire: Wire, out: &mut Vec<u8>) {
        while let Some(resend) = self.outgoing.resend() {
            let written = match resend {
                Resend::Release(id) => wire.write(&release(id, ReleaseReason::Success), out),
                Resend::Publish(delivery, kept) => kept.write(delivery, wire, out),
            };
            debug_assert!(
                written.is_ok(),
                "what does not fit was given up: {written:?}"
            );
        }
    }

    fn give_up(&mut self, id: PacketId) {
        if let Ok(kept) = self.outgoing.discard(id) {
            self.kept_bytes -= kept.bytes();
        }
    }

    fn released(&mut self, id: PacketId) -> Result<u64, Unknown> {
        let mut releasing = self.releasing.iter();
        let index = releasing.position(|(other, _)| *other == id);
        let found = index.and_then(|index| self.releasing.remove(index));
        found.map(|(_, tag)| tag).ok_or(Unknown(id))
    }
}

pub(super) fn release(packet_id: PacketId, reason: ReleaseReason) -> Packet<'static> {
    Packet::Pubrel(Acknowledgement {
        packet_id,
        reason,
        properties: Properties::EMPTY,
    })
}

impl Kept {
    fn bytes(&self) -> usize {
        self.message.as_ref().map_or(0, |message| {
            message.topic.len() + message.properties.len() + message.payload.len()
        })
    }

    fn write(
        &self,
        delivery: QosDelivery,
        wire: Wire,
        out: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        let Some(message) = &self.message else {
            return Err(RequestError::NoRoom);
        };
        let topic = TopicName::parse(&message.topic).map_err(super::super::EncodeError::from)?;
        let packet = PublishPacket {
            delivery,
            retain: message.retain,
            topic: Some(topic),
            properties: Properties::checked(&message.properties),
            payload: &message.payload,
        };
        wire.write(&Packet::Publish(packet), out)
    }
}

impl Message {
    fn of(publication: &Publication<'_>) -> Self {
        Self {
            topic: publication.topic.as_str().into(),
            retain: publication.retain,
            properties: publication.properties.as_bytes().into(),
            payload: publication.payload.into(),
        }
    }
}
