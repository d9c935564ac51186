//! What a consumer has been given and has not settled. Pure data: locks and queues are the consumer's business.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use super::{Queue, Queued};
use crate::{entry::Entry, settlement::Acknowledgement};

#[derive(Default)]
pub(super) struct Hands {
    /// Not read yet.
    outbox: VecDeque<Assigned>,
    /// Read, and not acknowledged; by the number of the delivery.
    held: BTreeMap<u64, Held>,
    /// Read, and set aside for transactions; by the number that each settlement named.
    staged: BTreeMap<u64, Vec<(u64, Held)>>,
    last_number: u64,
    /// The numbers by the messages' positions, once somebody asked: only older protocols do.
    numbers: Option<HashMap<u64, u64>>,
    /// Whether the session's inbox or its reader has this consumer.
    is_queued: bool,
    is_closed: bool,
}

pub(super) struct Assigned {
    pub(super) message: Queued,
    /// None: it was only to be looked at.
    pub(super) queue: Option<Arc<Queue>>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) message: Queued,
    pub(super) queue: Arc<Queue>,
}

/// What a settlement is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Deliveries that no transaction has.
    Free,
    /// Deliveries that were set aside by a settlement of the same delivery.
    Staged,
}

/// What comes out of the outbox.
pub(super) enum Received {
    /// To be handed over; with the number to settle it by, if it is to be acknowledged.
    Message(Option<u64>, Assigned),
    /// Too late.
    Expired(Assigned),
}

impl Hands {
    /// How many more it may be given.
    pub(super) fn room(&self, prefetch: usize) -> usize {
        if self.is_closed {
            return 0;
        }
        prefetch.saturating_sub(self.outbox.len() + self.held.len())
    }

    /// Takes messages in; true when the consumer is to be put up for reading.
    pub(super) fn push(&mut self, messages: impl IntoIterator<Item = Assigned>) -> bool {
        if self.is_closed {
            return false;
        }
        self.outbox.extend(messages);
        !std::mem::replace(&mut self.is_queued, true)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// The position of what is read next.
    pub(super) fn next_position(&self) -> Option<u64> {
        let first = self.outbox.front()?;
        Some(first.message.entry.position())
    }

    /// Gives up reading when there is nothing to read; false when something was assigned meanwhile.
    pub(super) fn retire(&mut self) -> bool {
        self.is_queued = !self.outbox.is_empty();
        if !self.is_queued {
            self.outbox.shrink_to(KEPT);
        }
        !self.is_queued
    }

    /// Takes the first out of the outbox, into the hand if it is to be acknowledged.
    pub(super) fn receive(
        &mut self,
        now_ms: u64,
        acknowledgement: Acknowledgement,
    ) -> Option<Received> {
        let mut assigned = self.outbox.pop_front()?;
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
        };
        self.last_number += 1;
        self.hold(self.last_number, held);
        Some(Received::Message(Some(self.last_number), assigned))
    }

    fn hold(&mut self, number: u64, held: Held) {
        if let Some(numbers) = &mut self.numbers {
            numbers.insert(held.message.entry.position(), number);
        }
        self.held.insert(number, held);
    }

    /// Whether a settlement of this delivery would find something.
    pub(super) fn has(&self, number: u64, phase: Phase) -> bool {
        match phase {
            Phase::Free => self.held.contains_key(&number),
            Phase::Staged => self.staged.contains_key(&number),
        }
    }

    /// Takes out what a settlement of this delivery is about, in the order of delivery.
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

    /// Sets aside for a transaction what a settlement of this delivery is about; false when there is
    /// nothing.
    pub(super) fn stage(&mut self, number: u64, acknowledgement: Acknowledgement) -> bool {
        let Some(released) = self.release(number, acknowledgement) else {
            return false;
        };
        self.staged.insert(number, released);
        true
    }

    /// Takes back what [`Hands::stage`] set aside.
    pub(super) fn unstage(&mut self, number: u64) {
        for (number, held) in self.staged.remove(&number).into_iter().flatten() {
            self.hold(number, held);
        }
    }

    /// The delivery of the message at this position.
    pub(super) fn find(&mut self, position: u64) -> Option<u64> {
        let held = &self.held;
        let numbers = self.numbers.get_or_insert_with(|| {
            let held = held.iter();
            held.map(|(number, held)| (held.message.entry.position(), *number))
                .collect()
        });
        numbers.get(&position).copied()
    }

    /// Adds the messages of `queue` behind a position.
    pub(super) fn collect(&self, queue: &Queue, after: u64, found: &mut Vec<Arc<Entry>>) {
        let in_outbox = self.outbox.iter().filter_map(|assigned| {
            let queue = assigned.queue.as_deref()?;
            Some((queue, &assigned.message.entry))
        });
        let staged = self.staged.values().flatten().map(|(_, held)| held);
        let held = self.held.values().chain(staged);
        let held = held.map(|held| (&*held.queue, &held.message.entry));
        for (from, entry) in in_outbox.chain(held) {
            if std::ptr::eq(from, queue) && entry.position() > after {
                found.push(Arc::clone(entry));
            }
        }
    }

    /// Takes nothing more; gives back all there is.
    pub(super) fn close(&mut self) -> Vec<Held> {
        self.is_closed = true;
        let held = std::mem::take(&mut self.held).into_values();
        let staged = std::mem::take(&mut self.staged).into_values().flatten();
        let outbox = std::mem::take(&mut self.outbox).into_iter();
        let unread = outbox.filter_map(|Assigned { message, queue }| {
            let queue = queue?;
            Some(Held { message, queue })
        });
        held.chain(staged.map(|(_, held)| held))
            .chain(unread)
            .collect()
    }
}

/// Messages that there is always room for, so that steady reading allocates nothing.
const KEPT: usize = 64;
