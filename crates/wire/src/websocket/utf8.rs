//! Validation of UTF-8 across fragments: RFC 6455, 8.1. A character may be split between two pieces
//! of payload.

use super::Violation;

/// The first bytes of a character whose last byte has not arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Utf8 {
    partial: [u8; 3],
    length: u8,
}

impl Utf8 {
    pub(super) const NEW: Self = Self {
        partial: [0; 3],
        length: 0,
    };

    /// Validates the next piece of the text.
    #[inline]
    pub(super) fn check(&mut self, piece: &[u8]) -> Result<(), Violation> {
        let rest = match self.length {
            0 => piece,
            _ => self.complete(piece)?,
        };
        match std::str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(Violation::NotUtf8),
            Err(error) => {
                self.keep(&rest[error.valid_up_to()..]);
                Ok(())
            }
        }
    }

    /// Checks that the text does not end within a character.
    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        match std::mem::take(&mut self.length) {
            0 => Ok(()),
            _ => Err(Violation::NotUtf8),
        }
    }

    /// Completes the partial character with bytes of `piece`, and returns the bytes after it.
    fn complete<'p>(&mut self, piece: &'p [u8]) -> Result<&'p [u8], Violation> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            let begun = usize::from(self.length);
            let mut character = [0; 4];
            character[..begun].copy_from_slice(&self.partial[..begun]);
            character[begun] = byte;
            rest = after;
            match std::str::from_utf8(&character[..=begun]) {
                Ok(_) => {
                    self.length = 0;
                    return Ok(rest);
                }
                Err(error) if error.error_len().is_some() => return Err(Violation::NotUtf8),
                Err(_) => self.keep(&character[..=begun]),
            }
        }
        Ok(rest)
    }

    /// Stores at most three bytes: four are a whole character or invalid.
    fn keep(&mut self, begun: &[u8]) {
        self.length = 0;
        for (slot, byte) in self.partial.iter_mut().zip(begun) {
            *slot = *byte;
            self.length += 1;
        }
    }
}
