//! Decodes bytes to frames incrementally: STOMP 1.2, "STOMP Frames" and "Augmented BNF".
//!
//! The caller owns the buffer. The decoder stores its position in the current frame, so that a frame
//! that arrives byte by byte costs no more than one that arrives whole.
//!
//! The decoder is more lenient than the grammar in four points. A value may contain colons (the
//! first one separates). A CR before the LF is part of the line end in every version. A NUL in place
//! of the blank line ends a frame without body, as in the specification's own example of DISCONNECT.
//! A frame that must not have a body may have a few more line ends before its NUL, which some
//! clients write.

use memchr::{memchr, memchr2};

use super::escape::{Escapes, Invalid};
use super::{Command, DecodeError, Frame, Header, Headers, Item, Limits, Version, scan};

/// The decoder of one direction of one connection.
#[derive(Clone, Debug)]
pub struct Decoder {
    limits: Limits,
    version: Version,
    stage: Stage,
}

/// The part of the frame that the next byte belongs to. Positions count from the start of the item.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The command line, or a line end before it. The first `scanned` bytes contain no line end.
    Command {
        scanned: usize,
    },
    Headers(Head),
    Body(Head, Extent),
}

/// The command line and the header lines decoded so far.
#[derive(Clone, Copy, Debug)]
struct Head {
    command: Command,
    /// The position of the first header line.
    start: usize,
    /// The position after the last complete header line.
    end: usize,
    /// There is no line end between `end` and this position.
    scanned: usize,
    count: u32,
    content_length: Option<u32>,
}

/// The position of the body, and the position up to which it contains no NUL.
#[derive(Clone, Copy, Debug)]
struct Extent {
    start: usize,
    scanned: usize,
}

type Decoded<T> = Result<Option<T>, DecodeError>;

impl Decoder {
    /// Creates a decoder for a new connection.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            version: Version::V1_2,
            stage: Stage::START,
        }
    }

    /// Sets the negotiated version. The initial version is 1.2; CONNECT is decoded the same in all
    /// versions.
    pub const fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Returns the first item of `input` and the number of bytes it used, or `None` if its end has
    /// not arrived. `input` must begin after the last item; after `None`, with the same bytes
    /// followed by more.
    ///
    /// # Errors
    ///
    /// The bytes are not valid STOMP, or a limit is exceeded. The stream cannot be decoded any
    /// further.
    #[inline]
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Decoded<(Item<'a>, usize)> {
        match std::mem::replace(&mut self.stage, Stage::START) {
            Stage::Command { scanned } => match heart_beat_bytes(input) {
                Some(bytes) => Ok(Some((Item::HeartBeat, bytes))),
                None => self.command_line(input, scanned),
            },
            Stage::Headers(head) => self.header_lines(input, head),
            Stage::Body(head, extent) => self.body(input, head, extent),
        }
    }

    #[inline]
    fn command_line<'a>(&mut self, input: &'a [u8], scanned: usize) -> Decoded<(Item<'a>, usize)> {
        let limit = self.limits.command_bytes;
        let Some(end) = line_end(input, scanned) else {
            if input.len() > limit as usize + CR {
                return Err(DecodeError::CommandTooLong { limit });
            }
            let scanned = input.len();
            self.stage = Stage::Command { scanned };
            return Ok(None);
        };
        let line = without_cr(&input[..end]);
        if line.len() > limit as usize {
            return Err(DecodeError::CommandTooLong { limit });
        }
        if input[end] == NUL {
            return Err(DecodeError::NulInCommand);
        }
        let command = Command::parse(line).ok_or_else(|| unknown_command(line))?;
        self.header_lines(input, Head::new(command, end + 1))
    }

    #[inline]
    fn header_lines<'a>(&mut self, input: &'a [u8], mut head: Head) -> Decoded<(Item<'a>, usize)> {
        loop {
            let Some(end) = line_end(input, head.scanned) else {
                self.check_unfinished_line(input, &head)?;
                head.scanned = input.len().max(head.scanned);
                self.stage = Stage::Headers(head);
                return Ok(None);
            };
            match &input[head.end..end] {
                [] if input[end] == NUL => return self.body(input, head, Extent::new(end)),
                _ if input[end] == NUL => {
                    let line = head.count + 1;
                    return Err(DecodeError::NulInHeader { line });
                }
                [] | [b'\r'] => return self.body(input, head, Extent::new(end + 1)),
                line => self.header_line(without_cr(line), &mut head)?,
            }
            head.end = end + 1;
            head.scanned = end + 1;
            if head.end - head.start > self.limits.head_bytes as usize {
                return Err(self.head_too_long());
            }
        }
    }

    #[inline]
    fn header_line(&self, line: &[u8], head: &mut Head) -> Result<(), DecodeError> {
        head.count += 1;
        let number = head.count;
        if number > self.limits.header_count {
            let limit = self.limits.header_count;
            return Err(DecodeError::TooManyHeaders { limit });
        }
        if line.len() > self.limits.header_bytes as usize {
            return Err(self.header_too_long(number));
        }
        match scan::colon(line) {
            None => return Err(DecodeError::HeaderWithoutColon { line: number }),
            Some(0) => return Err(DecodeError::HeaderWithoutName { line: number }),
            Some(_) => {}
        }
        match line.strip_prefix(b"content-length:") {
            // The first of several headers applies, "Repeated Header Entries".
            Some(value) if head.content_length.is_none() => {
                let length = self
                    .content_length(value)
                    .ok_or(DecodeError::InvalidContentLength { line: number })?;
                self.check_body_length(head.command, length)?;
                head.content_length = Some(length);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn content_length(&self, value: &[u8]) -> Option<u32> {
        let value = match self.version.trims_values() {
            true => value.trim_ascii(),
            false => value,
        };
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let digit =
            |sum: u32, byte: &u8| sum.saturating_mul(10).saturating_add((byte - b'0').into());
        Some(value.iter().fold(0, digit))
    }

    /// Checks the limits for a line whose end has not arrived.
    fn check_unfinished_line(&self, input: &[u8], head: &Head) -> Result<(), DecodeError> {
        let line_bytes = input.len().saturating_sub(head.end);
        if line_bytes > self.limits.header_bytes as usize + CR {
            return Err(self.header_too_long(head.count + 1));
        }
        let head_bytes = input.len().saturating_sub(head.start);
        if head_bytes > self.limits.head_bytes as usize + CR {
            return Err(self.head_too_long());
        }
        Ok(())
    }

    #[inline]
    fn body<'a>(
        &mut self,
        input: &'a [u8],
        head: Head,
        mut extent: Extent,
    ) -> Decoded<(Item<'a>, usize)> {
        let end = match head.content_length {
            Some(length) => counted_body(input, extent, length)?,
            None => self.open_body(input, head.command, extent)?,
        };
        let Some(end) = end else {
            extent.scanned = input.len().max(extent.scanned);
            self.stage = Stage::Body(head, extent);
            return Ok(None);
        };
        let frame = Frame {
            command: head.command,
            headers: self.headers(&input[head.start..head.end], head.command)?,
            body: &input[extent.start..end],
        };
        Ok(Some((Item::Frame(frame), end + 1)))
    }

    /// Without `content-length` the first NUL ends the body.
    fn open_body(
        &self,
        input: &[u8],
        command: Command,
        extent: Extent,
    ) -> Result<Option<usize>, DecodeError> {
        let rest = input.get(extent.scanned..).unwrap_or_default();
        let end = memchr(NUL, rest).map(|offset| extent.scanned + offset);
        let body = input.get(extent.start..end.unwrap_or(input.len()));
        let body = body.unwrap_or_default();
        // Only a few bytes are compared; the length check refuses a longer body.
        let is_blank = body.len() <= MAX_BLANK_BYTES && is_blank(body);
        if !is_blank || self.allows_body(command) {
            self.check_body_length(command, u32::try_from(body.len()).unwrap_or(u32::MAX))?;
        }
        Ok(end)
    }

    fn check_body_length(&self, command: Command, length: u32) -> Result<(), DecodeError> {
        if length > 0 && !self.allows_body(command) {
            return Err(DecodeError::BodyNotAllowed { command });
        }
        let limit = match command.connects() {
            true => self.limits.body_bytes.min(self.limits.head_bytes),
            false => self.limits.body_bytes,
        };
        if length > limit {
            return Err(DecodeError::BodyTooLarge { limit });
        }
        Ok(())
    }

    /// CONNECT chooses the version, so its body is judged when its headers have been read.
    const fn allows_body(&self, command: Command) -> bool {
        command.connects() || self.version.allows_body(command)
    }

    /// "The commands and headers are encoded in UTF-8" (STOMP 1.2, "Value Encoding").
    #[inline]
    fn headers<'a>(&self, lines: &'a [u8], command: Command) -> Result<Headers<'a>, DecodeError> {
        let text = std::str::from_utf8(lines).map_err(|error| {
            let line = line_number(lines, error.valid_up_to());
            DecodeError::HeaderNotUtf8 { line }
        })?;
        let escapes = Escapes::of(self.version, command);
        if memchr2(b'\\', b'\r', lines).is_some() {
            self.check_lines(text, escapes)?;
            return Ok(Headers::new(text, escapes));
        }
        Ok(Headers::new(text, escapes.without_sequences()))
    }

    /// Checks the escape sequences; only called if the lines contain a backslash or a CR.
    fn check_lines(&self, text: &str, escapes: Escapes) -> Result<(), DecodeError> {
        for (line, header) in (1..).zip(Headers::new(text, escapes)) {
            let Header {
                raw_name,
                raw_value,
                ..
            } = header;
            for part in [raw_name, raw_value] {
                if self.version == Version::V1_2 && memchr(b'\r', part.as_bytes()).is_some() {
                    return Err(DecodeError::StrayCarriageReturn { line });
                }
                escapes
                    .check(part)
                    .map_err(|invalid| self.invalid_escape(line, invalid))?;
            }
        }
        Ok(())
    }

    const fn invalid_escape(&self, line: u32, invalid: Invalid) -> DecodeError {
        match invalid {
            Invalid::Unfinished => DecodeError::UnfinishedEscape { line },
            Invalid::Undefined(found) => DecodeError::UndefinedEscape {
                line,
                found,
                version: self.version,
            },
        }
    }

    const fn header_too_long(&self, line: u32) -> DecodeError {
        let limit = self.limits.header_bytes;
        DecodeError::HeaderTooLong { line, limit }
    }

    const fn head_too_long(&self) -> DecodeError {
        let limit = self.limits.head_bytes;
        DecodeError::HeadTooLong { limit }
    }
}

impl Stage {
    const START: Self = Self::Command { scanned: 0 };
}

impl Head {
    const fn new(command: Command, start: usize) -> Self {
        Self {
            command,
            start,
            end: start,
            scanned: start,
            count: 0,
            content_length: None,
        }
    }
}

impl Extent {
    const fn new(start: usize) -> Self {
        Self {
            start,
            scanned: start,
        }
    }
}

const NUL: u8 = 0;

/// Line ends before the NUL of a frame without body, in bytes. More are a body.
const MAX_BLANK_BYTES: usize = 16;

/// Returns whether a body holds nothing but line ends.
pub(super) fn is_blank(body: &[u8]) -> bool {
    body.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// A line whose end has not arrived may exceed its limit by one byte: the CR of the line end.
const CR: usize = 1;

/// "The NULL octet can be optionally followed by multiple EOLs"; a heart-beat is an EOL, too.
#[inline]
const fn heart_beat_bytes(input: &[u8]) -> Option<usize> {
    match input {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Returns the position of the first LF or NUL after `from`.
#[inline]
fn line_end(input: &[u8], from: usize) -> Option<usize> {
    scan::line_end(input.get(from..)?).map(|offset| from + offset)
}

const fn without_cr(line: &[u8]) -> &[u8] {
    match line {
        [text @ .., b'\r'] => text,
        line => line,
    }
}

/// "If a content-length header is included, this number of octets MUST be read, regardless of
/// whether or not there are NULL octets in the body" (STOMP 1.2, "Header content-length").
#[inline]
fn counted_body(
    input: &[u8],
    extent: Extent,
    content_length: u32,
) -> Result<Option<usize>, DecodeError> {
    let end = extent.start.saturating_add(content_length as usize);
    match input.get(end) {
        None => Ok(None),
        Some(&NUL) => Ok(Some(end)),
        Some(_) => Err(DecodeError::MissingNul { content_length }),
    }
}

#[cold]
fn unknown_command(line: &[u8]) -> DecodeError {
    DecodeError::UnknownCommand {
        command: line.escape_ascii().to_string(),
    }
}

#[cold]
fn line_number(lines: &[u8], position: usize) -> u32 {
    let ends = lines.iter().take(position).filter(|&&byte| byte == b'\n');
    1 + u32::try_from(ends.count()).unwrap_or(u32::MAX - 1)
}
