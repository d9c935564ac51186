//! PUBLISH to many: what is the same for all subscribers is encoded once, as a whole packet of QoS 0.
//! That is copied as it is, or in its two halves with what is a subscriber's own between them.

use std::borrow::Cow;
use std::num::NonZeroU16;

use super::super::list::Element;
use super::super::writer::{self, Written};
use super::super::{
    Delivery, EncodeError, Properties, Property, Publish, SubscriptionId, TopicName, Version,
};
use super::publish::{LENGTH, Size, fixed_header, packet_id};

/// One message in one version.
#[derive(Clone, Debug)]
pub struct SharedPublish<'a> {
    version: Version,
    /// A PUBLISH of QoS 0.
    packet: Cow<'a, [u8]>,
    /// Where its topic begins, with its length.
    topic: u32,
    topic_bytes: u32,
    /// Behind the topic are the length of the properties, the properties and the payload.
    properties_bytes: u32,
    payload_bytes: u32,
}

/// What a PUBLISH says to one subscriber.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<'a> {
    pub delivery: Delivery,
    /// Of retained messages, and where it is kept as published ([MQTT-3.3.1-12],
    /// [MQTT-3.3.1-13]).
    pub retain: bool,
    /// Seconds: "the received value minus the time that the Application Message has been waiting"
    /// ([MQTT-3.3.2-6]).
    pub message_expiry_interval: Option<u32>,
    pub topic_alias: Option<Alias>,
    /// Of all matching subscriptions that have one ([MQTT-3.3.4-4]).
    pub subscription_ids: &'a [SubscriptionId],
}

/// "Topic Alias": 5.0, 3.3.2.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alias {
    /// Comes with the topic name, for which it stands from now on.
    Set(NonZeroU16),
    /// Comes instead of the topic name.
    Use(NonZeroU16),
}

impl SharedPublish<'static> {
    /// Of `properties`, those are left out that are a subscriber's own: Message Expiry Interval,
    /// Topic Alias, Subscription Identifier. The others keep their order ([MQTT-3.3.2-18]).
    ///
    /// # Errors
    ///
    /// It is too large, or a property does not belong into a PUBLISH.
    pub fn new<'p>(
        version: Version,
        topic: TopicName<'_>,
        properties: impl IntoIterator<Item = Property<'p>>,
        payload: &[u8],
    ) -> Result<Self, EncodeError> {
        let mut packet = Vec::new();
        Self::append(version, (topic, payload), properties, &mut packet)?;
        let parts = SharedPublish::of_packet(version, &packet);
        Ok(Self {
            version,
            topic: parts.topic,
            topic_bytes: parts.topic_bytes,
            properties_bytes: parts.properties_bytes,
            payload_bytes: parts.payload_bytes,
            packet: packet.into(),
        })
    }
}

impl<'a> SharedPublish<'a> {
    /// Appends the packet of [`new`](Self::new), for [`of_packet`](Self::of_packet). An empty `packet` has no
    /// room to spare then.
    ///
    /// # Errors
    ///
    /// As there. Nothing is appended then.
    pub fn append<'p>(
        version: Version,
        (topic, payload): (TopicName<'_>, &[u8]),
        properties: impl IntoIterator<Item = Property<'p>>,
        packet: &mut Vec<u8>,
    ) -> Written {
        let mut scratch = Vec::new();
        if version.is_5() {
            for property in properties.into_iter().filter(is_shared) {
                property.write(&mut scratch)?;
            }
        }
        let publish = Publish {
            delivery: Delivery::AtMostOnce,
            retain: false,
            topic: Some(topic),
            properties: Properties::checked(&scratch),
            payload,
        };
        let size = Size {
            topic: LENGTH + topic.as_str().len(),
            properties: scratch.len(),
            payload: payload.len(),
        };
        let length = size.remaining_length(version, Delivery::AtMostOnce)?;
        packet.reserve_exact(1 + writer::variable_bytes(length) + length as usize);
        super::publish::publish(&publish, version, packet)
    }

    /// Of a packet that [`append`](Self::append) made for this version, or [`new`](Self::new) made and
    /// [`into_packet`](Self::into_packet) gave away. Of other bytes it makes nonsense, in good order.
    #[inline]
    pub fn of_packet(version: Version, packet: &'a [u8]) -> Self {
        let remaining = variable_at(packet, 1);
        let topic = 1 + remaining.bytes;
        let topic_bytes = match packet.get(topic..topic + LENGTH) {
            Some(&[high, low]) => LENGTH + usize::from(u16::from_be_bytes([high, low])),
            _ => 0,
        };
        let mut rest = packet.len().saturating_sub(topic + topic_bytes);
        let mut properties_bytes = 0;
        if version.is_5() {
            let properties = variable_at(packet, topic + topic_bytes);
            rest = rest.saturating_sub(properties.bytes);
            properties_bytes = rest.min(properties.value as usize);
        }
        // All are parts of a packet, which has less than 2^28 bytes.
        Self {
            version,
            topic: topic as u32,
            topic_bytes: topic_bytes as u32,
            properties_bytes: properties_bytes as u32,
            payload_bytes: (rest - properties_bytes) as u32,
            packet: packet.into(),
        }
    }

    /// To be kept, for [`of_packet`](Self::of_packet).
    pub fn into_packet(self) -> Box<[u8]> {
        self.packet.into_owned().into_boxed_slice()
    }

    /// The packet of QoS 0 that says nothing to anybody in particular.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.packet
    }

    /// How many bytes [`write`](Self::write) would append: "The Server MUST NOT send packets
    /// exceeding Maximum Packet Size to the Client" ([MQTT-3.1.2-24]).
    ///
    /// # Errors
    ///
    /// It is too large for any client.
    pub fn packet_bytes(&self, own: &Own<'_>) -> Result<usize, EncodeError> {
        let length = self
            .size(own)
            .remaining_length(self.version, own.delivery)?;
        Ok(1 + writer::variable_bytes(length) + length as usize)
    }

    /// Appends what is for one subscriber. Before 5.0 only the delivery and RETAIN are of concern.
    ///
    /// # Errors
    ///
    /// It is too large. Nothing is appended then.
    #[inline]
    pub fn write(&self, own: &Own<'_>, out: &mut Vec<u8>) -> Written {
        if own.says_nothing() {
            out.extend_from_slice(&self.packet);
            return Ok(());
        }
        let size = self.size(own);
        let length = size.remaining_length(self.version, own.delivery)?;
        let topic = self.topic as usize;
        let behind_topic = topic + self.topic_bytes as usize;
        out.reserve(self.packet.len() + size.properties + MOST_BYTES_OF_HEADERS);
        fixed_header(own.delivery, own.retain, length, out);
        match own.topic_alias {
            Some(Alias::Use(_)) if self.version.is_5() => out.extend_from_slice(&[0; LENGTH]),
            _ => out.extend_from_slice(&self.packet[topic..behind_topic]),
        }
        packet_id(own.delivery, out);
        if self.version.is_5() {
            // Less than the packet.
            writer::variable(size.properties as u32, out);
            own.write_properties(out)?;
        }
        let shared = (self.properties_bytes + self.payload_bytes) as usize;
        out.extend_from_slice(&self.packet[self.packet.len() - shared..]);
        Ok(())
    }

    #[inline]
    fn size(&self, own: &Own<'_>) -> Size {
        let mut size = Size {
            topic: self.topic_bytes as usize,
            properties: self.properties_bytes as usize,
            payload: self.payload_bytes as usize,
        };
        if self.version.is_5() {
            size.properties += own.properties_bytes();
            if let Some(Alias::Use(_)) = own.topic_alias {
                size.topic = LENGTH;
            }
        }
        size
    }
}

/// A length that was written here, and how many bytes it takes.
struct Variable {
    value: u32,
    bytes: usize,
}

fn variable_at(packet: &[u8], at: usize) -> Variable {
    let mut value = 0;
    let mut bytes = 0;
    for &byte in packet.iter().skip(at).take(4) {
        value |= u32::from(byte & 0x7F) << (7 * bytes);
        bytes += 1;
        if byte < 0x80 {
            break;
        }
    }
    Variable { value, bytes }
}

impl Own<'_> {
    #[inline]
    fn says_nothing(&self) -> bool {
        self.delivery == Delivery::AtMostOnce
            && !self.retain
            && self.message_expiry_interval.is_none()
            && self.topic_alias.is_none()
            && self.subscription_ids.is_empty()
    }

    /// Each with its identifier.
    #[inline]
    fn properties_bytes(&self) -> usize {
        let expiry = self
            .message_expiry_interval
            .map_or(0, |_| 1 + size_of::<u32>());
        let alias = self.topic_alias.map_or(0, |_| 1 + size_of::<u16>());
        let ids = self.subscription_ids.iter();
        expiry + alias + ids.map(|id| id.property_bytes()).sum::<usize>()
    }

    #[inline]
    fn write_properties(&self, out: &mut Vec<u8>) -> Written {
        if let Some(seconds) = self.message_expiry_interval {
            Property::MessageExpiryInterval(seconds).write(out)?;
        }
        if let Some(Alias::Set(alias) | Alias::Use(alias)) = self.topic_alias {
            Property::TopicAlias(alias).write(out)?;
        }
        for &id in self.subscription_ids {
            Property::SubscriptionIdentifier(id).write(out)?;
        }
        Ok(())
    }
}

fn is_shared(property: &Property<'_>) -> bool {
    !matches!(
        property,
        Property::MessageExpiryInterval(_)
            | Property::TopicAlias(_)
            | Property::SubscriptionIdentifier(_)
    )
}

/// The packet identifier, and lengths that grow.
const MOST_BYTES_OF_HEADERS: usize = 2 + 2 * 4;
