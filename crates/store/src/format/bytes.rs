//! Integers and byte strings of the formats: fixed-width little-endian integers, and LEB128 for numbers that are
//! usually small.

/// Bytes that are not a value of the expected format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// A number of variable length has more than 64 bits, or more bits than its field.
    #[error("a number is out of range")]
    OutOfRange,
    /// The kind of a record, a holder or a snapshot item is unknown.
    #[error("unknown kind {0}")]
    UnknownKind(u8),
    /// Bytes follow the last field of a value.
    #[error("{0} bytes follow the last field")]
    Trailing(usize),
    /// The checksum of a message does not match its bytes.
    #[error("the checksum of a message does not match its bytes")]
    Checksum,
    /// The last position of a range is lower than its first position.
    #[error("a range of positions ends before its beginning")]
    InvertedRange,
}

/// A place in a byte string from which values are read. Each method returns [`DecodeError::Truncated`] if the bytes
/// end inside the value.
#[derive(Debug, Clone)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads `length` bytes.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn id(&mut self) -> Result<[u8; 16], DecodeError> {
        self.array()
    }

    /// Reads a LEB128 number of at most 64 bits.
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(DecodeError::OutOfRange);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::OutOfRange)
    }

    /// Reads a LEB128 number of at most 32 bits.
    pub(crate) fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::OutOfRange)
    }

    /// Reads a byte string with its length as a LEB128 number before it.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        self.take(length)
    }

    /// Reads the number of elements that follow. Each element has at least `smallest` bytes, so the number is refused
    /// if the bytes cannot hold that many: memory for the elements is bounded by the input.
    pub(crate) fn count(&mut self, smallest: usize) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        if count > self.rest.len() / smallest {
            return Err(DecodeError::Truncated);
        }
        Ok(count)
    }

    /// Returns an error if bytes are left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }
}

/// Appends a LEB128 number: 1 to 10 bytes.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the length of a byte string as a LEB128 number, then its bytes.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Overwrites four bytes that were appended earlier as a placeholder.
pub(crate) fn patch_u32(out: &mut [u8], at: usize, value: u32) {
    out[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut input = Input::new(&out);
            prop_assert_eq!(input.varint(), Ok(value));
            prop_assert!(input.is_empty());
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let mut too_long = vec![0xff; 9];
        too_long.push(2);
        assert_eq!(Input::new(&too_long).varint(), Err(DecodeError::OutOfRange));
        assert_eq!(
            Input::new(&[0x80; 10]).varint(),
            Err(DecodeError::OutOfRange)
        );
        assert_eq!(
            Input::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint_u32(),
            Err(DecodeError::OutOfRange)
        );
    }

    #[test]
    fn a_count_is_bounded_by_the_bytes_that_follow() {
        assert_eq!(Input::new(&[3, 0, 0]).count(1), Err(DecodeError::Truncated));
        assert_eq!(Input::new(&[2, 0, 0]).count(1), Ok(2));
    }
}
