//! A queue: messages that each go to one of several consumers, and stay until that one is done with them.
//!
//! It holds what waits, in the broker's order, and knows its consumers; what a consumer was given is with
//! the [`Consumer`] until it is settled. Locks are taken in this order: the broker's order, a queue, a
//! consumer, a session's inbox.

mod accounts;
mod browse;
pub(crate) mod consume;
mod consumer;
mod dead_letters;
mod dispatch;
mod groups;
mod in_flight;
pub(crate) mod registry;
mod returned;
pub(crate) mod settlement;
mod state;
mod store;

use std::{collections::BTreeMap, fmt, sync::Arc, sync::atomic::AtomicU64 as Mark};

pub(crate) use consumer::{Consumer, ConsumerOptions, Next, Supply};
pub(crate) use in_flight::Phase;
pub(crate) use state::State;
pub(crate) use store::{Dead, Load, Room, Store};

use accounts::Counts;
use dispatch::SLICE;
use groups::Groups;

use crate::{
    memory::share::{Charge, Client, Pool},
    message::entry::{DestinationKind, Entry, SharedEntry},
    name::{TopicFilter, TopicName},
    notice::DeathCause,
    outcome::Ready,
    selector::Selector,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock},
    topic::cursor::Missed,
};

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) entry: SharedEntry,
    /// How often it was delivered.
    pub(crate) deliveries: u32,
    /// What its consumer did not get before it.
    pub(crate) missed: Option<Missed>,
}

/// Shared by the broker, the topics that feed it, and its consumers.
pub(crate) struct Queue {
    /// Unique for as long as the broker runs; queues that are made later have greater ids.
    pub(crate) id: u64,
    pub(crate) identity: Identity,
    /// What feeds it besides publications of its own.
    pub(crate) binding: Option<Binding>,
    store: Arc<Store>,
    /// Who made it; what is in it is charged to this one.
    owner: Arc<Client>,
    /// Bytes that were charged: about as many as it holds.
    charged: Mark,
    /// To whom the queue itself counts, if its number is limited.
    _charge: Option<Charge>,
    entries: AtomicU64,
    bytes: Mark,
    counts: Counts,
    state: Mutex<State>,
}

/// Which queue it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Anybody can send to it and take from it.
    Named(TopicName),
    /// Of a durable subscription.
    Durable(DurableName),
    /// Of one subscription, and gone with it.
    Private,
    /// Of those who named it, and gone with the last of them.
    Shared(SharedName),
}

/// The name of a subscription that outlives its connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DurableName {
    /// The client's own name, the same in all its connections.
    pub client: Box<str>,
    /// The subscription, among the client's.
    pub subscription: Box<str>,
}

/// What the consumers of a shared subscription have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedName {
    /// Tells groups of consumers apart: each group gets every message once.
    pub group: Box<str>,
    /// Which topics.
    pub filter: TopicFilter,
}

/// The topics that feed a queue.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) filter: TopicFilter,
    /// Which of their messages.
    pub(crate) selector: Option<Selector>,
}

impl Queue {
    pub(crate) fn new(
        id: u64,
        identity: Identity,
        binding: Option<Binding>,
        store: &Arc<Store>,
        owner: &Arc<Client>,
    ) -> Arc<Self> {
        let pool = match &identity {
            Identity::Named(_) => Some(Pool::Queues),
            Identity::Durable(_) => Some(Pool::Durables),
            // Subscriptions are counted, and they are part of one.
            Identity::Private | Identity::Shared(_) => None,
        };
        let mut state = State::default();
        state.groups = Groups::new(&store.idle_groups);
        Arc::new(Self {
            id,
            identity,
            binding,
            store: Arc::clone(store),
            owner: Arc::clone(owner),
            charged: Mark::new(0),
            _charge: pool.map(|pool| owner.charge(pool, 1)),
            entries: AtomicU64::new(0),
            bytes: Mark::new(0),
            counts: Counts::default(),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The name that anybody can use, if it has one.
    pub(crate) fn name(&self) -> Option<&TopicName> {
        match &self.identity {
            Identity::Named(name) => Some(name),
            Identity::Durable(_) | Identity::Private | Identity::Shared(_) => None,
        }
    }

    /// Takes in a message of the queue's own, for which there is room.
    pub(crate) fn enqueue(
        self: &Arc<Self>,
        state: &mut State,
        entry: &SharedEntry,
        ready: &mut Ready,
    ) {
        self.enter(state, entry);
        let message = Queued {
            missed: state.take_missed(),
            ..Queued::new(entry)
        };
        if let Some(message) = self.offer(state, message, ready) {
            state.put_back(message);
        }
    }

    /// Takes in a message of a topic that feeds the queue, if it wants it; `missed` is missing before it.
    ///
    /// A consumer with room is given the message, whatever other queues hold. Otherwise the message waits. At a
    /// bound of the queue's own, or when it holds more than its share of what all queues may hold, the oldest
    /// that wait are dropped, or only the message if that does not help: publishers to a topic do not wait for
    /// subscribers that do not read.
    pub(crate) fn feed(
        self: &Arc<Self>,
        entry: &SharedEntry,
        missed: Option<Missed>,
        ready: &mut Ready,
    ) {
        let binding = self.binding.as_ref();
        let selector = binding.and_then(|binding| binding.selector.as_ref());
        let is_wanted = selector.is_none_or(|selector| selector.matches(&**entry));
        let mut state = self.lock();
        state.miss(missed);
        if !is_wanted {
            return;
        }
        let before = self.load();
        // First, since a consumer may be done with it before this returns.
        self.enter(&mut state, entry);
        let mut message = Queued::new(entry);
        if self.store.may_hand_over(before, entry) {
            message.missed = state.take_missed();
            let Some(back) = self.offer(&mut state, message, ready) else {
                return;
            };
            match self.to_be_dropped(&state, before, entry) {
                Some(count) => {
                    state.put_back(back);
                    self.drop_oldest(&mut state, count);
                }
                None => self.kill(&mut state, back, DeathCause::QueueFull),
            }
            return;
        }
        let Some(count) = self.to_be_dropped(&state, before, entry) else {
            self.kill(&mut state, message, DeathCause::QueueFull);
            return;
        };
        self.drop_oldest(&mut state, count);
        message.missed = state.take_missed();
        if let Some(back) = self.offer(&mut state, message, ready) {
            state.put_back(back);
        }
    }

    fn drop_oldest(self: &Arc<Self>, state: &mut State, count: usize) {
        for _ in 0..count {
            if let Some(oldest) = state.take_oldest() {
                self.kill(state, oldest, DeathCause::QueueFull);
            }
        }
    }

    /// Whether a message would get lost here because of what other queues hold: there is no room in all, no
    /// consumer takes it at once, and the queue holds too little to make room itself.
    pub(crate) fn would_lose(&self, entry: &Entry) -> bool {
        let binding = self.binding.as_ref();
        let selector = binding.and_then(|binding| binding.selector.as_ref());
        selector.is_none_or(|selector| selector.matches(entry))
            && self.store.is_too_full_for(self.load(), entry, &self.owner)
            && !self.lock().has_taker(entry)
    }

    /// How many of the oldest have to be dropped now that an entry came to what the queue held `before`; none
    /// when that does not help, or is more than one message is worth.
    fn to_be_dropped(&self, state: &State, before: Load, entry: &Entry) -> Option<usize> {
        // Only who has the broker's order adds to it: it does not grow meanwhile.
        let mut excess = self.store.excess(before, entry, &self.owner);
        if excess.is_more_than(before) {
            return None;
        }
        let mut count = 0;
        let mut oldest = state.oldest().take(SLICE);
        while !excess.is_none() {
            excess = excess.without(oldest.next()?);
            count += 1;
        }
        Some(count)
    }

    /// Notes that messages are missing before the next one.
    pub(crate) fn miss(&self, missed: Missed) {
        self.lock().miss(Some(missed));
    }

    /// Lets a consumer begin to take. What waits is for [`Consumer::replenish`].
    pub(crate) fn join(self: &Arc<Self>, consumer: &Arc<Consumer>) {
        self.lock().join(self, consumer);
    }

    /// Ends a consumer's part in the queue, which gets back what it had not settled: at one moment, so that
    /// nobody is given what comes behind it first. The queue is to be shared out then.
    pub(crate) fn leave(self: &Arc<Self>, consumer: &Consumer, left: Vec<Queued>) {
        let mut state = self.lock();
        state.leave(self, consumer.id);
        self.take_back_into(&mut state, left);
    }

    /// Lets a consumer keep its place, but nothing else: as [`Queue::leave`].
    pub(super) fn pause(self: &Arc<Self>, consumer: &Consumer, left: Vec<Queued>) {
        let mut state = self.lock();
        state.give_up(self, consumer.id);
        self.take_back_into(&mut state, left);
    }

    /// A consumer that was paused may be the only one again; true when the queue is to be shared out then.
    pub(super) fn resume(self: &Arc<Self>) -> bool {
        self.lock().resume(self)
    }

    /// Puts messages that were not settled back in their places, or away when that happened too often;
    /// whether somebody else may have room for them.
    pub(crate) fn take_back(self: &Arc<Self>, messages: Vec<Queued>) -> bool {
        let mut state = self.lock();
        let is_full = state.nobody_has_room();
        self.take_back_into(&mut state, messages);
        !is_full
    }

    fn take_back_into(self: &Arc<Self>, state: &mut State, messages: Vec<Queued>) {
        for message in messages {
            if message.deliveries > self.store.limits.max_redeliveries {
                let cause = DeathCause::TooManyDeliveries(message.deliveries);
                self.kill(state, message, cause);
            } else {
                state.wait(self, message);
            }
        }
    }

    /// A message is done with.
    pub(crate) fn forget(&self, entry: &Entry) {
        self.counts.acknowledged.add(1);
        self.leave_store_unlocked(entry);
    }

    /// A message will not be delivered (any more), for this cause.
    pub(crate) fn reject(self: &Arc<Self>, message: Queued, cause: DeathCause) {
        let mut state = self.lock();
        self.kill(&mut state, message, cause);
    }

    /// Takes out what nobody wants any more at `now_ms`.
    pub(crate) fn expire(self: &Arc<Self>, now_ms: u64) {
        loop {
            let mut state = self.lock();
            let expired = state.take_expired(now_ms, SLICE);
            let is_last = expired.len() < SLICE;
            for message in expired {
                self.kill(&mut state, message, DeathCause::Expired);
            }
            if is_last {
                return;
            }
        }
    }

    /// Takes out everything that waits; tells how much it was.
    pub(crate) fn purge(&self) -> usize {
        let gone = self.lock().take_all();
        let count = gone.waiting.len();
        for message in gone.waiting.values() {
            self.leave_store_unlocked(&message.entry);
        }
        self.counts.discarded.add(count as u64);
        count
    }

    /// What waits, and what waits to be acknowledged, behind a position and in order; at most `most`.
    pub(crate) fn browse(&self, after: u64, most: usize) -> Vec<SharedEntry> {
        let state = self.lock();
        let consumers = state.consumers();
        let waiting = state.waiting_after(after).take(most);
        // By position: a message may change hands while we look.
        let mut found: BTreeMap<_, _> = waiting
            .map(|entry| (entry.position(), SharedEntry::clone(entry)))
            .collect();
        drop(state);
        for consumer in consumers {
            consumer.for_each_unsettled(self, |entry| {
                let position = entry.position();
                let is_full = found.len() >= most;
                let is_before = |(last, _): (&u64, _)| position < *last;
                if position > after && (!is_full || found.last_key_value().is_some_and(is_before)) {
                    found.insert(position, SharedEntry::clone(entry));
                    if found.len() > most {
                        found.pop_last();
                    }
                }
            });
        }
        found.into_values().collect()
    }

    /// Who made it.
    pub(crate) fn owner(&self) -> &Arc<Client> {
        &self.owner
    }

    /// Whether nothing would be lost with it but its counts.
    pub(crate) fn is_idle(&self) -> bool {
        self.binding.is_none()
            && self.entries.load(Ordering::Relaxed) == 0
            && self.lock().is_unused()
    }

    /// Whether messages are in it that would go with its only consumer.
    pub(crate) fn ends_with_consumer(&self) -> bool {
        let is_lasting = matches!(self.identity, Identity::Named(_) | Identity::Durable(_));
        !is_lasting && self.load().entries > 0 && self.consumer_count() <= 1
    }

    /// Whether it is fed by all topics that a filter covers, those included that come later.
    pub(crate) fn has_wildcards(&self) -> bool {
        let binding = self.binding.as_ref();
        binding.is_some_and(|binding| binding.filter.exact().is_none())
    }

    pub(crate) fn consumer_count(&self) -> usize {
        self.lock().consumer_count()
    }

    pub(crate) fn consumers(&self) -> Vec<Arc<Consumer>> {
        self.lock().consumers()
    }

    fn kill(self: &Arc<Self>, state: &mut State, message: Queued, cause: DeathCause) {
        self.leave_store(state, &message.entry);
        // What nobody has seen is missing, and so is what was missing before it.
        if cause == DeathCause::QueueFull
            || (cause == DeathCause::Expired && message.missed.is_some())
        {
            state.miss_after(message.entry.position());
        }
        match cause {
            DeathCause::Expired => self.counts.expired.add(1),
            DeathCause::QueueFull => {
                self.counts.discarded.add(1);
                self.store.totals.dropped.add(1);
            }
            // Where it goes is seen when it is buried.
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => {}
        }
        self.store.dead_letter(Dead {
            queue: Arc::clone(self),
            message,
            cause,
        });
    }
}

impl Queued {
    fn new(entry: &SharedEntry) -> Self {
        Self {
            entry: SharedEntry::clone(entry),
            deliveries: 0,
            missed: None,
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Queue({:?})", self.identity)
    }
}

impl Queue {
    /// Where its messages were on their way to, for those who are told of one.
    pub(crate) fn destination_of(&self, entry: &Entry) -> (DestinationKind, TopicName) {
        match self.name() {
            Some(name) => (DestinationKind::Queue, name.clone()),
            None => (DestinationKind::Topic, entry.topic().clone()),
        }
    }
}
