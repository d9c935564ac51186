//! Byte strings that are usually short, and then need no allocation.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
};

/// An immutable string of bytes: levels of names, tags of subscriptions.
#[derive(Clone)]
pub(crate) struct ShortBytes(Room);

#[derive(Clone)]
enum Room {
    Within(u8, [u8; ShortBytes::WITHIN]),
    Apart(Box<[u8]>),
}

impl ShortBytes {
    /// Maximum length without an allocation: with it the value is one word longer than a boxed
    /// slice.
    const WITHIN: usize = 22;

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Room::Within(len, room) => &room[..usize::from(*len)],
            Room::Apart(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for ShortBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut room = [0; Self::WITHIN];
        match (room.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(part), Ok(len)) => {
                part.copy_from_slice(bytes);
                Self(Room::Within(len, room))
            }
            _ => Self(Room::Apart(bytes.into())),
        }
    }
}

/// Allows a lookup with a slice in a table of short bytes.
impl Borrow<[u8]> for ShortBytes {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for ShortBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ShortBytes {}

impl Hash for ShortBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for ShortBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().escape_ascii().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn bytes_of_any_length_are_stored_and_found() {
        let all: Vec<Vec<u8>> = (0..60).map(|len| (0..len).collect()).collect();
        let table: HashSet<ShortBytes> = all.iter().map(|bytes| bytes[..].into()).collect();
        assert_eq!(table.len(), all.len());
        for bytes in &all {
            let found = table.get(&bytes[..]).map(ShortBytes::as_bytes);
            assert_eq!(found, Some(&bytes[..]));
        }
    }

    #[test]
    fn short_bytes_have_the_size_of_three_words() {
        assert_eq!(size_of::<ShortBytes>(), 3 * size_of::<u64>());
    }
}
