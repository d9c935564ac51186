//! PUBLISH: 5.0, 3.3.

use super::super::decoder::{Context, Header};
use super::super::delivery::{DUP, RETAIN};
use super::super::reader::{Read, Reader, fault};
use super::super::{Attempt, Fault, PacketType, Publish, QoS, QosDelivery, TopicError, TopicName};
use super::{packet_id, properties};

#[inline]
pub(super) fn publish<'a>(
    context: &Context,
    header: &Header,
    reader: &mut Reader<'a>,
) -> Read<Publish<'a>> {
    let (qos, attempt) = flags(header.flags)?;
    let topic_offset = reader.offset();
    let topic = topic(context, reader)?;
    let delivery = match qos {
        QoS::AtMostOnce => QosDelivery::AtMostOnce,
        QoS::AtLeastOnce => QosDelivery::AtLeastOnce(packet_id(reader)?, attempt),
        QoS::ExactlyOnce => QosDelivery::ExactlyOnce(packet_id(reader)?, attempt),
    };
    let properties = properties::of_packet(context, PacketType::Publish, reader)?;
    // 3.3.2.1: "It is a Protocol Error if the Topic Name is zero length and there is no Topic Alias."
    if topic.is_none() && properties.topic_alias().is_none() {
        return fault(Fault::NoTopic, topic_offset);
    }
    Ok(Publish {
        delivery,
        retain: header.flags & RETAIN != 0,
        topic,
        properties,
        payload: reader.rest()?,
    })
}

/// 3.3.1.1 and 3.3.1.2.
#[inline]
fn flags(flags: u8) -> Read<(QoS, Attempt)> {
    let dup = flags & DUP != 0;
    match (QoS::from_level((flags & QOS) >> 1), dup) {
        (None, _) => fault(Fault::ReservedQos, 0),
        (Some(QoS::AtMostOnce), true) => fault(Fault::DupWithoutQos, 0),
        (Some(qos), true) => Ok((qos, Attempt::Again)),
        (Some(qos), false) => Ok((qos, Attempt::First)),
    }
}

/// "It MUST be a UTF-8 Encoded String" ([MQTT-3.3.2-1]); "MUST NOT contain wildcard characters"
/// ([MQTT-3.3.2-2]). In 5.0 it may be empty if there is an alias.
#[inline]
fn topic<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Option<TopicName<'a>>> {
    let offset = reader.offset();
    let text = text(context, reader)?;
    match TopicName::of_string(text) {
        Ok(topic) => Ok(Some(topic)),
        Err(TopicError::Empty) if context.version.is_5() => Ok(None),
        Err(error) => fault(Fault::Topic(error), offset),
    }
}

/// Decodes a topic name or filter. One that is too long is rejected before all of it has arrived.
#[inline]
pub(super) fn text<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<&'a str> {
    let offset = reader.offset();
    let limit = context.limits.topic_bytes;
    if reader.clone().two_bytes()? > limit {
        return fault(Fault::TopicTooLong { limit }, offset);
    }
    reader.string()
}

const QOS: u8 = 0b0110;
