//! The data that a queue's lock guards: waiting messages, consumers, and how far each consumer has scanned.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
    sync::Arc,
};

use super::{
    Consumer, Queue, Queued,
    delayed::Delayed,
    groups::Groups,
    paged::{Paged, PagedContents, PartLimit},
};
use crate::{
    memory::account::Account,
    memory::account::End,
    message::entry::{Entry, SharedEntry},
    message::reading::Missed,
    outcome::Ready,
    subscription_id::SubscriptionId,
};

/// Invariant: a consumer with room has scanned all waiting messages, or a scan is scheduled for it, or its reader will
/// continue, or messages that the journal loads for the queue are on their way: then it continues when they arrive. So a
/// new message goes at once to a consumer with room, and waiting messages are scanned again only for consumers that made
/// room. A consumer that has not scanned everything lists the queue, unless it waits for messages on their way. In a paused
/// queue no scan is made; when the delivery goes on, each consumer that has not scanned everything lists the queue.
#[derive(Debug)]
pub(crate) struct State {
    /// Messages in memory, by position.
    waiting: BTreeMap<u64, Queued>,
    /// Waiting messages whose content is only in the journal. Their positions are not in `waiting`.
    pub(super) paged: Paged,
    /// Messages that expire, by time of expiry.
    expiring: BTreeSet<(u64, u64)>,
    /// Ordered by id, which is the order of creation.
    members: Vec<Member>,
    /// The index of the consumer whose turn it is.
    next: usize,
    /// Number of consumers with a selector.
    selective_count: usize,
    /// The oldest exclusive consumer.
    exclusive: Option<SubscriptionId>,
    pub(super) groups: Groups,
    /// The account of the queue's own messages; `None` before the first.
    pub(crate) account: Option<Arc<Account>>,
    /// Sequence and offset of the queue's next own message.
    pub(crate) end: End,
    /// Messages that are missing before the next one.
    missed: Option<Missed>,
    /// The position below which the search for messages to page out continues.
    pub(super) page_out_below: Option<u64>,
    /// The index of the consumer that continues first when messages arrive from the journal.
    load_turn: usize,
    /// True if an operator has paused the delivery: no consumer gets a message.
    is_paused: bool,
    /// Those of the waiting messages that wait for their redelivery. They are in memory.
    delayed: Delayed,
}

/// The content of a queue, to be dropped without the lock.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) waiting: BTreeMap<u64, Queued>,
    pub(super) paged: PagedContents,
    _expiring: BTreeSet<(u64, u64)>,
}

/// A message that a consumer has not scanned yet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unscanned<'a> {
    InMemory(&'a SharedEntry),
    /// The position of a message whose content is only in the journal.
    Paged(u64),
}

/// A waiting message, with or without its content.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waiting<'a> {
    InMemory(&'a SharedEntry),
    /// The bytes of a message whose content is only in the journal.
    Paged(u64),
}

#[derive(Debug)]
struct Member {
    consumer: Arc<Consumer>,
    /// The consumer has scanned the waiting messages before this position.
    scan_from: u64,
    /// True if it lists the queue as not completely scanned, or a scan is scheduled for it.
    is_scan_pending: bool,
    /// It has come to a message that is not in memory, and continues when messages arrive from the journal.
    waits_for_load: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            paged: Paged::default(),
            expiring: BTreeSet::new(),
            members: Vec::new(),
            selective_count: 0,
            next: 0,
            exclusive: None,
            groups: Groups::default(),
            account: None,
            end: End {
                sequence: 1,
                offset: 0,
            },
            missed: None,
            page_out_below: None,
            load_turn: 0,
            is_paused: false,
            delayed: Delayed::default(),
        }
    }
}

impl State {
    /// Puts a message back in its old place, so that all consumers scan it.
    pub(super) fn return_message(&mut self, queue: &Arc<Queue>, message: Queued) {
        let position = message.entry.position();
        self.put_back(message);
        self.look_again_from(queue, position);
    }

    /// Puts a message back in its old place, where it waits for its redelivery until `due_ms`. Consumers that have scanned
    /// everything pass over it now, and the others when they scan it.
    pub(super) fn delay(&mut self, message: Queued, due_ms: u64) {
        let position = message.entry.position();
        let caught_up: Vec<_> = (0..self.members.len())
            .filter(|at| self.is_caught_up(*at))
            .collect();
        for at in caught_up {
            let member = &mut self.members[at];
            member.scan_from = member.scan_from.max(position + 1);
        }
        self.delayed.add(&message.entry, due_ms);
        self.put_back(message);
    }

    /// Lets consumers scan the messages whose time has come. Returns whether there are some; then the caller distributes the
    /// messages of the queue.
    pub(super) fn release_due(&mut self, queue: &Arc<Queue>, now_ms: u64) -> bool {
        let mut first = None::<u64>;
        while let Some(position) = self.delayed.take_due(now_ms) {
            first = Some(first.map_or(position, |first| first.min(position)));
        }
        if let Some(first) = first {
            self.look_again_from(queue, first);
        }
        first.is_some()
    }

    /// Returns whether a waiting message waits for its redelivery.
    pub(super) fn is_delayed(&self, position: u64) -> bool {
        self.delayed.has(position)
    }

    /// Returns the number of messages that wait for their redelivery.
    pub(super) fn delayed(&self) -> usize {
        self.delayed.len()
    }

    /// Stores a waiting message. Does not schedule scans: all consumers have scanned past it, or will scan it anyway.
    pub(super) fn put_back(&mut self, message: Queued) {
        let position = message.entry.position();
        if let Some(expires_ms) = message.entry.expires_ms() {
            self.expiring.insert((expires_ms, position));
        }
        self.waiting.insert(position, message);
    }

    pub(super) fn take(&mut self, position: u64) -> Option<Queued> {
        let message = self.waiting.remove(&position)?;
        if !self.delayed.is_empty() {
            self.delayed.note_gone(position);
        }
        if let Some(expires_ms) = message.entry.expires_ms() {
            self.expiring.remove(&(expires_ms, position));
        }
        Some(message)
    }

    /// Returns the waiting messages from a position on with their positions, the oldest first.
    pub(super) fn waiting_from(&self, from: u64) -> impl Iterator<Item = (u64, Waiting<'_>)> {
        let mut in_memory = self.waiting.range(from..).peekable();
        let mut paged = self.paged.from(from).peekable();
        std::iter::from_fn(move || {
            let is_paged_next = match (in_memory.peek(), paged.peek()) {
                (Some((next, _)), Some((paged, _))) => paged < *next,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if is_paged_next {
                let (position, message) = paged.next()?;
                return Some((position, Waiting::Paged(message.bytes.into())));
            }
            let (position, message) = in_memory.next()?;
            Some((*position, Waiting::InMemory(&message.entry)))
        })
    }

    /// Returns the time at which the oldest waiting message in memory was published, in Unix milliseconds. A paged message
    /// has no time without its content.
    pub(super) fn oldest_ms(&self) -> Option<u64> {
        let (_, oldest) = self.waiting.first_key_value()?;
        // 0 means that the time is unknown.
        Some(oldest.entry.timestamp_ms()).filter(|ms| *ms > 0)
    }

    /// Returns those of the messages at these positions that wait.
    pub(super) fn waiting_at_each(
        &self,
        positions: &[u64],
    ) -> impl Iterator<Item = (u64, Waiting<'_>)> {
        positions.iter().filter_map(|position| {
            let message = match self.waiting.get(position) {
                Some(message) => Waiting::InMemory(&message.entry),
                None => Waiting::Paged(self.paged.get(*position)?.bytes.into()),
            };
            Some((*position, message))
        })
    }

    /// Records a gap before the first waiting message after this position.
    pub(super) fn note_gap_after(&mut self, position: u64) {
        let next = self.waiting.range_mut(position + 1..).next();
        let paged = self.paged.first_from(position + 1);
        match (next, paged) {
            (Some((next, _)), Some(paged)) if paged < *next => self.paged.note_gap_before(paged),
            (None, Some(paged)) => self.paged.note_gap_before(paged),
            (Some((_, next)), _) => next.missed = Some(Missed::Unknown),
            (None, None) => self.missed = Some(Missed::Unknown),
        }
    }

    /// Notes that messages are missing before the next one.
    pub(super) fn note_gap(&mut self, missed: Option<Missed>) {
        if let Some(missed) = missed {
            // A range belongs to one topic's sequences: two ranges cannot be joined.
            self.missed = Some(self.missed.map_or(missed, |_| Missed::Unknown));
        }
    }

    /// Takes the recorded gap, for the next message.
    pub(super) fn take_missed(&mut self) -> Option<Missed> {
        self.missed.take()
    }

    /// Removes expired messages, at most `most`.
    pub(super) fn take_expired(&mut self, now_ms: u64, most: usize) -> Vec<Queued> {
        let mut expired = Vec::new();
        while expired.len() < most
            && let Some(&(expires_ms, position)) = self.expiring.first()
            && expires_ms <= now_ms
        {
            expired.extend(self.take(position));
        }
        expired
    }

    pub(super) fn take_all(&mut self) -> Contents {
        self.delayed = Delayed::default();
        Contents {
            waiting: std::mem::take(&mut self.waiting),
            paged: self.paged.take_all(),
            _expiring: std::mem::take(&mut self.expiring),
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        (self.waiting.len() + self.paged.len()) as u64
    }

    /// Returns whether a waiting message at one of these positions is in memory.
    pub(super) fn has_in_memory(&self, range: Range<u64>) -> bool {
        self.waiting.range(range).next().is_some()
    }

    /// Returns a waiting message that is in memory.
    pub(super) fn waiting_at(&self, position: u64) -> Option<&SharedEntry> {
        Some(&self.waiting.get(&position)?.entry)
    }

    /// Returns the messages in memory from one position on and before another one, the newest first.
    pub(super) fn waiting_between(
        &self,
        from: u64,
        before: u64,
    ) -> impl Iterator<Item = (u64, &Queued)> {
        let between = self.waiting.range(from.min(before)..before);
        between
            .rev()
            .map(|(position, message)| (*position, message))
    }

    /// Returns the positions of the paged messages in a range, up to the next waiting message in memory or a bound.
    pub(super) fn paged_run(&self, range: Range<u64>, most: PartLimit) -> Vec<u64> {
        let next = self.waiting.range(range.clone()).next();
        let end = next.map_or(range.end, |(next, _)| *next);
        self.paged.run_between(range.start..end, most)
    }

    /// Returns the position before which all consumers have scanned everything; `None` without consumers.
    pub(super) fn passed_by_all(&self) -> Option<u64> {
        self.members.iter().map(|member| member.scan_from).min()
    }

    /// Returns the waiting messages in memory after a position, in order.
    pub(super) fn waiting_after(&self, after: u64) -> impl Iterator<Item = &SharedEntry> {
        let later = self
            .waiting
            .range((Bound::Excluded(after), Bound::Unbounded));
        later.map(|(_, message)| &message.entry)
    }

    /// Returns the number of deliveries of a waiting message.
    pub(crate) fn deliveries_of(&self, position: u64) -> u32 {
        let message = self.waiting.get(&position);
        message.map_or(0, |message| message.deliveries)
    }

    pub(super) fn join(&mut self, queue: &Arc<Queue>, consumer: &Arc<Consumer>) {
        let consumer = Arc::clone(consumer);
        let id = consumer.id;
        self.selective_count += usize::from(consumer.is_selective());
        if consumer.is_exclusive && self.exclusive.is_none_or(|oldest| id < oldest) {
            self.exclusive = Some(id);
        }
        let at = self.members.partition_point(|one| one.consumer.id < id);
        let member = Member {
            consumer,
            scan_from: 0,
            is_scan_pending: false,
            waits_for_load: false,
        };
        self.members.insert(at, member);
        if !self.is_caught_up(at) {
            self.add_pending_scan(queue, at);
        }
    }

    pub(super) fn leave(&mut self, queue: &Arc<Queue>, id: SubscriptionId) {
        let Some(at) = self.place_of(id) else { return };
        let gone = self.members.remove(at).consumer;
        self.selective_count -= usize::from(gone.is_selective());
        self.release_claims(queue, id);
    }

    /// Notes that a consumer is no longer paused. Returns true if the exclusive consumer has changed: then the messages
    /// of the queue must be distributed.
    pub(super) fn resume(&mut self, queue: &Arc<Queue>) -> bool {
        let before = self.exclusive;
        self.choose_exclusive();
        let is_new = self.exclusive != before;
        if is_new {
            // The new exclusive consumer has skipped messages that were for the previous one.
            self.look_again_from(queue, 0);
        }
        is_new
    }

    /// Ends the claims of a consumer that has ended or is paused: its groups, and its role as exclusive consumer.
    pub(super) fn release_claims(&mut self, queue: &Arc<Queue>, id: SubscriptionId) {
        let released = self.groups.release(id);
        // Consumers that passed over a message of the group while it was in memory do not come to it again by themselves.
        let had_groups = released.had_occupied || (released.had_idle && !self.paged.is_empty());
        let was_only = self.exclusive == Some(id);
        if was_only {
            self.choose_exclusive();
        }
        if was_only || had_groups {
            // Messages that were not for the other consumers may be now.
            self.look_again_from(queue, 0);
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Pauses the delivery, or lets it go on. Returns false if nothing has changed. When the delivery goes on, the caller
    /// distributes the messages of the queue.
    pub(super) fn set_paused(&mut self, queue: &Arc<Queue>, is_paused: bool) -> bool {
        let has_changed = std::mem::replace(&mut self.is_paused, is_paused) != is_paused;
        if has_changed && !is_paused {
            self.look_again_from(queue, u64::MAX);
        }
        has_changed
    }

    fn look_again_from(&mut self, queue: &Arc<Queue>, position: u64) {
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            member.scan_from = member.scan_from.min(position);
            if !member.is_scan_pending && !self.is_caught_up(at) {
                self.add_pending_scan(queue, at);
            }
        }
    }

    /// Lists the queue for a consumer that has not scanned everything.
    pub(super) fn add_pending_scan(&mut self, queue: &Arc<Queue>, at: usize) {
        let member = &mut self.members[at];
        if !std::mem::replace(&mut member.is_scan_pending, true) {
            member.consumer.add_pending_scan(queue);
        }
    }

    /// Records that the consumer no longer lists the queue, because a scan starts now.
    pub(super) fn clear_pending_scan(&mut self, at: usize) {
        self.members[at].is_scan_pending = false;
    }

    /// Notes that a consumer with room has come to a message that is not in memory. Returns false if it has no room: then
    /// it lists the queue, and nothing is loaded for it.
    pub(super) fn wait_for_load(&mut self, queue: &Arc<Queue>, at: usize) -> bool {
        let member = &mut self.members[at];
        let has_room = member
            .consumer
            .has_room_or_lists(queue, member.is_scan_pending);
        member.is_scan_pending |= !has_room;
        member.waits_for_load |= has_room;
        has_room
    }

    /// Lists the queue for the consumers that waited for messages from the journal. Returns some of them, of which another
    /// one is the first each time.
    pub(super) fn end_waiting_for_load(&mut self, queue: &Arc<Queue>) -> Vec<Arc<Consumer>> {
        let count = self.members.len();
        let first = self.load_turn;
        self.load_turn = first.wrapping_add(1);
        let mut waiting = Vec::new();
        for step in 0..count {
            let at = first.wrapping_add(step) % count;
            let waited = std::mem::take(&mut self.members[at].waits_for_load);
            if waited && !self.is_caught_up(at) {
                self.add_pending_scan(queue, at);
                if waiting.len() < CONTINUED_AT_ONCE {
                    waiting.push(Arc::clone(self.consumer(at)));
                }
            }
        }
        waiting
    }

    /// Assigns a message if the consumer has room; otherwise the consumer lists the queue. Both are one step, because
    /// with two steps a consumer could make room in between unnoticed.
    pub(super) fn assign(
        &mut self,
        queue: &Arc<Queue>,
        at: usize,
        message: Queued,
        ready: &mut Ready,
    ) -> Result<SharedEntry, Queued> {
        let member = &mut self.members[at];
        let given = member
            .consumer
            .assign(queue, message, member.is_scan_pending, ready);
        member.is_scan_pending |= given.is_err();
        given
    }

    fn choose_exclusive(&mut self) {
        let oldest = self
            .members
            .iter()
            .find(|member| member.consumer.may_be_exclusive());
        self.exclusive = oldest.map(|member| member.consumer.id);
    }

    pub(super) fn is_unused(&self) -> bool {
        self.members.is_empty() && !self.is_paused
    }

    pub(crate) fn consumer_count(&self) -> usize {
        self.members.len()
    }

    pub(super) fn consumers(&self) -> Vec<Arc<Consumer>> {
        let members = self.members.iter();
        members.map(|one| Arc::clone(&one.consumer)).collect()
    }

    /// Returns the first consumer with a greater id.
    pub(super) fn consumer_after(&self, id: Option<SubscriptionId>) -> Option<Arc<Consumer>> {
        let at = self
            .members
            .partition_point(|one| Some(one.consumer.id) <= id);
        let member = self.members.get(at)?;
        Some(Arc::clone(&member.consumer))
    }

    /// Returns the consumers that have not scanned everything, starting with the one whose turn it is.
    pub(super) fn not_caught_up(&self) -> Vec<Arc<Consumer>> {
        self.in_turn()
            .filter(|at| !self.is_caught_up(*at))
            .map(|at| Arc::clone(self.consumer(at)))
            .collect()
    }

    pub(super) fn consumer(&self, at: usize) -> &Arc<Consumer> {
        &self.members[at].consumer
    }

    pub(super) fn place_of(&self, id: SubscriptionId) -> Option<usize> {
        self.members
            .binary_search_by_key(&id, |member| member.consumer.id)
            .ok()
    }

    /// Returns the indices of the consumers, starting with the one whose turn it is.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (count, next) = (self.members.len(), self.next);
        (0..count).map(move |step| (next + step) % count)
    }

    /// Returns whether a consumer has room for a new message, and wants it.
    pub(super) fn has_taker(&self, entry: &Entry) -> bool {
        let chosen = self.only_consumer_for(entry);
        !self.is_paused
            && !self.nobody_has_room()
            && (0..self.members.len()).any(|at| {
                self.is_caught_up(at)
                    && self.may_take(at, entry, chosen)
                    && self.members[at].consumer.has_room()
            })
    }

    /// Returns true if no consumer can have room: there are waiting messages, and every consumer would take any of
    /// them. In a paused queue the result has no meaning.
    pub(super) fn nobody_has_room(&self) -> bool {
        !self.waiting.is_empty()
            // With paged messages, a consumer may have room and wait for them.
            && self.paged.is_empty()
            // Consumers with room pass over delayed messages.
            && self.delayed.is_empty()
            && self.groups.is_empty()
            && self.exclusive.is_none()
            && self.selective_count == 0
    }

    /// Returns whether a consumer has scanned everything that waits.
    pub(super) fn is_caught_up(&self, at: usize) -> bool {
        self.next_for(at).is_none()
    }

    /// Returns the oldest message that a consumer has not scanned yet.
    pub(super) fn next_for(&self, at: usize) -> Option<Unscanned<'_>> {
        let from = self.members[at].scan_from;
        let next = self.waiting.range(from..).next();
        if let Some(paged) = self.paged.first_from(from)
            && next.is_none_or(|(position, _)| paged < *position)
        {
            return Some(Unscanned::Paged(paged));
        }
        let (_, message) = next?;
        Some(Unscanned::InMemory(&message.entry))
    }

    /// Returns the only consumer that may get a message, if there is one.
    pub(super) fn only_consumer_for(&self, entry: &Entry) -> Option<SubscriptionId> {
        // The exclusive consumer takes over groups as well.
        self.exclusive.or_else(|| self.groups.owner(entry))
    }

    /// Returns whether a consumer may get a message. `chosen` is the result of [`State::only_consumer_for`].
    pub(super) fn may_take(
        &self,
        at: usize,
        entry: &Entry,
        chosen: Option<SubscriptionId>,
    ) -> bool {
        let consumer = &self.members[at].consumer;
        chosen.is_none_or(|id| id == consumer.id)
            && !self.delayed.holds_back(entry)
            && consumer.wants(entry)
    }

    /// Notes that a consumer has examined the message at this position.
    pub(super) fn pass_over(&mut self, at: usize, position: u64) {
        self.members[at].scan_from = position + 1;
    }

    /// Records the assignment, and passes the turn to the next consumer. Returns true if other consumers must scan
    /// again, because a message group became free.
    pub(super) fn assigned(&mut self, queue: &Arc<Queue>, at: usize, entry: &Entry) -> bool {
        self.next = at + 1;
        let id = self.members[at].consumer.id;
        let next_position = entry.position() + 1;
        let is_released = self.groups.assigned(entry, id)
            && self.members.len() > 1
            && (self.waiting.range(next_position..).next().is_some()
                || self.paged.first_from(next_position).is_some());
        if is_released {
            self.look_again_from(queue, next_position);
        }
        is_released
    }
}

/// Consumers that continue at once when messages arrive; the others continue when these are distributed.
const CONTINUED_AT_ONCE: usize = 16;
