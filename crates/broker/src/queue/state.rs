//! What a queue's lock guards: what waits, who takes, and how far each of them has looked.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{Consumer, Queue, Queued, groups::Groups};
use crate::{
    memory::account::Account,
    message::entry::{Entry, SharedEntry},
    outcome::Ready,
    session::subscription::SubscriptionId,
    topic::cursor::Missed,
    topic::log::End,
};

/// While a consumer has room it has looked at everything that waits, or somebody is about to look for it, or
/// its reader is to go on: so what is offered next goes to those at once who have, and what waits is looked
/// at again only for those who made room. Who has not looked at everything has the queue noted.
#[derive(Debug)]
pub(crate) struct State {
    /// By position.
    waiting: BTreeMap<u64, Queued>,
    /// Those that expire, by when.
    expiring: BTreeSet<(u64, u64)>,
    /// In the order they came, which is that of their ids.
    members: Vec<Member>,
    /// Whose turn it is.
    next: usize,
    /// How many of them do not take just anything.
    selective: usize,
    /// The oldest of the consumers that want to be the only one.
    exclusive: Option<SubscriptionId>,
    pub(super) groups: Groups,
    /// Of the queue's own messages; none before the first.
    pub(crate) account: Option<Arc<Account>>,
    /// What the queue's next own message gets.
    pub(crate) end: End,
    /// What is missing before the next message that comes in.
    missed: Option<Missed>,
}

/// What a queue had, to be dropped when it is not locked.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) waiting: BTreeMap<u64, Queued>,
    _expiring: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Member {
    consumer: Arc<Consumer>,
    /// What waits before this position is not for it.
    from: u64,
    /// Whether it has the queue noted, as one to look at, or somebody is about to look there for it.
    is_noted: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            expiring: BTreeSet::new(),
            members: Vec::new(),
            selective: 0,
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
    /// Puts a message back in its old place, for everybody to look at.
    pub(super) fn wait(&mut self, queue: &Arc<Queue>, message: Queued) {
        let position = message.entry.position();
        self.put_back(message);
        self.look_again_from(queue, position);
    }

    /// As [`State::wait`], for a message that all have looked at, or have the queue noted.
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

    /// What waits, the oldest first.
    pub(super) fn oldest(&self) -> impl Iterator<Item = &Entry> {
        self.waiting.values().map(|message| &*message.entry)
    }

    /// Notes that something is missing before the message that follows this position.
    pub(super) fn miss_after(&mut self, position: u64) {
        match self.waiting.range_mut(position + 1..).next() {
            Some((_, next)) => next.missed = Some(Missed::Unknown),
            None => self.missed = Some(Missed::Unknown),
        }
    }

    /// Notes what is missing before the next message that comes in.
    pub(super) fn miss(&mut self, missed: Option<Missed>) {
        if let Some(missed) = missed {
            // A range is one of one topic's sequences: two do not make one.
            self.missed = Some(self.missed.map_or(missed, |_| Missed::Unknown));
        }
    }

    /// What is missing before the message that comes in now.
    pub(super) fn take_missed(&mut self) -> Option<Missed> {
        self.missed.take()
    }

    /// Takes out what has expired, at most `most`.
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

    /// What waits behind a position, in order.
    pub(super) fn waiting_after(&self, after: u64) -> impl Iterator<Item = &SharedEntry> {
        let behind = self
            .waiting
            .range((Bound::Excluded(after), Bound::Unbounded));
        behind.map(|(_, message)| &message.entry)
    }

    pub(super) fn join(&mut self, queue: &Arc<Queue>, consumer: &Arc<Consumer>) {
        let consumer = Arc::clone(consumer);
        let id = consumer.id;
        self.selective += usize::from(consumer.is_selective());
        if consumer.is_exclusive && self.exclusive.is_none_or(|oldest| id < oldest) {
            self.exclusive = Some(id);
        }
        let at = self.members.partition_point(|one| one.consumer.id < id);
        let member = Member {
            consumer,
            from: 0,
            is_noted: false,
        };
        self.members.insert(at, member);
        if !self.is_caught_up(at) {
            self.note_behind(queue, at);
        }
    }

    pub(super) fn leave(&mut self, queue: &Arc<Queue>, id: SubscriptionId) {
        let Some(at) = self.place_of(id) else { return };
        let gone = self.members.remove(at).consumer;
        self.selective -= usize::from(gone.is_selective());
        self.give_up(queue, id);
    }

    /// Somebody takes again; true when it, or another, is the only one since: then the queue is to be shared out.
    pub(super) fn resume(&mut self, queue: &Arc<Queue>) -> bool {
        let before = self.exclusive;
        self.choose_exclusive();
        let is_new = self.exclusive != before;
        if is_new {
            // It has passed over what was for the other.
            self.look_again_from(queue, 0);
        }
        is_new
    }

    /// Lets others have what only this consumer could, which is gone or paused.
    pub(super) fn give_up(&mut self, queue: &Arc<Queue>, id: SubscriptionId) {
        let had_groups = self.groups.release(id);
        let was_only = self.exclusive == Some(id);
        if was_only {
            self.choose_exclusive();
        }
        if was_only || had_groups {
            // What was not for the others may be now.
            self.look_again_from(queue, 0);
        }
    }

    fn look_again_from(&mut self, queue: &Arc<Queue>, position: u64) {
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            member.from = member.from.min(position);
            if !member.is_noted && !self.is_caught_up(at) {
                self.note_behind(queue, at);
            }
        }
    }

    /// Notes that a consumer has not looked at everything.
    pub(super) fn note_behind(&mut self, queue: &Arc<Queue>, at: usize) {
        let member = &mut self.members[at];
        if !std::mem::replace(&mut member.is_noted, true) {
            member.consumer.note_unseen(queue);
        }
    }

    /// Somebody looks for a consumer that does not have the queue noted any more.
    pub(super) fn unnote(&mut self, at: usize) {
        self.members[at].is_noted = false;
    }

    /// Gives a consumer a message, if it has room; otherwise it has the queue noted, as it could not in
    /// two steps without missing who makes room in between.
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
            .assign(queue, message, member.is_noted, ready);
        member.is_noted |= given.is_err();
        given
    }

    fn choose_exclusive(&mut self) {
        let oldest = self
            .members
            .iter()
            .find(|member| member.consumer.may_be_only_one());
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

    /// The first consumer with a greater id than this.
    pub(super) fn consumer_after(&self, id: Option<SubscriptionId>) -> Option<Arc<Consumer>> {
        let at = self
            .members
            .partition_point(|one| Some(one.consumer.id) <= id);
        let member = self.members.get(at)?;
        Some(Arc::clone(&member.consumer))
    }

    /// The consumers that have not looked at everything, the one whose turn it is first.
    pub(super) fn behind(&self) -> Vec<Arc<Consumer>> {
        self.turn()
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

    /// The places of the consumers, likewise.
    pub(super) fn turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (count, next) = (self.members.len(), self.next);
        (0..count).map(move |step| (next + step) % count)
    }

    /// Whether a consumer has room for a new message, and wants it.
    pub(super) fn has_taker(&self, entry: &Entry) -> bool {
        let chosen = self.chosen(entry);
        !self.nobody_has_room()
            && (0..self.members.len()).any(|at| {
                self.is_caught_up(at)
                    && self.may_take(at, entry, chosen)
                    && self.members[at].consumer.has_room()
            })
    }

    /// Whether it is known without asking that nobody has room: something waits that anybody would take.
    pub(super) fn nobody_has_room(&self) -> bool {
        !self.waiting.is_empty()
            && self.groups.is_empty()
            && self.exclusive.is_none()
            && self.selective == 0
    }

    /// Whether a consumer has looked at everything that waits.
    pub(super) fn is_caught_up(&self, at: usize) -> bool {
        self.next_for(at).is_none()
    }

    /// The oldest that a consumer has not looked at yet.
    pub(super) fn next_for(&self, at: usize) -> Option<&SharedEntry> {
        let from = self.members[at].from;
        let (_, message) = self.waiting.range(from..).next()?;
        Some(&message.entry)
    }

    /// The one consumer that may have a message, where there is such a one.
    pub(super) fn chosen(&self, entry: &Entry) -> Option<SubscriptionId> {
        // Who is the only one takes over groups as well.
        self.exclusive.or_else(|| self.groups.owner(entry))
    }

    /// Whether a consumer may have a message for which this one is chosen.
    pub(super) fn may_take(
        &self,
        at: usize,
        entry: &Entry,
        chosen: Option<SubscriptionId>,
    ) -> bool {
        let consumer = &self.members[at].consumer;
        chosen.is_none_or(|id| id == consumer.id) && consumer.wants(entry)
    }

    /// Notes that a consumer has looked at what is at this position.
    pub(super) fn pass_over(&mut self, at: usize, position: u64) {
        self.members[at].from = position + 1;
    }

    /// Notes that a consumer was given a message, and that it is the next one's turn. True when this let
    /// go of something that waits and that others have passed over: they are to look again.
    pub(super) fn assigned(&mut self, queue: &Arc<Queue>, at: usize, entry: &Entry) -> bool {
        self.next = at + 1;
        let id = self.members[at].consumer.id;
        let behind = entry.position() + 1;
        let is_released = self.groups.assigned(entry, id)
            && self.members.len() > 1
            && self.waiting.range(behind..).next().is_some();
        if is_released {
            self.look_again_from(queue, behind);
        }
        is_released
    }
}
