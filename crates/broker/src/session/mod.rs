//! A session: somebody who reads through subscriptions.

pub(crate) mod collection;
pub(crate) mod reader;
pub(crate) mod subscription;
pub(crate) mod visible_position;

use std::{
    sync::{Arc, Weak},
    task::{Poll, Waker},
};

use crate::{
    figures::{Count, SessionFigures},
    memory::limits::Limits,
    memory::share::Client,
    message::scan_budget::Budget,
    outcome::Ready,
    queue::{Consumer, Next},
    session::collection::Collect,
    session::subscription::SubscriptionId,
    sync::{AtomicBool, Mutex, Ordering, fence, lock},
    topic::cursor::{Cursor, Overflow},
};

/// Who delivers to a session, outside the broker: a connection.
///
/// Both functions are called after all of the broker's locks are released, on any thread.
pub trait Peer: Send + Sync {
    /// There is something to read: drain it here and now, or see to it that it is drained. Called by
    /// whoever published or subscribed.
    fn deliver(&self);

    /// There is something to read, or the session was ended: let the peer's own task look after it. Called
    /// by those too who drain another session; it must not wait.
    fn wake(&self);
}

/// One reader: its subscriptions deliver into one stream, in the broker's order.
pub struct Session {
    pub(crate) id: u64,
    name: Arc<str>,
    peer: Mutex<Weak<dyn Peer>>,
    /// Whether somebody has been told to drain the session and has not begun yet.
    scheduled: AtomicBool,
    ended: AtomicBool,
    /// Nobody reads for it just now, and nobody is to wait for it.
    paused: AtomicBool,
    inbox: Mutex<Vec<Readable>>,
    /// The session's part in queues; by id, ascending.
    consumers: Mutex<Vec<Arc<Consumer>>>,
    /// Publishers that wait for this session to catch up, for as long as their [`Blocked`] is there.
    waiting: Mutex<Vec<(Weak<()>, Waker)>>,
    /// What the session makes is charged to this one.
    client: Arc<Client>,
    totals: Arc<Totals>,
    delivered: Count,
    dropped: Count,
}

/// What all sessions count together.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) delivered: Count,
    pub(crate) dropped: Count,
}

/// Where a session has something to read.
#[derive(Debug)]
pub(crate) enum Readable {
    /// In a topic's log.
    Cursor(Arc<Cursor>),
    /// Out of queues.
    Consumer(Arc<Consumer>),
    /// In topics that are still to be gone through.
    Collection(Arc<dyn Collect>),
}

/// Subscriptions that make a publisher wait: those with [`Overflow::Block`] that lie
/// behind their bound.
#[derive(Debug, Default)]
pub struct Blocked {
    cursors: Vec<Arc<Cursor>>,
    /// Tells this one's wakers from others', and that they are still wanted; there when it has waited.
    token: Option<Arc<()>>,
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
            name,
            peer: Mutex::new(peer),
            scheduled: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            inbox: Mutex::new(Vec::new()),
            consumers: Mutex::new(Vec::new()),
            waiting: Mutex::new(Vec::new()),
            totals,
            delivered: Count::default(),
            dropped: Count::default(),
        }
    }

    /// The name that tells sessions apart for people.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The client that made the session, and to which is charged what the session makes.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Says that draining begins: whatever becomes readable from now on schedules the session anew.
    ///
    /// Whoever drains must hold the reader for itself, call this, drain, let the reader go, and drain
    /// again if [`Session::is_scheduled`]: somebody may have found the reader taken meanwhile.
    pub fn begin(&self) {
        // An exchange, as in `schedule`: what was put up by whoever found the session scheduled is seen
        // by the draining that follows. It costs no more than a store in sequential order.
        self.scheduled.swap(false, Ordering::SeqCst);
    }

    /// Whether something became readable since [`Session::begin`].
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        // With the fence in `Ready::drain`: either whoever scheduled the session finds the reader let
        // go, or it is seen here that the session is scheduled.
        fence(Ordering::SeqCst);
        self.scheduled.load(Ordering::SeqCst)
    }

    /// Whether the session has ended: by the rule [`Overflow::Disconnect`], because
    /// it was detached, or because its reader is gone.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Drains on the calling thread, if the peer is still there.
    pub fn deliver(&self) {
        if let Some(peer) = self.peer() {
            peer.deliver();
        }
    }

    /// Lets the peer's own task drain, if the peer is still there.
    pub fn wake(&self) {
        if let Some(peer) = self.peer() {
            peer.wake();
        }
    }

    /// From now on this peer delivers. Whatever became readable before is up to whoever calls this: it is to
    /// drain the reader once.
    pub fn set_peer(&self, peer: Weak<dyn Peer>) {
        *lock(&self.peer) = peer;
    }

    /// Nobody reads for it for a while; nobody waits for it any more.
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::Release);
        self.release_waiting();
    }

    pub(crate) fn resume(&self) {
        self.paused.store(false, Ordering::Release);
    }

    /// Whether it is between [`Broker::pause`](crate::Broker::pause) and
    /// [`Broker::resume`](crate::Broker::resume).
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    fn peer(&self) -> Option<Arc<dyn Peer>> {
        lock(&self.peer).upgrade()
    }

    /// Puts a claimed cursor or consumer up for reading; true when the session is to be drained by the
    /// caller.
    #[inline]
    pub(crate) fn queue(&self, readable: Readable) -> bool {
        let mut inbox = lock(&self.inbox);
        if inbox.len() == inbox.capacity() {
            // Before it grows: those that were unsubscribed while nobody drained.
            inbox.retain(|readable| !readable.is_cancelled());
        }
        inbox.push(readable);
        drop(inbox);
        self.schedule()
    }

    /// Puts claimed cursors, or a collection, up for reading, all at one moment; true when the session is to be drained
    /// by the caller.
    pub(crate) fn queue_all(&self, readable: Vec<Readable>) -> bool {
        if readable.is_empty() {
            return false;
        }
        let mut inbox = lock(&self.inbox);
        if inbox.len() + readable.len() > inbox.capacity() {
            inbox.retain(|readable| !readable.is_cancelled());
        }
        inbox.extend(readable);
        drop(inbox);
        self.schedule()
    }

    /// Asks for the session to be drained; true when that is up to the caller.
    pub(crate) fn schedule(&self) -> bool {
        !self.scheduled.swap(true, Ordering::SeqCst)
    }

    /// Whether something was put up, or waits in a queue that ends with the session, for subscriptions of which
    /// this is true.
    pub(crate) fn has_unread(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        let consumers = self.consumers();
        lock(&self.inbox).iter().any(|one| one.is_unread(is_meant))
            || consumers.iter().any(|one| one.would_leave(is_meant))
    }

    /// Changes what was put up since for the empty `other`.
    pub(crate) fn swap_inbox(&self, other: &mut Vec<Readable>) {
        std::mem::swap(&mut *lock(&self.inbox), other);
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

    /// Whether a consumer has as many messages as it may have before it acknowledges some, and more wait for it.
    pub fn awaits_acknowledgements(&self) -> bool {
        let consumers = self.consumers();
        consumers.iter().any(|one| one.awaits_acknowledgements())
    }

    pub(crate) fn take_consumers(&self) -> Vec<Arc<Consumer>> {
        std::mem::take(&mut *lock(&self.consumers))
    }

    /// Ends the session, so that nobody waits for it any more; true the first time.
    pub(crate) fn end(&self) -> bool {
        let first = !self.ended.swap(true, Ordering::AcqRel);
        self.release_waiting();
        first
    }

    pub(crate) fn delivered(&self, entries: u64) {
        self.delivered.add(entries);
        self.totals.delivered.add(entries);
    }

    pub(crate) fn dropped(&self, entries: u64) {
        self.dropped.add(entries);
        self.totals.dropped.add(entries);
    }

    pub(crate) fn figures(&self, subscriptions: usize) -> SessionFigures {
        SessionFigures {
            name: self.name.to_string(),
            subscriptions,
            delivered: self.delivered.total(),
            dropped: self.dropped.total(),
        }
    }

    /// Wakes the publishers that wait for this session.
    pub(crate) fn release_waiting(&self) {
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
            // Before it grows: those who gave up waiting.
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

impl Readable {
    pub(crate) fn is_cancelled(&self) -> bool {
        match self {
            Self::Cursor(cursor) => cursor.subscription.current().is_cancelled(),
            Self::Consumer(consumer) => consumer.is_cancelled(),
            Self::Collection(collection) => collection.subscription().current().is_cancelled(),
        }
    }

    /// Whether it is a topic with something to read, for a subscription of which this is true.
    pub(crate) fn is_unread(&self, is_meant: &impl Fn(&[u8]) -> bool) -> bool {
        let subscription = match self {
            Self::Cursor(cursor) => cursor.subscription.current(),
            Self::Collection(collection) => collection.subscription().current(),
            Self::Consumer(_) => return false,
        };
        !subscription.is_cancelled() && is_meant(subscription.tag())
    }

    /// What is read next. `ready` gets others who were given something meanwhile.
    #[inline]
    pub(crate) fn next(&self, budget: &mut Budget, ready: &mut Ready) -> Next {
        match self {
            Self::Cursor(cursor) => cursor.next_position().map_or(Next::Nothing, Next::At),
            Self::Consumer(consumer) => consumer.next(budget, ready),
            // Only the reader can go on with it.
            Self::Collection(_) => Next::Later,
        }
    }

    #[inline]
    pub(crate) fn retire(&self) -> bool {
        match self {
            Self::Cursor(cursor) => cursor.retire(),
            Self::Consumer(consumer) => consumer.retire(),
            Self::Collection(_) => true,
        }
    }
}

impl Blocked {
    /// Whether nobody is waited for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cursors.is_empty()
    }

    /// Takes in those of `other`.
    pub fn extend(&mut self, other: Self) {
        other
            .cursors
            .into_iter()
            .for_each(|cursor| self.add(cursor));
    }

    pub(crate) fn add(&mut self, cursor: Arc<Cursor>) {
        if !self.cursors.iter().any(|other| Arc::ptr_eq(other, &cursor)) {
            self.cursors.push(cursor);
        }
    }

    /// Ready when every one of them is within its bound again, or gone; otherwise `waker` is woken when
    /// one of them has read.
    pub fn poll_clear(&mut self, limits: &Limits, waker: &Waker) -> Poll<()> {
        if self.cursors.is_empty() {
            return Poll::Ready(());
        }
        let token = self.token.get_or_insert_default();
        self.cursors.retain(|cursor| {
            let session = &cursor.subscription.session;
            // Register first, look second: a reader that catches up in between wakes us.
            session.wait(token, waker);
            cursor.is_overdue(cursor.topic.end(), limits.lag())
                && !cursor.subscription.current().is_cancelled()
                && cursor.subscription.current().overflow() == Overflow::Block
                && !session.is_paused()
                && !session.is_ended()
        });
        if self.cursors.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
