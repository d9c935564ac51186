//! The bytes that have arrived and were not understood yet.

use wire::stomp::{DecodeError, Decoder, Frame, Item, Limits, Version};

pub struct Incoming {
    decoder: Decoder,
    bytes: Vec<u8>,
    /// Where the next item begins in `bytes`.
    start: usize,
    /// The decoder asked for more.
    is_starved: bool,
}

impl Incoming {
    pub const fn set_version(&mut self, version: Version) {
        self.decoder.set_version(version);
    }

    /// Whether more should be read: a bound on what waits, but for the frame that is being received.
    pub const fn has_room(&self) -> bool {
        self.is_starved || self.bytes.len() - self.start < READ_AHEAD_BYTES
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
        self.is_starved = false;
    }

    /// The next frame that is there as a whole; heart-beats are passed over.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, DecodeError> {
        loop {
            let decoded = self.decoder.decode(&self.bytes[self.start..])?;
            let Some((item, length)) = decoded else {
                self.is_starved = true;
                return Ok(None);
            };
            self.start += length;
            if let Item::Frame(frame) = item {
                return Ok(Some(frame));
            }
        }
    }
}

impl Default for Incoming {
    fn default() -> Self {
        Self {
            decoder: Decoder::new(LIMITS),
            bytes: Vec::new(),
            start: 0,
            is_starved: true,
        }
    }
}

/// The server is the user's choice and its limits are its own: ours only keep memory bounded.
const LIMITS: Limits = Limits {
    body_bytes: 1 << 30,
    ..Limits::FROM_SERVER
};
const READ_AHEAD_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_they_arrive() {
        let mut incoming = Incoming::default();
        incoming.append(b"RECEIPT\nreceipt-id:1\n\n\0\n\nRECE");
        assert!(incoming.next_frame().unwrap().is_some());
        assert!(incoming.next_frame().unwrap().is_none());
        incoming.append(b"IPT\nreceipt-id:2\n\n\0\n");
        assert!(incoming.next_frame().unwrap().is_some());
        assert!(incoming.next_frame().unwrap().is_none());
    }

    #[test]
    fn reading_ahead_is_bounded_but_a_large_frame_still_arrives() {
        let mut incoming = Incoming::default();
        incoming.append(b"MESSAGE\n\n");
        incoming.append(&vec![b'x'; READ_AHEAD_BYTES]);
        assert!(!incoming.has_room());
        assert!(incoming.next_frame().unwrap().is_none());
        assert!(incoming.has_room());
        incoming.append(b"\0");
        assert!(incoming.next_frame().unwrap().is_some());
    }
}
