//! Decodes a set of properties with its length: 5.0, 2.2.2.

use super::super::decoder::Context;
use super::super::reader::{Read, Reader, fault};
use super::super::section::{PropertySet, Section};
use super::super::{Fault, PacketType, Properties, Property, PropertyId, Role};

/// Decodes the properties of a packet; empty before 5.0.
#[inline]
pub(super) fn of_packet<'a>(
    context: &Context,
    packet: PacketType,
    reader: &mut Reader<'a>,
) -> Read<Properties<'a>> {
    of_section(context, Section::Packet(packet), reader)
}

/// Decodes the length and the properties of a section.
#[inline]
pub(super) fn of_section<'a>(
    context: &Context,
    section: Section,
    reader: &mut Reader<'a>,
) -> Read<Properties<'a>> {
    if !context.version.is_5() {
        return Ok(Properties::EMPTY);
    }
    // "If there are no properties, this MUST be indicated by including a Property Length of zero"
    // ([MQTT-2.2.2-1]).
    match reader.variable()? {
        0 => Ok(Properties::EMPTY),
        length => {
            let part = reader.part(length as usize)?;
            checked(context, section, part)
        }
    }
}

fn checked<'a>(context: &Context, section: Section, mut part: Reader<'a>) -> Read<Properties<'a>> {
    let start = part.offset();
    let limit = context.limits.properties;
    let mut seen = PropertySet::default();
    let mut count = 0;
    while !part.is_empty() {
        let offset = part.offset();
        if count == limit {
            return fault(Fault::TooManyProperties { limit }, offset);
        }
        count += 1;
        let id = PropertyId::read(&mut part)?;
        if let Some(wrong) = misplaced(context, section, id, seen) {
            return fault(wrong, offset);
        }
        seen.insert(id);
        check_value(context, Property::value(id, &mut part)?, offset)?;
    }
    // 3.1.2.11.10: "It is a Protocol Error to include Authentication Data if there is no
    // Authentication Method"; 3.15.2.2.2: "It is a Protocol Error to omit the Authentication Method".
    let needs_method = seen.contains(PropertyId::AuthenticationData)
        || matches!(section, Section::Packet(PacketType::Auth));
    if needs_method && !seen.contains(PropertyId::AuthenticationMethod) {
        return fault(Fault::NoAuthenticationMethod, start);
    }
    Ok(Properties::checked(part.since(start)))
}

/// Returns a fault if the property is not allowed in this section, from this side, or a second
/// time.
#[inline]
fn misplaced(
    context: &Context,
    section: Section,
    id: PropertyId,
    seen: PropertySet,
) -> Option<Fault> {
    let Section::Packet(packet) = section else {
        return misplaced_anywhere(section, id, seen);
    };
    match (packet, id, context.role) {
        (PacketType::Publish, PropertyId::SubscriptionIdentifier, Role::Server) => {
            Some(Fault::SubscriptionIdOfClient)
        }
        (PacketType::Disconnect, PropertyId::SessionExpiryInterval, Role::Client) => {
            Some(Fault::SessionExpiryOfServer)
        }
        _ => misplaced_anywhere(section, id, seen),
    }
}

#[inline]
fn misplaced_anywhere(section: Section, id: PropertyId, seen: PropertySet) -> Option<Fault> {
    if !section.allowed().contains(id) {
        return Some(Fault::MisplacedProperty(id));
    }
    (seen.contains(id) && !section.may_repeat(id)).then_some(Fault::DuplicateProperty(id))
}

#[inline]
fn check_value(context: &Context, property: Property<'_>, offset: usize) -> Read<()> {
    let limit = context.limits.topic_bytes;
    match property {
        Property::ResponseTopic(topic) if topic.as_str().len() > usize::from(limit) => {
            fault(Fault::TopicTooLong { limit }, offset)
        }
        _ => Ok(()),
    }
}
