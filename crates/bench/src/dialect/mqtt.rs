//! MQTT 3.1.1 (OASIS Standard): fixed headers, and the payload of a PUBLISH.

use super::{Arrival, Credentials, ProtocolError, Publication, Quality, Scan};

pub struct Mqtt;

impl Scan for Mqtt {
    fn next(bytes: &[u8]) -> Result<Option<(Arrival<'_>, usize)>, ProtocolError> {
        let Some((body_at, length)) = fixed_header(bytes)? else {
            return Ok(None);
        };
        let Some(body) = bytes.get(body_at..body_at + length) else {
            return Ok(None);
        };
        let arrival = match bytes[0] >> 4 {
            PUBLISH => message(bytes[0], body)?,
            PUBACK => Arrival::Confirmed,
            CONNACK => accepted(body.get(1), "CONNECT")?,
            SUBACK => accepted(body.get(2).filter(|code| **code >= FAILURE), "SUBSCRIBE")?,
            PINGRESP => Arrival::Nothing,
            _ => return Err(ProtocolError::Malformed("a packet that only clients send")),
        };
        Ok(Some((arrival, body_at + length)))
    }
}

/// Returns the offset and the length of the body (section 2.2.3), or None if the fixed header is
/// incomplete.
fn fixed_header(bytes: &[u8]) -> Result<Option<(usize, usize)>, ProtocolError> {
    let mut length = 0;
    for (place, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((place + 2, length)));
        }
    }
    match bytes.len() {
        5.. => Err(ProtocolError::Malformed("a remaining length of five bytes")),
        _ => Ok(None),
    }
}

/// Parses a PUBLISH (section 3.3): topic, packet identifier unless the QoS is 0, payload.
fn message(flags: u8, body: &[u8]) -> Result<Arrival<'_>, ProtocolError> {
    let (topic, rest) = body.split_first_chunk().ok_or(SHORT)?;
    let rest = rest
        .get(usize::from(u16::from_be_bytes(*topic))..)
        .ok_or(SHORT)?;
    if flags & 0b110 == 0 {
        let payload = rest;
        let packet_id = 0;
        return Ok(Arrival::Message { payload, packet_id });
    }
    let (packet_id, payload) = rest.split_first_chunk().ok_or(SHORT)?;
    let packet_id = u16::from_be_bytes(*packet_id);
    Ok(Arrival::Message { payload, packet_id })
}

fn accepted(code: Option<&u8>, what: &str) -> Result<Arrival<'static>, ProtocolError> {
    match code {
        None | Some(0) => Ok(Arrival::Confirmed),
        Some(code) => Err(ProtocolError::Refused(format!("{what}, with code {code}"))),
    }
}

/// The state that the server keeps for a client after its connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// None.
    Clean,
    /// Subscriptions, and the messages for them.
    Lasting,
}

pub fn opening(client_id: &str, session: Session, credentials: &Credentials) -> Vec<u8> {
    let mut body = string("MQTT");
    let user = credentials.user.as_deref();
    // A password without a user name is not allowed [MQTT-3.1.2-22].
    let password = credentials.password.as_deref().filter(|_| user.is_some());
    let mut flags = match session {
        Session::Clean => CLEAN_SESSION,
        Session::Lasting => 0,
    };
    for (present, flag) in [(user.is_some(), 0x80), (password.is_some(), 0x40)] {
        flags |= if present { flag } else { 0 };
    }
    let level = 4;
    // No keep-alive: section 3.1.2.10.
    body.extend_from_slice(&[level, flags, 0, 0]);
    for text in [Some(client_id), user, password].into_iter().flatten() {
        body.extend_from_slice(&string(text));
    }
    packet(CONNECT << 4, &body)
}

pub fn subscription(filter: &str, number: u32, quality: Quality) -> Vec<u8> {
    let packet_id = (number % 0xffff) as u16 + 1;
    let mut body = packet_id.to_be_bytes().to_vec();
    body.extend_from_slice(&string(filter));
    body.push(qos(quality));
    packet((SUBSCRIBE << 4) | 0b0010, &body)
}

pub fn publication(topic: &str, payload: &[u8], quality: Quality) -> Publication {
    let mut body = string(topic);
    let id_at = body.len();
    if quality == Quality::AtLeastOnce {
        body.extend_from_slice(&[0, 1]);
    }
    body.extend_from_slice(payload);
    let frame = packet((PUBLISH << 4) | (qos(quality) << 1), &body);
    let body_at = frame.len() - body.len();
    Publication {
        payload_at: frame.len() - payload.len(),
        packet_id_at: (quality == Quality::AtLeastOnce).then_some(body_at + id_at),
        frame,
    }
}

pub const fn acknowledgement(packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [PUBACK << 4, 2, high, low]
}

const fn qos(quality: Quality) -> u8 {
    match quality {
        Quality::AtMostOnce => 0,
        Quality::AtLeastOnce => 1,
    }
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut rest = body.len();
    loop {
        let byte = (rest % 128) as u8;
        rest /= 128;
        packet.push(if rest > 0 { byte | 0x80 } else { byte });
        if rest == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

/// Encodes a UTF-8 string (section 1.5.3). Strings over 65,535 bytes are cut off; none here is that
/// long.
fn string(text: &str) -> Vec<u8> {
    let length = text.len().min(usize::from(u16::MAX));
    let mut bytes = (length as u16).to_be_bytes().to_vec();
    bytes.extend_from_slice(&text.as_bytes()[..length]);
    bytes
}

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const PINGRESP: u8 = 13;
const CLEAN_SESSION: u8 = 0x02;
/// The return code of a SUBACK that means failure. Lower codes grant a QoS.
const FAILURE: u8 = 0x80;
const SHORT: ProtocolError = ProtocolError::Malformed("a PUBLISH that ends within its header");

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    #[test]
    fn consecutive_packets_are_found() {
        let mut stream = vec![0x20, 2, 0, 0, 0x90, 3, 0, 1, 1];
        stream.extend_from_slice(&publication("a/b", b"zero", Quality::AtMostOnce).frame);
        stream.extend_from_slice(&publication("a", b"one", Quality::AtLeastOnce).frame);
        stream.extend_from_slice(&[0x40, 2, 0, 7, 0xd0, 0, 0x30, 5]);
        let message = |payload, packet_id| Arrival::Message { payload, packet_id };
        let wanted = vec![
            Arrival::Confirmed,
            Arrival::Confirmed,
            message(b"zero", 0),
            message(b"one", 1),
            Arrival::Confirmed,
            Arrival::Nothing,
        ];
        assert_eq!(all::<Mqtt>(&stream), Ok((wanted, stream.len() - 2)));
    }

    #[test]
    fn an_incomplete_packet_is_not_found() {
        let payload = vec![b'x'; 20_000];
        let frame = publication("a", &payload, Quality::AtMostOnce).frame;
        for cut in (0..8).chain([200, frame.len() - 1]) {
            assert_eq!(Mqtt::next(&frame[..cut]), Ok(None), "{cut}");
        }
        let arrival = Arrival::Message {
            payload: &payload,
            packet_id: 0,
        };
        assert_eq!(Mqtt::next(&frame), Ok(Some((arrival, frame.len()))));
    }

    #[test]
    fn a_refusal_is_returned_with_its_code() {
        let table = [
            (&[0x20, 2, 0, 5][..], "CONNECT, with code 5"),
            (&[0x90, 3, 0, 1, 0x80], "SUBSCRIBE, with code 128"),
        ];
        for (packet, wanted) in table {
            assert_eq!(
                Mqtt::next(packet),
                Err(ProtocolError::Refused(wanted.to_owned()))
            );
        }
        let endless = [0x30, 0xff, 0xff, 0xff, 0xff];
        assert!(Mqtt::next(&endless).is_err());
        assert_eq!(Mqtt::next(&[0x30, 1, 0]), Err(SHORT));
    }

    #[test]
    fn the_packet_identifier_is_at_its_offset() {
        let publication = publication("abc", b"payload", Quality::AtLeastOnce);
        let at = publication.packet_id_at.unwrap();
        let mut frame = publication.frame;
        frame[at..at + 2].copy_from_slice(&[0x12, 0x34]);
        let (arrival, _) = Mqtt::next(&frame).unwrap().unwrap();
        let wanted = Arrival::Message {
            payload: b"payload",
            packet_id: 0x1234,
        };
        assert_eq!(arrival, wanted);
        assert_eq!(acknowledgement(0x1234), [0x40, 2, 0x12, 0x34]);
    }

    #[test]
    fn a_connect_carries_the_client_identifier_and_the_credentials() {
        let credentials = Credentials {
            user: Some("u".into()),
            password: Some("p".into()),
        };
        assert_eq!(
            opening("c", Session::Clean, &credentials),
            b"\x10\x13\0\x04MQTT\x04\xc2\0\0\0\x01c\0\x01u\0\x01p"
        );
        assert_eq!(
            opening("c", Session::Clean, &Credentials::default()),
            b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01c"
        );
        assert_eq!(
            opening("c", Session::Lasting, &Credentials::default()),
            b"\x10\x0d\0\x04MQTT\x04\0\0\0\0\x01c"
        );
    }
}
