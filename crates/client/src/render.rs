//! Renders messages as lines of text or JSON. Owns what all protocols share.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
pub(crate) use printable::printable;
use printable::{escaped, printable_json};
use serde::Serialize;

/// The parts of a message to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Body,
    DestinationAndBody,
    Json,
}

/// Appends a body without control characters unchanged. Any other body is escaped, including
/// backslashes, so that it is one line and can be decoded.
fn body_text(body: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(body) {
        Ok(text) => out.extend_from_slice(printable(text).as_bytes()),
        Err(_) => escape_bytes(body, out),
    }
}

fn escape_bytes(body: &[u8], out: &mut Vec<u8>) {
    for chunk in body.utf8_chunks() {
        out.extend_from_slice(escaped(chunk.valid()).as_bytes());
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\x{byte:02X}").as_bytes());
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Body<'m> {
    #[serde(rename = "body")]
    Text(&'m str),
    #[serde(rename = "bodyBase64")]
    Bytes(String),
}

impl<'m> Body<'m> {
    pub(crate) fn of(bytes: &'m [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Bytes(BASE64.encode(bytes)),
        }
    }
}

/// Appends a record as one line, without characters that control a terminal.
pub(crate) fn json(record: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to memory cannot fail, and every key of these records is a string.
    let json = serde_json::to_string(record).expect("a record is JSON");
    out.extend_from_slice(printable_json(&json).as_bytes());
    out.push(b'\n');
}

/// Appends a message as one line: its destination, if given, then its body.
pub(crate) fn text(place: Option<&str>, body: &[u8], out: &mut Vec<u8>) {
    if let Some(place) = place {
        out.extend_from_slice(printable(place).as_bytes());
        out.push(b'\t');
    }
    body_text(body, out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_does_not_control_the_terminal() {
        let mut out = Vec::new();
        json(&Body::of("\u{9b}2J".as_bytes()), &mut out);
        assert_eq!(out, b"{\"body\":\"\\u009b2J\"}\n");
    }

    #[test]
    fn a_body_is_rendered_as_one_line() {
        let table: [(&[u8], &str); 9] = [
            (b"", ""),
            (b"plain", "plain"),
            (br#"{"path":"C:\\temp"}"#, r#"{"path":"C:\\temp"}"#),
            (b"a\nb\r\n", r"a\nb\r\n"),
            (b"a\tb\\n", r"a\tb\\n"),
            (b"\x1b[2J\0\x7f", r"\u{1b}[2J\u{0}\u{7f}"),
            ("zwölf \u{85}".as_bytes(), r"zwölf \u{85}"),
            (b"\xff\\\xc3", r"\xFF\\\xC3"),
            ("☃".as_bytes(), "☃"),
        ];
        for (body, wanted) in table {
            let mut out = Vec::new();
            body_text(body, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wanted);
        }
    }
}
