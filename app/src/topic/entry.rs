//! A message of a topic as its page shows it. Pure.

use std::borrow::Cow;

use crate::{
    connection,
    host::{text, whole},
    json::Json,
    payload::base64,
    texts,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub id: String,
    pub sequence: u64,
    pub timestamp_ms: f64,
    pub producer: String,
    pub content_type: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    pub kept: Kept,
}

/// The part of a message that the page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    #[default]
    Whole,
    /// Everything but the headers: the message has arrived over the connection.
    Body,
    /// The beginning of the body, and no headers.
    Beginning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Text(String),
    /// A body that is not UTF-8.
    Bytes(Vec<u8>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Body {
    /// Returns bytes as text if they are UTF-8.
    pub fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Returns the body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes),
        }
    }
}

impl Entry {
    /// Reads a message of the API.
    pub fn from_json(json: &Json<'_>) -> Option<Self> {
        let body = match text(json, "bodyBase64") {
            Some(encoded) => Body::Bytes(base64::decoded(&encoded)?),
            None => Body::Text(text(json, "body")?),
        };
        let headers = match json.member("headers") {
            Some(Json::Object(members)) => members
                .iter()
                .filter_map(|(name, value)| Some((name.to_string(), value.text()?.to_owned())))
                .collect(),
            _ => Vec::new(),
        };
        Some(Self {
            id: text(json, "id")?,
            sequence: whole(json, "sequence"),
            timestamp_ms: whole(json, "timestamp") as f64,
            producer: text(json, "producer").unwrap_or_default(),
            content_type: text(json, "contentType").unwrap_or_default(),
            headers,
            body,
            kept: Kept::Whole,
        })
    }

    /// Returns a message that has just arrived. The page requests its headers when the message is opened.
    pub fn arrived(message: &connection::Message) -> Self {
        Self {
            id: message.id.to_string(),
            sequence: message.sequence,
            timestamp_ms: message.timestamp_ms,
            producer: message.producer.clone(),
            content_type: message.content_type.clone(),
            headers: Vec::new(),
            body: Body::of(message.body.clone()),
            kept: Kept::Body,
        }
    }

    /// True if the page has only the beginning of the body. It is never shown as if it were whole.
    pub fn is_cut(&self) -> bool {
        self.kept == Kept::Beginning
    }

    /// True if the page has the body and the headers.
    pub fn is_whole(&self) -> bool {
        self.kept == Kept::Whole
    }

    /// Returns the message with what the list shows of it: the beginning of its body, and no headers.
    pub fn cut(&self) -> Self {
        let body = match &self.body {
            Body::Text(text) => Body::Text(text[..text.floor_char_boundary(MOST_CUT_BYTES)].into()),
            Body::Bytes(bytes) => Body::Bytes(bytes[..bytes.len().min(MOST_CUT_BYTES)].into()),
        };
        Self {
            headers: Vec::new(),
            body,
            kept: Kept::Beginning,
            id: self.id.clone(),
            producer: self.producer.clone(),
            content_type: self.content_type.clone(),
            ..*self
        }
    }

    /// True if cutting the message makes it smaller.
    pub fn can_be_cut(&self) -> bool {
        !self.is_cut() && self.body.bytes().len() > MOST_CUT_BYTES
    }

    /// Returns the beginning of the body on one line.
    pub fn preview(&self) -> String {
        let Body::Text(text) = &self.body else {
            let count = self.body.bytes().len().to_string();
            let text = match self.is_cut() {
                true => texts::topic::MORE_BYTES,
                false => texts::topic::BYTES,
            };
            return text.with(&[&count]);
        };
        let characters =
            text.chars()
                .take(MOST_PREVIEW_CHARS)
                .map(|character| match character.is_control() {
                    true => ' ',
                    false => character,
                });
        characters.collect()
    }
}

/// Bytes of a cut body. 5,000 of them take at most 5 MB.
const MOST_CUT_BYTES: usize = 1_000;
const MOST_PREVIEW_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn messages_of_the_api_are_read_with_their_bytes() {
        let document = r#"{"id":"a-7","topic":"t","sequence":3,"timestamp":1700000000123,"producer":"http",
            "contentType":"text/plain","headers":{"x":"1","y":"zwei"},"body":"hello\n\u0001you"}"#;
        let json = json::read(document).expect("JSON");
        let entry = Entry::from_json(&json).expect("a message");
        assert_eq!((&*entry.id, entry.sequence), ("a-7", 3));
        assert_eq!(entry.timestamp_ms, 1_700_000_000_123.0);
        assert_eq!(entry.headers[1], ("y".into(), "zwei".into()));
        assert_eq!(entry.preview(), "hello  you");

        let binary = json::read(r#"{"id":"a-8","bodyBase64":"AP8="}"#).expect("JSON");
        let entry = Entry::from_json(&binary).expect("a message");
        assert_eq!(entry.body, Body::Bytes(vec![0, 255]));
        assert_eq!(entry.preview(), "2 bytes");
        let broken = json::read(r#"{"id":"a-8","bodyBase64":"?"}"#).expect("JSON");
        assert_eq!(Entry::from_json(&broken), None);
    }

    #[test]
    fn messages_arrive_with_every_byte_of_their_body() {
        let arrived = |body: &[u8]| {
            Entry::arrived(&connection::Message {
                id: "a-7".parse().expect("an id"),
                topic: "t".into(),
                sequence: 3,
                timestamp_ms: 5.0,
                producer: "p".into(),
                content_type: "application/cbor".into(),
                body: body.to_vec(),
                missed: None,
            })
        };
        let text = "ö".repeat(10_000);
        assert_eq!(arrived(text.as_bytes()).body, Body::Text(text));
        let entry = arrived(&[0xa1, 0xff]);
        assert_eq!(entry.body, Body::Bytes(vec![0xa1, 0xff]));
        assert_eq!(entry.content_type, "application/cbor");
        assert!(!entry.is_cut() && !entry.is_whole());
    }

    #[test]
    fn a_cut_body_ends_between_characters_and_is_known_as_cut() {
        let entry = Entry {
            body: Body::Text(format!("x{}", "ö".repeat(1_000))),
            headers: vec![("a".into(), "b".into())],
            ..Entry::default()
        };
        assert!(entry.can_be_cut());
        let cut = entry.cut();
        assert_eq!(cut.body.bytes().len(), 999);
        assert!(cut.is_cut() && !cut.can_be_cut() && cut.headers.is_empty());
        let short = Entry {
            body: Body::Bytes(vec![0xff; 1_000]),
            ..Entry::default()
        };
        assert!(!short.can_be_cut());
    }
}
