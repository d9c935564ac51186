//! Encodes a whole PUBLISH: 5.0, 3.3.

use super::super::delivery::RETAIN;
use super::super::section::Section;
use super::super::writer::{self, Written};
use super::super::{EncodeError, PacketType, Publish, QosDelivery, Version};

pub(super) fn publish(publish: &Publish<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let has_alias = version.is_5() && publish.properties.topic_alias().is_some();
    let topic = match publish.topic {
        Some(topic) => topic.as_str(),
        None if has_alias => "",
        None => return Err(EncodeError::NoTopic),
    };
    let mut properties: &[u8] = &[];
    if version.is_5() {
        Section::Packet(PacketType::Publish).check(&publish.properties)?;
        properties = publish.properties.as_bytes();
    }
    let size = Size {
        topic: LENGTH + topic.len(),
        properties: properties.len(),
        payload: publish.payload.len(),
    };
    let length = size.remaining_length(version, publish.delivery)?;
    fixed_header(publish.delivery, publish.retain, length, out);
    writer::binary(topic.as_bytes(), out)?;
    packet_id(publish.delivery, out);
    if version.is_5() {
        // The length is less than that of the packet, which was checked.
        writer::variable(size.properties as u32, out);
    }
    out.extend_from_slice(properties);
    out.extend_from_slice(publish.payload);
    Ok(())
}

/// The sizes in bytes of the parts of a PUBLISH.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Includes the length field.
    pub topic: usize,
    /// Excludes the length field.
    pub properties: usize,
    pub payload: usize,
}

impl Size {
    #[inline]
    pub(super) fn remaining_length(
        self,
        version: Version,
        delivery: QosDelivery,
    ) -> Result<u32, EncodeError> {
        let packet_id = match delivery.packet_id() {
            Some(_) => LENGTH,
            None => 0,
        };
        let properties = match version.is_5() {
            true => writer::variable_bytes(writer::length(self.properties)?) + self.properties,
            false => 0,
        };
        writer::length(self.topic + packet_id + properties + self.payload)
    }
}

/// 3.3.1.
#[inline]
pub(super) fn fixed_header(delivery: QosDelivery, retain: bool, length: u32, out: &mut Vec<u8>) {
    let retain = if retain { RETAIN } else { 0 };
    out.push(PacketType::Publish.first_byte() | delivery.flags() | retain);
    writer::variable(length, out);
}

/// [MQTT-2.2.1-2]: no packet identifier if the QoS is 0.
#[inline]
pub(super) fn packet_id(delivery: QosDelivery, out: &mut Vec<u8>) {
    if let Some(id) = delivery.packet_id() {
        out.extend_from_slice(&id.get().to_be_bytes());
    }
}

/// The size of a two-byte integer, such as the length of a text.
pub(super) const LENGTH: usize = 2;
