//! Positions: the only module that gives them out.
//!
//! A publication takes three steps under the broker's lock. *Admit* checks names, rights, sizes and bounds, and adds
//! nothing if it refuses. *Sequence* gives the message its position. *Apply* appends it to its topic or queue and collects
//! the sessions that became ready. This module is the second step; it also records the message in the journal, if it must
//! survive a restart.

use std::sync::Arc;

use crate::{
    journal::{Journal, JournalError, JournalMessage},
    memory::account::Account,
    message::entry::{Entry, SharedEntry},
    name::{DestinationKind, Owner, TopicName},
    outcome::{Outcome, PublishError},
    schedule::Schedule,
};

/// Gives out positions. Guarded by the broker's lock.
#[derive(Debug, Default)]
pub(crate) struct Sequencer {
    newest: u64,
    journal: Option<Arc<dyn Journal>>,
}

/// The places that hold a message and survive a restart.
#[derive(Debug, Default)]
pub(crate) struct LastingPlaces {
    /// The queues, by their ids in the journal.
    queues: Vec<u32>,
    /// One of `queues` is the topic's history.
    is_in_history: bool,
    /// See [`JournalMessage::previous`].
    previous: Option<u64>,
    is_retained: bool,
}

impl LastingPlaces {
    /// Returns the places of a message in these queues, given by their ids in the journal.
    #[inline]
    pub(crate) fn in_queues(queues: impl IntoIterator<Item = u32>) -> Self {
        Self {
            queues: queues.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Adds the topic's history, given by its id in the journal; for `previous` see [`JournalMessage::previous`].
    #[inline]
    pub(crate) fn and_history(mut self, history: u32, previous: Option<u64>) -> Self {
        self.queues.push(history);
        Self {
            is_in_history: true,
            previous,
            ..self
        }
    }

    pub(crate) fn is_in_history(&self) -> bool {
        self.is_in_history
    }

    /// Adds the place of a topic's retained message.
    #[inline]
    pub(crate) fn and_retained(self, is_retained: bool) -> Self {
        Self {
            is_retained,
            ..self
        }
    }

    fn is_empty(&self) -> bool {
        self.queues.is_empty() && !self.is_retained
    }
}

impl Sequencer {
    pub(crate) fn new(journal: Option<Arc<dyn Journal>>) -> Self {
        Self { newest: 0, journal }
    }

    /// Returns the newest position that was given out, or 0.
    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Continues after the positions of an earlier run.
    pub(crate) fn continue_after(&mut self, position: u64) {
        self.newest = self.newest.max(position);
    }

    /// Returns the next position. Positions increase; a journal or an external order may leave gaps.
    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        self.newest += 1;
        self.newest
    }

    pub(crate) fn journal(&self) -> Option<&Arc<dyn Journal>> {
        self.journal.as_ref()
    }

    /// Returns true if the journal records every message of a topic: see [`Journal::keeps_history`].
    pub(crate) fn is_durable(&self, topic: &TopicName) -> bool {
        let is_named = |journal: &Arc<dyn Journal>| journal.keeps_history(topic);
        self.journal.as_ref().is_some_and(is_named)
            && topic.owner(DestinationKind::Topic) == Owner::Everybody
    }

    /// Begins a transaction in the journal, if there is one.
    pub(crate) fn begin_transaction(&self) -> Option<JournalTransaction> {
        let journal = Arc::clone(self.journal.as_ref()?);
        journal.begin_transaction();
        Some(JournalTransaction { journal })
    }

    /// Checks that the journal can record a message with these places.
    ///
    /// # Errors
    /// [`PublishError::Journal`] with the journal's reason.
    #[inline]
    pub(crate) fn check(&self, places: &LastingPlaces, bytes: u64) -> Result<(), PublishError> {
        match &self.journal {
            Some(journal) if !places.is_empty() => Ok(journal.check(bytes)?),
            _ => Ok(()),
        }
    }

    /// Checks that the journal can record a new queue, subscription or session.
    ///
    /// # Errors
    /// The journal's reason.
    pub(crate) fn check_new(&self) -> Result<(), JournalError> {
        self.journal
            .as_ref()
            .map_or(Ok(()), |journal| journal.check(0))
    }

    /// Records a message that has its position, if it has lasting places. The publisher's reply is then owed until the
    /// journal has completed the ticket in [`Outcome::owed`].
    #[inline]
    pub(crate) fn record(
        &self,
        entry: &SharedEntry,
        account: &Account,
        places: &LastingPlaces,
        outcome: &mut Outcome,
    ) {
        if let Some(journal) = &self.journal
            && !places.is_empty()
        {
            let ticket = journal.append(&JournalMessage {
                entry,
                name: account.name_id(entry.kind(), || journal.clone()),
                queues: &places.queues,
                previous: places.previous,
                is_retained: places.is_retained,
                schedule: None,
            });
            outcome.owe(ticket, journal.is_full());
        }
    }

    /// Records that one more queue holds an earlier message of a topic.
    pub(crate) fn record_in_queue(&self, entry: &SharedEntry, queue: u32) {
        if let Some(journal) = &self.journal
            && entry.may_be_recorded()
        {
            record_in_queue(entry, queue, journal);
        }
    }

    /// Records a scheduled message in a queue of the journal. The publisher's reply is then owed.
    pub(crate) fn record_scheduled(
        &self,
        entry: &SharedEntry,
        account: &Account,
        (queue, schedule): (u32, &Schedule),
        outcome: &mut Outcome,
    ) {
        if let Some(journal) = &self.journal {
            let ticket = journal.append(&JournalMessage {
                entry,
                name: account.name_id(entry.kind(), || journal.clone()),
                queues: &[queue],
                previous: None,
                is_retained: false,
                schedule: Some(schedule),
            });
            outcome.owe(ticket, journal.is_full());
        }
    }

    /// Records that a retained publication without a body has removed the retained message of a topic.
    pub(crate) fn record_removed_retained(&self, account: &Account, outcome: &mut Outcome) {
        if let Some(journal) = &self.journal
            && let Some(name) = account.known_name_id()
        {
            journal.remove_retained(name);
            outcome.owe(journal.newest(), journal.is_full());
        }
    }

    /// Records that a durable topic loses all its messages, up to this position: without a message in the journal, nothing
    /// else says so after a crash.
    pub(crate) fn record_emptied(&self, position: u64) {
        if let Some(journal) = &self.journal {
            journal.set_emptied(position);
        }
    }

    /// Records that a retained message was removed.
    pub(crate) fn record_removed(&self, retained: &Entry) {
        if let Some(journal) = &self.journal
            && let Some(name) = retained.account().and_then(|one| one.known_name_id())
        {
            journal.remove_retained(name);
        }
    }
}

/// An open transaction of the journal. The holder holds the broker's lock.
#[must_use = "the journal waits for its end"]
pub(crate) struct JournalTransaction {
    journal: Arc<dyn Journal>,
}

impl JournalTransaction {
    pub(crate) fn end(self, outcome: &mut Outcome) {
        let ticket = self.journal.end_transaction();
        outcome.owe(ticket, self.journal.is_full());
    }
}

/// Records that a queue holds a message that it may not have recorded before.
pub(crate) fn record_in_queue(entry: &SharedEntry, queue: u32, journal: &Arc<dyn Journal>) {
    let Some(account) = entry.account() else {
        return;
    };
    journal.append(&JournalMessage {
        entry,
        name: account.name_id(entry.kind(), || journal.clone()),
        queues: &[queue],
        previous: None,
        is_retained: false,
        schedule: None,
    });
}
