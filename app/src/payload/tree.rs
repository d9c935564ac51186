//! The content of a body as a tree of values: the one form in which `fold`, `difference` and the page read JSON,
//! MessagePack, CBOR and XML. Numbers keep every digit. Pure.

use std::borrow::Cow;

use crate::{json::Json, language::Text};

/// A value, and what the format says about it besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree<'a> {
    pub value: Value<'a>,
    /// The tag of CBOR, or the type of an extension of MessagePack, with its meaning; usually empty.
    pub note: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number, a word such as `true`, or the markup of XML, as it is written.
    Plain(Kind, Cow<'a, str>),
    /// A text, which is shown in quotes.
    Text(Cow<'a, str>),
    /// The content of an element of XML, which is shown without quotes.
    Content(Cow<'a, str>),
    /// A byte string.
    Bytes(Cow<'a, [u8]>),
    List(Vec<Tree<'a>>),
    Map(Vec<(Cow<'a, str>, Tree<'a>)>),
    /// An element of XML: its first tag, what it contains, and its last tag.
    Element(&'a str, Vec<Tree<'a>>, String),
}

/// The kind of a value, for its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Bracket,
    Text,
    Number,
    /// `true`, `false`, `null` and similar.
    Word,
}

impl Kind {
    pub fn class(self) -> &'static str {
        match self {
            Self::Bracket => "json-bracket",
            Self::Text => "json-text",
            Self::Number => "json-number",
            Self::Word => "json-word",
        }
    }
}

/// The reason why bytes are not of a format, and where.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub what: Text,
    /// The offset of the first byte of the value at fault.
    pub at: usize,
}

impl<'a> Tree<'a> {
    pub fn of(value: Value<'a>) -> Self {
        Self {
            value,
            note: String::new(),
        }
    }

    pub fn plain(kind: Kind, text: impl Into<Cow<'a, str>>) -> Self {
        Self::of(Value::Plain(kind, text.into()))
    }

    /// Returns the text of a value that contains no others, in one line; for others their brackets.
    pub fn text(&self) -> String {
        match &self.value {
            Value::Plain(_, text) | Value::Content(text) => text.clone().into_owned(),
            Value::Text(text) => quoted(text),
            Value::Bytes(bytes) => hex(bytes),
            Value::List(_) => "[]".into(),
            Value::Map(_) => "{}".into(),
            Value::Element(open, ..) => (*open).into(),
        }
    }
}

impl<'a> From<Json<'a>> for Tree<'a> {
    fn from(json: Json<'a>) -> Self {
        match json {
            Json::Null => Self::plain(Kind::Word, "null"),
            Json::Bool(value) => Self::plain(Kind::Word, if value { "true" } else { "false" }),
            Json::Number(number) => Self::plain(Kind::Number, number),
            Json::Text(text) => Self::of(Value::Text(text)),
            Json::Array(elements) => {
                Self::of(Value::List(elements.into_iter().map(Self::from).collect()))
            }
            Json::Object(members) => {
                let members = members.into_iter();
                let members = members.map(|(name, value)| (name, Self::from(value)));
                Self::of(Value::Map(members.collect()))
            }
        }
    }
}

/// Returns a byte string in the notation of RFC 8949, 8: `h'00ff'`; the beginning of a long one, with its length.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("h'");
    for byte in bytes.iter().take(MOST_HEX_BYTES) {
        text.push_str(&format!("{byte:02x}"));
    }
    if bytes.len() > MOST_HEX_BYTES {
        text.push('…');
    }
    text.push('\'');
    if bytes.len() > MOST_HEX_BYTES {
        text.push_str(&format!(" ({} B)", bytes.len()));
    }
    text
}

/// Returns a text in quotes, with the escapes that make its control characters visible.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Bytes of a byte string that are shown.
const MOST_HEX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_byte_string_is_shortened_and_has_its_length() {
        assert_eq!(hex(&[0, 0xff]), "h'00ff'");
        let long = hex(&[7; 100]);
        assert!(
            long.starts_with("h'0707") && long.ends_with("…' (100 B)"),
            "{long}"
        );
    }
}
