//! CONNECT and CONNACK: 5.0, 3.1 and 3.2.

use super::super::decode::connect_flags::*;
use super::super::section::Section;
use super::super::writer::{self, Written};
use super::super::{Connack, Connect, EncodeError, PacketType, Version};
use super::{not_in, properties};

pub(super) fn connect(connect: &Connect<'_>, out: &mut Vec<u8>) -> Written {
    let version = connect.version;
    // [MQTT-3.1.2-22] of 3.1.1.
    if connect.password.is_some() && connect.user_name.is_none() && !version.is_5() {
        return Err(EncodeError::PasswordWithoutUserName(version));
    }
    writer::packet(PacketType::Connect.first_byte(), out, |out| {
        writer::string(version.protocol_name(), out)?;
        let bridge = match connect.is_bridge && !version.is_5() {
            true => Version::BRIDGE,
            false => 0,
        };
        let level = version.protocol_level() | bridge;
        out.extend_from_slice(&[level, flags(connect)]);
        out.extend_from_slice(&connect.keep_alive.to_be_bytes());
        let section = Section::Packet(PacketType::Connect);
        properties(section, &connect.properties, version, out)?;
        payload(connect, out)
    })
}

/// Encodes the payload in the order of [MQTT-3.1.3-1].
fn payload(connect: &Connect<'_>, out: &mut Vec<u8>) -> Written {
    writer::string(connect.client_id, out)?;
    if let Some(will) = &connect.will {
        properties(Section::Will, &will.properties, connect.version, out)?;
        writer::binary(will.topic.as_str().as_bytes(), out)?;
        writer::binary(will.payload, out)?;
    }
    if let Some(user_name) = connect.user_name {
        writer::string(user_name, out)?;
    }
    match connect.password {
        Some(password) => writer::binary(password, out),
        None => Ok(()),
    }
}

fn flags(connect: &Connect<'_>) -> u8 {
    let mut flags = 0;
    let mut set = |flag, wanted| {
        if wanted {
            flags |= flag;
        }
    };
    set(CLEAN_START, connect.clean_start);
    set(USER_NAME, connect.user_name.is_some());
    set(PASSWORD, connect.password.is_some());
    if let Some(will) = &connect.will {
        set(WILL | will.qos.level() << WILL_QOS_SHIFT, true);
        set(WILL_RETAIN, will.retain);
    }
    flags
}

pub(super) fn connack(connack: &Connack<'_>, version: Version, out: &mut Vec<u8>) -> Written {
    // [MQTT-3.2.2-6].
    if connack.session_present && connack.reason.is_failure() {
        return Err(EncodeError::SessionPresent);
    }
    let code = match version.is_5() {
        true => Some(connack.reason.code()),
        false => connack.reason.return_code(),
    };
    let code = code.ok_or(not_in(PacketType::Connack, version))?;
    // In 3.1 the byte is not used.
    let session_present = connack.session_present && version != Version::V3_1;
    writer::packet(PacketType::Connack.first_byte(), out, |out| {
        out.extend_from_slice(&[u8::from(session_present), code]);
        let section = Section::Packet(PacketType::Connack);
        properties(section, &connack.properties, version, out)
    })
}
