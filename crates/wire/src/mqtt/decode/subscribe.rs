//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK: 5.0, 3.8 to 3.11.

use super::super::decoder::Context;
use super::super::list::{Element, List};
use super::super::reader::{Read, Reader, fault};
use super::super::subscription::RESERVED_BEFORE_5;
use super::super::{
    Fault, PacketType, Suback, Subscribe, SubscribeReason, Subscription, SubscriptionOptions,
    TopicFilter, Unsuback, Unsubscribe, UnsubscribeReason,
};
use super::{packet_id, properties, publish};

pub(super) fn subscribe<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Subscribe<'a>> {
    Ok(Subscribe {
        packet_id: packet_id(reader)?,
        properties: properties::of_packet(context, PacketType::Subscribe, reader)?,
        // [MQTT-3.8.3-2].
        subscriptions: list(context, reader, Fault::NoFilters, subscription)?,
    })
}

pub(super) fn suback<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Suback<'a>> {
    Ok(Suback {
        packet_id: packet_id(reader)?,
        properties: properties::of_packet(context, PacketType::Suback, reader)?,
        reasons: list(context, reader, Fault::NoReasons, subscribe_reason)?,
    })
}

pub(super) fn unsubscribe<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Unsubscribe<'a>> {
    Ok(Unsubscribe {
        packet_id: packet_id(reader)?,
        properties: properties::of_packet(context, PacketType::Unsubscribe, reader)?,
        // [MQTT-3.10.3-2].
        filters: list(context, reader, Fault::NoFilters, filter)?,
    })
}

pub(super) fn unsuback<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Unsuback<'a>> {
    let packet_id = packet_id(reader)?;
    let properties = properties::of_packet(context, PacketType::Unsuback, reader)?;
    let reason = |_: &Context, reader: &mut Reader<'a>| UnsubscribeReason::read(reader);
    Ok(Unsuback {
        packet_id,
        properties,
        // 3.1.1, 3.11.3: "The UNSUBACK Packet has no payload."
        reasons: match context.version.is_5() {
            true => list(context, reader, Fault::NoReasons, reason)?,
            false => List::EMPTY,
        },
    })
}

/// Decodes the rest of the packet: at least one element, and at most the limit.
#[inline]
fn list<'a, T>(
    context: &Context,
    reader: &mut Reader<'a>,
    none: Fault,
    element: impl Fn(&Context, &mut Reader<'a>) -> Read<T>,
) -> Read<List<'a, T>> {
    let start = reader.offset();
    if reader.is_empty() {
        return fault(none, start);
    }
    let limit = context.limits.filters;
    let mut count = 0;
    while !reader.is_empty() {
        if count == limit {
            return fault(Fault::TooManyFilters { limit }, reader.offset());
        }
        count += 1;
        element(context, reader)?;
    }
    Ok(List::checked(reader.since(start)))
}

fn subscription<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Subscription<'a>> {
    let filter_offset = reader.offset();
    let filter = filter(context, reader)?;
    let offset = reader.offset();
    let byte = reader.byte()?;
    // [MQTT-3-8.3-4] of 3.1.1; in 3.1 the bits are not used, but clients do not set them.
    let options = match byte & RESERVED_BEFORE_5 != 0 && !context.version.is_5() {
        true => Err(Fault::ReservedOptions(byte)),
        false => SubscriptionOptions::of(byte),
    };
    let options = options.or_else(|wrong| fault(wrong, offset))?;
    // [MQTT-3.8.3-4].
    if options.no_local && filter.shared().is_some() {
        return fault(Fault::NoLocalShared, filter_offset);
    }
    Ok(Subscription { filter, options })
}

/// "The Topic Filters MUST be a UTF-8 Encoded String" ([MQTT-3.8.3-1], [MQTT-3.10.3-1]); 5.0
/// prescribes the form of shared subscription filters ([MQTT-4.8.2-1], [MQTT-4.8.2-2]).
#[inline]
fn filter<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<TopicFilter<'a>> {
    let offset = reader.offset();
    let text = publish::text(context, reader)?;
    let filter = TopicFilter::of_string(text).and_then(|filter| {
        if context.version.is_5() {
            filter.check_shared()?;
        }
        Ok(filter)
    });
    filter.or_else(|error| fault(Fault::Topic(error), offset))
}

/// [MQTT-3.9.3-2] of both specifications.
fn subscribe_reason(context: &Context, reader: &mut Reader<'_>) -> Read<SubscribeReason> {
    let offset = reader.offset();
    let reason = SubscribeReason::read(reader)?;
    match reason == reason.before_5() || context.version.is_5() {
        true => Ok(reason),
        false => fault(Fault::ReasonCode(reason.code()), offset),
    }
}
