//! What a queue's lock guards: what waits, who takes, and how far each of them has looked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Consumer, Queued, groups::Groups};
use crate::{cursor::Missed, entry::Entry, log::End, session::SubscriptionId};

/// While a consumer has room it has looked at everything that waits, or is just about to: so what is
/// offered next can go to it at once, and what waits is looked at again only for those who made room.
#[derive(Debug)]
pub(crate) struct State {
    /// By position.
    waiting: BTreeMap<u64, Queued>,
    /// Those that expire, by when.
    expiring: BTreeSet<(u64, u64)>,
    /// In the order they came.
    members: Vec<Member>,
    /// Whose turn it is.
    next: usize,
    /// How many of them do not take just anything.
    selective: usize,
    /// The oldest of the consumers that want to be the only one.
    exclusive: Option<SubscriptionId>,
    pub(super) groups: Groups,
    /// What the queue's next own message gets.
    pub(crate) end: End,
}

#[derive(Debug)]
struct Member {
    consumer: Arc<Consumer>,
    /// What waits before this position is not for it.
    from: u64,
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
            end: End {
                sequence: 1,
                offset: 0,
            },
        }
    }
}

impl State {
    /// Puts a message back in its old place, for everybody to look at.
    pub(super) fn wait(&mut self, message: Queued) {
        let position = message.entry.position();
        for member in &mut self.members {
            member.from = member.from.min(position);
        }
        self.put_back(message);
    }

    /// As [`State::wait`], for a message that all have looked at who could take it.
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

    /// Takes the oldest out, and notes at the next one that something is missing before it.
    pub(super) fn drop_oldest(&mut self) -> Option<Queued> {
        let position = *self.waiting.first_key_value()?.0;
        let oldest = self.take(position)?;
        if let Some(mut next) = self.waiting.first_entry() {
            next.get_mut().missed = Some(Missed::Unknown);
        }
        Some(oldest)
    }

    pub(super) fn take_expired(&mut self, now_ms: u64) -> Vec<Queued> {
        let mut expired = Vec::new();
        while let Some(&(expires_ms, position)) = self.expiring.first()
            && expires_ms <= now_ms
        {
            expired.extend(self.take(position));
        }
        expired
    }

    pub(super) fn take_all(&mut self) -> Vec<Queued> {
        self.expiring.clear();
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    pub(super) fn waiting_after(&self, after: u64, most: usize) -> Vec<Arc<Entry>> {
        self.waiting
            .range(after + 1..)
            .take(most)
            .map(|(_, message)| Arc::clone(&message.entry))
            .collect()
    }

    pub(super) fn join(&mut self, consumer: &Arc<Consumer>) {
        self.members.push(Member {
            consumer: Arc::clone(consumer),
            from: 0,
        });
        self.selective += usize::from(consumer.is_selective());
        self.choose_exclusive();
    }

    pub(super) fn leave(&mut self, id: SubscriptionId) {
        let Some(at) = self.place_of(id) else { return };
        let gone = self.members.remove(at).consumer;
        self.selective -= usize::from(gone.is_selective());
        let had_groups = self.groups.release(id);
        if self.choose_exclusive() || had_groups {
            // What was not for the others may be now.
            self.members.iter_mut().for_each(|member| member.from = 0);
        }
    }

    /// Whether somebody else is the only one now.
    fn choose_exclusive(&mut self) -> bool {
        let oldest = self
            .members
            .iter()
            .find(|member| member.consumer.is_exclusive);
        let oldest = oldest.map(|member| member.consumer.id);
        std::mem::replace(&mut self.exclusive, oldest) != oldest
    }

    pub(super) fn is_unused(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn consumer_count(&self) -> usize {
        self.members.len()
    }

    pub(super) fn consumers(&self) -> Vec<Arc<Consumer>> {
        self.members
            .iter()
            .map(|member| Arc::clone(&member.consumer))
            .collect()
    }

    pub(super) fn consumer(&self, at: usize) -> &Arc<Consumer> {
        &self.members[at].consumer
    }

    pub(super) fn place_of(&self, id: SubscriptionId) -> Option<usize> {
        self.members
            .iter()
            .position(|member| member.consumer.id == id)
    }

    /// The consumers, the one whose turn it is first.
    pub(super) fn turn(&self) -> impl Iterator<Item = usize> + use<> {
        let (count, next) = (self.members.len(), self.next);
        (0..count).map(move |step| (next + step) % count)
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
    pub(super) fn next_for(&self, at: usize) -> Option<u64> {
        let from = self.members[at].from;
        let (position, _) = self.waiting.range(from..).next()?;
        Some(*position)
    }

    /// Whether a message that waits is for this consumer.
    pub(super) fn wants(&self, at: usize, position: u64) -> bool {
        self.waiting
            .get(&position)
            .is_some_and(|message| self.may_take(at, &message.entry))
    }

    pub(super) fn may_take(&self, at: usize, entry: &Entry) -> bool {
        let consumer = &self.members[at].consumer;
        let is_one = |chosen: Option<SubscriptionId>| chosen.is_none_or(|id| id == consumer.id);
        is_one(self.exclusive) && is_one(self.groups.owner(entry)) && consumer.wants(entry)
    }

    /// Notes that a consumer has looked at what is at this position.
    pub(super) fn pass_over(&mut self, at: usize, position: u64) {
        self.members[at].from = position + 1;
    }

    /// Notes that a consumer was given a message, and that it is the next one's turn.
    pub(super) fn assigned(&mut self, at: usize, entry: &Entry) {
        let id = self.members[at].consumer.id;
        self.groups.assigned(entry, id);
        self.next = at + 1;
    }
}
