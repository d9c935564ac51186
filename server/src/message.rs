//! A message as JSON, in the same form everywhere. It is encoded piece by piece, as the client reads it, because a
//! message of control characters is six times as long in JSON.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{Broker, DestinationKind, Entry, Header, SharedEntry};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// A message that is being encoded.
pub struct Message {
    entry: SharedEntry,
    id: String,
    progress: Progress,
}

/// The progress of encoding a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Head,
    /// Up to this byte of the body, which is text or binary.
    Text(usize),
    Bytes(usize),
    Done,
}

/// The result of encoding a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoded {
    /// The next call appends the next piece.
    More,
    /// The message is encoded completely.
    Complete,
}

impl Message {
    /// Creates the JSON form of an entry.
    pub fn new(broker: &Broker, entry: &SharedEntry) -> Self {
        Self {
            entry: SharedEntry::clone(entry),
            id: broker.id_of(entry).to_string(),
            progress: Progress::Head,
        }
    }

    /// Returns the message id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Appends the next piece, of approximately [`PIECE_BYTES`].
    pub fn encode(&mut self, out: &mut Vec<u8>) -> Encoded {
        let body = self.entry.body();
        self.progress = match self.progress {
            Progress::Head => match std::str::from_utf8(body) {
                Ok(_) => self.append_head("body", Progress::Text(0), out),
                Err(_) => self.append_head("bodyBase64", Progress::Bytes(0), out),
            },
            Progress::Text(from) => {
                let to = text_piece(body, from);
                push_text(&body[from..to], out);
                Progress::Text(to)
            }
            Progress::Bytes(from) => {
                let to = body.len().min(from + BASE64_PIECE_BYTES);
                out.extend_from_slice(BASE64_STANDARD.encode(&body[from..to]).as_bytes());
                Progress::Bytes(to)
            }
            Progress::Done => return Encoded::Complete,
        };
        if !matches!(self.progress, Progress::Text(at) | Progress::Bytes(at) if at == body.len()) {
            return Encoded::More;
        }
        out.extend_from_slice(b"\"}");
        self.progress = Progress::Done;
        Encoded::Complete
    }

    /// Appends everything before the body.
    fn append_head(&self, body: &str, next: Progress, out: &mut Vec<u8>) -> Progress {
        let head = Head {
            id: &self.id,
            destination: Destination::of(&self.entry),
            sequence: self.entry.sequence(),
            timestamp: self.entry.timestamp_ms(),
            producer: self.entry.producer(),
            content_type: self.entry.content_type(),
            original_destination: self.entry.original_destination(),
            headers: Headers(self.entry.headers()),
        };
        push_json(&head, out);
        // The JSON object continues.
        out.pop();
        out.extend_from_slice(format!(",\"{body}\":\"").as_bytes());
        next
    }
}

/// A message without its body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    id: &'a str,
    #[serde(flatten)]
    destination: Destination<'a>,
    sequence: u64,
    /// Unix milliseconds.
    timestamp: u64,
    producer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    /// Only of a dead letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_destination: Option<&'a str>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: Headers<'a>,
}

/// Appends a value that JSON can always represent.
pub fn push_json(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(out, value);
}

/// Returns the end of the next piece of a text, at a character boundary.
fn text_piece(body: &[u8], from: usize) -> usize {
    let mut to = body.len().min(from + PIECE_BYTES);
    while body.get(to).is_some_and(|byte| is_continuation(*byte)) {
        to -= 1;
    }
    to
}

/// Returns whether a byte is not the first of a UTF-8 character.
const fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// Appends the content of a JSON string.
fn push_text(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    push_json(&String::from_utf8_lossy(text), out);
    out.pop();
    out.remove(start);
}

/// Bytes of a body that are encoded at once; in JSON they are up to six times as many.
const PIECE_BYTES: usize = 8 << 10;
/// The same for base 64, where three bytes become four letters.
const BASE64_PIECE_BYTES: usize = 6 << 10;

/// The destination of a message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Destination<'a> {
    Topic(&'a str),
    Queue(&'a str),
}

impl<'a> Destination<'a> {
    fn of(entry: &'a Entry) -> Self {
        let name = entry.topic().as_str();
        match entry.kind() {
            DestinationKind::Topic => Self::Topic(name),
            DestinationKind::Queue => Self::Queue(name),
        }
    }
}

/// The publisher's headers as an object. Of repeated headers the first counts, as in STOMP.
#[derive(Debug)]
pub struct Headers<'a>(pub &'a [Header]);

impl Headers<'_> {
    /// Returns whether there is no header.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, header) in self.0.iter().enumerate() {
            let is_first = self.0[..index]
                .iter()
                .all(|other| other.name != header.name);
            if is_first {
                map.serialize_entry(&header.name, &header.value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_repeated_headers_counts() {
        let header = |name: &str, value: &str| Header {
            name: name.into(),
            value: value.into(),
        };
        let headers = [header("a", "1"), header("b", "2"), header("a", "3")];
        let json = serde_json::to_string(&Headers(&headers)).expect("JSON");
        assert_eq!(json, r#"{"a":"1","b":"2"}"#);
    }

    /// Returns a message with this body, in pieces.
    fn encode_in_pieces(body: &[u8]) -> Vec<Vec<u8>> {
        let broker = Broker::new(1, broker::Limits::default());
        let topic = broker::TopicName::new("a").expect("a name");
        let publication = broker::Publication::new(topic.clone(), "p".into(), 7, body);
        broker.publish(&mut vec![publication], &mut broker::Outcome::default());
        let entry = broker.last_image(&topic).expect("a message");
        let mut message = Message::new(&broker, &entry);
        let mut pieces = Vec::new();
        loop {
            let mut piece = Vec::new();
            let encoded = message.encode(&mut piece);
            pieces.push(piece);
            if encoded == Encoded::Complete {
                return pieces;
            }
        }
    }

    #[test]
    fn bodies_are_text_or_base64_in_bounded_pieces() {
        let long = "\u{0}äx€".repeat(PIECE_BYTES);
        for body in ["", "hi", "\"\\\n\u{1b}", &long] {
            let pieces = encode_in_pieces(body.as_bytes());
            assert!(pieces.iter().all(|piece| piece.len() <= 7 * PIECE_BYTES));
            let json: serde_json::Value =
                serde_json::from_slice(&pieces.concat()).expect("a document");
            assert_eq!(json["body"], body);
            assert_eq!(json["topic"], "a");
            assert_eq!(json["sequence"], 1);
        }
        for length in [1, 2, 3, BASE64_PIECE_BYTES, 3 * BASE64_PIECE_BYTES + 1] {
            let body = vec![0xff; length];
            let json: serde_json::Value =
                serde_json::from_slice(&encode_in_pieces(&body).concat()).expect("a document");
            assert_eq!(json["bodyBase64"], BASE64_STANDARD.encode(&body));
        }
    }
}
