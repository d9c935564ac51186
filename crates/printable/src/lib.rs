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
                (Some(char), Self::Json) => out.push_str(&format!("\\u{:04x}", u32::from(char))),
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

/// Returns true for control characters, Unicode line ends, and characters that change the direction of text
/// (UAX 9, explicit directional embeddings, overrides and isolates).
fn is_unprintable(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        ];
        for (text, wanted) in table {
            assert_eq!(printable(text), wanted);
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
