//! Text from peers, made safe to print: one line, without characters that control a terminal or hide others.
//!
//! Everything that the server logs and that a command prints on standard error passes through this crate, so that a peer
//! cannot forge a line or take over the terminal that shows it.

#![warn(missing_docs, unreachable_pub)]

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Escapes control characters and characters that change the direction of text. If the text has one, backslashes are
/// escaped too, so that the original can be recovered.
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(is_unprintable) {
        true => Cow::Owned(escaped(text)),
        false => Cow::Borrowed(text),
    }
}

/// Escapes the same characters as [`printable()`], and every backslash.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for char in text.chars() {
        match char {
            '\\' => escaped.push_str("\\\\"),
            char if is_unprintable(char) => push_escape(char, &mut escaped),
            char => escaped.push(char),
        }
    }
    escaped
}

/// Escapes the same characters as [`printable()`] in JSON, in JSON's notation: the values stay the same. Line ends stay, because
/// in JSON they are only between values.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.contains(|char| char != '\n' && is_unprintable(char)) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + json.len() / 8);
    for line in json.split_inclusive('\n') {
        let end = line.strip_suffix('\n').map_or(line.len(), str::len);
        Notation::Json.push(&line[..end], &mut escaped);
        escaped.push_str(&line[end..]);
    }
    Cow::Owned(escaped)
}

/// Prints a line on standard error. Errors of standard error are ignored.
pub fn note(text: &str) {
    let mut line = String::with_capacity(text.len() + 1);
    Notation::Text.push(text, &mut line);
    line.push('\n');
    let _ = io::stderr().write_all(line.as_bytes());
}

/// The output of a log: each event becomes exactly one line of `inner`.
pub struct Lines<W> {
    /// The destination of the lines.
    pub inner: W,
    /// The notation of escapes.
    pub notation: Notation,
}

/// The notation of an escaped character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Rust's notation.
    Text,
    /// Rust's notation, for text with terminal colours. Colour sequences stay: `tracing-subscriber` has escaped those
    /// that peers sent.
    ColouredText,
    /// JSON's notation: in a JSON document, such characters occur only in strings, except the line end.
    Json,
}

impl<W: Write> Write for Lines<W> {
    /// `tracing-subscriber` writes each event with one call, its line end included.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let mut line = String::with_capacity(text.len());
        self.notation
            .push(text.strip_suffix('\n').unwrap_or(&text), &mut line);
        line.push('\n');
        self.inner.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Notation {
    fn push(self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = rest.find(is_unprintable) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let mut chars = from.chars();
            let colour = match self {
                Self::ColouredText => colour_bytes(from),
                Self::Text | Self::Json => 0,
            };
            match (chars.next(), self) {
                _ if colour > 0 => out.push_str(&from[..colour]),
                (Some(char), Self::Json) => push_json_escape(char, out),
                (Some(char), _) => push_escape(char, out),
                (None, _) => {}
            }
            rest = match colour {
                0 => chars.as_str(),
                colour => &from[colour..],
            };
        }
        out.push_str(rest);
    }
}

fn push_escape(char: char, out: &mut String) {
    match char {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        char => out.extend(char.escape_unicode()),
    }
}

/// JSON has escapes for the units of UTF-16 (RFC 8259, 7).
fn push_json_escape(char: char, out: &mut String) {
    for unit in char.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

/// Returns the length of the colour sequence at the beginning of a text: ESC, `[`, numbers and `;`, `m` (ECMA-48, SGR).
fn colour_bytes(text: &str) -> usize {
    let Some(sequence) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let end = sequence.find(|char: char| !char.is_ascii_digit() && char != ';');
    match end {
        Some(end) if sequence[end..].starts_with('m') => "\x1b[".len() + end + 1,
        _ => 0,
    }
}

/// Returns true for control characters, Unicode line ends, characters that change the direction of text (UAX 9), and
/// characters that have no width or look like a space, with which two names look the same.
fn is_unprintable(char: char) -> bool {
    char.is_control() || (!char.is_ascii() && is_invisible(char))
}

/// The list follows `Default_Ignorable_Code_Point` of Unicode. The variation selectors U+FE00 to U+FE0F are not in it, because
/// they belong to many emoji.
const fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_characters_are_escaped_reversibly() {
        let table = [
            ("", ""),
            ("plain", "plain"),
            (r"C:\temp", r"C:\temp"),
            ("a\nb\\", r"a\nb\\"),
            ("\x1b[2J\0\x7f", r"\u{1b}[2J\u{0}\u{7f}"),
            ("zwölf \u{85}", r"zwölf \u{85}"),
            ("a\u{202e}b\u{2028}", r"a\u{202e}b\u{2028}"),
            ("a\u{200b}\u{feff}\u{e0041}", r"a\u{200b}\u{feff}\u{e0041}"),
            ("❤\u{fe0f} 한국어", "❤\u{fe0f} 한국어"),
        ];
        for (text, wanted) in table {
            assert_eq!(printable(text), wanted);
        }
    }

    #[test]
    fn json_is_escaped_without_a_change_of_its_values() {
        let table = [
            ("{\"a\": 1}\n", "{\"a\": 1}\n"),
            (
                "{\n\"a\":\"\u{9b}5m\u{85}\u{7f}\u{e0041}\\n\"}\n",
                "{\n\"a\":\"\\u009b5m\\u0085\\u007f\\udb40\\udc41\\n\"}\n",
            ),
        ];
        for (json, wanted) in table {
            assert_eq!(printable_json(json), wanted);
        }
    }

    fn logged(notation: Notation, event: &str) -> String {
        let mut lines = Lines {
            inner: Vec::new(),
            notation,
        };
        let written = lines.write(event.as_bytes()).expect("a written event");
        assert_eq!(written, event.len());
        String::from_utf8(lines.inner).expect("UTF-8")
    }

    #[test]
    fn an_event_with_any_content_is_one_line() {
        use Notation::{ColouredText, Json, Text};
        let table = [
            (Text, "a\n", "a\n"),
            (Text, "a", "a\n"),
            (Text, "a\nb\r\tc\n", "a\\nb\\r\\tc\n"),
            (Text, "a\n\n", "a\\n\n"),
            (Text, "\x1b[31mred\x1b[0m\n", "\\u{1b}[31mred\\u{1b}[0m\n"),
            (
                ColouredText,
                "\x1b[1;31mred\x1b[0m\n",
                "\x1b[1;31mred\x1b[0m\n",
            ),
            (
                ColouredText,
                "\x1b[2J\x1b[\x1b\n",
                "\\u{1b}[2J\\u{1b}[\\u{1b}\n",
            ),
            (ColouredText, "\x1b[31", "\\u{1b}[31\n"),
            (
                Json,
                "{\"a\":\"\u{9b}\u{202e}ä\"}\n",
                "{\"a\":\"\\u009b\\u202eä\"}\n",
            ),
        ];
        for (notation, event, wanted) in table {
            assert_eq!(logged(notation, event), wanted, "{notation:?} {event:?}");
        }
    }
}
