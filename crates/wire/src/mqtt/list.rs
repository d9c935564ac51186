//! Repeated elements of a packet, kept in their encoded form: decoding allocates nothing, and
//! elements that are passed on are copied at once.

use std::fmt;
use std::marker::PhantomData;

use super::EncodeError;
use super::reader::{Read, Reader};
use super::writer::Written;

/// Encoded elements that have been validated. Iterating decodes them again.
#[derive(Clone, Copy)]
pub struct List<'a, T> {
    bytes: &'a [u8],
    elements: PhantomData<fn() -> T>,
}

/// An element of a list. Implemented only in this module's parent.
pub trait Element<'a>: Sized {
    #[doc(hidden)]
    fn read(reader: &mut Reader<'a>) -> Read<Self>;
    #[doc(hidden)]
    fn write(&self, out: &mut Vec<u8>) -> Written;
}

impl<'a, T> List<'a, T> {
    /// The empty list.
    pub const EMPTY: Self = Self::checked(&[]);

    #[inline]
    pub(super) const fn checked(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            elements: PhantomData,
        }
    }

    /// Returns true if the list has no elements.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the encoded elements, without a length.
    #[inline]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Iterates over the elements in the order of the packet.
    #[inline]
    pub const fn iter(&self) -> ListIter<'a, T> {
        ListIter {
            rest: Reader::new(self.bytes, 0, self.bytes.len()),
            elements: PhantomData,
        }
    }
}

impl<'a, T: Element<'a>> List<'a, T> {
    /// Encodes elements into `scratch`, which is cleared first. The list borrows from `scratch`.
    ///
    /// # Errors
    ///
    /// A text or binary field is longer than its length field allows, or contains U+0000.
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

/// Iterator over the elements of a [`List`].
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
