//! A queue: messages that each go to one of several consumers, and stay until that one is done with them.
//!
//! It holds what waits, in the broker's order, and knows its consumers; what a consumer was given is with
//! the [`Consumer`] until it is settled. Locks are taken in this order: the broker's order, a queue, a
//! consumer, a session's inbox.

mod accounts;
mod consumer;
mod dispatch;
mod groups;
mod hands;
mod look;
mod returned;
mod state;
mod store;

use std::{collections::BTreeMap, fmt, sync::Arc, sync::atomic::AtomicU64 as Mark};

pub(crate) use consumer::{Consumer, ConsumerOptions, Next, Supply};
pub(crate) use hands::Phase;
pub(crate) use state::State;
pub(crate) use store::{Dead, Load, Room, Store};

use accounts::Counts;
use dispatch::SLICE;
use groups::Groups;

use crate::{
    cursor::Missed,
    entry::{Entry, Kind, SharedEntry},
    name::{TopicFilter, TopicName},
    notice::DeathCause,
    outcome::Ready,
    selector::Selector,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock},
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
    ) -> Arc<Self> {
        let mut state = State::default();
        state.groups = Groups::new(&store.idle_groups);
        Arc::new(Self {
            id,
            identity,
            binding,
            store: Arc::clone(store),
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

    /// Takes in a message of a topic that feeds the queue, if it wants it; `missed` is missing before it. At
    /// a bound the oldest that wait are dropped, or else only the message: who publishes to a topic is not
    /// to be held up by those who do not listen.
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
        if self.make_room(&mut state, entry) {
            self.enqueue(&mut state, entry, ready);
        } else {
            self.enter(&mut state, entry);
            self.kill(&mut state, Queued::new(entry), DeathCause::QueueFull);
        }
    }

    /// Drops the oldest that wait so that a message has room; false, and nothing is dropped, when it would
    /// not have it then.
    fn make_room(self: &Arc<Self>, state: &mut State, entry: &Entry) -> bool {
        let Some(count) = self.to_be_dropped(state, entry) else {
            return false;
        };
        for _ in 0..count {
            if let Some(oldest) = state.take_oldest() {
                self.kill(state, oldest, DeathCause::QueueFull);
            }
        }
        true
    }

    /// How many of the oldest have to be dropped so that a message has room; none when that does not help,
    /// or is more than one message is worth.
    fn to_be_dropped(&self, state: &State, entry: &Entry) -> Option<usize> {
        let held = self.load();
        // Only who has the broker's order adds to it: it does not grow meanwhile.
        let mut excess = self.store.excess(held, entry);
        if excess.is_more_than(held) {
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

    /// Whether nothing would be lost with it but its counts.
    pub(crate) fn is_idle(&self) -> bool {
        self.binding.is_none()
            && self.entries.load(Ordering::Relaxed) == 0
            && self.lock().is_unused()
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
            DeathCause::QueueFull => self.counts.discarded.add(1),
            // Where it goes is seen when it is buried.
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => {}
        }
        self.store.bury(Dead {
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
    pub(crate) fn destination_of(&self, entry: &Entry) -> (Kind, TopicName) {
        match self.name() {
            Some(name) => (Kind::Queue, name.clone()),
            None => (Kind::Topic, entry.topic().clone()),
        }
    }
}
