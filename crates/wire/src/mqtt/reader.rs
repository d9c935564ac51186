//! Reads the bytes of one packet from front to back: the data types of 5.0, 1.5.
//!
//! The end of the packet is known from its fixed header, even while bytes are missing. So a field
//! that exceeds the packet is an error at once, and differs from a field that has not arrived yet.

use memchr::memchr;

use super::Fault;

/// The reason why decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The bytes so far are valid, and the rest has not arrived.
    More,
    /// A fault, with its offset from the first byte of the packet.
    Fault { fault: Fault, offset: usize },
}

pub(crate) type Read<T> = Result<T, Stop>;

#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The bytes of the packet that have arrived, from its first byte on.
    bytes: &'a [u8],
    position: usize,
    /// The end of the packet, or of the part that is being decoded.
    end: usize,
}

/// A decoded variable byte integer.
pub(crate) enum Variable {
    Unfinished,
    TooLong,
    Read {
        value: u32,
        bytes: usize,
        minimal: bool,
    },
}

impl<'a> Reader<'a> {
    #[inline]
    pub(super) const fn new(bytes: &'a [u8], position: usize, end: usize) -> Self {
        Self {
            bytes,
            position,
            end,
        }
    }

    #[inline]
    pub(super) const fn offset(&self) -> usize {
        self.position
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.position == self.end
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        if length > self.end - self.position {
            return fault(Fault::Truncated, self.position);
        }
        let after = self.position + length;
        let taken = self.bytes.get(self.position..after).ok_or(Stop::More)?;
        self.position = after;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    /// 1.5.2, "Two Byte Integer".
    #[inline]
    pub(super) fn two_bytes(&mut self) -> Read<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// 1.5.3, "Four Byte Integer".
    #[inline]
    pub(super) fn four_bytes(&mut self) -> Read<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// 1.5.5, "Variable Byte Integer". Packet bodies before 5.0 contain none.
    #[inline]
    pub(super) fn variable(&mut self) -> Read<u32> {
        let available = self.bytes.get(self.position..).unwrap_or_default();
        let available = &available[..available.len().min(self.end - self.position)];
        match variable(available) {
            Variable::TooLong => fault(Fault::LengthTooLong, self.position),
            Variable::Read { minimal: false, .. } => fault(Fault::LengthNotMinimal, self.position),
            Variable::Read { value, bytes, .. } => {
                self.position += bytes;
                Ok(value)
            }
            Variable::Unfinished => match available.len() == self.end - self.position {
                true => fault(Fault::Truncated, self.position),
                false => Err(Stop::More),
            },
        }
    }

    /// 1.5.6, "Binary Data".
    #[inline]
    pub(super) fn binary(&mut self) -> Read<&'a [u8]> {
        let length = self.two_bytes()?;
        self.take(length.into())
    }

    /// 1.5.4, "UTF-8 Encoded String": well-formed ([MQTT-1.5.4-1]), without U+0000
    /// ([MQTT-1.5.4-2]); U+FEFF is an ordinary character ([MQTT-1.5.4-3]). Control characters,
    /// which SHOULD NOT be sent, are accepted; programs that display the text must handle them.
    #[inline]
    pub(super) fn string(&mut self) -> Read<&'a str> {
        let offset = self.position;
        let bytes = self.binary()?;
        let Ok(text) = std::str::from_utf8(bytes) else {
            return fault(Fault::NotUtf8, offset);
        };
        match memchr(0, bytes) {
            Some(_) => fault(Fault::Nul, offset),
            None => Ok(text),
        }
    }

    /// Returns a reader for the next `length` bytes, which need not have arrived yet.
    #[inline]
    pub(super) fn part(&mut self, length: usize) -> Read<Self> {
        if length > self.end - self.position {
            return fault(Fault::Truncated, self.position);
        }
        let start = self.position;
        self.position += length;
        Ok(Self::new(self.bytes, start, self.position))
    }

    /// Returns all bytes up to the end.
    #[inline]
    pub(super) fn rest(&mut self) -> Read<&'a [u8]> {
        self.take(self.end - self.position)
    }

    /// Returns the bytes between an earlier offset and the current position.
    #[inline]
    pub(super) fn since(&self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset..self.position).unwrap_or_default()
    }

    #[inline]
    pub(super) fn finish(&self) -> Read<()> {
        match self.is_empty() {
            true => Ok(()),
            false => fault(Fault::TrailingBytes, self.position),
        }
    }
}

#[cold]
pub(super) fn fault<T>(fault: Fault, offset: usize) -> Read<T> {
    Err(Stop::Fault { fault, offset })
}

/// Decodes a variable byte integer: "The maximum number of bytes in the Variable Byte Integer field
/// is four" (1.5.5).
#[inline]
pub(super) fn variable(available: &[u8]) -> Variable {
    let mut value = 0;
    for (index, &byte) in available.iter().take(VARIABLE_BYTES).enumerate() {
        value |= u32::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Variable::Read {
                value,
                bytes: index + 1,
                minimal: byte != 0 || index == 0,
            };
        }
    }
    match available.len() < VARIABLE_BYTES {
        true => Variable::Unfinished,
        false => Variable::TooLong,
    }
}

const VARIABLE_BYTES: usize = 4;
