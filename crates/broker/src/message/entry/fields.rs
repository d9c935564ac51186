//! The fields of a message that several protocols have under their own names.

use std::num::NonZeroU8;

use super::{Entry, Flags};

/// The fields of a message that the broker uses in selectors, message groups and dead letters, in addition to those that
/// every message has.
///
/// A text is stored once, as a header of the message, and its field is the index of this header. The names of the headers
/// are left to the embedding program, which sets the fields when a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// The priority, 0 to 9 (JMS 2.0, 3.4.10).
    pub priority: u8,
    /// The header with the value that the reply to a request repeats.
    pub correlation_id: HeaderIndex,
    /// The header with the destination for replies.
    pub reply_to: HeaderIndex,
    /// The header with the type of the message, which the publisher chooses (JMS 2.0, 3.4.6).
    pub message_type: HeaderIndex,
    /// The header with the message group (JMS 2.0, 3.5.9).
    pub group: HeaderIndex,
    /// The header that repeats the time of expiry. A dead letter does not have it, because it does not expire.
    pub expiry: HeaderIndex,
}

/// The index of a header in the list of a message's headers, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeaderIndex(Option<NonZeroU8>);

impl Fields {
    /// The priority of a message whose publisher gave none (JMS 2.0, 3.4.10).
    pub const DEFAULT_PRIORITY: u8 = 4;

    /// Returns the fields for the list of headers without the headers that are not kept.
    pub(crate) fn for_kept(self, is_kept: impl Fn(usize) -> bool) -> Self {
        let moved = |index: HeaderIndex| match index.get() {
            Some(old) if is_kept(old) => {
                HeaderIndex::of((0..old).filter(|at| is_kept(*at)).count())
            }
            _ => HeaderIndex::default(),
        };
        Self {
            priority: self.priority,
            correlation_id: moved(self.correlation_id),
            reply_to: moved(self.reply_to),
            message_type: moved(self.message_type),
            group: moved(self.group),
            expiry: moved(self.expiry),
        }
    }
}

impl Entry {
    /// Returns the fields that the protocol has set: see
    /// [`Publication::with_fields`](super::Publication::with_fields).
    #[must_use]
    pub fn fields(&self) -> Fields {
        self.fields
    }

    /// Returns the value that the reply to a request repeats.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.text(self.fields.correlation_id)
    }

    /// Returns the destination for replies, as the publisher wrote it.
    #[must_use]
    pub fn reply_to(&self) -> Option<&str> {
        self.text(self.fields.reply_to)
    }

    /// Returns the type of the message.
    #[must_use]
    pub fn message_type(&self) -> Option<&str> {
        self.text(self.fields.message_type)
    }

    /// Returns the id of the message group.
    #[must_use]
    #[inline]
    pub fn group(&self) -> Option<&str> {
        self.text(self.fields.group)
    }

    /// Returns true if the message is the last of its group: see
    /// [`Publication::closing_group`](super::Publication::closing_group).
    #[must_use]
    pub fn closes_group(&self) -> bool {
        self.flags.has(Flags::CLOSES_GROUP)
    }

    /// Returns the name of the header that repeats the time of expiry.
    pub(crate) fn expiry_header(&self) -> Option<&str> {
        Some(&self.headers.get(self.fields.expiry.get()?)?.name)
    }

    /// Returns the value of the header of a field.
    #[inline]
    fn text(&self, index: HeaderIndex) -> Option<&str> {
        Some(&self.headers.get(index.get()?)?.value)
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            priority: Self::DEFAULT_PRIORITY,
            correlation_id: HeaderIndex::default(),
            reply_to: HeaderIndex::default(),
            message_type: HeaderIndex::default(),
            group: HeaderIndex::default(),
            expiry: HeaderIndex::default(),
        }
    }
}

impl HeaderIndex {
    /// Maximum number of headers that can have an index.
    pub const MAX_HEADERS: usize = u8::MAX as usize;

    /// Returns an index, counted from 0. Returns none from [`HeaderIndex::MAX_HEADERS`] on.
    #[must_use]
    pub fn of(index: usize) -> Self {
        let number = u8::try_from(index.saturating_add(1)).ok();
        Self(number.and_then(NonZeroU8::new))
    }

    /// Sets the index if it is none: the first of repeated headers counts.
    pub fn set_first(&mut self, index: usize) {
        if self.0.is_none() {
            *self = Self::of(index);
        }
    }

    /// Returns the index, counted from 0.
    #[must_use]
    pub fn get(self) -> Option<usize> {
        self.0.map(|number| usize::from(number.get()) - 1)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_none_beyond_the_maximum() {
        assert_eq!(HeaderIndex::of(0).get(), Some(0));
        assert_eq!(HeaderIndex::of(254).get(), Some(254));
        assert_eq!(HeaderIndex::of(255).get(), None);
        assert_eq!(HeaderIndex::of(usize::MAX).get(), None);
    }

    #[test]
    fn fields_follow_their_headers_when_others_are_removed() {
        let fields = Fields {
            priority: 7,
            correlation_id: HeaderIndex::of(0),
            reply_to: HeaderIndex::of(2),
            group: HeaderIndex::of(4),
            expiry: HeaderIndex::of(1),
            ..Fields::default()
        };
        let wanted = Fields {
            reply_to: HeaderIndex::of(1),
            group: HeaderIndex::of(2),
            expiry: HeaderIndex::default(),
            ..fields
        };
        assert_eq!(fields.for_kept(|index| index != 1 && index != 3), wanted);
    }
}
