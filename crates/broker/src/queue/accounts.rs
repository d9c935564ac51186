//! The counters of a queue: the messages it holds, and the results of those it has held.

use super::{Load, Queue, Queued, Room, State, groups};
use crate::{
    figures::{Count, QueueAmounts, QueueFigures},
    memory::share::Pool,
    message::entry::Entry,
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
    pub(super) moved: Count,
}

impl Queue {
    /// Checks whether the queue has room for more.
    pub(crate) fn room(&self, more: Load) -> Room {
        self.store
            .room(self.load(), more, self.bounds(), &self.owner)
    }

    /// Returns whether a message may enter although all queues together are full: a consumer takes it at once, and the
    /// queue holds little.
    pub(crate) fn may_hand_over(&self, state: &State, entry: &Entry) -> bool {
        let load = self.load();
        self.store.may_hand_over(load, entry, self.bounds()) && state.has_taker(entry)
    }

    pub(super) fn load(&self) -> Load {
        Load {
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            paged_bytes: match self.binding {
                Some(_) => self.paged_bytes.load(Ordering::Relaxed),
                None => 0,
            },
        }
    }

    pub(crate) fn figures(&self, name: &TopicName) -> QueueFigures {
        let state = self.lock();
        let waiting = state.waiting();
        let entries = self.entries.load(Ordering::Relaxed);
        QueueFigures {
            name: name.clone(),
            waiting,
            delayed: state.delayed() as u64,
            paged: state.paged.len() as u64,
            unacknowledged: entries.saturating_sub(waiting),
            consumers: state.consumer_count(),
            bytes: self.bytes.load(Ordering::Relaxed) + self.paged_bytes.load(Ordering::Relaxed),
            enqueued: self.counts.enqueued.total(),
            dispatched: self.counts.dispatched.total(),
            acknowledged: self.counts.acknowledged.total(),
            redelivered: self.counts.redelivered.total(),
            dead_lettered: self.counts.dead_lettered.total(),
            expired: self.counts.expired.total(),
            discarded: self.counts.discarded.total(),
            moved: self.counts.moved.total(),
            is_paused: state.is_paused(),
        }
    }

    /// Returns the amounts for sums over many queues.
    pub(crate) fn amounts(&self) -> QueueAmounts {
        let state = self.lock();
        let waiting = state.waiting();
        let entries = self.entries.load(Ordering::Relaxed);
        QueueAmounts {
            queues: 1,
            waiting,
            unacknowledged: entries.saturating_sub(waiting),
            bytes: self.bytes.load(Ordering::Relaxed) + self.paged_bytes.load(Ordering::Relaxed),
            consumers: state.consumer_count() as u64,
            oldest_ms: state.oldest_ms(),
        }
    }

    /// Returns the number of messages without a lock.
    pub(crate) fn depth(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Returns the number of discarded messages.
    pub(crate) fn discarded(&self) -> u64 {
        self.counts.discarded.total()
    }

    /// Counts a delivery.
    pub(crate) fn dispatched(&self, message: &Queued) {
        self.counts.dispatched.add(1);
        if message.deliveries > 1 {
            self.counts.redelivered.add(1);
            self.store.totals.queue_results.redelivered.add(1);
        }
    }

    /// Counts a dead message, once it is known whether a dead letter queue has accepted it.
    pub(crate) fn count_buried(&self, cause: DeathCause, is_sent: bool) {
        match cause {
            // Counted when they were found.
            DeathCause::Expired | DeathCause::QueueFull => {}
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected if is_sent => {
                self.counts.dead_lettered.add(1);
                self.store.totals.queue_results.dead_lettered.add(1);
            }
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => self.count_discarded(1),
        }
    }

    /// Counts messages that were dropped or deleted.
    pub(super) fn count_discarded(&self, messages: u64) {
        self.counts.discarded.add(messages);
        self.store.totals.queue_results.discarded.add(messages);
    }

    /// Counts a message that expired.
    pub(super) fn count_expired(&self) {
        self.counts.expired.add(1);
        self.store.totals.queue_results.expired.add(1);
    }

    pub(super) fn enter(&self, state: &mut State, entry: &Entry) {
        self.counts.enqueued.add(1);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(entry.size(), Ordering::Relaxed);
        self.store.take(entry);
        self.charge_owner();
        self.list_for_paging();
        state.groups.enter(entry);
    }

    pub(super) fn leave_store(&self, state: &mut State, entry: &Entry) {
        self.subtract(entry);
        state.groups.leave(entry);
    }

    /// Does the same as [`Queue::leave_store`], and locks only where needed.
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
        self.charge_owner();
        self.list_for_paging();
    }

    /// Lists the queue for paging by the bytes that it has in memory, if they have changed much.
    #[inline]
    pub(super) fn list_for_paging(&self) {
        if self.journal_id.is_some() {
            let bytes = self.bytes.load(Ordering::Relaxed);
            let listed = self.listed.load(Ordering::Relaxed);
            let paging = &self.store.paging;
            if paging.must_list(bytes, listed, self.store.bytes_in_all()) {
                paging.list(self, bytes);
            }
        }
    }

    /// Charges the owner for the content of the queue. Not for each message, because threads of other queues change the
    /// same counter.
    pub(super) fn charge_owner(&self) {
        let holds = self.load().cost();
        let charged = self.charged.load(Ordering::Relaxed);
        if holds.abs_diff(charged) < STEP.max(charged / 8) {
            return;
        }
        let exchanged =
            self.charged
                .compare_exchange(charged, holds, Ordering::Relaxed, Ordering::Relaxed);
        // Another thread has charged nearly the same amount.
        if exchanged.is_ok() && holds > charged {
            self.owner.hold(Pool::QueueBytes, holds - charged);
        } else if exchanged.is_ok() {
            self.owner.release(Pool::QueueBytes, charged - holds);
        }
    }
}

/// Maximum difference in bytes between the charge and the content of a queue, unless it holds much.
const STEP: u64 = 4 << 10;

impl Drop for Queue {
    /// The content no longer counts.
    fn drop(&mut self) {
        let gone = self.lock().take_all();
        for message in gone.waiting.values() {
            self.store.give_back(&message.entry);
        }
        self.leave_with_paged(&gone.paged);
        self.store.paging.unlist(self);
        let charged = self.charged.load(Ordering::Relaxed);
        self.owner.release(Pool::QueueBytes, charged);
    }
}
