//! The start of a cursor.

use super::{ExtraState, Missed};
use crate::{
    message::entry::SharedEntry,
    topic::log::{Log, Place},
};

/// The start of a subscription in the topics that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With messages published from now on.
    #[default]
    New,
    /// With each topic's last image.
    Last,
    /// With each topic's entries whose sequence is greater. In a topic with a smaller sequence, as after a restart, it
    /// starts with messages published from now on, and reports that messages may be missing.
    AfterSequence(u64),
    /// With the entries after this position.
    AfterPosition(u64),
    /// With all kept entries, and a report that earlier ones may be missing.
    Lost,
}

/// The start of a cursor.
#[derive(Debug)]
pub(crate) struct CursorStart {
    pub(super) place: Place,
    pub(super) extra: Option<Box<ExtraState>>,
}

impl CursorStart {
    /// Returns the start of a cursor: the place of `start` in the log, and the retained message if it must be read
    /// before that place. A retained message after `start` comes at its own place.
    pub(crate) fn of(start: Start, log: &Log, retained: Option<SharedEntry>) -> Self {
        let (place, missed) = log.begin(start);
        let mut extra = None;
        if missed.is_some() {
            extra.get_or_insert_with(Box::<ExtraState>::default).missed = missed;
        }
        Self { place, extra }.with_retained(retained)
    }

    /// Adds the retained message, unless the cursor reads it in the log.
    pub(crate) fn with_retained(mut self, retained: Option<SharedEntry>) -> Self {
        let next = self.place.sequence();
        if let Some(retained) = retained.filter(|entry| entry.sequence() < next) {
            self.extra.get_or_insert_default().retained = Some(retained);
        }
        self
    }

    /// Reports that an unknown number of messages are missing before the first.
    pub(crate) fn with_unknown_missed(mut self) -> Self {
        self.extra.get_or_insert_default().missed = Some(Missed::Unknown);
        self
    }

    /// Returns whether there is nothing to read or to report now.
    pub(crate) fn is_empty(&mut self) -> bool {
        self.extra.is_none() && self.place.peek().is_none()
    }
}
