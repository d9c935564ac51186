//! The open group: records that wait for the next write.
//!
//! Callers push under a short lock; the writer takes the whole group under the same lock and encodes it outside. So one sync
//! serves all that waited for it, and an idle store writes a single record at once.

use crate::{
    log::{encoder::Limit, frame::FRAME_HEADER},
    record::{Record, content::Content, encode},
};

/// One or several records that are stored together or not at all.
#[derive(Debug)]
pub struct Unit<C> {
    pub(crate) records: Records<C>,
    /// An upper bound of the encoded size.
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) enum Records<C> {
    One([Record<C>; 1]),
    Many(Vec<Record<C>>),
}

impl<C: Content> Unit<C> {
    /// Returns a unit of one record.
    #[must_use]
    pub fn single(record: Record<C>) -> Self {
        Self {
            bytes: encode::bound(&record),
            records: Records::One([record]),
        }
    }

    /// Returns a unit of several records: a transaction, or a message with the session's window that it changes.
    #[must_use]
    pub fn transaction(records: Vec<Record<C>>) -> Self {
        Self {
            bytes: records.iter().map(encode::bound).sum(),
            records: Records::Many(records),
        }
    }

    /// Returns an upper bound of the encoded size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<C> Unit<C> {
    pub(crate) fn as_slice(&self) -> &[Record<C>] {
        match &self.records {
            Records::One(one) => one,
            Records::Many(many) => many,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Record<C>] {
        match &mut self.records {
            Records::One(one) => one,
            Records::Many(many) => many,
        }
    }
}

/// Bounds of the open group.
#[derive(Debug, Clone, Copy)]
pub struct GroupLimits {
    /// Bytes from which on the group counts as full: the caller stops reading from publishers. At twice this number, a unit
    /// is refused. A group that is empty takes any unit.
    pub group_bytes: usize,
    /// Bytes of the largest unit; at most [`Options::largest_unit`](crate::Options::largest_unit).
    pub unit_bytes: usize,
}

/// The records that wait for the next write.
#[derive(Debug)]
pub struct OpenGroup<C> {
    limits: GroupLimits,
    number: u64,
    units: Vec<Unit<C>>,
    bytes: usize,
    refused: u64,
}

/// A group that was taken for writing.
#[derive(Debug)]
pub struct Group<C> {
    pub(crate) number: u64,
    pub(crate) units: Vec<Unit<C>>,
}

/// A unit was taken into the open group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The group. The unit is durable when [`Durable::group`](crate::Durable::group) has reached this number.
    pub group: u64,
    /// The fill level of the group.
    pub pressure: Pressure,
}

/// The fill level of the open group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// The group has room.
    Room,
    /// The group has reached its bound. The caller stops reading from publishers until the group is taken.
    Full,
}

/// A unit that the open group refuses. The unit is dropped, and counted in [`OpenGroup::refused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The group holds twice its bound.
    #[error("the disk is too slow: {bytes} bytes wait to be written, at most {limit} may")]
    Full {
        /// Bytes in the group.
        bytes: usize,
        /// Twice the bound of the group.
        limit: usize,
    },
    /// The unit is larger than a segment of the log.
    #[error("{bytes} bytes are too large to be stored at once, at most {limit} bytes are possible")]
    TooLarge {
        /// Bytes of the unit.
        bytes: usize,
        /// The bound of a unit.
        limit: usize,
    },
}

impl<C> OpenGroup<C> {
    /// Returns an empty group.
    #[must_use]
    pub fn new(limits: GroupLimits) -> Self {
        Self {
            limits,
            number: 1,
            units: Vec::new(),
            bytes: 0,
            refused: 0,
        }
    }

    /// Adds a unit.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] if the group holds twice its bound, [`PushError::TooLarge`] if the unit does not fit into a
    /// segment.
    pub fn push(&mut self, unit: Unit<C>) -> Result<Pushed, PushError> {
        if unit.bytes > self.limits.unit_bytes {
            self.refused += 1;
            return Err(PushError::TooLarge {
                bytes: unit.bytes,
                limit: self.limits.unit_bytes,
            });
        }
        let limit = self.limits.group_bytes.saturating_mul(2);
        if !self.units.is_empty() && self.bytes.saturating_add(unit.bytes) > limit {
            self.refused += 1;
            return Err(PushError::Full {
                bytes: self.bytes,
                limit,
            });
        }
        self.bytes += unit.bytes;
        self.units.push(unit);
        Ok(Pushed {
            group: self.number,
            pressure: self.pressure(),
        })
    }

    /// Returns true if the group has no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Takes the group for writing and begins the next one. Returns `None` if the group is empty.
    pub fn take(&mut self) -> Option<Group<C>> {
        if self.units.is_empty() {
            return None;
        }
        let group = Group {
            number: self.number,
            units: std::mem::take(&mut self.units),
        };
        self.number += 1;
        self.bytes = 0;
        Some(group)
    }

    /// Returns the fill level.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        if self.bytes < self.limits.group_bytes {
            Pressure::Room
        } else {
            Pressure::Full
        }
    }

    /// Returns the bytes that wait; an upper bound of what will be written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of units that were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl<C> Group<C> {
    /// Returns the number of the group.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// Returns the bytes of the largest unit that fits into an empty segment.
pub(crate) fn largest_unit(limit: Limit) -> usize {
    limit
        .segment_bytes
        .saturating_sub(crate::format::segment_header::SegmentHeader::LENGTH + FRAME_HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::content::StoredContent;

    fn limits(group_bytes: usize, unit_bytes: usize) -> GroupLimits {
        GroupLimits {
            group_bytes,
            unit_bytes,
        }
    }

    fn unit(bytes: usize) -> Unit<StoredContent<'static>> {
        Unit {
            records: Records::Many(Vec::new()),
            bytes,
        }
    }

    #[test]
    fn a_group_reports_that_it_is_full_and_refuses_at_twice_its_bound() {
        let mut group = OpenGroup::new(limits(100, 1_000));
        let pressure = |pushed: Result<Pushed, PushError>| pushed.map(|pushed| pushed.pressure);
        assert_eq!(pressure(group.push(unit(99))), Ok(Pressure::Room));
        assert_eq!(pressure(group.push(unit(1))), Ok(Pressure::Full));
        assert_eq!(pressure(group.push(unit(100))), Ok(Pressure::Full));
        let full = PushError::Full {
            bytes: 200,
            limit: 200,
        };
        assert_eq!(group.push(unit(1)), Err(full));
        assert_eq!((group.bytes(), group.refused()), (200, 1));

        assert_eq!(group.take().map(|group| group.units.len()), Some(3));
        assert_eq!(group.pressure(), Pressure::Room);
        assert!(group.take().is_none());
    }

    #[test]
    fn a_large_unit_fits_into_an_empty_group_only() {
        let mut group = OpenGroup::new(limits(100, 1_000));
        assert!(group.push(unit(1_000)).is_ok());
        assert!(matches!(
            group.push(unit(1_000)),
            Err(PushError::Full { .. })
        ));
        assert!(matches!(
            group.push(unit(1_001)),
            Err(PushError::TooLarge {
                bytes: 1_001,
                limit: 1_000
            })
        ));
    }
}
