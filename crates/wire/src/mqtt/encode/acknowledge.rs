//! Packets that consist of a reason and properties: PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT and
//! AUTH (5.0, 3.4 to 3.7, 3.14 and 3.15). Both are omitted where allowed.

use super::super::section::Section;
use super::super::writer::{self, Written};
use super::super::{
    Acknowledgement, Auth, AuthReason, Disconnect, DisconnectReason, EncodeError, PacketId,
    PacketType, Properties, PropertyId, PublishReason, ReleaseReason, Version,
};
use super::{not_in, properties};

/// PUBACK, PUBREC, PUBREL or PUBCOMP, with the numeric code of its reason.
pub(super) struct Coded<'a> {
    packet_id: PacketId,
    code: u8,
    properties: Properties<'a>,
}

impl<'a> From<&Acknowledgement<'a, PublishReason>> for Coded<'a> {
    fn from(ack: &Acknowledgement<'a, PublishReason>) -> Self {
        Self {
            packet_id: ack.packet_id,
            code: ack.reason.code(),
            properties: ack.properties,
        }
    }
}

impl<'a> From<&Acknowledgement<'a, ReleaseReason>> for Coded<'a> {
    fn from(ack: &Acknowledgement<'a, ReleaseReason>) -> Self {
        Self {
            packet_id: ack.packet_id,
            code: ack.reason.code(),
            properties: ack.properties,
        }
    }
}

/// Encodes an acknowledgement. Before 5.0 it cannot refuse.
pub(super) fn acknowledgement(
    packet: PacketType,
    ack: &Coded<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Written {
    if ack.code >= 0x80 && !version.is_5() {
        return Err(not_in(packet, version));
    }
    writer::packet(packet.first_byte(), out, |out| {
        out.extend_from_slice(&ack.packet_id.get().to_be_bytes());
        reason(packet, ack.code, &ack.properties, version, out)
    })
}

/// Encodes DISCONNECT. Before 5.0 it has no reason code, so only the normal reason is allowed.
pub(super) fn disconnect(
    disconnect: &Disconnect<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Written {
    let packet = PacketType::Disconnect;
    if disconnect.reason != DisconnectReason::NormalDisconnection && !version.is_5() {
        return Err(not_in(packet, version));
    }
    let code = disconnect.reason.code();
    writer::packet(packet.first_byte(), out, |out| {
        reason(packet, code, &disconnect.properties, version, out)
    })
}

pub(super) fn auth(auth: &Auth<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    let packet = PacketType::Auth;
    if !version.is_5() {
        return Err(not_in(packet, version));
    }
    let nothing = auth.reason == AuthReason::Success && auth.properties.is_empty();
    // 3.15.2.2.2: "It is a Protocol Error to omit the Authentication Method".
    if !nothing && auth.properties.authentication_method().is_none() {
        return Err(EncodeError::NoProperty(PropertyId::AuthenticationMethod));
    }
    writer::packet(packet.first_byte(), out, |out| {
        reason(packet, auth.reason.code(), &auth.properties, version, out)
    })
}

/// "The Reason Code and Property Length can be omitted if the Reason Code is 0x00 (Success) and
/// there are no Properties" (3.4.2.1 and similar sections); the length alone can always be omitted
/// (3.4.2.2.1).
fn reason(
    packet: PacketType,
    code: u8,
    listed: &Properties<'_>,
    version: Version,
    out: &mut Vec<u8>,
) -> Written {
    if !version.is_5() || (code == 0 && listed.is_empty()) {
        return Ok(());
    }
    out.push(code);
    match listed.is_empty() {
        true => Ok(()),
        false => properties(Section::Packet(packet), listed, version, out),
    }
}
