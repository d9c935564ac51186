//! Escape sequences in header names and values: STOMP 1.2, "Value Encoding".

use std::borrow::Cow;

use memchr::memchr;

use super::{Command, Version};

/// Which escape sequences a frame uses: a question of its version and its command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// 1.0, and CONNECT, STOMP and CONNECTED of any version.
    None,
    /// `\n`, `\c` and `\\`.
    V1_1,
    /// The same and `\r`.
    V1_2,
}

/// Why a text is not what an encoder could have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Undefined(char),
    Unfinished,
}

impl Escapes {
    pub(crate) const fn of(version: Version, command: Command) -> Self {
        match version {
            _ if !command.escapes_headers() => Self::None,
            Version::V1_0 => Self::None,
            Version::V1_1 => Self::V1_1,
            Version::V1_2 => Self::V1_2,
        }
    }

    /// "Undefined escape sequences such as `\t` MUST be treated as a fatal protocol error."
    pub(crate) fn check(self, text: &str) -> Result<(), Invalid> {
        if self == Self::None {
            return Ok(());
        }
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            if char == '\\' {
                let code = chars.next().ok_or(Invalid::Unfinished)?;
                self.decode(code).ok_or(Invalid::Undefined(code))?;
            }
        }
        Ok(())
    }

    /// `text` has passed [`check`](Self::check); nothing is allocated when there is nothing to do.
    pub(crate) fn unescape(self, text: &str) -> Cow<'_, str> {
        if self == Self::None || memchr(b'\\', text.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(char) = chars.next() {
            match char {
                '\\' => plain.extend(chars.next().and_then(|code| self.decode(code))),
                char => plain.push(char),
            }
        }
        Cow::Owned(plain)
    }

    /// Appends `text` so that it cannot be taken for anything but one name or value.
    pub(crate) fn write(self, part: Part, text: &str, out: &mut Vec<u8>) {
        if text.bytes().any(needs_attention) {
            self.write_slowly(part, text, out);
        } else {
            out.extend_from_slice(text.as_bytes());
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

/// Which half of a header a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Name,
    Value,
}

impl Part {
    /// Where there is no escape sequence for a byte that would end the line, the name or the frame,
    /// [`SUBSTITUTE`] stands for it: nobody can smuggle in a header or a frame.
    const fn must_not_hold(self, byte: u8) -> bool {
        match byte {
            b'\n' | b'\r' | 0 => true,
            b':' => matches!(self, Self::Name),
            _ => false,
        }
    }
}

const SUBSTITUTE: u8 = b' ';

const fn needs_attention(byte: u8) -> bool {
    matches!(byte, b'\\' | b'\n' | b'\r' | b':' | 0)
}
