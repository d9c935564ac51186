//! PUBLISH to many subscribers: the common parts are encoded once, as a whole packet of QoS 0. It
//! is copied unchanged, or in two parts with the fields of one subscriber between them.

use std::num::NonZeroU16;

use super::super::list::Element;
use super::super::writer::{self, Written};
use super::super::{
    EncodeError, Properties, Property, Publish, QosDelivery, SubscriptionId, TopicName, Version,
};
use super::publish::{LENGTH, Size, fixed_header, packet_id};

/// A message, encoded for one version.
#[derive(Clone, Copy, Debug)]
pub struct SharedPublish<'a> {
    version: Version,
    /// A PUBLISH packet of QoS 0.
    packet: &'a [u8],
    /// The offset of the topic, including its length field.
    topic: u32,
    topic_bytes: u32,
    /// The topic is followed by the length of the properties, the properties and the payload.
    properties_bytes: u32,
    payload_bytes: u32,
}

/// The fields of a PUBLISH that are specific to one subscriber.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own<'a> {
    /// QoS, packet identifier and DUP flag.
    pub delivery: QosDelivery,
    /// The RETAIN flag: true for retained messages, and for forwarded ones if the subscription
    /// keeps the flag ([MQTT-3.3.1-12], [MQTT-3.3.1-13]).
    pub retain: bool,
    /// Seconds: "the received value minus the time that the Application Message has been waiting"
    /// ([MQTT-3.3.2-6]).
    pub message_expiry_interval: Option<u32>,
    /// The topic alias.
    pub topic_alias: Option<Alias>,
    /// The identifiers of all matching subscriptions that have one ([MQTT-3.3.4-4]).
    pub subscription_ids: &'a [SubscriptionId],
}

/// A "Topic Alias": 5.0, 3.3.2.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alias {
    /// Sent with the topic name, and assigned to it from now on.
    Set(NonZeroU16),
    /// Sent instead of the topic name.
    Use(NonZeroU16),
}

impl<'a> SharedPublish<'a> {
    /// Encodes a message and appends it to `packet`, for [`of_packet`](Self::of_packet). If `packet`
    /// is empty, its capacity is exact afterwards.
    ///
    /// The properties that are specific to one subscriber are omitted: Message Expiry Interval,
    /// Topic Alias, Subscription Identifier. The others keep their order ([MQTT-3.3.2-18]).
    ///
    /// # Errors
    ///
    /// The packet is too large, or a property is not allowed in PUBLISH. Nothing is appended.
    pub fn append<'p>(
        version: Version,
        topic: TopicName<'_>,
        payload: &[u8],
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
            delivery: QosDelivery::AtMostOnce,
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
        let length = size.remaining_length(version, QosDelivery::AtMostOnce)?;
        packet.reserve_exact(1 + writer::variable_bytes(length) + length as usize);
        super::publish::publish(&publish, version, packet)
    }

    /// Reads a packet that [`append`](Self::append) wrote for this version. Other bytes give a
    /// meaningless message, but no panic.
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
        // All are parts of a packet, which is smaller than 2^28 bytes.
        Self {
            version,
            topic: topic as u32,
            topic_bytes: topic_bytes as u32,
            properties_bytes: properties_bytes as u32,
            payload_bytes: (rest - properties_bytes) as u32,
            packet,
        }
    }

    /// Returns the number of bytes that [`write`](Self::write) appends: "The Server MUST NOT send
    /// packets exceeding Maximum Packet Size to the Client" ([MQTT-3.1.2-24]).
    ///
    /// # Errors
    ///
    /// The packet is too large for any client.
    pub fn packet_bytes(&self, own: &Own<'_>) -> Result<usize, EncodeError> {
        let length = self
            .size(own)
            .remaining_length(self.version, own.delivery)?;
        Ok(1 + writer::variable_bytes(length) + length as usize)
    }

    /// Appends the packet for one subscriber. Before 5.0 only the delivery and RETAIN are used.
    ///
    /// # Errors
    ///
    /// The packet is too large. Nothing is appended.
    #[inline]
    pub fn write(&self, own: &Own<'_>, out: &mut Vec<u8>) -> Written {
        if own.is_empty() {
            out.extend_from_slice(self.packet);
            return Ok(());
        }
        let size = self.size(own);
        let length = size.remaining_length(self.version, own.delivery)?;
        let topic = self.topic as usize;
        let topic_end = topic + self.topic_bytes as usize;
        out.reserve(self.packet.len() + size.properties + MOST_BYTES_OF_HEADERS);
        fixed_header(own.delivery, own.retain, length, out);
        match own.topic_alias {
            Some(Alias::Use(_)) if self.version.is_5() => out.extend_from_slice(&[0; LENGTH]),
            _ => out.extend_from_slice(&self.packet[topic..topic_end]),
        }
        packet_id(own.delivery, out);
        if self.version.is_5() {
            // The length is less than that of the packet, which was checked.
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

/// An encoded length, and the number of its bytes.
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
    fn is_empty(&self) -> bool {
        self.delivery == QosDelivery::AtMostOnce
            && !self.retain
            && self.message_expiry_interval.is_none()
            && self.topic_alias.is_none()
            && self.subscription_ids.is_empty()
    }

    /// Returns the bytes of the properties, including their identifiers.
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

/// The packet identifier, and the growth of the two length fields.
const MOST_BYTES_OF_HEADERS: usize = 2 + 2 * 4;
