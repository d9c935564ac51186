//! A session: the subscriptions of one client, and the sources that have messages for it.

mod blocked;
pub(crate) mod collection;
mod readable;
pub(crate) mod reader;
pub(crate) mod subscription;
pub(crate) mod unread_retained;
pub(crate) mod visible_position;

use std::{
    sync::{Arc, Weak},
    task::Waker,
};

pub use blocked::Blocked;
pub(crate) use readable::Readable;

use crate::{
    figures::{Count, SessionFigures, Totals},
    memory::share::Client,
    name::{TopicFilter, TopicName},
    permissions::Permissions,
    queue::Consumer,
    session::subscription::SubscriptionId,
    session::unread_retained::{RetainedRange, RetainedRound, RetainedRounds, UnreadRetained},
    sync::{AtomicBool, AtomicU64, Mutex, Ordering, fence, lock},
};

/// The receiver of a session's messages, outside the broker: a connection.
///
/// Both functions are called after all of the broker's locks are released, on any thread.
pub trait Peer: Send + Sync {
    /// There are messages to read: drains the session now, or ensures that it is drained. Called by the thread that
    /// published or subscribed.
    fn deliver(&self);

    /// Wakes the peer's own task, because there are messages to read or the session has ended. Also called while
    /// another session is drained, so it must not wait.
    fn wake(&self);
}

/// The state of a client: its subscriptions deliver into one stream, ordered by position.
pub struct Session {
    pub(crate) id: u64,
    name: Arc<str>,
    peer: Mutex<Weak<dyn Peer>>,
    /// True if the session is to be drained and draining has not started.
    scheduled: AtomicBool,
    ended: AtomicBool,
    /// True while the session has no reader; publishers do not wait for it then.
    paused: AtomicBool,
    /// True if the session survives a restart.
    lasting: AtomicBool,
    /// The session has read everything up to this position.
    read_up_to: AtomicU64,
    inbox: Mutex<Inbox>,
    /// True if retained messages may be unread that the session must get after a restart.
    has_unread_retained: AtomicBool,
    /// The session's consumers, in ascending order of ids.
    consumers: Mutex<Vec<Arc<Consumer>>>,
    /// Publishers that wait until this session has caught up. An entry is valid as long as its [`Blocked`] exists.
    waiting: Mutex<Vec<(Weak<()>, Waker)>>,
    /// The client that the session's objects are charged to.
    client: Arc<Client>,
    /// The destinations that the session may read; `None` if it may read all.
    permissions: Mutex<Option<Arc<dyn Permissions>>>,
    totals: Arc<Totals>,
    delivered: Count,
    dropped: Count,
    published: Count,
}

/// The arrivals for the reader of a session.
#[derive(Debug, Default)]
struct Inbox {
    readable: Vec<Readable>,
    /// Of a session that survives a restart.
    retained: RetainedRounds,
}

/// The retained messages among the first sources of a subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirstRetained<'a> {
    pub(crate) id: SubscriptionId,
    pub(crate) filter: &'a TopicFilter,
    pub(crate) range: RetainedRange,
}

impl Session {
    pub(crate) fn new(
        id: u64,
        name: Arc<str>,
        peer: Weak<dyn Peer>,
        client: Arc<Client>,
        totals: Arc<Totals>,
    ) -> Self {
        Self {
            id,
            client,
            permissions: Mutex::new(None),
            name,
            peer: Mutex::new(peer),
            scheduled: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            lasting: AtomicBool::new(false),
            read_up_to: AtomicU64::new(0),
            inbox: Mutex::new(Inbox::default()),
            has_unread_retained: AtomicBool::new(false),
            consumers: Mutex::new(Vec::new()),
            waiting: Mutex::new(Vec::new()),
            totals,
            delivered: Count::default(),
            dropped: Count::default(),
            published: Count::default(),
        }
    }

    /// Returns the name of the session, for people.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the client that created the session, to which the session's objects are charged.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Restricts the destinations that the session may read, or replaces its restriction. Must be called before its first
    /// subscription; if the session has subscriptions, [`Broker::recheck`](crate::Broker::recheck) must follow.
    pub fn restrict(&self, permissions: Arc<dyn Permissions>) {
        *lock(&self.permissions) = Some(permissions);
    }

    /// Returns whether a subscription with wildcards may join a topic.
    pub(crate) fn may_subscribe(&self, topic: &TopicName) -> bool {
        let permissions = self.permissions();
        permissions.is_none_or(|permissions| permissions.may_subscribe(topic))
    }

    /// Returns whether a consumer with wildcards may join a queue.
    pub(crate) fn may_receive(&self, queue: &TopicName) -> bool {
        let permissions = self.permissions();
        permissions.is_none_or(|permissions| permissions.may_receive(queue))
    }

    /// Returns the restriction of the session, if there is one.
    pub(crate) fn permissions(&self) -> Option<Arc<dyn Permissions>> {
        lock(&self.permissions).clone()
    }

    /// Sets whether the session survives a restart: then the journal records the persistent messages of the topics that
    /// it subscribes to, until they are not in memory any more.
    pub fn set_lasting(&self, is_lasting: bool) {
        self.lasting.store(is_lasting, Ordering::Relaxed);
    }

    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting.load(Ordering::Relaxed)
    }

    /// Returns the position up to which the session has read its topics: with a lasting session that is restored, its
    /// subscriptions start after it.
    #[must_use]
    pub fn read_up_to(&self) -> u64 {
        self.read_up_to.load(Ordering::Relaxed)
    }

    /// Notes that the session has read its topics up to a position. A retained message, which may be older than what was
    /// read, does not set it back.
    pub(crate) fn note_read_up_to(&self, position: u64) {
        self.read_up_to.fetch_max(position, Ordering::Relaxed);
        if self.has_unread_retained.load(Ordering::Relaxed) {
            let mut inbox = lock(&self.inbox);
            inbox.retained.note_read_up_to(position);
            self.update_unread_retained(&inbox);
        }
    }

    /// Notes that a retained message was read.
    pub(crate) fn note_read_retained(&self, id: SubscriptionId, position: u64) {
        if self.has_unread_retained.load(Ordering::Relaxed) {
            lock(&self.inbox).retained.note_read(id, position);
        }
    }

    /// Returns the retained messages that the session has not read, if it survives a restart. A message that a reader has
    /// passed on counts as read.
    #[must_use]
    pub fn unread_retained(&self) -> UnreadRetained {
        lock(&self.inbox).retained.unread()
    }

    /// Returns the newest round of retained messages for a new subscription, if the session survives a restart.
    #[must_use]
    pub fn newest_retained(&self) -> Option<RetainedRound> {
        lock(&self.inbox).retained.newest()
    }

    /// Notes that a subscription has ended, or is replaced. Returns the retained messages that it has not read.
    pub(crate) fn end_retained(&self, id: SubscriptionId) -> Option<RetainedRange> {
        if !self.has_unread_retained.load(Ordering::Relaxed) {
            return None;
        }
        let mut inbox = lock(&self.inbox);
        let rest = inbox.retained.end(id);
        self.update_unread_retained(&inbox);
        rest
    }

    fn update_unread_retained(&self, inbox: &Inbox) {
        let has_unread = !inbox.retained.is_empty();
        self.has_unread_retained
            .store(has_unread, Ordering::Relaxed);
    }

    /// Sets the position up to which the session has read its topics, for a session that is restored.
    pub fn set_read_up_to(&self, position: u64) {
        self.read_up_to.store(position, Ordering::Relaxed);
    }

    /// Notes that draining starts: a message that becomes readable from now on schedules the session again.
    ///
    /// A task that drains must own the reader, call this function, drain, release the reader, and drain again if
    /// [`Session::is_scheduled`] returns true, because another task may have found the reader taken in the meantime.
    pub fn begin_drain(&self) {
        // A swap and not a store, as in `schedule`: so the following drain sees the messages of threads that found the
        // session already scheduled. It costs no more than a sequentially consistent store.
        self.scheduled.swap(false, Ordering::SeqCst);
    }

    /// Returns whether a message became readable since [`Session::begin_drain`].
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        // With the fence in `Ready::drain`: either the thread that scheduled the session finds the reader released, or
        // the session is seen as scheduled here.
        fence(Ordering::SeqCst);
        self.scheduled.load(Ordering::SeqCst)
    }

    /// Returns whether the session has ended: by the rule [`Overflow::Disconnect`](crate::Overflow::Disconnect), because
    /// it was detached, or because its reader was dropped.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Drains on the calling thread, if the peer still exists.
    pub fn deliver(&self) {
        if let Some(peer) = self.peer() {
            peer.deliver();
        }
    }

    /// Lets the peer's own task drain, if the peer still exists.
    pub fn wake(&self) {
        if let Some(peer) = self.peer() {
            peer.wake();
        }
    }

    /// Sets the peer. The caller must drain the reader once, for the messages that became readable before.
    pub fn set_peer(&self, peer: Weak<dyn Peer>) {
        *lock(&self.peer) = peer;
    }

    /// Notes that the session has no reader for now; publishers no longer wait for it.
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::Release);
        self.wake_publishers();
    }

    pub(crate) fn resume(&self) {
        self.paused.store(false, Ordering::Release);
    }

    /// Returns whether the session is between [`Broker::pause`](crate::Broker::pause) and
    /// [`Broker::resume`](crate::Broker::resume).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    fn peer(&self) -> Option<Arc<dyn Peer>> {
        lock(&self.peer).upgrade()
    }

    /// Queues a claimed cursor or consumer for reading. Returns true if the caller must drain the session.
    #[inline]
    pub(crate) fn push_readable(&self, readable: Readable) -> bool {
        let mut guard = lock(&self.inbox);
        let inbox = &mut guard.readable;
        if inbox.len() == inbox.capacity() {
            // Before the list grows: sources that were unsubscribed while the session was not drained.
            inbox.retain(|readable| !readable.is_cancelled());
        }
        inbox.push(readable);
        drop(guard);
        self.schedule()
    }

    /// Adds the first sources of a subscription to the inbox at once. Returns true if the caller must drain the session.
    pub(crate) fn push_first_readable(
        &self,
        readable: Vec<Readable>,
        retained: Option<FirstRetained<'_>>,
    ) -> bool {
        if readable.is_empty() {
            return false;
        }
        let mut guard = lock(&self.inbox);
        let inbox = &mut guard.readable;
        if inbox.len() + readable.len() > inbox.capacity() {
            inbox.retain(|readable| !readable.is_cancelled());
        }
        inbox.extend(readable);
        if let Some(FirstRetained { id, filter, range }) = retained.filter(|_| self.is_lasting()) {
            guard.retained.begin(id, filter, range);
            self.has_unread_retained.store(true, Ordering::Relaxed);
        }
        drop(guard);
        self.schedule()
    }

    /// Requests draining. Returns true if the caller must do it.
    pub(crate) fn schedule(&self) -> bool {
        !self.scheduled.swap(true, Ordering::SeqCst)
    }

    /// Returns whether subscriptions selected by `is_meant` have messages: in the inbox, or in a queue that ends with
    /// the session.
    pub(crate) fn has_unread(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        let consumers = self.consumers();
        let is_unread = |inbox: &Inbox| inbox.readable.iter().any(|one| one.is_unread(is_meant));
        is_unread(&lock(&self.inbox))
            || consumers
                .iter()
                .any(|one| one.would_lose_messages(is_meant))
    }

    /// Exchanges the queued sources for the empty `other`.
    pub(crate) fn swap_inbox(&self, other: &mut Vec<Readable>) {
        let mut inbox = lock(&self.inbox);
        std::mem::swap(&mut inbox.readable, other);
        inbox.retained.take();
    }

    pub(crate) fn add_consumer(&self, consumer: &Arc<Consumer>) {
        lock(&self.consumers).push(Arc::clone(consumer));
    }

    pub(crate) fn consumer(&self, id: SubscriptionId) -> Option<Arc<Consumer>> {
        let consumers = lock(&self.consumers);
        let at = consumers.binary_search_by_key(&id, |one| one.id).ok()?;
        Some(Arc::clone(&consumers[at]))
    }

    pub(crate) fn remove_consumer(&self, id: SubscriptionId) -> Option<Arc<Consumer>> {
        let mut consumers = lock(&self.consumers);
        let at = consumers.binary_search_by_key(&id, |one| one.id).ok()?;
        Some(consumers.remove(at))
    }

    pub(crate) fn consumers(&self) -> Vec<Arc<Consumer>> {
        lock(&self.consumers).clone()
    }

    /// Returns whether a consumer has no room until it acknowledges, and more messages wait for it.
    pub fn awaits_acknowledgements(&self) -> bool {
        let consumers = self.consumers();
        consumers.iter().any(|one| one.awaits_acknowledgements())
    }

    pub(crate) fn take_consumers(&self) -> Vec<Arc<Consumer>> {
        std::mem::take(&mut *lock(&self.consumers))
    }

    /// Ends the session, so that no publisher waits for it. Returns true the first time.
    pub(crate) fn end(&self) -> bool {
        let first = !self.ended.swap(true, Ordering::AcqRel);
        self.wake_publishers();
        first
    }

    pub(crate) fn count_delivered(&self, entries: u64) {
        self.delivered.add(entries);
        self.totals.delivered.add(entries);
    }

    /// Counts entries that a subscription skips. `reason` selects the total of the reason.
    pub(crate) fn count_dropped(&self, entries: u64, reason: impl FnOnce(&Totals) -> &Count) {
        self.dropped.add(entries);
        self.totals.dropped.add(entries);
        reason(&self.totals).add(entries);
    }

    /// Counts messages that the client of the session has published.
    pub fn count_published(&self, entries: u64) {
        self.published.add(entries);
    }

    pub(crate) fn figures(&self, subscriptions: usize) -> SessionFigures {
        SessionFigures {
            name: self.name.to_string(),
            subscriptions,
            delivered: self.delivered.total(),
            dropped: self.dropped.total(),
            published: self.published.total(),
        }
    }

    /// Wakes the publishers that wait for this session.
    pub(crate) fn wake_publishers(&self) {
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    fn wait(&self, token: &Arc<()>, waker: &Waker) {
        let mut waiting = lock(&self.waiting);
        let own = Arc::as_ptr(token);
        if let Some((_, other)) = waiting.iter_mut().find(|(other, _)| other.as_ptr() == own) {
            other.clone_from(waker);
            return;
        }
        if waiting.len() == waiting.capacity() {
            // Before the list grows: publishers that no longer wait.
            waiting.retain(|(token, _)| token.strong_count() > 0);
        }
        waiting.push((Arc::downgrade(token), waker.clone()));
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Session({})", self.name)
    }
}
