//! The messages that wait for their time, in the order of their times.
//!
//! They are not in their topics and queues yet, which may not even exist. In the journal all of them are in one queue without a
//! name. Their bytes count like those of waiting messages.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    memory::account::{Account, Memory},
    memory::share::Charge,
    message::entry::{DestinationKind, SharedEntry},
    name::TopicName,
    queue::ScheduledBytes,
    schedule::{NextDelivery, Schedule},
};

/// The messages that wait for their time.
#[derive(Debug, Default)]
pub(crate) struct ScheduledMessages {
    /// The id of their queue in the journal, once one was recorded.
    pub(crate) journal_id: Option<u32>,
    /// By position.
    messages: BTreeMap<u64, ScheduledMessage>,
    /// The time of the next delivery, and the position.
    order: BTreeSet<(u64, u64)>,
    /// The accounts of the messages by destination, with the number of messages. They are not those of the topics and queues,
    /// because the messages are not there yet.
    accounts: HashMap<(DestinationKind, TopicName), (Arc<Account>, usize)>,
}

/// A message that waits for its time.
#[derive(Debug)]
pub(crate) struct ScheduledMessage {
    pub(crate) entry: SharedEntry,
    pub(crate) schedule: Schedule,
    /// See [`Schedule::due_ms`].
    pub(crate) progress: u32,
    /// The planned time of the next delivery.
    pub(crate) due_ms: u64,
    /// The time of the next attempt: the planned time, or later after an attempt that was refused.
    pub(crate) attempt_ms: u64,
    /// Attempts that were refused since the last delivery, and the last reason.
    pub(crate) refusals: u32,
    pub(crate) refusal: Option<Box<str>>,
    pub(crate) charges: ScheduledCharges,
}

/// The share of a scheduled message in the pools.
#[derive(Debug)]
pub(crate) struct ScheduledCharges {
    /// One of the pool of scheduled messages. Its client is the publisher.
    pub(crate) place: Charge,
    /// `None` while the message is being delivered: its copy must find the room.
    pub(crate) bytes: Option<ScheduledBytes>,
}

impl ScheduledMessage {
    pub(crate) fn new(
        entry: SharedEntry,
        schedule: Schedule,
        next: NextDelivery,
        charges: ScheduledCharges,
    ) -> Self {
        Self {
            entry,
            schedule,
            progress: next.progress,
            due_ms: next.due_ms,
            attempt_ms: next.due_ms,
            refusals: 0,
            refusal: None,
            charges,
        }
    }

    /// Plans the next delivery after one that succeeded.
    pub(crate) fn plan(&mut self, next: NextDelivery) {
        self.progress = next.progress;
        self.due_ms = next.due_ms;
        self.attempt_ms = next.due_ms;
        self.refusals = 0;
        self.refusal = None;
    }
}

impl ScheduledMessages {
    /// Returns the account for a message to this destination. The message must be added next.
    pub(crate) fn account(
        &mut self,
        kind: DestinationKind,
        name: &TopicName,
        memory: &Arc<Memory>,
    ) -> Arc<Account> {
        let known = self.accounts.get(&(kind, name.clone()));
        known.map_or_else(
            || Account::new(kind, name.clone(), memory),
            |(account, _)| Arc::clone(account),
        )
    }

    /// Adds a message. Returns the time of its next attempt.
    pub(crate) fn add(&mut self, message: ScheduledMessage) -> u64 {
        if let Some(account) = message.entry.account() {
            let key = (message.entry.kind(), account.name.clone());
            let known = self.accounts.entry(key);
            known.or_insert_with(|| (Arc::clone(account), 0)).1 += 1;
        }
        self.put_back(message)
    }

    /// Puts a message back that [`take_due`](Self::take_due) has taken. Returns the time of its next attempt.
    pub(crate) fn put_back(&mut self, message: ScheduledMessage) -> u64 {
        let (attempt_ms, position) = (message.attempt_ms, message.entry.position());
        self.order.insert((attempt_ms, position));
        self.messages.insert(position, message);
        attempt_ms
    }

    /// Takes the first message that is due. The caller puts it back or removes it, with the lock held.
    pub(crate) fn take_due(&mut self, now_ms: u64) -> Option<ScheduledMessage> {
        let (attempt_ms, position) = self.order.first().copied()?;
        if attempt_ms > now_ms {
            return None;
        }
        self.order.pop_first();
        self.messages.remove(&position)
    }

    /// Ends a message that was taken.
    pub(crate) fn remove(&mut self, message: ScheduledMessage) {
        let key = (message.entry.kind(), message.entry.topic().clone());
        if let Some((_, count)) = self.accounts.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.accounts.remove(&key);
            }
        }
    }

    /// Takes the message at a position.
    pub(crate) fn take(&mut self, position: u64) -> Option<ScheduledMessage> {
        let message = self.messages.remove(&position)?;
        self.order.remove(&(message.attempt_ms, position));
        Some(message)
    }

    pub(crate) fn find(&self, position: u64) -> Option<&ScheduledMessage> {
        self.messages.get(&position)
    }

    /// Returns the messages after this time and position, in the order of their attempts.
    pub(crate) fn after(&self, place: (u64, u64)) -> impl Iterator<Item = &ScheduledMessage> {
        let after = (std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded);
        let found = self.order.range(after);
        found.filter_map(|(_, position)| self.messages.get(position))
    }

    /// Returns the time of the first attempt.
    pub(crate) fn first_ms(&self) -> Option<u64> {
        self.order.first().map(|(attempt_ms, _)| *attempt_ms)
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
}
