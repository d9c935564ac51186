//! A message as JSON, the same wherever the server shows one.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{Broker, Entry, Header, Kind};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// A message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    id: String,
    #[serde(flatten)]
    destination: Destination<'a>,
    sequence: u64,
    /// Unix milliseconds.
    timestamp: u64,
    producer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: Headers<'a>,
    #[serde(flatten)]
    body: Body,
}

impl<'a> Message<'a> {
    pub fn new(broker: &Broker, entry: &'a Entry) -> Self {
        Self {
            id: broker.id_of(entry).to_string(),
            destination: Destination::of(entry),
            sequence: entry.sequence(),
            timestamp: entry.timestamp_ms(),
            producer: entry.producer(),
            content_type: entry.content_type(),
            headers: Headers(entry.headers()),
            body: Body::new(entry.body()),
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

/// What a message was sent to.
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
            Kind::Topic => Self::Topic(name),
            Kind::Queue => Self::Queue(name),
        }
    }
}

/// A body: text where it is UTF-8, base 64 otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    Body(String),
    BodyBase64(String),
}

impl Body {
    pub fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Body(text.to_owned()),
            Err(_) => Self::BodyBase64(BASE64_STANDARD.encode(bytes)),
        }
    }
}

/// The publisher's own headers, an object by name. Of a name that was given more than once the first counts,
/// as in STOMP.
#[derive(Debug)]
pub struct Headers<'a>(pub &'a [Header]);

impl Headers<'_> {
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
    fn of_repeated_headers_the_first_counts() {
        let header = |name: &str, value: &str| Header {
            name: name.into(),
            value: value.into(),
        };
        let headers = [header("a", "1"), header("b", "2"), header("a", "3")];
        let json = serde_json::to_string(&Headers(&headers)).expect("JSON");
        assert_eq!(json, r#"{"a":"1","b":"2"}"#);
    }

    #[test]
    fn bodies_are_text_or_base64() {
        let json = |bytes: &[u8]| serde_json::to_string(&Body::new(bytes)).expect("JSON");
        assert_eq!(json(b"hi"), r#"{"body":"hi"}"#);
        assert_eq!(json(&[0xff]), r#"{"bodyBase64":"/w=="}"#);
    }
}
