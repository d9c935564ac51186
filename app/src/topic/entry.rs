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
    /// True if the page has only the beginning of the body, and no headers.
    pub is_cut: bool,
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
            is_cut: false,
        })
    }

    /// Keeps what the list shows of a message that has just arrived. The page requests the rest when the message is opened.
    pub fn arrived(message: &connection::Message) -> Self {
        let end = message.body.char_indices().nth(MOST_KEPT_CHARS);
        let end = end.map_or(message.body.len(), |(end, _)| end);
        Self {
            id: message.id.to_string(),
            sequence: message.sequence,
            timestamp_ms: message.timestamp_ms,
            producer: message.producer.clone(),
            body: Body::Text(message.body[..end].into()),
            is_cut: true,
            ..Self::default()
        }
    }

    /// Returns the beginning of the body on one line.
    pub fn preview(&self) -> String {
        let Body::Text(text) = &self.body else {
            return texts::topic::BYTES.with(&[&self.body.bytes().len().to_string()]);
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

/// Characters of a body that the list keeps. 5,000 messages then take at most some 20 MB.
const MOST_KEPT_CHARS: usize = 1_000;
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
}
