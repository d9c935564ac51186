//! Positions: the only module that gives them out, and the journal that records the messages that must survive a
//! restart.
//!
//! A publication takes three steps under the broker's lock. *Admit* checks names, rights, sizes and bounds, and adds
//! nothing if it refuses. *Sequence* gives the message its position. *Apply* appends it to its topic or queue and collects
//! the sessions that became ready. This module is the second step.

use std::{fmt, sync::Arc};

use crate::message::entry::SharedEntry;

/// Records messages that must survive a restart, for example in a log on disk.
///
/// The broker calls [`Journal::append`] with its lock held, in the order of positions. The journal may complete a
/// message later and on another thread, by [`Completion::complete`](crate::Completion::complete); until then the reply
/// to its publisher is owed (see [`Outcome::owed`](crate::Outcome::owed)). Deliveries do not wait for it.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Records one message. The function must not block and must not call the broker.
    fn append(&self, entry: &SharedEntry);
}

/// Gives out positions. Guarded by the broker's lock.
#[derive(Debug, Default)]
pub(crate) struct Sequencer {
    newest: u64,
    journal: Option<Arc<dyn Journal>>,
}

impl Sequencer {
    pub(crate) fn new(journal: Option<Arc<dyn Journal>>) -> Self {
        Self { newest: 0, journal }
    }

    /// Returns the newest position that was given out, or 0.
    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Returns the next position. Positions increase; a journal or an external order may leave gaps.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.newest += 1;
        self.newest
    }

    /// Records a message that has its position, if it must survive a restart. `owed` then becomes its position, which the
    /// journal has to complete before the publisher gets its reply.
    #[inline]
    pub(crate) fn record(&self, entry: &SharedEntry, owed: &mut Option<u64>) {
        if let Some(journal) = &self.journal
            && (entry.is_persistent() || entry.is_retained_publication())
        {
            journal.append(entry);
            *owed = Some(entry.position());
        }
    }
}
