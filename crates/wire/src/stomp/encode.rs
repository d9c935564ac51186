//! Encodes frames and appends them to a buffer of the caller.

use super::escape::{Escapes, Part};
use super::{Command, Version, header};

/// Writes a heart-beat: "it MUST send an end-of-line" (STOMP 1.2, "Heart-beating").
pub fn heart_beat(out: &mut Vec<u8>) {
    out.push(b'\n');
}

/// Writes one frame: headers first, then [`end`](Self::end) or [`body`](Self::body).
///
/// Names and values are escaped as the version and the command require. Without escape sequences
/// (1.0, CONNECT, CONNECTED) a line end in a value becomes a space; a NUL always does.
#[derive(Debug)]
#[must_use = "a frame needs its end"]
pub struct FrameWriter<'o> {
    out: &'o mut Vec<u8>,
    escapes: Escapes,
}

impl<'o> FrameWriter<'o> {
    /// Begins a frame.
    pub fn new(out: &'o mut Vec<u8>, version: Version, command: Command) -> Self {
        out.extend_from_slice(command.as_str().as_bytes());
        out.push(b'\n');
        Self::within(out, version, command)
    }

    /// Continues the headers of a frame whose command line is written separately.
    pub(crate) const fn within(out: &'o mut Vec<u8>, version: Version, command: Command) -> Self {
        let escapes = Escapes::of(version, command);
        Self { out, escapes }
    }

    /// Writes a header.
    #[inline]
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.escapes.write(Part::Name, name, self.out);
        self.out.push(b':');
        self.escapes.write(Part::Value, value, self.out);
        self.out.push(b'\n');
        self
    }

    /// Writes a header if there is a value.
    pub fn optional_header(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// Writes a header with a number.
    #[inline]
    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.escapes.write(Part::Name, name, self.out);
        self.out.push(b':');
        write_decimal(value, self.out);
        self.out.push(b'\n');
        self
    }

    /// Ends a frame without a body.
    pub fn end(self) {
        self.out.extend_from_slice(b"\n\0");
    }

    /// Ends the frame with `content-length` and this body.
    pub fn body(mut self, body: &[u8]) {
        self.number(header::CONTENT_LENGTH, body.len() as u64);
        self.out.reserve(body.len() + 2);
        self.out.push(b'\n');
        self.out.extend_from_slice(body);
        self.out.push(0);
    }
}

#[inline]
pub(crate) fn write_decimal(mut value: u64, out: &mut Vec<u8>) {
    const DIGITS: usize = 20;
    let mut digits = [0; DIGITS];
    let mut start = DIGITS;
    while value >= 100 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    let [tens, ones] = PAIRS[value as usize];
    start -= 1;
    digits[start] = ones;
    if value >= 10 {
        start -= 1;
        digits[start] = tens;
    }
    out.extend_from_slice(&digits[start..]);
}

/// The decimal digits of 0 to 99, which halve the number of divisions.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        pairs[value] = [b'0' + value as u8 / 10, b'0' + value as u8 % 10];
        value += 1;
    }
    pairs
};
