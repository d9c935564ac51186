//! The text protocol of NATS: PUB, SUB, MSG, and PING, whose PONG confirms all operations before
//! it. An answer to a request of JetStream is a message to a subject below `_INBOX`.

use memchr::{memchr, memmem};

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
    let payload = &bytes[payload_at..payload_at + length];
    let arrival = match line.strip_prefix(b"MSG ") {
        Some(rest) if rest.starts_with(INBOX.as_bytes()) => answer(payload)?,
        _ => Arrival::Message {
            payload,
            packet_id: 0,
        },
    };
    Ok(Some((arrival, end)))
}

/// Parses an answer of JetStream: JSON, with the member `error` if the request has failed.
fn answer(payload: &[u8]) -> Result<Arrival<'static>, ProtocolError> {
    match memmem::find(payload, b"\"error\":") {
        None => Ok(Arrival::Confirmed),
        Some(_) => Err(ProtocolError::Refused(
            String::from_utf8_lossy(payload).into_owned(),
        )),
    }
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

/// Returns the subject of the answers for a client with this name.
pub fn inbox(name: &str) -> String {
    format!("{INBOX}{name}")
}

/// Creates a stream on the server's disk for the subjects of a filter. The client has subscribed to
/// its inbox.
pub fn stream_creation(name: &str, filter: &str) -> Vec<u8> {
    let stream = serde_json::json!({
        "name": name,
        "subjects": [filter],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "num_replicas": 1,
    });
    let subject = format!("$JS.API.STREAM.CREATE.{name}");
    request(&subject, name, stream.to_string().as_bytes()).frame
}

/// Removes a stream and its messages. The client has subscribed to its inbox.
pub fn stream_removal(name: &str) -> Vec<u8> {
    request(&format!("$JS.API.STREAM.DELETE.{name}"), name, b"").frame
}

/// Returns a message that the server answers when it is in its stream.
pub fn persistent_publication(topic: &str, name: &str, payload: &[u8]) -> Publication {
    request(topic, name, payload)
}

fn request(subject: &str, name: &str, payload: &[u8]) -> Publication {
    message_to(&format!("{subject} {}", inbox(name)), payload)
}

pub fn publication(topic: &str, payload: &[u8]) -> Publication {
    message_to(topic, payload)
}

/// Returns a PUB. `subjects` are the subject and, if there is one, that of the answer.
fn message_to(subjects: &str, payload: &[u8]) -> Publication {
    let mut frame = format!("PUB {subjects} {}\r\n", payload.len()).into_bytes();
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
const INBOX: &str = "_INBOX.";

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
    fn an_answer_of_jetstream_confirms_a_request_or_refuses_it() {
        let stream = b"MSG _INBOX.a 1 24\r\n{\"stream\":\"s\", \"seq\":12}\r\n";
        assert_eq!(
            all::<Nats>(stream),
            Ok((vec![Arrival::Confirmed], stream.len()))
        );
        let error = r#"{"error":{"code":503}}"#;
        let stream = format!("MSG _INBOX.a 1 22\r\n{error}\r\n");
        let refused = ProtocolError::Refused(error.into());
        assert_eq!(Nats::next(stream.as_bytes()), Err(refused));
        assert_eq!(
            persistent_publication("t", "a", b"abc").frame,
            b"PUB t _INBOX.a 3\r\nabc\r\n"
        );
    }

    #[test]
    fn errors_and_invalid_operations_are_refused() {
        let refused = ProtocolError::Refused("-ERR 'Slow Consumer'".into());
        assert_eq!(Nats::next(b"-ERR 'Slow Consumer'\r\n"), Err(refused));
        assert!(Nats::next(b"MSG a 1 -3\r\n").is_err());
        assert!(Nats::next(b"HELLO\r\n").is_err());
    }
}
