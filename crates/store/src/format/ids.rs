//! Identifiers of the store's files and of what its records name.

use std::fmt;

/// A name of a topic or queue, chosen by the caller. An id is used for another name only after
/// [`Record::NameRemoved`](crate::Record::NameRemoved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// A queue or a durable subscription, chosen by the caller. An id is never used again after the queue is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u32);

/// The number of a log segment. Each segment file has a higher number than all before it; none is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

/// Identifies one store: a file of another store, or a stale block of one, does not pass the checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A range of positions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PositionRange {
    /// The lowest position.
    pub first: u64,
    /// The highest position; at least `first`.
    pub last: u64,
}

impl PositionRange {
    /// Returns the range that has only this position.
    #[must_use]
    pub fn single(position: u64) -> Self {
        Self {
            first: position,
            last: position,
        }
    }
}

impl fmt::Display for PositionRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{} to {}", self.first, self.last)
        }
    }
}

/// The place of a message's record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The segment.
    pub generation: Generation,
    /// The byte in the segment file at which the record's kind is.
    pub offset: u32,
    /// Bytes of the record, with its kind.
    pub length: u32,
}
