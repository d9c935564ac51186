//! The messages of a queue whose content is only in the journal, by position.
//!
//! Only data: [`page_out`](super::page_out) and [`page_in`](super::page_in) move messages, and keep the counters.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
    sync::Arc,
};

use crate::{memory::account::Account, message::entry::Entry};

/// A message whose content is only in the journal. There may be millions, so it is small.
#[derive(Debug)]
pub(super) struct PagedMessage {
    /// The account of its destination, which keeps the id of the name in the journal.
    pub(super) account: Arc<Account>,
    /// Its size when it was in memory, at most 4 GiB.
    pub(super) bytes: u32,
    /// Number of deliveries.
    pub(super) deliveries: u32,
}

/// The paged messages of a queue.
#[derive(Debug, Default)]
pub(super) struct Paged {
    messages: BTreeMap<u64, PagedMessage>,
    /// The times of expiry of the messages that expire, by position.
    expiries: BTreeMap<u64, u64>,
    /// The same, as time and position.
    expiring: BTreeSet<(u64, u64)>,
    /// Messages before which others are missing.
    gaps: BTreeSet<u64>,
    /// Messages on their way for consumers.
    loads: Vec<LoadRange>,
    is_expiry_loading: bool,
    /// A consumer that scans a message from this position on makes the queue load the next part.
    read_ahead_from: Option<u64>,
}

/// The first and last position of messages on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadRange {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// The messages that were removed from a queue at once.
#[derive(Debug, Default)]
pub(super) struct PagedContents {
    pub(super) messages: BTreeMap<u64, PagedMessage>,
    _expiries: BTreeMap<u64, u64>,
    _expiring: BTreeSet<(u64, u64)>,
}

impl LoadRange {
    /// Returns the range of positions that are in ascending order.
    pub(super) fn of(positions: &[u64]) -> Self {
        Self {
            first: positions.first().copied().unwrap_or(0),
            last: positions.last().copied().unwrap_or(0),
        }
    }
}

impl PagedMessage {
    /// Returns the paged form of a message; `None` for one without a place.
    pub(super) fn of(entry: &Entry, deliveries: u32) -> Option<Self> {
        Some(Self {
            account: Arc::clone(entry.account()?),
            bytes: u32::try_from(entry.size()).unwrap_or(u32::MAX),
            deliveries,
        })
    }
}

impl Paged {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn insert(&mut self, position: u64, message: PagedMessage, expires_ms: Option<u64>) {
        if let Some(expires_ms) = expires_ms {
            self.expiries.insert(position, expires_ms);
            self.expiring.insert((expires_ms, position));
        }
        self.messages.insert(position, message);
    }

    /// Removes a message. Also returns whether messages are missing before it.
    pub(super) fn remove(&mut self, position: u64) -> Option<(PagedMessage, bool)> {
        let message = self.messages.remove(&position)?;
        if let Some(expires_ms) = self.expiries.remove(&position) {
            self.expiring.remove(&(expires_ms, position));
        }
        Some((message, self.gaps.remove(&position)))
    }

    /// Removes all messages. Those on their way are ignored when they arrive.
    pub(super) fn take_all(&mut self) -> PagedContents {
        self.gaps.clear();
        PagedContents {
            messages: std::mem::take(&mut self.messages),
            _expiries: std::mem::take(&mut self.expiries),
            _expiring: std::mem::take(&mut self.expiring),
        }
    }

    pub(super) fn get(&self, position: u64) -> Option<&PagedMessage> {
        self.messages.get(&position)
    }

    /// Returns the position of the first message from this position on.
    pub(super) fn first_from(&self, position: u64) -> Option<u64> {
        self.from(position).next().map(|(position, _)| position)
    }

    /// Returns the messages from this position on.
    pub(super) fn from(&self, position: u64) -> impl Iterator<Item = (u64, &PagedMessage)> {
        let messages = self.messages.range(position..);
        messages.map(|(position, message)| (*position, message))
    }

    /// Returns the position of the first message from this position on that is not on its way.
    pub(super) fn first_not_loading(&self, position: u64) -> Option<u64> {
        let mut from = position;
        loop {
            let next = self.first_from(from)?;
            let mut loads = self.loads.iter();
            match loads.find(|load| (load.first..=load.last).contains(&next)) {
                Some(load) => from = load.last + 1,
                None => return Some(next),
            }
        }
    }

    /// Notes that messages are missing before this one.
    pub(super) fn note_gap_before(&mut self, position: u64) {
        self.gaps.insert(position);
    }

    /// Returns the positions of the next messages, from this one on, that are to be loaded together.
    pub(super) fn part_from(&self, position: u64, most: PartLimit) -> Vec<u64> {
        let messages = self.from(position);
        most.first_of(messages.take_while(|(position, _)| !self.is_loading(*position)))
    }

    /// Returns the positions of the messages in a range, up to a bound.
    pub(super) fn run_between(&self, range: Range<u64>, most: PartLimit) -> Vec<u64> {
        most.first_of(self.from(range.start).take_while(|(at, _)| *at < range.end))
    }

    /// Returns the positions, in order, of messages that have expired at `now_ms` and are to be loaded together.
    pub(super) fn expired_part(&self, now_ms: u64, most: PartLimit) -> Vec<u64> {
        let due = (Bound::Unbounded, Bound::Included((now_ms, u64::MAX)));
        let due = self.expiring.range(due);
        let messages = due.filter_map(|(_, position)| Some((*position, self.get(*position)?)));
        let mut part = most.first_of(messages);
        part.sort_unstable();
        part
    }

    /// Returns whether a message is on its way for a consumer.
    pub(super) fn is_loading(&self, position: u64) -> bool {
        let mut loads = self.loads.iter();
        loads.any(|load| (load.first..=load.last).contains(&position))
    }

    pub(super) fn has_room_for_load(&self) -> bool {
        self.loads.len() < LOADS
    }

    /// Returns whether a part that no consumer waits for may be loaded.
    pub(super) fn may_read_ahead(&self) -> bool {
        self.loads.len() < AHEAD
    }

    pub(super) fn begin_load(&mut self, range: LoadRange) {
        self.loads.push(range);
    }

    /// Notes that a part has arrived. From its middle on, the next part is loaded.
    pub(super) fn end_load(&mut self, range: LoadRange, middle: u64) {
        self.loads.retain(|load| *load != range);
        self.read_ahead_from = Some(middle);
    }

    /// Returns whether a consumer that has scanned up to a position needs the next part soon. Returns true only once for
    /// each part.
    pub(super) fn is_read_ahead_due(&mut self, position: u64) -> bool {
        self.read_ahead_from.is_some_and(|from| position >= from)
            && self.read_ahead_from.take().is_some()
    }

    /// Notes that expired messages are loaded. Returns false if others are on their way.
    pub(super) fn begin_expiry_load(&mut self) -> bool {
        !std::mem::replace(&mut self.is_expiry_loading, true)
    }

    pub(super) fn end_expiry_load(&mut self) {
        self.is_expiry_loading = false;
    }
}

/// The bounds of a part that is loaded at once; one message is always within them.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartLimit {
    pub(super) messages: usize,
    pub(super) bytes: u64,
}

impl PartLimit {
    /// Returns the positions of the first messages within the bounds.
    fn first_of<'a>(self, messages: impl Iterator<Item = (u64, &'a PagedMessage)>) -> Vec<u64> {
        let mut part = Vec::new();
        let mut bytes = 0;
        for (position, message) in messages {
            bytes += u64::from(message.bytes);
            if !part.is_empty() && (part.len() >= self.messages || bytes > self.bytes) {
                break;
            }
            part.push(position);
        }
        part
    }
}

/// Parts of one queue that are on their way for consumers: one is read while the consumer takes the other, and two
/// consumers at different places do not wait for each other.
const LOADS: usize = 4;
/// Parts on their way up to which further ones are loaded that no consumer waits for yet.
const AHEAD: usize = 2;
