//! Received bytes that are not decoded yet, for all protocols.

pub(crate) struct Received {
    bytes: Vec<u8>,
    /// Start of the next item in `bytes`.
    start: usize,
    /// True if the decoder needs more bytes.
    is_starved: bool,
}

impl Received {
    /// Returns true if more bytes should be read. Bounds the waiting bytes, except for an
    /// incomplete item that the decoder is waiting for.
    pub(crate) const fn has_room(&self) -> bool {
        self.is_starved || self.bytes.len() - self.start < READ_AHEAD_BYTES
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
        self.is_starved = false;
    }

    /// Returns the next complete item, or None. `decode` returns the item and its length in bytes.
    pub(crate) fn next<'a, T, E>(
        &'a mut self,
        decode: impl FnOnce(&'a [u8]) -> Result<Option<(T, usize)>, E>,
    ) -> Result<Option<T>, E> {
        match decode(&self.bytes[self.start..])? {
            Some((item, length)) => {
                self.start += length;
                Ok(Some(item))
            }
            None => {
                self.is_starved = true;
                Ok(None)
            }
        }
    }
}

impl Default for Received {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            is_starved: true,
        }
    }
}

const READ_AHEAD_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Items end with a full stop.
    fn next(received: &mut Received) -> Option<Vec<u8>> {
        let decode = |bytes: &[u8]| {
            let end = bytes.iter().position(|byte| *byte == b'.');
            Ok::<_, ()>(end.map(|end| (bytes[..end].to_vec(), end + 1)))
        };
        received.next(decode).unwrap()
    }

    #[test]
    fn items_are_found_however_the_bytes_are_cut() {
        let mut received = Received::default();
        received.append(b"one.t");
        assert_eq!(next(&mut received), Some(b"one".to_vec()));
        assert_eq!(next(&mut received), None);
        received.append(b"wo.");
        assert_eq!(next(&mut received), Some(b"two".to_vec()));
        assert_eq!(next(&mut received), None);
    }

    #[test]
    fn reading_ahead_is_bounded_except_for_an_incomplete_item() {
        let mut received = Received::default();
        received.append(&vec![b'x'; READ_AHEAD_BYTES]);
        assert!(!received.has_room());
        assert_eq!(next(&mut received), None);
        assert!(received.has_room());
        received.append(b".");
        assert!(next(&mut received).is_some());
    }
}
