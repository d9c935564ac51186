//! The encodings of an entry for the protocols, stored with the entry.

use std::sync::OnceLock;

/// A slot in an entry for one protocol's encoding, which is created once and then copied. The embedding program assigns
/// the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect(u8);

impl Dialect {
    /// Number of dialects.
    pub const COUNT: usize = 6;

    /// Returns the dialect with this number, or `None` if the number is too large.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < Self::COUNT {
            Some(Self(number))
        } else {
            None
        }
    }
}

/// The encodings of one entry, in the order of their creation. A linked list, because most entries have none or one.
#[derive(Debug, Default)]
pub(crate) struct Encodings(OnceLock<Box<Encoding>>);

#[derive(Debug)]
struct Encoding {
    dialect: Dialect,
    bytes: Box<[u8]>,
    /// The encoding in another dialect; so there are at most [`Dialect::COUNT`].
    next: OnceLock<Box<Encoding>>,
}

impl Encodings {
    /// Returns the encoding in a dialect, created by `make` if there is none. If another thread is creating one, this
    /// call waits for it.
    #[inline]
    pub(crate) fn find_or_make(&self, dialect: Dialect, make: impl FnOnce() -> Box<[u8]>) -> &[u8] {
        match self.0.get() {
            Some(first) if first.dialect == dialect => &first.bytes,
            _ => self.make(dialect, make),
        }
    }

    #[inline(never)] // Once for most entries.
    fn make(&self, dialect: Dialect, make: impl FnOnce() -> Box<[u8]>) -> &[u8] {
        let mut make = Some(make);
        let mut encoding = self
            .0
            .get_or_init(|| Box::new(Encoding::new(dialect, &mut make)));
        while encoding.dialect != dialect {
            // Another encoding is in this slot, so `make` has not been called.
            encoding = encoding
                .next
                .get_or_init(|| Box::new(Encoding::new(dialect, &mut make)));
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
    fn new(dialect: Dialect, make: &mut Option<impl FnOnce() -> Box<[u8]>>) -> Self {
        Self {
            dialect,
            bytes: make.take().map_or_else(Box::default, |make| make()),
            next: OnceLock::new(),
        }
    }
}
