//! The data that a queue's lock guards: waiting messages, consumers, and how far each consumer has scanned.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{Consumer, Queue, Queued, groups::Groups};
use crate::{
    memory::account::Account,
    memory::account::End,
    message::entry::{Entry, SharedEntry},
    message::reading::Missed,
    outcome::Ready,
    subscription_id::SubscriptionId,
};

/// Invariant: a consumer with room has scanned all waiting messages, or a scan is scheduled for it, or its reader will
/// continue. So a new message goes at once to a consumer with room, and waiting messages are scanned again only for
/// consumers that made room. A consumer that has not scanned everything lists the queue.
#[derive(Debug)]
pub(crate) struct State {
    /// By position.
    waiting: BTreeMap<u64, Queued>,
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
}

/// The content of a queue, to be dropped without the lock.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) waiting: BTreeMap<u64, Queued>,
    _expiring: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Member {
    consumer: Arc<Consumer>,
    /// The consumer has scanned the waiting messages before this position.
    scan_from: u64,
    /// True if it lists the queue as not completely scanned, or a scan is scheduled for it.
    is_scan_pending: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
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
        if let Some(expires_ms) = message.entry.expires_ms() {
            self.expiring.remove(&(expires_ms, position));
        }
        Some(message)
    }

    pub(super) fn take_oldest(&mut self) -> Option<Queued> {
        let position = *self.waiting.first_key_value()?.0;
        self.take(position)
    }

    /// Returns the waiting messages, the oldest first.
    pub(super) fn oldest(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.values().map(|message| &*message.entry)
    }

    /// Records a gap before the first waiting message after this position.
    pub(super) fn note_gap_after(&mut self, position: u64) {
        match self.waiting.range_mut(position + 1..).next() {
            Some((_, next)) => next.missed = Some(Missed::Unknown),
            None => self.missed = Some(Missed::Unknown),
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
        Contents {
            waiting: std::mem::take(&mut self.waiting),
            _expiring: std::mem::take(&mut self.expiring),
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Returns the waiting messages after a position, in order.
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
        let had_groups = self.groups.release(id);
        let was_only = self.exclusive == Some(id);
        if was_only {
            self.choose_exclusive();
        }
        if was_only || had_groups {
            // Messages that were not for the other consumers may be now.
            self.look_again_from(queue, 0);
        }
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
        self.members.is_empty()
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
        !self.nobody_has_room()
            && (0..self.members.len()).any(|at| {
                self.is_caught_up(at)
                    && self.may_take(at, entry, chosen)
                    && self.members[at].consumer.has_room()
            })
    }

    /// Returns true if no consumer can have room: there are waiting messages, and every consumer would take any of
    /// them.
    pub(super) fn nobody_has_room(&self) -> bool {
        !self.waiting.is_empty()
            && self.groups.is_empty()
            && self.exclusive.is_none()
            && self.selective_count == 0
    }

    /// Returns whether a consumer has scanned everything that waits.
    pub(super) fn is_caught_up(&self, at: usize) -> bool {
        self.next_for(at).is_none()
    }

    /// Returns the oldest message that a consumer has not scanned yet.
    pub(super) fn next_for(&self, at: usize) -> Option<&SharedEntry> {
        let from = self.members[at].scan_from;
        let (_, message) = self.waiting.range(from..).next()?;
        Some(&message.entry)
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
        chosen.is_none_or(|id| id == consumer.id) && consumer.wants(entry)
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
            && self.waiting.range(next_position..).next().is_some();
        if is_released {
            self.look_again_from(queue, next_position);
        }
        is_released
    }
}
