//! The text protocol of NATS: PUB, SUB, MSG, and PING, whose PONG confirms all operations before
//! it.

use memchr::memchr;

use super::{Arrival, Credentials, ProtocolError, Publication, Scan};

pub struct Nats;

impl Scan for Nats {
    fn next(bytes: &[u8]) -> Result<Option<(Arrival<'_>, usize)>, ProtocolError> {
        let Some(end) = memchr(b'\n', bytes) else {
            return Ok(None);
        };
        let line = bytes[..end].trim_ascii_end();
        let arrival = match bytes[0] {
            b'M' => return message(bytes, line, end + 1),
            b'+' | b'I' => Arrival::Nothing,
            b'P' if line == b"PONG" => Arrival::Confirmed,
            b'P' if line == b"PING" => Arrival::Ping,
            b'-' => {
                return Err(ProtocolError::Refused(
                    String::from_utf8_lossy(line).into_owned(),
                ));
            }
            _ => return Err(ProtocolError::Malformed("an unknown operation of NATS")),
        };
        Ok(Some((arrival, end + 1)))
    }
}

/// Parses `MSG subject sid [reply-to] bytes` and the payload after it, which ends with CR LF.
fn message<'a>(
    bytes: &'a [u8],
    line: &[u8],
    payload_at: usize,
) -> Result<Option<(Arrival<'a>, usize)>, ProtocolError> {
    let digits = line.rsplit(|byte| *byte == b' ').next().unwrap_or(line);
    let length = str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse::<u32>().ok());
    let length = length.ok_or(ProtocolError::Malformed("a MSG without its length"))? as usize;
    let end = payload_at + length + LINE_END.len();
    if bytes.len() < end {
        return Ok(None);
    }
    let arrival = Arrival::Message {
        payload: &bytes[payload_at..payload_at + length],
        packet_id: 0,
    };
    Ok(Some((arrival, end)))
}

pub fn opening(credentials: &Credentials) -> Vec<u8> {
    let options = serde_json::json!({
        "verbose": false,
        "pedantic": false,
        "lang": "rust",
        "version": "1",
        "protocol": 1,
        "user": credentials.user,
        "pass": credentials.password,
    });
    format!("CONNECT {options}\r\nPING\r\n").into_bytes()
}

pub fn subscription(filter: &str, number: u32) -> Vec<u8> {
    format!("SUB {filter} {number}\r\nPING\r\n").into_bytes()
}

pub fn publication(topic: &str, payload: &[u8]) -> Publication {
    let mut frame = format!("PUB {topic} {}\r\n", payload.len()).into_bytes();
    let payload_at = frame.len();
    frame.extend_from_slice(payload);
    frame.extend_from_slice(LINE_END);
    Publication {
        frame,
        payload_at,
        packet_id_at: None,
    }
}

pub const PONG: &[u8] = b"PONG\r\n";
const LINE_END: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use super::super::all;
    use super::*;

    #[test]
    fn consecutive_operations_are_found() {
        let stream = b"INFO {\"a\":1}\r\nPONG\r\nMSG a.b 1 3\r\nabc\r\nMSG a 12 reply 0\r\n\r\nPING\r\n+OK\r\nMSG a 1 3\r\nab";
        let message = |payload| Arrival::Message {
            payload,
            packet_id: 0,
        };
        let wanted = vec![
            Arrival::Nothing,
            Arrival::Confirmed,
            message(&b"abc"[..]),
            message(b""),
            Arrival::Ping,
            Arrival::Nothing,
        ];
        assert_eq!(all::<Nats>(stream), Ok((wanted, stream.len() - 13)));
    }

    #[test]
    fn errors_and_invalid_operations_are_refused() {
        let refused = ProtocolError::Refused("-ERR 'Slow Consumer'".into());
        assert_eq!(Nats::next(b"-ERR 'Slow Consumer'\r\n"), Err(refused));
        assert!(Nats::next(b"MSG a 1 -3\r\n").is_err());
        assert!(Nats::next(b"HELLO\r\n").is_err());
    }
}
