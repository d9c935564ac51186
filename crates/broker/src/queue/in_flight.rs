//! The messages that a consumer has got and not settled. Only data: the consumer handles locks and queues.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::{Queue, Queued, browse::Part};
use crate::{message::entry::SharedEntry, settlement::Acknowledgement};

#[derive(Default)]
pub(super) struct InFlight {
    /// Not read yet.
    outbox: VecDeque<Assigned>,
    /// Read and not acknowledged, by the number of the delivery.
    held: BTreeMap<u64, Held>,
    /// Read and reserved for transactions, by the number that each settlement named.
    staged: BTreeMap<u64, Vec<(u64, Held)>>,
    /// Number of messages read.
    last_number: u64,
    /// Queues that the consumer has not completely scanned and that have waiting messages. The lock of each queue
    /// ensures that the queue is listed once: see [`State::add_pending_scan`](super::State::add_pending_scan).
    pending_scans: VecDeque<Arc<Queue>>,
    /// True if its reader must scan them: another thread started the scan and stopped.
    reader_must_scan: bool,
    /// Delivery numbers by the messages' positions. Created on first use: only older protocols need it.
    numbers: Option<HashMap<u64, u64>>,
    /// True if the session's inbox or its reader has this consumer.
    is_queued: bool,
    /// True while the session has no reader.
    is_paused: bool,
    /// True if its subscription has ended and its deliveries are not settled yet.
    is_leaving: bool,
    is_closed: bool,
}

pub(super) struct Assigned {
    pub(super) message: Queued,
    /// `None` if the message was browsed.
    pub(super) queue: Option<Arc<Queue>>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Queued,
    pub(super) queue: Arc<Queue>,
    /// The time at which it was read, in Unix milliseconds; 0 if it was not.
    read_ms: u64,
}

/// The messages of one queue that a consumer has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HeldCount {
    pub(super) messages: u64,
    /// The time at which the oldest of those that were read was read, in Unix milliseconds.
    pub(super) oldest_read_ms: Option<u64>,
}

/// The deliveries that a settlement applies to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Deliveries that no transaction has reserved.
    Free,
    /// Deliveries reserved by a settlement of the same delivery.
    Staged,
}

/// A message taken from the outbox.
pub(super) enum Received {
    /// To be handed over; with the number for its settlement, if it is to be acknowledged.
    Message(Option<u64>, Assigned),
    /// Expired.
    Expired(Assigned),
}

impl InFlight {
    /// Returns the number of messages that it may still get.
    pub(super) fn room(&self, prefetch: usize) -> usize {
        if self.is_closed || self.is_paused || self.is_leaving {
            return 0;
        }
        prefetch.saturating_sub(self.outbox.len() + self.held.len())
    }

    /// Adds messages. Returns true if the consumer must be scheduled for reading.
    pub(super) fn push(&mut self, messages: impl IntoIterator<Item = Assigned>) -> bool {
        if self.is_closed {
            return false;
        }
        self.outbox.extend(messages);
        !std::mem::replace(&mut self.is_queued, true)
    }

    /// Lists a queue as not completely scanned.
    pub(super) fn add_pending_scan(&mut self, queue: &Arc<Queue>) {
        if !self.is_closed {
            self.pending_scans.push_back(Arc::clone(queue));
        }
    }

    /// Removes and returns the queue that was listed first.
    pub(super) fn take_pending_scan(&mut self) -> Option<Arc<Queue>> {
        let queue = self.pending_scans.pop_front();
        if self.pending_scans.is_empty() {
            self.pending_scans.shrink_to(KEPT);
        }
        queue
    }

    pub(super) fn has_pending_scan(&self) -> bool {
        !self.pending_scans.is_empty()
    }

    /// Removes a deleted queue from the list.
    pub(super) fn remove_pending_scan(&mut self, queue: &Arc<Queue>) {
        self.pending_scans
            .retain(|other| !Arc::ptr_eq(other, queue));
    }

    /// Makes the reader continue the scan. Returns true if the consumer must be scheduled for reading.
    pub(super) fn scan_in_reader(&mut self) -> bool {
        if self.is_closed {
            return false;
        }
        self.reader_must_scan = true;
        !std::mem::replace(&mut self.is_queued, true)
    }

    /// Records that the reader continues the scan.
    pub(super) fn begin(&mut self) {
        self.reader_must_scan = false;
    }

    /// Returns whether the reader must continue the scan.
    pub(super) fn reader_must_scan(&self) -> bool {
        self.reader_must_scan
    }

    /// Returns the position of the next message to read.
    pub(super) fn next_position(&self) -> Option<u64> {
        let first = self.outbox.front()?;
        Some(first.message.entry.position())
    }

    /// Stops reading if there is nothing to read. Returns false if a message was assigned in the meantime.
    pub(super) fn retire(&mut self) -> bool {
        self.is_queued = self.reader_must_scan || !self.outbox.is_empty();
        if !self.is_queued {
            self.outbox.shrink_to(KEPT);
        }
        !self.is_queued
    }

    /// Takes the first message from the outbox, and holds it if it is to be acknowledged.
    pub(super) fn receive(
        &mut self,
        now_ms: u64,
        acknowledgement: Acknowledgement,
    ) -> Option<Received> {
        let mut assigned = self.outbox.pop_front()?;
        self.last_number += 1;
        if assigned.message.entry.is_expired(now_ms) {
            return Some(Received::Expired(assigned));
        }
        let Some(queue) = &assigned.queue else {
            return Some(Received::Message(None, assigned));
        };
        assigned.message.deliveries += 1;
        if acknowledgement == Acknowledgement::Auto {
            return Some(Received::Message(None, assigned));
        }
        let held = Held {
            message: assigned.message.clone(),
            queue: Arc::clone(queue),
            read_ms: now_ms,
        };
        self.hold(self.last_number, held);
        Some(Received::Message(Some(self.last_number), assigned))
    }

    fn hold(&mut self, number: u64, held: Held) {
        if let Some(numbers) = &mut self.numbers {
            numbers.insert(held.message.entry.position(), number);
        }
        self.held.insert(number, held);
    }

    /// Returns whether a settlement of this delivery would find one.
    pub(super) fn has(&self, number: u64, phase: Phase) -> bool {
        match phase {
            Phase::Free => self.held.contains_key(&number),
            Phase::Staged => self.staged.contains_key(&number),
        }
    }

    /// Removes the deliveries that a settlement applies to, in the order of delivery.
    pub(super) fn let_go(
        &mut self,
        number: u64,
        phase: Phase,
        acknowledgement: Acknowledgement,
    ) -> Option<Vec<(u64, Held)>> {
        match phase {
            Phase::Staged => self.staged.remove(&number),
            Phase::Free => self.release(number, acknowledgement),
        }
    }

    fn release(
        &mut self,
        number: u64,
        acknowledgement: Acknowledgement,
    ) -> Option<Vec<(u64, Held)>> {
        let last = self.held.remove(&number)?;
        let mut released = Vec::new();
        while acknowledgement == Acknowledgement::Cumulative
            && let Some(first) = self.held.first_entry()
            && *first.key() < number
        {
            released.push(first.remove_entry());
        }
        released.push((number, last));
        if let Some(numbers) = &mut self.numbers {
            for (_, held) in &released {
                numbers.remove(&held.message.entry.position());
            }
        }
        Some(released)
    }

    /// Reserves the deliveries of a settlement for a transaction. Returns false if there are none.
    pub(super) fn stage(&mut self, number: u64, acknowledgement: Acknowledgement) -> bool {
        let Some(released) = self.release(number, acknowledgement) else {
            return false;
        };
        self.staged.insert(number, released);
        true
    }

    /// Visits the deliveries that [`InFlight::stage`] reserved.
    pub(super) fn for_each_staged(&self, number: u64, mut each: impl FnMut(&Held)) {
        let staged = self.staged.get(&number).into_iter().flatten();
        staged.for_each(|(_, held)| each(held));
    }

    /// Returns the deliveries that [`InFlight::stage`] reserved.
    pub(super) fn unstage(&mut self, number: u64) {
        for (number, held) in self.staged.remove(&number).into_iter().flatten() {
            self.hold(number, held);
        }
    }

    /// Returns the delivery of the message at this position.
    pub(super) fn find(&mut self, position: u64) -> Option<u64> {
        let held = &self.held;
        let numbers = self.numbers.get_or_insert_with(|| {
            let held = held.iter();
            held.map(|(number, held)| (held.message.entry.position(), *number))
                .collect()
        });
        numbers.get(&position).copied()
    }

    /// Adds messages of `queue` after a delivery, in the order of delivery. Returns the last delivery added, or `None`
    /// if there is none after it.
    pub(super) fn look(&self, queue: &Queue, after: u64, part: &mut Part) -> Option<u64> {
        // Each of the three parts in order, as far as it can be needed.
        let held = self.held.range(after + 1..);
        let held = held.map(|(number, held)| (*number, &*held.queue, &held.message.entry));
        let staged = self.staged.range(after + 1..).flat_map(|(_, all)| all);
        let staged = staged.filter(|(number, _)| *number > after);
        let staged = staged.map(|(number, held)| (*number, &*held.queue, &held.message.entry));
        // Unread messages have the numbers that they will get.
        let read = (after.saturating_sub(self.last_number)) as usize;
        let unread = (self.last_number + 1..).zip(&self.outbox).skip(read);
        let unread = unread.filter_map(|(number, assigned)| {
            let queue = assigned.queue.as_deref()?;
            Some((number, queue, &assigned.message.entry))
        });
        let mut all: Vec<_> = held.take(EXAMINED).collect();
        all.extend(staged.take(EXAMINED));
        all.sort_unstable_by_key(|(number, ..)| *number);
        all.extend(unread.take(EXAMINED));
        let mut last = None;
        for (number, from, entry) in all.into_iter().take(EXAMINED) {
            last = Some(number);
            if std::ptr::eq(from, queue) && !part.take(entry) {
                break;
            }
        }
        last
    }

    /// Visits each message of `queue`.
    pub(super) fn for_each(&self, queue: &Queue, mut each: impl FnMut(&SharedEntry)) {
        let in_outbox = self.outbox.iter().filter_map(|assigned| {
            let queue = assigned.queue.as_deref()?;
            Some((queue, &assigned.message.entry))
        });
        let staged = self.staged.values().flatten().map(|(_, held)| held);
        let held = self.held.values().chain(staged);
        let held = held.map(|held| (&*held.queue, &held.message.entry));
        for (from, entry) in in_outbox.chain(held) {
            if std::ptr::eq(from, queue) {
                each(entry);
            }
        }
    }

    /// Counts the messages of all queues. Of those that transactions have reserved, only the number is examined.
    pub(super) fn count_all(&self) -> HeldCount {
        let staged: usize = self.staged.values().map(Vec::len).sum();
        let oldest = self.held.values().next();
        HeldCount {
            messages: (self.outbox.len() + self.held.len() + staged) as u64,
            oldest_read_ms: oldest.map(|held| held.read_ms),
        }
    }

    /// Counts the messages of `queue`.
    pub(super) fn count(&self, queue: &Queue) -> HeldCount {
        let is_own = |other: &Arc<Queue>| std::ptr::eq(&**other, queue);
        let unread = self.outbox.iter();
        let unread = unread.filter(|one| one.queue.as_ref().is_some_and(is_own));
        let staged = self.staged.values().flatten().map(|(_, held)| held);
        let read = self.held.values().chain(staged);
        let mut counted = HeldCount {
            messages: unread.count() as u64,
            oldest_read_ms: None,
        };
        for held in read.filter(|held| is_own(&held.queue)) {
            counted.messages += 1;
            let oldest = counted.oldest_read_ms.unwrap_or(u64::MAX);
            counted.oldest_read_ms = Some(oldest.min(held.read_ms));
        }
        counted
    }

    /// Takes no more messages.
    pub(super) fn stop(&mut self) {
        self.is_closed = true;
        self.reader_must_scan = false;
        self.pending_scans = VecDeque::new();
    }

    /// Takes no more messages. Returns all that it holds.
    pub(super) fn close(&mut self) -> Vec<Held> {
        self.stop();
        self.take_all()
    }

    /// Takes no messages until [`InFlight::resume`]. Returns all that it holds. The list of queues stays: the consumer
    /// has no room.
    pub(super) fn pause(&mut self) -> Vec<Held> {
        self.is_paused = true;
        self.take_all()
    }

    pub(super) fn resume(&mut self) {
        self.is_paused = false;
    }

    /// Takes no more messages, and keeps the read ones until they are settled. Returns the unread ones, or `None` if
    /// nothing is to be settled.
    pub(super) fn leave(&mut self) -> Option<Vec<Held>> {
        if self.holds_nothing() {
            return None;
        }
        self.is_leaving = true;
        self.reader_must_scan = false;
        Some(self.take_outbox().collect())
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Returns true when everything that [`InFlight::leave`] had kept is settled.
    pub(super) fn has_left(&self) -> bool {
        self.is_leaving && self.holds_nothing()
    }

    fn holds_nothing(&self) -> bool {
        self.held.is_empty() && self.staged.is_empty()
    }

    fn take_all(&mut self) -> Vec<Held> {
        self.numbers = None;
        let held = std::mem::take(&mut self.held).into_values();
        let staged = std::mem::take(&mut self.staged).into_values().flatten();
        held.chain(staged.map(|(_, held)| held))
            .chain(self.take_outbox())
            .collect()
    }

    fn take_outbox(&mut self) -> impl Iterator<Item = Held> + use<> {
        let outbox = std::mem::take(&mut self.outbox).into_iter();
        outbox.filter_map(|Assigned { message, queue }| {
            let queue = queue?;
            Some(Held {
                message,
                queue,
                read_ms: 0,
            })
        })
    }
}

/// Capacity that is always kept, so that steady reading allocates nothing.
const KEPT: usize = 64;
/// Messages examined in one step of a browse, including those of other queues.
const EXAMINED: usize = 64;
