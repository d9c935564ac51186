//! A queue: each message goes to one of several consumers, and stays until it is settled.
//!
//! The queue holds waiting messages in the broker's order, and lists its consumers; messages in flight are with the
//! [`Consumer`] until they are settled. Locks are taken in this order: the broker's state, a queue, a consumer, a
//! session's inbox.

mod accounts;
mod browse;
mod consumer;
mod delayed;
mod dispatch;
mod groups;
mod identity;
mod in_flight;
mod journal;
mod page_in;
mod page_out;
mod paged;
mod paging;
mod returned;
mod rules;
mod scheduled_bytes;
mod state;
mod store;
mod waiting;

use std::{
    fmt,
    sync::atomic::AtomicU64 as PlainAtomicU64,
    sync::{Arc, OnceLock, Weak},
};

pub use browse::{Browsed, PagedMessages};
pub use consumer::ConsumerFigures;
pub(crate) use consumer::{Consumer, ConsumerOptions, Next, QueueUse};
pub(crate) use identity::{Binding, Identity};
pub(crate) use in_flight::Phase;
pub(crate) use page_in::PagedPlace;
pub(crate) use scheduled_bytes::ScheduledBytes;
pub(crate) use state::State;
pub(crate) use store::{Dead, Load, Room, Store};
pub use waiting::{WaitingPart, WaitingWalk};

use accounts::Counts;
use dispatch::SCAN_STEP;
use groups::Groups;
use rules::Rules;
use state::Waiting;

use crate::{
    memory::share::{Charge, Client, Pool},
    message::entry::{DestinationKind, Entry, SharedEntry},
    message::reading::Missed,
    name::TopicName,
    notice::DeathCause,
    outcome::Ready,
    permissions::Permissions,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering, lock},
};

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) entry: SharedEntry,
    /// Number of deliveries.
    pub(crate) deliveries: u32,
    /// Messages that its consumer missed before it.
    pub(crate) missed: Option<Missed>,
}

/// Shared by the broker, the topics that feed it, and its consumers.
pub(crate) struct Queue {
    /// Unique in a run of the broker; queues created later have greater ids.
    pub(crate) id: u64,
    /// The queue itself.
    own: Weak<Self>,
    pub(crate) identity: Identity,
    /// The topics that feed it, in addition to publications to the queue.
    pub(crate) binding: Option<Binding>,
    /// The topics that may feed it; not set if all may. Set for the queue of a subscription of a restricted session.
    permissions: OnceLock<Arc<dyn Permissions>>,
    /// The id in the journal, if the queue survives a restart.
    journal_id: Option<u32>,
    store: Arc<Store>,
    /// The client that created it, and that its content is charged to.
    owner: Arc<Client>,
    /// The number of bytes charged to the owner. It follows the content in steps.
    charged: PlainAtomicU64,
    /// The charge for the queue itself. `None` if the number of such queues is not limited.
    _charge: Option<Charge>,
    /// Number of all messages: waiting, in flight, and paged.
    entries: AtomicU64,
    /// Bytes of the messages in memory.
    bytes: PlainAtomicU64,
    /// Bytes of the paged messages.
    paged_bytes: PlainAtomicU64,
    /// The bytes with which it is listed for paging; 0 if it is not listed.
    listed: PlainAtomicU64,
    counts: Counts,
    rules: Rules,
    state: Mutex<State>,
}

impl Queue {
    pub(crate) fn new(
        id: u64,
        identity: Identity,
        binding: Option<Binding>,
        store: &Arc<Store>,
        owner: &Arc<Client>,
    ) -> Arc<Self> {
        let journal_id = journal::create(&identity, binding.as_ref(), store);
        Self::with_journal_id(id, identity, binding, journal_id, store, owner)
    }

    /// Returns a queue that the journal knows already, or does not need to know.
    pub(crate) fn with_journal_id(
        id: u64,
        identity: Identity,
        binding: Option<Binding>,
        journal_id: Option<u32>,
        store: &Arc<Store>,
        owner: &Arc<Client>,
    ) -> Arc<Self> {
        let pool = match &identity {
            Identity::Named(_) => Some(Pool::Queues),
            Identity::Durable(_) => Some(Pool::Durables),
            // They are part of a subscription, and subscriptions are counted.
            Identity::Private | Identity::Shared(_) => None,
        };
        let rules = store.rules_of(&identity, binding.as_ref());
        let mut state = State::default();
        state.groups = Groups::new(&store.idle_groups);
        Arc::new_cyclic(|own| Self {
            id,
            own: Weak::clone(own),
            identity,
            binding,
            permissions: OnceLock::new(),
            journal_id,
            store: Arc::clone(store),
            owner: Arc::clone(owner),
            charged: PlainAtomicU64::new(0),
            _charge: pool.map(|pool| owner.charge(pool, 1)),
            entries: AtomicU64::new(0),
            bytes: PlainAtomicU64::new(0),
            paged_bytes: PlainAtomicU64::new(0),
            listed: PlainAtomicU64::new(0),
            counts: Counts::default(),
            rules: Rules::new(rules),
            state: Mutex::new(state),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns the name for all clients, if there is one.
    pub(crate) fn name(&self) -> Option<&TopicName> {
        match &self.identity {
            Identity::Named(name) => Some(name),
            Identity::Durable(_) | Identity::Private | Identity::Shared(_) => None,
        }
    }

    /// Adds a message that was sent to the queue itself, not through a topic. The caller has checked that there is
    /// room.
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

    /// Adds a message of a topic that feeds the queue, if it matches; `missed` describes the messages that are missing
    /// before it.
    ///
    /// A consumer with room gets the message, whatever other queues hold. Otherwise the message waits. At a bound of
    /// the queue, or above its share of the bytes in all queues, the oldest waiting messages are dropped, or only the
    /// new message if that does not help: publishers to a topic do not wait for slow subscribers.
    pub(crate) fn feed(
        self: &Arc<Self>,
        entry: &SharedEntry,
        missed: Option<Missed>,
        ready: &mut Ready,
    ) {
        let is_wanted = self.wants(entry);
        let mut state = self.lock();
        state.note_gap(missed);
        if !is_wanted {
            return;
        }
        let before = self.load();
        // First, because a consumer may settle it before this function returns.
        self.enter(&mut state, entry);
        let mut message = Queued::new(entry);
        if self.store.may_hand_over(before, entry, self.bounds()) {
            message.missed = state.take_missed();
            let Some(rejected) = self.offer(&mut state, message, ready) else {
                return;
            };
            match self.to_be_dropped(&state, before, entry) {
                Some(positions) => {
                    state.put_back(rejected);
                    self.drop_all(&mut state, &positions);
                }
                None => self.remove_dead(&mut state, rejected, DeathCause::QueueFull),
            }
            return;
        }
        let Some(positions) = self.to_be_dropped(&state, before, entry) else {
            self.remove_dead(&mut state, message, DeathCause::QueueFull);
            return;
        };
        self.drop_all(&mut state, &positions);
        message.missed = state.take_missed();
        if let Some(rejected) = self.offer(&mut state, message, ready) {
            state.put_back(rejected);
        }
    }

    /// Restricts the topics that feed it to those that a session may read.
    pub(crate) fn restrict(&self, permissions: Arc<dyn Permissions>) {
        // Called once, when the queue is created.
        let _ = self.permissions.set(permissions);
    }

    /// Returns whether a message of a topic is allowed, and matches the condition of the binding.
    pub(crate) fn wants(&self, entry: &Entry) -> bool {
        let permissions = self.permissions.get();
        if permissions.is_some_and(|one| !one.may_subscribe(entry.topic())) {
            return false;
        }
        let binding = self.binding.as_ref();
        let selector = binding.and_then(|binding| binding.selector.as_ref());
        selector.is_none_or(|selector| selector.matches(entry))
    }

    fn drop_all(self: &Arc<Self>, state: &mut State, positions: &[u64]) {
        for position in positions {
            match state.take(*position) {
                Some(message) => self.remove_dead(state, message, DeathCause::QueueFull),
                None => self.drop_paged(state, *position),
            }
        }
    }

    /// Returns whether a message would be lost although this queue is small: all queues together are full, no consumer
    /// takes the message now, and dropping messages of this queue would not make enough room.
    pub(crate) fn would_lose(&self, entry: &Entry) -> bool {
        self.wants(entry)
            && self.store.is_too_full_for(self.load(), entry, &self.owner)
            && !self.lock().has_taker(entry)
    }

    /// Returns the positions of the messages that must be dropped after an entry was added to a queue that held `before`:
    /// the oldest ones, but for the bounds of all queues only those in memory, because the others take hardly any. Returns
    /// `None` if dropping does not help, or would drop too many for one message.
    fn to_be_dropped(&self, state: &State, before: Load, entry: &Entry) -> Option<Vec<u64>> {
        // The caller holds the broker's lock. Messages are added only under this lock, so the content does not grow.
        let bounds = self.bounds();
        let mut excess = self.store.excess(before, entry, bounds, &self.owner);
        if excess.is_more_than(before) {
            return None;
        }
        let mut dropped = Vec::new();
        if excess.is_none() {
            return Some(dropped);
        }
        let mut oldest = state.waiting_from(0).take(SCAN_STEP);
        while excess.is_of_queue() {
            let (position, message) = oldest.next()?;
            excess = match message {
                Waiting::InMemory(entry) => excess.without(entry),
                Waiting::Paged(bytes) => excess.without_paged(bytes),
            };
            dropped.push(position);
        }
        let last = dropped.last().copied().unwrap_or(0);
        let left = SCAN_STEP - dropped.len();
        let mut in_memory = state.waiting_after(last).take(left);
        while !excess.is_none() {
            let entry = in_memory.next()?;
            excess = excess.without(entry);
            dropped.push(entry.position());
        }
        Some(dropped)
    }

    /// Notes that messages are missing before the next one.
    pub(crate) fn note_gap(&self, missed: Missed) {
        self.lock().note_gap(Some(missed));
    }

    /// Adds a consumer. [`Consumer::fetch_unless_scheduled`] fetches the waiting messages.
    pub(crate) fn join(self: &Arc<Self>, consumer: &Arc<Consumer>) {
        self.lock().join(self, consumer);
    }

    /// Removes a consumer and puts its unsettled messages back, under one lock: otherwise another consumer could get
    /// later messages first. The caller must distribute the messages of the queue.
    pub(crate) fn leave(self: &Arc<Self>, consumer: &Consumer, left: Vec<Queued>) {
        let mut state = self.lock();
        state.leave(self, consumer.id);
        self.take_back_into(&mut state, left, None);
    }

    /// Puts the messages of a paused consumer back, as [`Queue::leave`] does. The consumer stays in the list.
    pub(super) fn pause(self: &Arc<Self>, consumer: &Consumer, left: Vec<Queued>) {
        let mut state = self.lock();
        state.release_claims(self, consumer.id);
        self.take_back_into(&mut state, left, None);
    }

    /// Notes that a consumer is no longer paused. Returns true if the messages of the queue must be distributed because
    /// the exclusive consumer has changed.
    pub(super) fn resume(self: &Arc<Self>) -> bool {
        self.lock().resume(self)
    }

    /// Puts unsettled messages back in their places; a message with too many deliveries becomes a dead letter. Returns
    /// whether another consumer may have room for them.
    ///
    /// The consumer has returned them at `now_ms`, so they may have to wait for their redelivery.
    pub(crate) fn take_back(self: &Arc<Self>, messages: Vec<Queued>, now_ms: u64) -> bool {
        let mut state = self.lock();
        let had_room = !state.nobody_has_room();
        self.take_back_into(&mut state, messages, Some(now_ms));
        had_room
    }

    /// `returned_ms` is the time at which the consumer has returned the messages; `None` if it has ended or is paused.
    fn take_back_into(
        self: &Arc<Self>,
        state: &mut State,
        messages: Vec<Queued>,
        returned_ms: Option<u64>,
    ) {
        let redelivery = self.redelivery();
        for message in messages {
            if message.deliveries > redelivery.maximum_redeliveries {
                let cause = DeathCause::TooManyDeliveries(message.deliveries);
                self.remove_dead(state, message, cause);
                continue;
            }
            self.record_deliveries(&message);
            match (redelivery.delay_ms(message.deliveries), returned_ms) {
                (0, _) | (_, None) => state.return_message(self, message),
                (delay_ms, Some(now_ms)) => {
                    let due_ms = now_ms.saturating_add(delay_ms);
                    state.delay(message, due_ms);
                    self.store.note_delayed(self, due_ms);
                }
            }
        }
        // They can be paged out again.
        self.list_for_paging();
    }

    /// Removes an acknowledged message.
    pub(crate) fn acknowledge(&self, entry: &Entry) {
        self.counts.acknowledged.add(1);
        self.leave_store_unlocked(entry);
        self.record_settled(entry);
    }

    /// Removes a message that will not be delivered.
    pub(crate) fn discard(self: &Arc<Self>, message: Queued, cause: DeathCause) {
        let mut state = self.lock();
        self.remove_dead(&mut state, message, cause);
    }

    /// Removes the messages that have expired at `now_ms`. Paged ones are loaded first, because they may become dead
    /// letters.
    pub(crate) fn expire(self: &Arc<Self>, now_ms: u64) {
        loop {
            let mut state = self.lock();
            let expired = state.take_expired(now_ms, SCAN_STEP);
            let is_last = expired.len() < SCAN_STEP;
            for message in expired {
                self.remove_dead(&mut state, message, DeathCause::Expired);
            }
            if is_last {
                self.load_expired(&mut state, now_ms);
                return;
            }
        }
    }

    /// Removes all waiting messages. Returns their number.
    pub(crate) fn purge(&self) -> usize {
        let gone = self.lock().take_all();
        let count = gone.waiting.len() + self.leave_with_paged(&gone.paged);
        for message in gone.waiting.values() {
            self.leave_store_unlocked(&message.entry);
        }
        self.record_all_settled(gone.waiting.values().map(|message| &*message.entry));
        self.record_positions_settled(gone.paged.messages.keys().copied());
        self.count_discarded(count as u64);
        count
    }

    /// Returns the client that created it.
    pub(crate) fn owner(&self) -> &Arc<Client> {
        &self.owner
    }

    /// Returns whether removing the queue would lose only its counters.
    pub(crate) fn is_idle(&self) -> bool {
        self.binding.is_none()
            && self.entries.load(Ordering::Relaxed) == 0
            && self.lock().is_unused()
    }

    /// Pauses the delivery to consumers, or lets it go on, and records this. Returns false if nothing has changed. Called
    /// with the broker's lock held.
    pub(crate) fn set_paused(self: &Arc<Self>, is_paused: bool) -> bool {
        let has_changed = self.lock().set_paused(self, is_paused);
        if has_changed {
            self.record_paused(is_paused);
        }
        has_changed
    }

    /// Returns whether its messages are lost when its last consumer ends.
    pub(crate) fn loses_messages_with_consumer(&self) -> bool {
        let is_lasting = matches!(self.identity, Identity::Named(_) | Identity::Durable(_));
        !is_lasting && self.load().entries > 0 && self.consumer_count() <= 1
    }

    pub(crate) fn consumer_count(&self) -> usize {
        self.lock().consumer_count()
    }

    pub(crate) fn consumers(&self) -> Vec<Arc<Consumer>> {
        self.lock().consumers()
    }

    fn remove_dead(self: &Arc<Self>, state: &mut State, message: Queued, cause: DeathCause) {
        self.leave_store(state, &message.entry);
        // A dropped message was never delivered, so it counts as missed. An expired message counts only if messages
        // before it were missed.
        if cause == DeathCause::QueueFull
            || (cause == DeathCause::Expired && message.missed.is_some())
        {
            state.note_gap_after(message.entry.position());
        }
        match cause {
            DeathCause::Expired => self.count_expired(),
            DeathCause::QueueFull => {
                self.record_settled(&message.entry);
                self.count_discarded(1);
                self.store.totals.dropped.add(1);
            }
            // These are counted later, when it is known whether the dead letter queue has accepted the message.
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
    /// Returns the original destination of a message that was published to this name, for advisories.
    pub(crate) fn destination_of(&self, published: &TopicName) -> (DestinationKind, TopicName) {
        match self.name() {
            Some(name) => (DestinationKind::Queue, name.clone()),
            None => (DestinationKind::Topic, published.clone()),
        }
    }
}
