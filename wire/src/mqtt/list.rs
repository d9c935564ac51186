//! Repeated elements of a packet, kept as they are on the wire: nothing is allocated to read them,
//! and what is passed on is copied in one go.

use std::fmt;
use std::marker::PhantomData;

use super::EncodeError;
use super::reader::{Read, Reader};
use super::writer::Written;

/// Encoded elements that have been checked; they are read again when they are looked at.
#[derive(Clone, Copy)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    elements: PhantomData<fn() -> T>,
}

/// What a list may consist of. The implementations are this module's.
pub trait Element<'a>: Sized {
    #[doc(hidden)]
    fn read(reader: &mut Reader<'a>) -> Read<Self>;
    #[doc(hidden)]
    fn write(&self, out: &mut Vec<u8>) -> Written;
}

impl<'a, T> List<'a, T> {
    pub const EMPTY: Self = Self::checked(&[]);

    #[inline]
    pub(super) const fn checked(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            elements: PhantomData,
        }
    }

    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As on the wire, without a length.
    #[inline]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// In the order of the packet.
    #[inline]
    pub const fn iter(&self) -> ListIter<'a, T> {
        ListIter {
            rest: Reader::new(self.bytes, 0, self.bytes.len()),
            elements: PhantomData,
        }
    }
}

impl<'a, T: Element<'a>> List<'a, T> {
    /// Writes elements into `scratch`, which is cleared before, to be put into a packet.
    ///
    /// # Errors
    ///
    /// A text or some data is too long for its length field, or holds U+0000.
    pub fn encode(
        elements: impl IntoIterator<Item = T>,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        scratch.clear();
        for element in elements {
            element.write(scratch)?;
        }
        Ok(Self::checked(scratch))
    }
}

/// The elements of a [`List`].
#[derive(Clone, Debug)]
pub struct ListIter<'a, T> {
    rest: Reader<'a>,
    elements: PhantomData<fn() -> T>,
}

impl<'a, T: Element<'a>> Iterator for ListIter<'a, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.rest.is_empty() {
            return None;
        }
        T::read(&mut self.rest).ok()
    }
}

impl<'a, T: Element<'a>> IntoIterator for List<'a, T> {
    type Item = T;
    type IntoIter = ListIter<'a, T>;

    fn into_iter(self) -> ListIter<'a, T> {
        self.iter()
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<T> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for List<'_, T> {}

impl<'a, T: Element<'a> + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
