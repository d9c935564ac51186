//! Decodes the packets after their fixed headers: 5.0, chapter 3.

mod acknowledge;
mod connect;
mod properties;
mod publish;
mod subscribe;

pub(super) use connect::flags as connect_flags;

use super::decoder::{Context, Header};
use super::reader::{Read, Reader, fault};
use super::{Fault, Packet, PacketId, PacketType};

/// Decodes the packet and checks that no bytes are left.
#[inline]
pub(super) fn packet<'a>(
    context: &mut Context,
    header: &Header,
    reader: &mut Reader<'a>,
) -> Read<Packet<'a>> {
    let packet = match header.packet {
        PacketType::Connect => connect::connect(context, header, reader).map(Packet::Connect),
        PacketType::Connack => connect::connack(context, reader).map(Packet::Connack),
        PacketType::Publish => publish::publish(context, header, reader).map(Packet::Publish),
        PacketType::Puback => acknowledge::published(context, header, reader).map(Packet::Puback),
        PacketType::Pubrec => acknowledge::published(context, header, reader).map(Packet::Pubrec),
        PacketType::Pubrel => acknowledge::released(context, header, reader).map(Packet::Pubrel),
        PacketType::Pubcomp => acknowledge::released(context, header, reader).map(Packet::Pubcomp),
        PacketType::Subscribe => subscribe::subscribe(context, reader).map(Packet::Subscribe),
        PacketType::Suback => subscribe::suback(context, reader).map(Packet::Suback),
        PacketType::Unsubscribe => subscribe::unsubscribe(context, reader).map(Packet::Unsubscribe),
        PacketType::Unsuback => subscribe::unsuback(context, reader).map(Packet::Unsuback),
        PacketType::Pingreq => Ok(Packet::Pingreq),
        PacketType::Pingresp => Ok(Packet::Pingresp),
        PacketType::Disconnect => acknowledge::disconnect(context, reader).map(Packet::Disconnect),
        PacketType::Auth => acknowledge::auth(context, reader).map(Packet::Auth),
    }?;
    reader.finish()?;
    Ok(packet)
}

/// "MUST assign it a non-zero Packet Identifier" ([MQTT-2.2.1-3], [MQTT-2.2.1-4]).
#[inline]
fn packet_id(reader: &mut Reader<'_>) -> Read<PacketId> {
    let offset = reader.offset();
    match PacketId::new(reader.two_bytes()?) {
        Some(id) => Ok(id),
        None => fault(Fault::PacketIdZero, offset),
    }
}
