//! The sending half: encodes entries as PUBLISH packets (5.0, 3.3), and keeps those that are not acknowledged.

use std::sync::Arc;

use broker::{Delivery, DeliveryId, Entry, Missed, SharedEntry, TopicName, Verdict};
use wire::mqtt::{
    self, AliasesOut, Outgoing, Own, PacketId, PublishReason, QoS, Received, ReleaseReason, Resend,
    SharedPublish, Version, server::Peer,
};

use super::{
    options::DeliveryOptions,
    persistence::Progress,
    properties::{self, MqttMarks},
    saved_session::{QueueDelivery, Sent},
};
use crate::{
    clock,
    connection::{Encoder, MessageType, Scratch},
    dialect::Dialect,
};

/// The sending half of a connection. It has the deliveries in flight.
pub struct MqttEncoder {
    peer: Peer,
    outgoing: Outgoing<Sent>,
    /// Bytes of the kept entries.
    kept_bytes: usize,
    aliases: AliasesOut<TopicName>,
    /// True if deliveries may have to be sent again on another connection.
    keeps_entries: bool,
    /// `Some` if the session survives a restart.
    progress: Option<Arc<Progress>>,
    /// True if deliveries of QoS 2 were encoded that the log has not recorded yet.
    has_unrecorded: bool,
    /// The ticket that retransmissions of an earlier connection wait for, if there is one.
    resent_after: Option<u64>,
    /// Deliveries that cannot be sent to the peer, and that the broker waits for.
    undeliverable: Vec<DeliveryId>,
}

/// The options that the client has set in CONNECT.
pub struct ClientOptions {
    /// The version, and the maximum size of a packet.
    pub peer: Peer,
    /// Maximum number of topic aliases that the client accepts; 0 means none.
    pub topic_alias_maximum: u16,
    /// True if the session outlives the connection.
    pub keeps_entries: bool,
    /// `Some` if the session survives a restart.
    pub progress: Option<Arc<Progress>>,
}

/// The settlement of a delivery that the broker waits for.
pub type Settled = (DeliveryId, Verdict);

impl MqttEncoder {
    /// Creates an encoder. `outgoing` has the deliveries in flight of a continued session, which are sent again.
    pub fn new(client_options: &ClientOptions, outgoing: Outgoing<Sent>) -> Self {
        let saved = outgoing.iter().map(|(.., sent)| sent.kept_bytes());
        // The record of the earlier connection's end may not be on the disk yet.
        let has_qos_2 = outgoing
            .unacknowledged()
            .any(|(_, slot)| slot.is_none_or(|(qos, _)| qos == QoS::ExactlyOnce));
        let progress = client_options.progress.as_ref();
        let resent_after = progress.filter(|_| has_qos_2).map(|one| one.ticket());
        Self {
            peer: client_options.peer,
            kept_bytes: saved.sum(),
            outgoing,
            aliases: AliasesOut::new(client_options.topic_alias_maximum, MAX_ALIASES),
            keeps_entries: client_options.keeps_entries,
            progress: client_options.progress.clone(),
            has_unrecorded: false,
            resent_after,
            undeliverable: Vec::new(),
        }
    }

    /// Notes the progress of a session that survives a restart, after acknowledgements.
    pub fn update_progress(&self) {
        if let Some(progress) = &self.progress {
            progress.update(&self.outgoing);
        }
    }

    /// Records the deliveries in flight of a session that survives a restart. Returns the ticket of the log.
    pub fn record_deliveries(&mut self) -> Option<u64> {
        self.has_unrecorded = false;
        let progress = self.progress.as_ref()?;
        Some(progress.record_deliveries(&self.outgoing))
    }

    /// Returns the deliveries in flight, for the session that outlives the connection.
    pub fn into_outgoing(self) -> Outgoing<Sent> {
        self.outgoing
    }

    /// Processes PUBACK.
    pub fn puback(&mut self, id: PacketId, reason: PublishReason) -> Option<Settled> {
        // A PUBACK for an identifier that is not in use is ignored.
        let sent = self.outgoing.puback(id).ok()?;
        Some((self.end_delivery(&sent)?, verdict(reason)))
    }

    /// Processes PUBREC; the response is appended.
    pub fn pubrec(
        &mut self,
        id: PacketId,
        reason: PublishReason,
        out: &mut Vec<u8>,
    ) -> Option<Settled> {
        let (sent, answer) = match self.outgoing.pubrec(id, reason) {
            Ok(Received::First(sent)) => (Some(sent), Some(ReleaseReason::Success)),
            Ok(Received::Again) => (None, Some(ReleaseReason::Success)),
            Ok(Received::Refused(sent)) => (sent, None),
            Err(_) => (None, Some(ReleaseReason::PacketIdentifierNotFound)),
        };
        if let Some(answer) = answer {
            release(&self.peer, id, answer, out);
        }
        Some((self.end_delivery(&sent?)?, verdict(reason)))
    }

    /// Removes a delivery. Returns its id if the broker waits for it.
    fn end_delivery(&mut self, sent: &Sent) -> Option<DeliveryId> {
        self.kept_bytes = self.kept_bytes.saturating_sub(sent.kept_bytes());
        sent.delivery()
    }

    /// Processes PUBCOMP.
    pub fn pubcomp(&mut self, id: PacketId) {
        let _ = self.outgoing.pubcomp(id);
    }

    /// Returns the deliveries that could not be sent.
    pub fn take_undeliverable(&mut self) -> impl Iterator<Item = Settled> + use<> {
        let undeliverable = std::mem::take(&mut self.undeliverable);
        undeliverable.into_iter().map(|id| (id, Verdict::Reject))
    }

    /// Appends a PUBLISH. Returns false if it cannot be sent to the peer.
    fn publish(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> bool {
        let version = self.peer.version;
        let missed = delivery.missed.filter(|_| version.is_5()).map(missed_text);
        if delivery.is_shared && missed.is_none() {
            return self.send(delivery, shared_packet(version, delivery.entry), out);
        }
        let publish = |packet: &mut Vec<u8>| {
            // Empty if it is too large.
            let _ = properties::append_shared(version, delivery.entry, missed.as_deref(), packet);
            let is_sent = self.send(delivery, packet, out);
            packet.clear();
            packet.shrink_to(MAX_PACKET_CAPACITY);
            is_sent
        };
        // One subscriber gets the message, so the packet is not stored in its entry.
        Scratch::lend(|scratch| &scratch.packet, publish)
    }

    /// Appends a PUBLISH from a shared packet, which is empty if the message is too large for MQTT.
    fn send(&mut self, delivery: &Delivery<'_>, packet: &[u8], out: &mut Vec<u8>) -> bool {
        let entry = delivery.entry;
        let options = DeliveryOptions::from_tag(delivery.tag);
        let qos = options.maximum_qos.min(MqttMarks::of(entry).qos());
        let version = self.peer.version;
        if packet.is_empty() {
            return false;
        }
        let shared = SharedPublish::of_packet(version, packet);
        let mut own = Own {
            delivery: placeholder_delivery(qos),
            retain: delivery.is_retained
                || (options.retain_as_published && entry.is_retained_publication()),
            message_expiry_interval: seconds_left(entry),
            topic_alias: self.alias(delivery),
            subscription_ids: options.subscription.as_slice(),
        };
        if !fits(&self.peer, &shared, &own) {
            own.topic_alias
                .into_iter()
                .for_each(|alias| self.aliases.take_back(alias));
            return false;
        }
        let sent = Sent {
            entry: self.keeps_entries.then(|| SharedEntry::clone(entry)),
            queue_delivery: delivery.id.map(|id| {
                let is_shared = delivery.queue.is_none();
                Box::new(QueueDelivery { id, is_shared })
            }),
            subscription: options.subscription,
            retain: own.retain,
            was_retained: delivery.is_retained,
        };
        let kept_bytes = sent.kept_bytes();
        // There is room, because a delivery is only requested when there is.
        let Ok(delivery) = self.outgoing.push(qos, sent) else {
            return false;
        };
        if qos > QoS::AtMostOnce {
            self.kept_bytes += kept_bytes;
            self.progress.iter().for_each(|one| one.note_sent());
        }
        // The client remembers the identifier, so after a crash it must stand for the same message.
        self.has_unrecorded |= qos == QoS::ExactlyOnce && self.progress.is_some();
        own.delivery = delivery;
        shared.write(&own, out).is_ok()
    }

    fn alias(&mut self, delivery: &Delivery<'_>) -> Option<mqtt::Alias> {
        let topic = delivery.entry.topic();
        let saves_bytes =
            delivery.queue.is_none() && topic.as_str().len() >= MIN_ALIASED_NAME_BYTES;
        match saves_bytes {
            true => self.aliases.choose(topic),
            false => None,
        }
    }
}

impl Encoder for MqttEncoder {
    fn encode(&mut self, delivery: &Delivery<'_>, out: &mut Vec<u8>) -> MessageType {
        if !self.publish(delivery, out) {
            tracing::debug!(topic = %delivery.entry.topic(), "too large for the client");
            self.undeliverable.extend(delivery.id);
        }
        MessageType::Binary
    }

    fn has_room(&self) -> bool {
        self.kept_bytes < MAX_KEPT_BYTES && self.outgoing.has_room()
    }

    /// Sends unacknowledged messages of an earlier connection again, as many as the peer accepts now ([MQTT-4.4.0-1]).
    fn resend(&mut self, max_bytes: usize, out: &mut Vec<u8>) {
        let Self { peer, outgoing, .. } = self;
        let end = out.len() + max_bytes;
        while out.len() < end
            && let Some(resend) = outgoing.resend()
        {
            let not_sent = match resend {
                Resend::Release(id) => {
                    release(peer, id, ReleaseReason::Success, out);
                    None
                }
                Resend::Publish(delivery, sent) => {
                    let is_sent = publish_again(peer, delivery, sent, out);
                    delivery.packet_id().filter(|_| !is_sent)
                }
            };
            // The client may accept smaller packets than before: then the message counts as delivered
            // ([MQTT-3.1.2-25]).
            let discarded = not_sent.map(|id| outgoing.discard(id));
            self.undeliverable
                .extend(discarded.and_then(|sent| sent.ok()?.delivery()));
        }
    }

    /// Records deliveries of QoS 2 before they are sent. Others need no record: they may be delivered again.
    fn end_round(&mut self) -> Option<u64> {
        let recorded = self.has_unrecorded.then(|| self.record_deliveries());
        self.resent_after.take().max(recorded.flatten())
    }

    fn has_data_for_protocol(&self) -> bool {
        !self.undeliverable.is_empty()
    }
}

/// Returns the part that is the same for all subscribers, encoded once; empty if it is too large for MQTT.
fn shared_packet(version: Version, entry: &Entry) -> &[u8] {
    entry.encoding(Dialect::from(version).slot(), |entry| {
        let mut packet = Vec::new();
        // Empty if it is too large.
        let _ = properties::append_shared(version, entry, None, &mut packet);
        packet.into_boxed_slice()
    })
}

/// Returns the text of a gap, as in STOMP's header `missed`.
fn missed_text(missed: Missed) -> String {
    match missed {
        Missed::Range { from, to } => format!("{from}-{to}"),
        Missed::Unknown => "unknown".to_owned(),
    }
}

/// Returns a delivery with this QoS for calculating the size: the identifier does not matter.
fn placeholder_delivery(qos: QoS) -> mqtt::QosDelivery {
    let id = PacketId(std::num::NonZeroU16::MIN);
    match qos {
        QoS::AtMostOnce => mqtt::QosDelivery::AtMostOnce,
        QoS::AtLeastOnce => mqtt::QosDelivery::AtLeastOnce(id, mqtt::Attempt::First),
        QoS::ExactlyOnce => mqtt::QosDelivery::ExactlyOnce(id, mqtt::Attempt::First),
    }
}

/// Implements "The received value minus the time that the message has been waiting" ([MQTT-3.3.2-6]); a started second
/// counts in full.
fn seconds_left(entry: &Entry) -> Option<u32> {
    let left_ms = entry.expires_ms()?.saturating_sub(clock::unix_ms());
    Some(u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX))
}

fn release(peer: &Peer, id: PacketId, reason: ReleaseReason, out: &mut Vec<u8>) {
    // If these few bytes are too many, no other packet fits either.
    let _ = peer.pubrel(id, reason, out);
}

/// Implements "The Server MUST NOT send packets exceeding Maximum Packet Size to the Client" ([MQTT-3.1.2-24]).
fn fits(peer: &Peer, shared: &SharedPublish<'_>, own: &Own<'_>) -> bool {
    peer.maximum_packet_size == u32::MAX
        || shared
            .packet_bytes(own)
            .is_ok_and(|bytes| bytes <= peer.maximum_packet_size as usize)
}

/// Appends a PUBLISH that was sent before. Returns false if it cannot be sent to the peer now.
fn publish_again(peer: &Peer, delivery: mqtt::QosDelivery, sent: &Sent, out: &mut Vec<u8>) -> bool {
    let Some(entry) = &sent.entry else {
        return false;
    };
    let own = Own {
        delivery,
        retain: sent.retain,
        message_expiry_interval: seconds_left(entry),
        topic_alias: None,
        subscription_ids: sent.subscription.as_slice(),
    };
    let shared = SharedPublish::of_packet(peer.version, shared_packet(peer.version, entry));
    fits(peer, &shared, &own) && shared.write(&own, out).is_ok()
}

/// Implements "If the Client responds with a PUBACK or PUBREC packet containing a Reason Code of 0x80 or greater the
/// Server MUST discard the Application Message and not attempt to send it to any other Subscriber" ([MQTT-4.8.2-6]).
fn verdict(reason: PublishReason) -> Verdict {
    match reason.is_failure() {
        true => Verdict::Reject,
        false => Verdict::Accept,
    }
}

/// Maximum capacity that a thread keeps for a packet.
const MAX_PACKET_CAPACITY: usize = 64 << 10;
/// Maximum number of bytes of entries that one session keeps to send them again, plus one entry: no other rule releases
/// them.
const MAX_KEPT_BYTES: usize = 4 << 20;
/// Maximum number of topics with an alias at the same time.
const MAX_ALIASES: u16 = 16;
/// Length of a name from which on an alias makes a packet smaller: the alias takes three bytes, and the length field
/// stays.
const MIN_ALIASED_NAME_BYTES: usize = 4;
