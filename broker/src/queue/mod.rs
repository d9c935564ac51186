//! A queue: messages that each go to one of several consumers, and stay until that one is done with them.
//!
//! It holds what waits, in the broker's order, and knows its consumers; what a consumer was given is with
//! the [`Consumer`] until it is settled. Locks are taken in this order: the broker's order, a queue, a
//! consumer, a session's inbox.

mod consumer;
mod groups;
mod state;
mod store;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) use consumer::{Consumer, ConsumerOptions, Phase};
pub(crate) use state::State;
pub(crate) use store::{Dead, Store};

use crate::{
    cursor::Missed,
    entry::{Entry, Kind},
    figures::{Count, QueueFigures},
    name::{TopicFilter, TopicName},
    notice::DeathCause,
    outcome::Ready,
    selector::Selector,
    sync::{Mutex, MutexGuard, lock},
};

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) entry: Arc<Entry>,
    /// How often it was delivered.
    pub(crate) deliveries: u32,
    /// What its consumer did not get before it.
    pub(crate) missed: Option<Missed>,
}

/// Shared by the broker, the topics that feed it, and its consumers.
pub(crate) struct Queue {
    pub(crate) identity: Identity,
    /// What feeds it besides publications of its own.
    pub(crate) binding: Option<Binding>,
    store: Arc<Store>,
    entries: AtomicU64,
    bytes: AtomicU64,
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
}

/// The name of a subscription that outlives its connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DurableName {
    /// The client's own name, the same in all its connections.
    pub client: Box<str>,
    /// The subscription, among the client's.
    pub subscription: Box<str>,
}

/// The topics that feed a queue.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) filter: TopicFilter,
    /// Which of their messages.
    pub(crate) selector: Option<Selector>,
}

#[derive(Debug, Default)]
struct Counts {
    enqueued: Count,
    dispatched: Count,
    acknowledged: Count,
    redelivered: Count,
    dead_lettered: Count,
    expired: Count,
    discarded: Count,
}

/// Whether there is room for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// What is reached, and at what number.
    Full(&'static str, u64),
}

impl Queue {
    pub(crate) fn new(
        identity: Identity,
        binding: Option<Binding>,
        store: &Arc<Store>,
    ) -> Arc<Self> {
        Arc::new(Self {
            identity,
            binding,
            store: Arc::clone(store),
            entries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            counts: Counts::default(),
            state: Mutex::new(State::default()),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The name that anybody can use, if it has one.
    pub(crate) fn name(&self) -> Option<&TopicName> {
        match &self.identity {
            Identity::Named(name) => Some(name),
            Identity::Durable(_) | Identity::Private => None,
        }
    }

    /// Whether `entries` more with `bytes` in all may come in.
    pub(crate) fn room(&self, entries: u64, bytes: u64) -> Room {
        let limits = &self.store.limits;
        let in_all = limits.memory_bytes / QUEUES_PART;
        if self.entries.load(Ordering::Relaxed) + entries > limits.queue_entries {
            Room::Full("messages in one queue", limits.queue_entries)
        } else if self.bytes.load(Ordering::Relaxed) + bytes > limits.queue_bytes {
            Room::Full("bytes in one queue", limits.queue_bytes)
        } else if self.store.bytes() + bytes > in_all {
            Room::Full("bytes in all queues", in_all)
        } else {
            Room::Enough
        }
    }

    /// Takes in a message of the queue's own, for which there is room.
    pub(crate) fn enqueue(
        self: &Arc<Self>,
        state: &mut State,
        entry: &Arc<Entry>,
        ready: &mut Ready,
    ) {
        self.enter(state, entry);
        let message = Queued::new(entry);
        if let Some(message) = self.offer(state, message, ready) {
            state.put_back(message);
        }
    }

    /// Takes in a message of a topic that feeds the queue, if it wants it. At a bound the oldest that wait
    /// are dropped: who publishes to a topic is not to be held up by those who do not listen.
    pub(crate) fn feed(self: &Arc<Self>, entry: &Arc<Entry>, ready: &mut Ready) {
        let selector = self
            .binding
            .as_ref()
            .and_then(|binding| binding.selector.as_ref());
        if selector.is_some_and(|selector| !selector.matches(&**entry)) {
            return;
        }
        let mut state = self.lock();
        while self.room(1, entry.size()) != Room::Enough {
            let Some(oldest) = state.drop_oldest() else {
                break;
            };
            self.kill(&mut state, oldest, DeathCause::QueueFull);
        }
        self.enqueue(&mut state, entry, ready);
    }

    /// Gives a message to the next consumer that has room and wants it; otherwise it comes back.
    fn offer(
        self: &Arc<Self>,
        state: &mut State,
        mut message: Queued,
        ready: &mut Ready,
    ) -> Option<Queued> {
        if state.nobody_has_room() {
            return Some(message);
        }
        let position = message.entry.position();
        for at in state.turn() {
            if !state.is_caught_up(at) {
                continue;
            }
            if !state.may_take(at, &message.entry) {
                state.pass_over(at, position);
                continue;
            }
            let consumer = Arc::clone(state.consumer(at));
            match consumer.assign(self, message, ready) {
                Ok(entry) => {
                    state.assigned(at, &entry);
                    return None;
                }
                Err(back) => message = back,
            }
        }
        Some(message)
    }

    /// Lets a consumer begin to take. What waits is for [`Queue::refill`].
    pub(crate) fn join(&self, consumer: &Arc<Consumer>) {
        self.lock().join(consumer);
    }

    /// Ends a consumer's part in the queue, which gets back what it had not settled.
    pub(crate) fn leave(
        self: &Arc<Self>,
        consumer: &Consumer,
        left: Vec<Queued>,
        ready: &mut Ready,
    ) {
        self.lock().leave(consumer.id);
        self.take_back(left);
        self.share_out(ready);
    }

    /// Gives a consumer at most `most` of what waits; tells how many.
    pub(crate) fn refill(
        self: &Arc<Self>,
        consumer: &Arc<Consumer>,
        most: usize,
        ready: &mut Ready,
    ) -> usize {
        let mut given = 0;
        while given < most {
            match self.refill_slice(consumer, most - given, ready) {
                (count, true) => given += count,
                (count, false) => return given + count,
            }
        }
        given
    }

    /// Looks at a slice of what waits, so that nobody else waits long; true when there is more to see.
    fn refill_slice(
        self: &Arc<Self>,
        consumer: &Arc<Consumer>,
        most: usize,
        ready: &mut Ready,
    ) -> (usize, bool) {
        let mut state = self.lock();
        let Some(at) = state.place_of(consumer.id) else {
            return (0, false);
        };
        let mut given = 0;
        for _ in 0..SLICE {
            if given == most {
                return (given, true);
            }
            let Some(position) = state.next_for(at) else {
                return (given, false);
            };
            if !state.wants(at, position) {
                state.pass_over(at, position);
                continue;
            }
            let Some(message) = state.take(position) else {
                return (given, false);
            };
            match consumer.assign(self, message, ready) {
                Ok(entry) => {
                    state.pass_over(at, position);
                    state.assigned(at, &entry);
                    given += 1;
                }
                Err(back) => {
                    state.put_back(back);
                    return (given, false);
                }
            }
        }
        (given, true)
    }

    /// Puts messages that were not settled back in their places, or away when that happened too often.
    pub(crate) fn take_back(self: &Arc<Self>, messages: Vec<Queued>) {
        if messages.is_empty() {
            return;
        }
        let most = self.store.limits.max_redeliveries;
        let mut state = self.lock();
        for message in messages {
            if message.deliveries > most {
                let cause = DeathCause::TooManyDeliveries(message.deliveries);
                self.kill(&mut state, message, cause);
            } else {
                if message.deliveries > 0 {
                    self.counts.redelivered.add(1);
                }
                state.wait(message);
            }
        }
    }

    /// Distributes what waits over all consumers, in turns.
    pub(crate) fn share_out(self: &Arc<Self>, ready: &mut Ready) {
        loop {
            let consumers = self.lock().consumers();
            let given: usize = consumers
                .iter()
                .map(|consumer| self.refill(consumer, SHARE, ready))
                .sum();
            if given == 0 {
                return;
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
        let mut state = self.lock();
        for message in state.take_expired(now_ms) {
            self.kill(&mut state, message, DeathCause::Expired);
        }
    }

    /// Takes out everything that waits; tells how much it was.
    pub(crate) fn purge(&self) -> Vec<Queued> {
        let mut state = self.lock();
        let gone = state.take_all();
        for message in &gone {
            self.leave_store(&mut state, &message.entry);
        }
        self.counts.discarded.add(gone.len() as u64);
        gone
    }

    /// What waits, and what waits to be acknowledged, behind a position and in order; at most `most`.
    pub(crate) fn browse(&self, after: u64, most: usize) -> Vec<Arc<Entry>> {
        let state = self.lock();
        let consumers = state.consumers();
        let mut found = state.waiting_after(after, most);
        drop(state);
        for consumer in consumers {
            consumer.collect_unsettled(self, after, &mut found);
        }
        found.sort_unstable_by_key(|entry| entry.position());
        // A message may have changed hands while we looked.
        found.dedup_by_key(|entry| entry.position());
        found.truncate(most);
        found
    }

    /// Whether nothing would be lost with it but its counts.
    pub(crate) fn is_idle(&self) -> bool {
        self.binding.is_none()
            && self.entries.load(Ordering::Relaxed) == 0
            && self.lock().is_unused()
    }

    pub(crate) fn consumer_count(&self) -> usize {
        self.lock().consumer_count()
    }

    pub(crate) fn figures(&self, name: &TopicName) -> QueueFigures {
        let state = self.lock();
        let waiting = state.waiting();
        let entries = self.entries.load(Ordering::Relaxed);
        QueueFigures {
            name: name.clone(),
            waiting,
            unacknowledged: entries.saturating_sub(waiting),
            consumers: state.consumer_count(),
            bytes: self.bytes.load(Ordering::Relaxed),
            enqueued: self.counts.enqueued.total(),
            dispatched: self.counts.dispatched.total(),
            acknowledged: self.counts.acknowledged.total(),
            redelivered: self.counts.redelivered.total(),
            dead_lettered: self.counts.dead_lettered.total(),
            expired: self.counts.expired.total(),
            discarded: self.counts.discarded.total(),
        }
    }

    pub(crate) fn dispatched(&self) {
        self.counts.dispatched.add(1);
    }

    fn kill(self: &Arc<Self>, state: &mut State, message: Queued, cause: DeathCause) {
        self.leave_store(state, &message.entry);
        match cause {
            DeathCause::Expired => self.counts.expired.add(1),
            DeathCause::QueueFull => self.counts.discarded.add(1),
            DeathCause::TooManyDeliveries(_) | DeathCause::Rejected => {
                self.counts.dead_lettered.add(1);
            }
        }
        self.store.bury(self, message, cause);
    }

    fn enter(&self, state: &mut State, entry: &Entry) {
        self.counts.enqueued.add(1);
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(entry.size(), Ordering::Relaxed);
        self.store.take(entry.size());
        state.groups.enter(entry);
    }

    fn leave_store(&self, state: &mut State, entry: &Entry) {
        self.subtract(entry);
        state.groups.leave(entry);
    }

    /// As [`Queue::leave_store`], taking the lock only for what needs it.
    fn leave_store_unlocked(&self, entry: &Entry) {
        self.subtract(entry);
        if groups::group_of(entry).is_some() {
            self.lock().groups.leave(entry);
        }
    }

    fn subtract(&self, entry: &Entry) {
        self.entries.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(entry.size(), Ordering::Relaxed);
        self.store.give_back(entry.size());
    }
}

impl Drop for Queue {
    /// What was in it does not count any more.
    fn drop(&mut self) {
        self.store.give_back(self.bytes.load(Ordering::Relaxed));
    }
}

impl Queued {
    fn new(entry: &Arc<Entry>) -> Self {
        Self {
            entry: Arc::clone(entry),
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

/// All queues together may have this part of the broker's memory.
const QUEUES_PART: u64 = 2;
/// Messages looked at while the queue is locked.
const SLICE: usize = 1_000;
/// Messages that a consumer is given before the next one has its turn.
const SHARE: usize = 8;
