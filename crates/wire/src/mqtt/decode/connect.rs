//! CONNECT and CONNACK: 5.0, 3.1 and 3.2.

use super::super::decoder::{Context, Header};
use super::super::reader::{Read, Reader, fault};
use super::super::section::Section;
use super::super::{
    Connack, Connect, ConnectReason, Fault, PacketType, QoS, TopicName, Version, Will,
};
use super::{properties, publish};
use flags::*;

pub(super) fn connect<'a>(
    context: &mut Context,
    header: &Header,
    reader: &mut Reader<'a>,
) -> Read<Connect<'a>> {
    let Protocol { version, is_bridge } = protocol(reader)?;
    context.version = version;
    if !header.minimal && context.version.wants_minimal_lengths() {
        return fault(Fault::LengthNotMinimal, 1);
    }
    let flags_offset = reader.offset();
    let flags = reader.byte()?;
    check_flags(context.version, flags).or_else(|wrong| fault(wrong, flags_offset))?;
    let keep_alive = reader.two_bytes()?;
    let properties = properties::of_packet(context, PacketType::Connect, reader)?;
    // "These fields, if present, MUST appear in the order Client Identifier, Will Properties, Will
    // Topic, Will Payload, User Name, Password" ([MQTT-3.1.3-1]). A field without its flag
    // ([MQTT-3.1.2-16], [MQTT-3.1.2-18]) is detected as trailing bytes.
    Ok(Connect {
        version,
        is_bridge,
        clean_start: flags & CLEAN_START != 0,
        keep_alive,
        properties,
        // [MQTT-3.1.3-3], [MQTT-3.1.3-4].
        client_id: reader.string()?,
        will: match flags & WILL {
            0 => None,
            _ => Some(will(context, flags, reader)?),
        },
        // [MQTT-3.1.2-17], [MQTT-3.1.3-12].
        user_name: match is_there(context, flags & USER_NAME, reader) {
            true => Some(reader.string()?),
            false => None,
        },
        // [MQTT-3.1.2-19].
        password: match is_there(context, flags & PASSWORD, reader) {
            true => Some(reader.binary()?),
            false => None,
        },
    })
}

/// The content of the first two fields of CONNECT.
struct Protocol {
    version: Version,
    is_bridge: bool,
}

/// 3.1.2.1 and 3.1.2.2: the name, then the level ([MQTT-3.1.2-1], [MQTT-3.1.2-2]).
fn protocol(reader: &mut Reader<'_>) -> Read<Protocol> {
    let offset = reader.offset();
    let length = reader.two_bytes()?.into();
    let mut names = Version::ALL.map(Version::protocol_name).into_iter();
    if !names.any(|name| name.len() == length) {
        return fault(Fault::ProtocolName, offset);
    }
    let name = reader.take(length)?;
    let mut of_name = Version::ALL
        .into_iter()
        .filter(|version| version.protocol_name().as_bytes() == name)
        .peekable();
    if of_name.peek().is_none() {
        return fault(Fault::ProtocolName, offset);
    }
    let offset = reader.offset();
    let level = reader.byte()?;
    let found = of_name.find_map(|version| {
        let is_bridge = match level ^ version.protocol_level() {
            0 => false,
            Version::BRIDGE if !version.is_5() => true,
            _ => return None,
        };
        Some(Protocol { version, is_bridge })
    });
    match found {
        Some(protocol) => Ok(protocol),
        None => fault(Fault::ProtocolLevel(level), offset),
    }
}

/// 3.1.2.3 to 3.1.2.9.
fn check_flags(version: Version, flags: u8) -> Result<(), Fault> {
    let has_will = flags & WILL != 0;
    // [MQTT-3.1.2-3]; in 3.1 the bit is not used.
    if flags & RESERVED != 0 && version != Version::V3_1 {
        return Err(Fault::ConnectFlag);
    }
    // [MQTT-3.1.2-12], [MQTT-3.1.2-11], [MQTT-3.1.2-13].
    match QoS::from_level((flags & WILL_QOS) >> WILL_QOS_SHIFT) {
        None => return Err(Fault::WillQos),
        Some(QoS::AtMostOnce) => {}
        Some(_) if !has_will => return Err(Fault::WillQosWithoutWill),
        Some(_) => {}
    }
    if flags & WILL_RETAIN != 0 && !has_will {
        return Err(Fault::WillRetainWithoutWill);
    }
    // [MQTT-3.1.2-22] of 3.1.1; 3.1.2.9: 5.0 "allows the sending of a Password with no User Name".
    let only_password = flags & (USER_NAME | PASSWORD) == PASSWORD;
    match only_password && !version.is_5() {
        true => Err(Fault::PasswordWithoutUserName),
        false => Ok(()),
    }
}

/// 3.1, "User name": the string may be missing although the flag is set, "the Remaining Length
/// field from the fixed header takes precedence".
fn is_there(context: &Context, flag: u8, reader: &Reader<'_>) -> bool {
    flag != 0 && !(context.version == Version::V3_1 && reader.is_empty())
}

/// "the Will Properties, Will Topic, and Will Payload fields MUST be present" ([MQTT-3.1.2-9]).
fn will<'a>(context: &Context, flags: u8, reader: &mut Reader<'a>) -> Read<Will<'a>> {
    let properties = properties::of_section(context, Section::Will, reader)?;
    let topic_offset = reader.offset();
    // [MQTT-3.1.3-11].
    let topic = publish::text(context, reader)?;
    let topic =
        TopicName::of_string(topic).or_else(|error| fault(Fault::Topic(error), topic_offset))?;
    Ok(Will {
        qos: QoS::from_level((flags & WILL_QOS) >> WILL_QOS_SHIFT).unwrap_or_default(),
        retain: flags & WILL_RETAIN != 0,
        properties,
        topic,
        payload: reader.binary()?,
    })
}

pub(super) fn connack<'a>(context: &Context, reader: &mut Reader<'a>) -> Read<Connack<'a>> {
    let flags_offset = reader.offset();
    let flags = reader.byte()?;
    // "Bits 7-1 are reserved and MUST be set to 0" ([MQTT-3.2.2-1]); in 3.1 the byte is not used.
    let known = context.version != Version::V3_1;
    if flags & !SESSION_PRESENT != 0 && known {
        return fault(Fault::ConnackFlags(flags), flags_offset);
    }
    let session_present = flags & SESSION_PRESENT != 0 && known;
    let reason_offset = reader.offset();
    let code = reader.byte()?;
    let reason = match context.version.is_5() {
        true => ConnectReason::from_code(code),
        false => ConnectReason::from_return_code(code),
    };
    let Some(reason) = reason else {
        return fault(Fault::ReasonCode(code), reason_offset);
    };
    // [MQTT-3.2.2-6].
    if session_present && reason != ConnectReason::Success {
        return fault(Fault::SessionPresent, flags_offset);
    }
    Ok(Connack {
        session_present,
        reason,
        properties: properties::of_packet(context, PacketType::Connack, reader)?,
    })
}

const SESSION_PRESENT: u8 = 0b0000_0001;

/// "Connect Flags": 3.1.2.3.
pub(crate) mod flags {
    pub(crate) const RESERVED: u8 = 0b0000_0001;
    pub(crate) const CLEAN_START: u8 = 0b0000_0010;
    pub(crate) const WILL: u8 = 0b0000_0100;
    pub(crate) const WILL_QOS: u8 = 0b0001_1000;
    pub(crate) const WILL_QOS_SHIFT: u32 = 3;
    pub(crate) const WILL_RETAIN: u8 = 0b0010_0000;
    pub(crate) const PASSWORD: u8 = 0b0100_0000;
    pub(crate) const USER_NAME: u8 = 0b1000_0000;
}
