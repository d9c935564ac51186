//! Packets that consist of a reason and properties: PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT and
//! AUTH (5.0, 3.4 to 3.7, 3.14 and 3.15). Both may be omitted at the end.

use super::super::decoder::{Context, Header};
use super::super::reader::{Read, Reader, fault};
use super::super::{
    Acknowledgement, Auth, AuthReason, Disconnect, DisconnectReason, Fault, PacketType, Properties,
    PublishReason, ReleaseReason,
};
use super::{packet_id, properties};

/// Decodes PUBACK and PUBREC.
pub(super) fn published<'a>(
    context: &Context,
    header: &Header,
    reader: &mut Reader<'a>,
) -> Read<Acknowledgement<'a, PublishReason>> {
    let packet_id = packet_id(reader)?;
    let reason = reason(
        context,
        reader,
        PublishReason::Success,
        PublishReason::from_code,
    )?;
    Ok(Acknowledgement {
        packet_id,
        reason,
        properties: optional_properties(context, header.packet, reader)?,
    })
}

/// Decodes PUBREL and PUBCOMP.
pub(super) fn released<'a>(
    context: &Context,
    header: &Header,
    reader: &mut Reader<'a>,
) -> Read<Acknowledgement<'a, ReleaseReason>> {
    let packet_id = packet_id(reader)?;
    let reason = reason(
        context,
        reader,
        ReleaseReason::Success,
        ReleaseReason::from_code,
    )?;
    Ok(Acknowledgement {
        packet_id,
        reason,
        properties: optional_properties(context, header.packet, reader)?,
    })
}

pub(super) fn disconnect<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Disconnect<'a>> {
    let normal = DisconnectReason::NormalDisconnection;
    Ok(Disconnect {
        reason: reason(context, reader, normal, DisconnectReason::from_code)?,
        properties: optional_properties(context, PacketType::Disconnect, reader)?,
    })
}

/// 3.15.2.1: the whole body can be omitted only "if the Reason Code is 0x00 (Success) and there are
/// no Properties"; otherwise the method is required (3.15.2.2.2).
pub(super) fn auth<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Auth<'a>> {
    if reader.is_empty() {
        return Ok(Auth {
            reason: AuthReason::Success,
            properties: Properties::EMPTY,
        });
    }
    let reason = reason(context, reader, AuthReason::Success, AuthReason::from_code)?;
    let offset = reader.offset();
    let properties = properties::of_packet(context, PacketType::Auth, reader)?;
    match properties.is_empty() {
        true => fault(Fault::NoAuthenticationMethod, offset),
        false => Ok(Auth { reason, properties }),
    }
}

/// "If the Remaining Length is 2, then there is no Reason Code and the value of 0x00 (Success) is
/// used" (3.4.2.1 and similar sections). Before 5.0 there is no reason code.
#[inline]
fn reason<R>(
    context: &Context,
    reader: &mut Reader<'_>,
    absent: R,
    of: impl Fn(u8) -> Option<R>,
) -> Read<R> {
    if reader.is_empty() || !context.version.is_5() {
        return Ok(absent);
    }
    let offset = reader.offset();
    let code = reader.byte()?;
    match of(code) {
        Some(reason) => Ok(reason),
        None => fault(Fault::ReasonCode(code), offset),
    }
}

/// "If the Remaining Length is less than 4 there is no Property Length and the value of 0 is used"
/// (3.4.2.2.1 and similar sections).
#[inline]
fn optional_properties<'a>(
    context: &Context,
    packet: PacketType,
    reader: &mut Reader<'a>,
) -> Read<Properties<'a>> {
    match reader.is_empty() {
        true => Ok(Properties::EMPTY),
        false => properties::of_packet(context, packet, reader),
    }
}
