//! What doors make of an entry for the wire, kept with it.

use std::sync::OnceLock;

/// A place in an entry where a door keeps its encoding of it, so that it is made once and copied from
/// there. What the numbers stand for is the embedding program's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect(u8);

impl Dialect {
    /// The number of dialects there is room for.
    pub const COUNT: usize = 6;

    /// The dialect with this number, if there is room for it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if (number as usize) < Self::COUNT {
            Some(Self(number))
        } else {
            None
        }
    }
}

/// The encodings of one entry, in the order they were made. Most entries have none, or one, so there is no room
/// kept for any.
#[derive(Debug, Default)]
pub(crate) struct Encodings(OnceLock<Box<Encoding>>);

#[derive(Debug)]
struct Encoding {
    dialect: Dialect,
    bytes: Box<[u8]>,
    /// Of another dialect, so that there are at most [`Dialect::COUNT`] in all.
    next: OnceLock<Box<Encoding>>,
}

impl Encodings {
    /// The encoding in a dialect, made by `make` when there is none yet. Who makes another one just now is
    /// waited for.
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
            // Its place is taken, so nothing was made yet.
            encoding = encoding
                .next
                .get_or_init(|| Box::new(Encoding::new(dialect, &mut make)));
        }
        &encoding.bytes
    }

    /// Bytes of all of them.
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
