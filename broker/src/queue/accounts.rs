//! What a queue has, and what became of what it had.

use super::{Load, Queue, Queued, Room, State, groups};
use crate::{
    entry::Entry,
    figures::{Count, QueueFigures},
    name::TopicName,
    notice::DeathCause,
    sync::Ordering,
};

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) enqueued: Count,
    pub(super) dispatched: Count,
    pub(super) acknowledged: Count,
    pub(super) redelivered: Count,
    pub(super) dead_lettered: Count,
    pub(super) expired: Count,
    pub(super) discarded: Count,
}

impl Queue {
    /// Whether so much more may come in.
    pub(crate) fn room(&self, more: Load) -> Room {
        self.store.room(self.load(), more)
    }

    pub(super) fn load(&self) -> Load {
        Load {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn figures(&self, name: &TopicName) -> QueueFigures {
        let state = self.lock();
        let waiting = state.waiting();
        let entries = self.entries.load(Ordering::Relaxed);
        QueueFigures {
            name: name.clone(),
            waiting,
            unacknowledged: entries.saturating_sub(waiting),
            consumers: state.consumer_count(),
            bytes: self.bytes.load(Ordering::Relaxed),
            enqueued: self.counts.enqueued.total(),
            dispatched: self.counts.dispatched.total(),
            acknowledged: self.counts.acknowledged.total(),
            redelivered: self.counts.redelivered.total(),
            dead_lettered: self.counts.dead_lettered.total(),
            expired: self.counts.expired.total(),
            discarded: self.counts.discarded.total(),
        }
    }

    /// Notes that a message was handed over.
    pub(crate) fn dispatched(&self, message: &Queued) {
        self.counts.dispatched.add(1);
        if message.deliveries > 1 {
            self.counts.redelivered.add(1);
        }
    }

    /// Counts a message that was given up, once it is known whether a dead letter queue has it.
    pub(crate) fn count_buried(&self, cause: DeathCause, is_sent: bool) {
        match cause {
            // Counted when they were found.
            DeathCause::Expired | DeathCause::QueueFull => {}
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected if is_sent => {
                self.counts.dead_lettered.add(1);
            }
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => self.counts.discarded.add(1),
        }
    }

    pub(super) fn enter(&self, state: &mut State, entry: &Entry) {
        self.counts.enqueued.add(1);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(entry.size(), Ordering::Relaxed);
        self.store.take(entry);
        state.groups.enter(entry);
    }

    pub(super) fn leave_store(&self, state: &mut State, entry: &Entry) {
        self.subtract(entry);
        state.groups.leave(entry);
    }

    /// As [`Queue::leave_store`], taking the lock only for what needs it.
    pub(super) fn leave_store_unlocked(&self, entry: &Entry) {
        self.subtract(entry);
        if groups::group_of(entry).is_some() {
            self.lock().groups.leave(entry);
        }
    }

    fn subtract(&self, entry: &Entry) {
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(entry.size(), Ordering::Relaxed);
        self.store.give_back(entry);
    }
}

impl Drop for Queue {
    /// What was in it does not count any more.
    fn drop(&mut self) {
        for message in self.lock().take_all().waiting.values() {
            self.store.give_back(&message.entry);
        }
    }
}
