//! Decodes bytes to events: RFC 6455, 5 and 6.2.
//!
//! The caller owns the buffer and keeps the bytes that were not consumed. Only headers and the
//! payloads of control frames must be complete; data is returned as it arrives.

use super::encode::{FIN, LENGTH_16, LENGTH_64, MASKED};
use super::utf8::Utf8;
use super::{CONTROL_PAYLOAD_BYTES, Close, Mask, Opcode, Violation};

/// The role of this side of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server: receives masked frames.
    Server,
    /// The client: receives unmasked frames.
    Client,
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// UTF-8, validated by the decoder.
    Text,
    /// Bytes.
    Binary,
}

/// A decoded event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The next piece of a message, unmasked. It may be empty.
    Data {
        /// The kind of the message.
        kind: MessageType,
        /// The piece.
        payload: &'a [u8],
        /// True if this is the last piece of the message.
        last: bool,
    },
    /// Answer with a pong of the same payload (5.5.2).
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// Answer with a close, unless one was sent (5.5.1). Bytes after it are ignored.
    Close(Close<'a>),
}

/// The decoder of one direction of one connection.
#[derive(Clone, Debug)]
pub struct Decoder {
    role: Role,
    closed: bool,
    /// The kind of the unfinished message, if any.
    message: Option<MessageType>,
    frame: Option<DataFrame>,
    utf8: Utf8,
    /// The payload bytes of all frames of the message so far, according to their headers.
    message_bytes: u64,
    message_limit: u64,
}

/// A data frame whose payload has not been returned completely.
#[derive(Clone, Copy, Debug)]
struct DataFrame {
    kind: MessageType,
    fin: bool,
    /// The key for the next byte of payload.
    mask: Mask,
    remaining: u64,
}

/// A decoded frame header.
struct Header {
    opcode: Opcode,
    fin: bool,
    mask: Mask,
    payload_bytes: u64,
    /// The length of the header itself.
    bytes: usize,
}

impl Decoder {
    /// The default limit for a message; the protocols inside messages have limits of their own.
    pub const MESSAGE_BYTES: u64 = 16 << 20;

    /// Creates a decoder. `message_limit` is the maximum payload of a message in bytes.
    pub const fn new(role: Role, message_limit: u64) -> Self {
        Self {
            role,
            closed: false,
            message: None,
            frame: None,
            utf8: Utf8::NEW,
            message_bytes: 0,
            message_limit,
        }
    }

    /// Returns the first event of `input`, unmasked in place, and the number of bytes it used, or
    /// `None` if more bytes are needed. `input` must begin with the first byte not yet consumed.
    ///
    /// # Errors
    ///
    /// The peer violates the protocol or the limit. Close with [`Violation::close_code`].
    #[inline]
    pub fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(Event<'a>, usize)>, Violation> {
        // "discards any further data received" (1.4).
        if self.closed || input.is_empty() {
            return Ok(None);
        }
        if let Some(frame) = self.frame {
            return self.data(frame, input, 0).map(Some);
        }
        let Some(header) = self.header(input)? else {
            return Ok(None);
        };
        match header.opcode {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let frame = self.begin(&header)?;
                self.data(frame, input, header.bytes).map(Some)
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => self.control(&header, input),
        }
    }

    /// 5.2, "Base Framing Protocol".
    #[inline]
    fn header(&self, input: &[u8]) -> Result<Option<Header>, Violation> {
        let &[first, second, ..] = input else {
            return Ok(None);
        };
        let opcode = self.opcode(first)?;
        self.check_masked(second & MASKED != 0)?;
        let fin = first & FIN != 0;
        if opcode.is_control() {
            check_control(fin, second & !MASKED)?;
        }
        let Some((payload_bytes, length_bytes)) = payload_length(second & !MASKED, &input[2..])?
        else {
            return Ok(None);
        };
        let mut bytes = 2 + length_bytes;
        let mut mask = Mask::NONE;
        if self.role == Role::Server {
            let Some(key) = input[bytes..].first_chunk() else {
                return Ok(None);
            };
            mask = Mask(*key);
            bytes += key.len();
        }
        Ok(Some(Header {
            opcode,
            fin,
            mask,
            payload_bytes,
            bytes,
        }))
    }

    /// 5.2, RSV and Opcode; 5.4, "Fragmentation".
    fn opcode(&self, first: u8) -> Result<Opcode, Violation> {
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let code = first & OPCODE;
        let opcode = Opcode::parse(code).ok_or(Violation::ReservedOpcode(code))?;
        match (opcode, self.message) {
            (Opcode::Continuation, None) => Err(Violation::UnexpectedContinuation),
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Violation::ExpectedContinuation),
            _ => Ok(opcode),
        }
    }

    /// 5.1: clients mask frames, servers do not.
    fn check_masked(&self, masked: bool) -> Result<(), Violation> {
        match (self.role, masked) {
            (Role::Server, false) => Err(Violation::NotMasked),
            (Role::Client, true) => Err(Violation::Masked),
            _ => Ok(()),
        }
    }

    /// Starts a data frame after its header.
    #[inline]
    fn begin(&mut self, header: &Header) -> Result<DataFrame, Violation> {
        let limit = self.message_limit;
        self.message_bytes = self.message_bytes.saturating_add(header.payload_bytes);
        if self.message_bytes > limit {
            return Err(Violation::MessageTooLarge { limit });
        }
        let kind = match (header.opcode, self.message) {
            (Opcode::Continuation, Some(kind)) => kind,
            (Opcode::Text, _) => MessageType::Text,
            _ => MessageType::Binary,
        };
        self.message = Some(kind);
        Ok(DataFrame {
            kind,
            fin: header.fin,
            mask: header.mask,
            remaining: header.payload_bytes,
        })
    }

    /// Returns the available part of a data frame's payload, which begins at `start`.
    #[inline]
    fn data<'a>(
        &mut self,
        mut frame: DataFrame,
        input: &'a mut [u8],
        start: usize,
    ) -> Result<(Event<'a>, usize), Violation> {
        let available = input.len() - start;
        let length = usize::try_from(frame.remaining).map_or(available, |all| all.min(available));
        let end = start + length;
        let payload = &mut input[start..end];
        if self.role == Role::Server {
            frame.mask.apply(payload);
            frame.mask = frame.mask.advanced(length);
        }
        frame.remaining -= length as u64;
        let whole = frame.remaining == 0;
        let last = whole && frame.fin;
        if frame.kind == MessageType::Text {
            self.check_text(payload, last)?;
        }
        self.frame = (!whole).then_some(frame);
        if last {
            self.message = None;
            self.message_bytes = 0;
        }
        let kind = frame.kind;
        let event = Event::Data {
            kind,
            payload,
            last,
        };
        Ok((event, end))
    }

    fn check_text(&mut self, piece: &[u8], last: bool) -> Result<(), Violation> {
        self.utf8.check(piece)?;
        match last {
            true => self.utf8.finish(),
            false => Ok(()),
        }
    }

    /// 5.5, "Control Frames": they are short, so the decoder waits for the whole frame. They may
    /// occur between the fragments of a message.
    fn control<'a>(
        &mut self,
        header: &Header,
        input: &'a mut [u8],
    ) -> Result<Option<(Event<'a>, usize)>, Violation> {
        let end = header.bytes + CONTROL_PAYLOAD_BYTES.min(header.payload_bytes as usize);
        let Some(payload) = input.get_mut(header.bytes..end) else {
            return Ok(None);
        };
        header.mask.apply(payload);
        let event = match header.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                self.closed = true;
                Event::Close(Close::read(payload)?)
            }
        };
        Ok(Some((event, end)))
    }
}

/// 5.5: control frames are neither fragmented nor longer than 125 bytes.
fn check_control(fin: bool, length: u8) -> Result<(), Violation> {
    if !fin {
        return Err(Violation::FragmentedControl);
    }
    if usize::from(length) > CONTROL_PAYLOAD_BYTES {
        return Err(Violation::ControlTooLong);
    }
    Ok(())
}

/// Returns the payload's length and the number of bytes of the extended length field, or None if
/// bytes are missing.
#[inline]
fn payload_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    match short {
        LENGTH_16 => match rest.first_chunk() {
            None => Ok(None),
            Some(bytes) => match u16::from_be_bytes(*bytes) {
                0..=125 => Err(Violation::LengthNotMinimal),
                length => Ok(Some((length.into(), bytes.len()))),
            },
        },
        LENGTH_64 => match rest.first_chunk() {
            None => Ok(None),
            Some(bytes) => match u64::from_be_bytes(*bytes) {
                0..=0xFFFF => Err(Violation::LengthNotMinimal),
                length if length >> 63 != 0 => Err(Violation::LengthTooLarge),
                length => Ok(Some((length, bytes.len()))),
            },
        },
        length => Ok(Some((length.into(), 0))),
    }
}

const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
