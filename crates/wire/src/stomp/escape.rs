//! Escape sequences in header names and values: STOMP 1.2 and 1.1, "Value Encoding".

use std::borrow::Cow;

use memchr::memchr;

use super::{Command, Version, scan};

/// The escape sequences of a frame, which depend on its version and its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// CONNECT, STOMP and CONNECTED of any version: no escape sequences.
    None,
    /// No escape sequences, but values may be padded with spaces, which are removed.
    V1_0,
    /// `\n`, `\c` and `\\`.
    V1_1,
    /// `\n`, `\c`, `\\` and `\r`.
    V1_2,
}

/// The reason why a text is not a valid encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Undefined(char),
    Unfinished,
}

impl Escapes {
    pub(crate) const fn of(version: Version, command: Command) -> Self {
        match version {
            _ if !command.escapes_headers() => Self::None,
            Version::V1_0 => Self::V1_0,
            Version::V1_1 => Self::V1_1,
            Version::V1_2 => Self::V1_2,
        }
    }

    /// Returns the escapes for lines without escape sequences.
    pub(crate) const fn without_sequences(self) -> Self {
        match self {
            Self::V1_0 => Self::V1_0,
            Self::None | Self::V1_1 | Self::V1_2 => Self::None,
        }
    }

    /// "Undefined escape sequences such as \t MUST be treated as a fatal protocol error."
    #[inline]
    pub(crate) fn check(self, text: &str) -> Result<(), Invalid> {
        let mut rest = text;
        while !matches!(self, Self::None | Self::V1_0)
            && let Some((_, behind)) = split_at_backslash(rest)
        {
            let code = behind.chars().next().ok_or(Invalid::Unfinished)?;
            self.decode(code).ok_or(Invalid::Undefined(code))?;
            rest = &behind[code.len_utf8()..];
        }
        Ok(())
    }

    /// Decodes a text that has passed [`check`](Self::check). Allocates only if the text has escape
    /// sequences.
    #[inline]
    pub(crate) fn unescape(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::None | Self::V1_0 => Cow::Borrowed(text),
            Self::V1_1 | Self::V1_2 => self.unescape_slowly(text),
        }
    }

    /// Decodes the value of a header.
    #[inline]
    pub(crate) fn value(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::V1_0 => Cow::Borrowed(text.trim_ascii()),
            _ => self.unescape(text),
        }
    }

    #[cold]
    fn unescape_slowly(self, text: &str) -> Cow<'_, str> {
        let Some((mut before, mut behind)) = split_at_backslash(text) else {
            return Cow::Borrowed(text);
        };
        let mut plain = String::with_capacity(text.len());
        loop {
            plain.push_str(before);
            let mut chars = behind.chars();
            plain.extend(chars.next().and_then(|code| self.decode(code)));
            let rest = chars.as_str();
            match split_at_backslash(rest) {
                Some(split) => (before, behind) = split,
                None => {
                    plain.push_str(rest);
                    return Cow::Owned(plain);
                }
            }
        }
    }

    /// Appends `text` encoded so that it remains one name or value.
    #[inline]
    pub(crate) fn write(self, part: Part, text: &str, out: &mut Vec<u8>) {
        match scan::is_plain(text.as_bytes()) {
            true => out.extend_from_slice(text.as_bytes()),
            false => self.write_slowly(part, text, out),
        }
    }

    #[cold]
    fn write_slowly(self, part: Part, text: &str, out: &mut Vec<u8>) {
        for byte in text.bytes() {
            match (self, byte) {
                (Self::V1_1 | Self::V1_2, b'\\') => out.extend_from_slice(b"\\\\"),
                (Self::V1_1 | Self::V1_2, b'\n') => out.extend_from_slice(b"\\n"),
                (Self::V1_1 | Self::V1_2, b':') => out.extend_from_slice(b"\\c"),
                (Self::V1_2, b'\r') => out.extend_from_slice(b"\\r"),
                (_, byte) if part.must_not_hold(byte) => out.push(SUBSTITUTE),
                (_, byte) => out.push(byte),
            }
        }
    }

    const fn decode(self, code: char) -> Option<char> {
        match (self, code) {
            (_, 'n') => Some('\n'),
            (_, 'c') => Some(':'),
            (_, '\\') => Some('\\'),
            (Self::V1_2, 'r') => Some('\r'),
            _ => None,
        }
    }
}

/// The part of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Name,
    Value,
}

impl Part {
    /// Returns true for a byte that would end the line, the name or the frame. Without an escape
    /// sequence it is replaced by [`SUBSTITUTE`], so that headers and frames cannot be injected.
    const fn must_not_hold(self, byte: u8) -> bool {
        match byte {
            b'\n' | b'\r' | 0 => true,
            b':' => matches!(self, Self::Name),
            _ => false,
        }
    }
}

#[inline]
fn split_at_backslash(text: &str) -> Option<(&str, &str)> {
    let at = memchr(b'\\', text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

const SUBSTITUTE: u8 = b' ';
