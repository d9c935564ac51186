//! Decoded frames. They borrow from the decoded bytes; nothing is copied or allocated unless a
//! header has to be unescaped.

use std::borrow::Cow;

use super::{Command, escape::Escapes, scan};

/// An element of a STOMP stream.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A line end between frames (STOMP 1.2, "Heart-beating").
    HeartBeat,
    /// A frame.
    Frame(Frame<'a>),
}

/// A decoded frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The command.
    pub command: Command,
    /// The headers.
    pub headers: Headers<'a>,
    /// The body.
    pub body: &'a [u8],
}

/// The header lines of a frame, validated by the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// Whole lines with their line ends, without the blank line.
    lines: &'a str,
    /// `None` also if the version has escape sequences but these lines contain none.
    escapes: Escapes,
}

impl<'a> Headers<'a> {
    pub(crate) const fn new(lines: &'a str, escapes: Escapes) -> Self {
        Self { lines, escapes }
    }

    /// Iterates over the headers in the order of the frame.
    pub const fn iter(&self) -> HeaderIter<'a> {
        HeaderIter { rest: *self }
    }

    /// Returns the value of the first header with this name: "only the first header entry SHOULD be
    /// used" (STOMP 1.2, "Repeated Header Entries"). Names are case sensitive.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter()
            .find(|header| header.is(name))
            .map(|header| header.value())
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = Header<'a>;
    type IntoIter = HeaderIter<'a>;

    fn into_iter(self) -> HeaderIter<'a> {
        self.iter()
    }
}

/// A header line. `raw_name` and `raw_value` are still encoded.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The encoded name.
    pub raw_name: &'a str,
    /// The encoded value.
    pub raw_value: &'a str,
    escapes: Escapes,
}

impl<'a> Header<'a> {
    /// Returns the decoded name.
    pub fn name(&self) -> Cow<'a, str> {
        self.escapes.unescape(self.raw_name)
    }

    /// Returns the decoded value.
    #[inline]
    pub fn value(&self) -> Cow<'a, str> {
        self.escapes.value(self.raw_value)
    }

    /// Returns true if the decoded name is `name`.
    pub fn is(&self, name: &str) -> bool {
        match self.escapes {
            Escapes::None | Escapes::V1_0 => self.raw_name == name,
            _ => self.name() == name,
        }
    }
}

/// Iterator over the headers in the order of the frame, including repeated names.
#[derive(Clone, Debug)]
pub struct HeaderIter<'a> {
    rest: Headers<'a>,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = Header<'a>;

    #[inline]
    fn next(&mut self) -> Option<Header<'a>> {
        let Headers { lines, escapes } = self.rest;
        let line_end = scan::line_end(lines.as_bytes())?;
        let line = &lines[..line_end];
        self.rest.lines = &lines[line_end + 1..];
        let colon = scan::colon(line.as_bytes())?;
        let (raw_name, raw_value) = (&line[..colon], &line[colon + 1..]);
        Some(Header {
            raw_name,
            raw_value: raw_value.strip_suffix('\r').unwrap_or(raw_value),
            escapes,
        })
    }
}
