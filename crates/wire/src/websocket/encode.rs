//! Encodes frames: RFC 6455, 5.2. A server sends without a mask, a client with one.

use super::{CONTROL_PAYLOAD_BYTES, CloseCode, Mask};

/// The opcode of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A fragment of a message after the first.
    Continuation,
    /// A text message or its first fragment.
    Text,
    /// A binary message or its first fragment.
    Binary,
    /// Close.
    Close,
    /// Ping.
    Ping,
    /// Pong.
    Pong,
}

impl Opcode {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    pub(super) const fn parse(code: u8) -> Option<Self> {
        Some(match code {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }
}

/// An encoded frame header, to be written before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; Self::MAX_BYTES],
    length: u8,
}

impl FrameHeader {
    /// The maximum length of a header.
    pub const MAX_BYTES: usize = 14;

    /// Encodes the header of a whole message or a control frame.
    #[inline]
    pub fn new(opcode: Opcode, payload_bytes: usize, mask: Option<Mask>) -> Self {
        let first = FIN | opcode.code();
        let masked = if mask.is_some() { MASKED } else { 0 };
        let mut header = Self {
            bytes: [0; Self::MAX_BYTES],
            length: 0,
        };
        match payload_bytes {
            // The ranges of the arms make the casts exact.
            0..=125 => header.push([first, masked | payload_bytes as u8]),
            126..=0xFFFF => {
                header.push([first, masked | LENGTH_16]);
                header.push((payload_bytes as u16).to_be_bytes());
            }
            _ => {
                header.push([first, masked | LENGTH_64]);
                header.push((payload_bytes as u64).to_be_bytes());
            }
        }
        if let Some(Mask(key)) = mask {
            header.push(key);
        }
        header
    }

    /// Returns the bytes of the header.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    #[inline]
    fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let start = usize::from(self.length);
        self.bytes[start..start + N].copy_from_slice(&bytes);
        self.length += N as u8;
    }
}

/// Appends a whole frame.
pub fn frame(opcode: Opcode, payload: &[u8], mask: Option<Mask>, out: &mut Vec<u8>) {
    out.extend_from_slice(FrameHeader::new(opcode, payload.len(), mask).as_bytes());
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(mask) = mask {
        mask.apply(&mut out[start..]);
    }
}

/// Appends a close frame. A reason that is too long is truncated.
pub fn close(code: CloseCode, reason: &str, mask: Option<Mask>, out: &mut Vec<u8>) {
    let room = CONTROL_PAYLOAD_BYTES - size_of::<u16>();
    let reason = &reason[..reason.floor_char_boundary(room)];
    let mut payload = Vec::with_capacity(CONTROL_PAYLOAD_BYTES);
    payload.extend_from_slice(&code.0.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    frame(Opcode::Close, &payload, mask, out);
}

pub(super) const FIN: u8 = 0x80;
pub(super) const MASKED: u8 = 0x80;
pub(super) const LENGTH_16: u8 = 126;
pub(super) const LENGTH_64: u8 = 127;
