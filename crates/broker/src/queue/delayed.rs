//! The messages of a queue that wait for their redelivery.
//!
//! They are among the waiting messages, in their places, so that everybody sees them there: operators, browsers, bounds and
//! expiry. Only consumers pass over them until their time comes. The messages after them are not held up, except those of the
//! same message group, whose order is kept.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Weak},
};

use super::{Queue, Store, groups};
use crate::{
    message::entry::Entry,
    message::scan_budget::Budget,
    outcome::Ready,
    sync::{Mutex, lock},
};

/// The positions of messages that wait for their redelivery.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    /// By position.
    waits: BTreeMap<u64, Wait>,
    /// The times and positions.
    order: BTreeSet<(u64, u64)>,
    /// The positions of those of each message group.
    groups: HashMap<Box<str>, BTreeSet<u64>>,
    /// Number of messages that have left the queue, and only hold back their groups.
    gone: usize,
}

#[derive(Debug)]
struct Wait {
    /// The time of the redelivery in Unix milliseconds.
    due_ms: u64,
    /// The message group.
    group: Option<Box<str>>,
    /// The message has left the queue, and only holds back its group.
    is_gone: bool,
}

impl Delayed {
    pub(super) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waits.len() - self.gone
    }

    pub(super) fn has(&self, position: u64) -> bool {
        self.waits.contains_key(&position)
    }

    pub(super) fn add(&mut self, entry: &Entry, due_ms: u64) {
        let position = entry.position();
        let group = groups::group_of(entry).map(Box::<str>::from);
        if let Some(group) = group.clone() {
            self.groups.entry(group).or_default().insert(position);
        }
        self.order.insert((due_ms, position));
        let wait = Wait {
            due_ms,
            group,
            is_gone: false,
        };
        self.waits.insert(position, wait);
    }

    /// Notes that a message has left the queue. Consumers have passed over the later messages of its group, so these wait until
    /// its time, when consumers scan them again.
    pub(super) fn note_gone(&mut self, position: u64) {
        let Some(wait) = self.waits.get_mut(&position) else {
            return;
        };
        if wait.group.is_none() {
            self.remove(position);
        } else if !wait.is_gone {
            wait.is_gone = true;
            self.gone += 1;
        }
    }

    fn remove(&mut self, position: u64) {
        let Some(wait) = self.waits.remove(&position) else {
            return;
        };
        let Wait {
            due_ms,
            group,
            is_gone,
        } = wait;
        self.gone -= usize::from(is_gone);
        self.order.remove(&(due_ms, position));
        if let Some(group) = group
            && let Some(positions) = self.groups.get_mut(&group)
        {
            positions.remove(&position);
            if positions.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Removes the first message, if its time has come. Returns its position.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<u64> {
        let (due_ms, position) = self.order.first().copied()?;
        if due_ms > now_ms {
            return None;
        }
        // Also if `remove` does not find it.
        self.order.pop_first();
        self.remove(position);
        Some(position)
    }

    /// Returns whether no consumer may have a message yet: it waits for its redelivery, or an earlier message of its group does.
    pub(super) fn holds_back(&self, entry: &Entry) -> bool {
        if self.waits.is_empty() {
            return false;
        }
        let position = entry.position();
        let positions = groups::group_of(entry).and_then(|group| self.groups.get(group));
        let first = positions.and_then(BTreeSet::first);
        self.has(position) || first.is_some_and(|first| *first < position)
    }
}

/// The queues with messages that wait for their redelivery, by the time of each.
#[derive(Debug, Default)]
pub(super) struct DelayedQueues(Mutex<BTreeMap<(u64, u64), Weak<Queue>>>);

impl Store {
    /// Notes that a message of a queue waits until this time.
    pub(super) fn note_delayed(&self, queue: &Arc<Queue>, due_ms: u64) {
        let mut queues = lock(&self.delayed.0);
        queues.insert((due_ms, queue.id), Arc::downgrade(queue));
        drop(queues);
        self.alarm.set(due_ms);
    }

    /// Lets consumers have the messages whose time has come, at most those of 128 queues. Returns false if there are more.
    pub(crate) fn release_delayed(&self, now_ms: u64, ready: &mut Ready) -> bool {
        for _ in 0..QUEUES_AT_ONCE {
            let mut queues = lock(&self.delayed.0);
            let Some(first) = queues.first_entry() else {
                return true;
            };
            let (due_ms, _) = *first.key();
            if due_ms > now_ms {
                drop(queues);
                self.alarm.set(due_ms);
                return true;
            }
            let queue = first.remove();
            drop(queues);
            if let Some(queue) = queue.upgrade() {
                queue.release_delayed(now_ms, ready);
            }
        }
        false
    }
}

impl Queue {
    /// Lets consumers have the messages whose time has come.
    fn release_delayed(self: &Arc<Self>, now_ms: u64, ready: &mut Ready) {
        let is_any_due = self.lock().release_due(self, now_ms);
        if is_any_due {
            self.distribute(&mut Budget::new(), ready);
        }
    }
}

/// Queues that one call examines.
const QUEUES_AT_ONCE: usize = 128;
