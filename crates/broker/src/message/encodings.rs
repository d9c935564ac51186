//! Encodings of an entry for the wire. The entry keeps them, so that each is made once.

use std::sync::OnceLock;

/// The slot of one encoding in an entry. The embedding program decides which encoding a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodingSlot(u8);

impl EncodingSlot {
    /// The number of slots of an entry.
    pub const COUNT: usize = 6;

    /// Returns the slot with this number, counted from 0, or None from [`EncodingSlot::COUNT`] on.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < Self::COUNT {
            Some(Self(number))
        } else {
            None
        }
    }
}

/// The encodings of one entry, in the order in which they were made. Most entries have none or one, so the encodings are
/// a linked list.
#[derive(Debug, Default)]
pub(crate) struct Encodings(OnceLock<Box<Encoding>>);

#[derive(Debug)]
struct Encoding {
    slot: EncodingSlot,
    bytes: Box<[u8]>,
    /// The encoding in another slot; at most [`EncodingSlot::COUNT`] in all.
    next: OnceLock<Box<Encoding>>,
}

impl Encodings {
    /// Returns the encoding in a slot; `make` makes it if the slot is empty. Blocks while another thread makes one.
    #[inline]
    pub(crate) fn find_or_make(
        &self,
        slot: EncodingSlot,
        make: impl FnOnce() -> Box<[u8]>,
    ) -> &[u8] {
        match self.0.get() {
            Some(first) if first.slot == slot => &first.bytes,
            _ => self.make(slot, make),
        }
    }

    #[inline(never)] // Once for most entries.
    fn make(&self, slot: EncodingSlot, make: impl FnOnce() -> Box<[u8]>) -> &[u8] {
        let mut make = Some(make);
        let mut encoding = self
            .0
            .get_or_init(|| Box::new(Encoding::new(slot, &mut make)));
        while encoding.slot != slot {
            // Another slot has this place in the list; `make` was not called yet.
            encoding = encoding
                .next
                .get_or_init(|| Box::new(Encoding::new(slot, &mut make)));
        }
        &encoding.bytes
    }

    /// Returns the bytes of all encodings.
    pub(crate) fn bytes(&self) -> u64 {
        let mut next = self.0.get();
        let mut bytes = 0;
        while let Some(encoding) = next {
            bytes += encoding.bytes.len() as u64;
            next = encoding.next.get();
        }
        bytes
    }
}

impl Encoding {
    fn new(slot: EncodingSlot, make: &mut Option<impl FnOnce() -> Box<[u8]>>) -> Self {
        Self {
            slot,
            bytes: make.take().map_or_else(Box::default, |make| make()),
            next: OnceLock::new(),
        }
    }
}
