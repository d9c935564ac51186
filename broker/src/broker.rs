//! The broker itself: the one order, and what it guards.
//!
//! One lock hands out positions. Under it a batch is appended and announced to the cursors that cover it;
//! nothing is encoded, written or woken there, and readers never take it. That gives one total order over
//! all topics, and one number from which any subscription can be resumed. It is the seam for an order
//! that comes from elsewhere.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    task::{Poll, Waker},
};

use crate::{
    cursor::{Cursor, Overflow, Start},
    entry::{Entry, Publication},
    figures::{Count, Figures, SessionFigures, TopicFigures, Volume},
    horizon::Horizon,
    level_tree::LevelTree,
    limits::Limits,
    log::{End, Memory, Released},
    message_id::MessageId,
    name::{TopicFilter, TopicName},
    reader::Reader,
    session::{Blocked, Peer, Session, Subscription, SubscriptionId, Totals},
    sync::{Mutex, Ordering, fence, lock},
    topic::Topic,
};

/// Topics, sessions and the order between them. Shared by all threads.
#[derive(Debug)]
pub struct Broker {
    epoch: u64,
    limits: Limits,
    order: Mutex<Order>,
    horizon: Arc<Horizon>,
    memory: Arc<Memory>,
    totals: Arc<Totals>,
    published: Volume,
    refused: Count,
    disconnected: Count,
}

/// What the lock guards.
#[derive(Debug, Default)]
struct Order {
    position: u64,
    topics: LevelTree<Topic>,
    /// Subscriptions with wildcards, by filter; the others are found at their topic.
    wildcards: LevelTree<Vec<SubscriptionId>>,
    subscriptions: HashMap<SubscriptionId, Member>,
    sessions: HashMap<u64, Attached>,
    cursors: usize,
    last_id: u64,
    /// The newest position that went with a topic that was removed.
    forgotten: u64,
}

#[derive(Debug)]
struct Member {
    session: Arc<Session>,
    subscription: Arc<Subscription>,
    topics: Vec<TopicName>,
}

#[derive(Debug)]
struct Attached {
    session: Arc<Session>,
    subscriptions: Vec<SubscriptionId>,
}

/// What became of a batch of publications.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For each publication, in their order.
    pub results: Vec<Result<Published, PublishError>>,
    /// Sessions with something to read: to be delivered to by the caller.
    pub ready: Ready,
    /// Subscriptions that make the caller wait before it publishes more.
    pub blocked: Blocked,
}

/// An entry's place, told to its publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The message's id.
    pub id: MessageId,
    /// The place in its topic's log, from 1.
    pub sequence: u64,
    /// Subscriptions that cover the topic now.
    pub subscriptions: usize,
}

/// Sessions that became readable: each is to be given [`Session::deliver`] or [`Session::wake`].
#[derive(Debug, Default)]
pub struct Ready {
    sessions: Vec<Arc<Session>>,
}

/// Why a publication was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic is the broker's own.
    #[error("topic {0} is the broker's own; nobody else can publish to it")]
    Reserved(TopicName),
    /// [`Limits::topics`].
    #[error("topic {name} would be a new one, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`].
    #[error("topic {name} would be a new one, and the limit of {limit} cursors is reached")]
    TooManyCursors {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::memory_bytes`].
    #[error("the broker holds {held} bytes of messages; the limit is {limit}")]
    MemoryFull {
        /// Bytes held.
        held: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a subscription was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The session was detached.
    #[error("the session has ended")]
    SessionEnded,
    /// [`Limits::subscriptions_per_session`].
    #[error("the limit of {limit} subscriptions for one connection is reached")]
    TooManySubscriptions {
        /// The limit.
        limit: usize,
    },
    /// [`Limits::topics`].
    #[error("topic {name} would be a new one, and the limit of {limit} topics is reached")]
    TooManyTopics {
        /// The topic asked for.
        name: TopicName,
        /// The limit.
        limit: usize,
    },
    /// [`Limits::cursors`].
    #[error("{filter} covers more topics than the limit of {limit} cursors leaves room for")]
    TooManyCursors {
        /// The filter asked for.
        filter: TopicFilter,
        /// The limit.
        limit: usize,
    },
}

impl Broker {
    /// An empty broker. `epoch` tells this run from every other; see [`MessageId::epoch`].
    #[must_use]
    pub fn new(epoch: u64, limits: Limits) -> Self {
        Self {
            epoch,
            limits,
            order: Mutex::new(Order::default()),
            horizon: Arc::new(Horizon::new()),
            memory: Arc::default(),
            totals: Arc::default(),
            published: Volume::default(),
            refused: Count::default(),
            disconnected: Count::default(),
        }
    }

    /// The bounds in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The id of an entry of this run.
    #[must_use]
    pub fn id_of(&self, entry: &Entry) -> MessageId {
        self.id(entry.position())
    }

    /// Where a subscription goes on that has seen everything up to `id`.
    #[must_use]
    pub fn start_after(&self, id: MessageId) -> Start {
        if id.epoch == self.epoch {
            Start::AfterPosition(id.position)
        } else {
            Start::Lost
        }
    }

    /// Attaches a session. `peer` is told when there is something to read. Everything of the session ends
    /// with [`Broker::detach`].
    #[must_use]
    pub fn attach(&self, name: Arc<str>, peer: Weak<dyn Peer>) -> Reader {
        let mut order = lock(&self.order);
        let id = order.fresh_id();
        let session = Arc::new(Session::new(id, name, peer, Arc::clone(&self.totals)));
        order.sessions.insert(
            id,
            Attached {
                session: Arc::clone(&session),
                subscriptions: Vec::new(),
            },
        );
        Reader::new(session, Arc::clone(&self.horizon))
    }

    /// Ends a session and its subscriptions. Once is enough, more does no harm.
    pub fn detach(&self, session: &Session) {
        let attached = lock(&self.order).sessions.remove(&session.id);
        // One at a time: a subscription may be to many topics, and publishers need not wait for all.
        for id in attached.into_iter().flat_map(|one| one.subscriptions) {
            self.cancel(id);
        }
        // What is left in the inbox refers to the session, and would keep it alive.
        session.swap_inbox(&mut Vec::new());
        session.end();
    }

    /// Subscribes a session to what `filter` covers. `tag` comes back with each delivery.
    ///
    /// Ready holds the session if there is something to read at once.
    ///
    /// # Errors
    /// [`SubscribeError`] when a limit is reached; nothing is changed then.
    pub fn subscribe(
        &self,
        session: &Arc<Session>,
        filter: &TopicFilter,
        start: Start,
        overflow: Overflow,
        tag: &[u8],
    ) -> Result<(SubscriptionId, Ready), SubscribeError> {
        let mut ready = Ready::default();
        let mut order = lock(&self.order);
        order.check_subscription(session, filter, &self.limits)?;
        let id = SubscriptionId(order.fresh_id());
        let subscription = Arc::new(Subscription::new(filter.clone(), overflow, tag.into()));
        let mut joining = Joining {
            id,
            session,
            subscription: &subscription,
            start,
            topics: Vec::new(),
            readable: Vec::new(),
        };
        match filter.exact() {
            Some(name) => joining.join(order.topic(&name)),
            None => {
                order
                    .topics
                    .for_each_covered(filter, |topic| joining.join(topic));
                order
                    .wildcards
                    .find_or_insert_with(filter.as_str(), Vec::new)
                    .push(id);
            }
        }
        let Joining {
            topics,
            mut readable,
            ..
        } = joining;
        // At one moment, so that a reader at work sees all of the history, or none, and in its order.
        if session.queue_all(&mut readable) {
            ready.sessions.push(Arc::clone(session));
        }
        order.cursors += topics.len();
        order.subscriptions.insert(
            id,
            Member {
                session: Arc::clone(session),
                subscription,
                topics,
            },
        );
        if let Some(attached) = order.sessions.get_mut(&session.id) {
            attached.subscriptions.push(id);
        }
        Ok((id, ready))
    }

    /// Ends a subscription: nothing more is delivered to it. Unknown ids are ignored.
    pub fn unsubscribe(&self, session: &Session, id: SubscriptionId) {
        let mut order = lock(&self.order);
        let Some(attached) = order.sessions.get_mut(&session.id) else {
            return;
        };
        let Some(at) = attached.subscriptions.iter().position(|own| *own == id) else {
            return;
        };
        attached.subscriptions.swap_remove(at);
        drop(order);
        self.cancel(id);
        session.release_waiting();
    }

    /// Publishes a batch in its order, and clears it. `outcome` is overwritten.
    ///
    /// The broker has the messages when this returns. The caller owes the sessions in
    /// [`Outcome::ready`] a delivery.
    pub fn publish(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_where(batch, outcome, |name| !name.is_reserved());
    }

    /// Publishes to the broker's own topics.
    pub fn publish_reserved(&self, batch: &mut Vec<Publication>, outcome: &mut Outcome) {
        self.publish_where(batch, outcome, TopicName::is_reserved);
    }

    fn publish_where(
        &self,
        batch: &mut Vec<Publication>,
        outcome: &mut Outcome,
        allowed: impl Fn(&TopicName) -> bool,
    ) {
        outcome.clear();
        let mut released = Released::new();
        let mut overdue = Vec::new();
        let mut order = lock(&self.order);
        let mut publications = batch.drain(..).peekable();
        while let Some(first) = publications.next() {
            let name = first.topic().clone();
            let admitted = if allowed(&name) {
                self.admit(&mut order, &first)
            } else {
                Err(PublishError::Reserved(name.clone()))
            };
            if let Err(error) = admitted {
                outcome.results.push(Err(error));
                continue;
            }
            let run = Run {
                broker: self,
                results: &mut outcome.results,
                released: &mut released,
                ready: &mut outcome.ready,
                overdue: &mut overdue,
            };
            let rest = std::iter::from_fn(|| publications.next_if(|next| *next.topic() == name));
            order.append(run, &name, std::iter::once(first).chain(rest));
        }
        self.horizon.advance(order.position);
        drop(order);
        drop(released);
        self.horizon.schedule_early(&mut outcome.ready.sessions);
        self.count(&outcome.results);
        self.settle(overdue, outcome);
    }

    /// The topics that `filter` covers, with their figures, by name; at most `most` of them.
    #[must_use]
    pub fn topics(&self, filter: &TopicFilter, most: usize) -> Vec<TopicFigures> {
        let mut found = Vec::new();
        lock(&self.order)
            .topics
            .for_each_covered(filter, |topic| found.push(topic.counts.name.clone()));
        if found.len() > most {
            found.select_nth_unstable(most);
            found.truncate(most);
        }
        found.sort_unstable();
        found.iter().filter_map(|name| self.topic(name)).collect()
    }

    /// The figures of one topic.
    #[must_use]
    pub fn topic(&self, name: &TopicName) -> Option<TopicFigures> {
        lock(&self.order)
            .topics
            .find(name.as_str())
            .map(Topic::figures)
    }

    /// The newest entry of a topic.
    #[must_use]
    pub fn last_image(&self, name: &TopicName) -> Option<Arc<Entry>> {
        let order = lock(&self.order);
        order.topics.find(name.as_str())?.log.last().cloned()
    }

    /// Whether anybody subscribes to a topic, or would when it came to be.
    #[must_use]
    pub fn has_subscribers(&self, name: &TopicName) -> bool {
        let order = lock(&self.order);
        match order.topics.find(name.as_str()) {
            Some(topic) => topic.cursors().len() > 0,
            None => !order.covering(name).is_empty(),
        }
    }

    /// Lets go of all a topic keeps, the last image too; false when there is no such topic. Subscribers
    /// stay, and still get what they have not read.
    pub fn clear(&self, name: &TopicName) -> bool {
        let mut released = Released::new();
        let mut order = lock(&self.order);
        let Some(topic) = order.topics.find_mut(name.as_str()) else {
            return false;
        };
        topic.log.clear(&mut released);
        order.remove_if_idle(name);
        true
    }

    /// The figures of the broker as a whole.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let order = lock(&self.order);
        Figures {
            sessions: order.sessions.len(),
            subscriptions: order.subscriptions.len(),
            topics: order.topics.len(),
            published: self.published.entries(),
            published_bytes: self.published.bytes(),
            refused: self.refused.total(),
            delivered: self.totals.delivered.total(),
            dropped: self.totals.dropped.total(),
            disconnected: self.disconnected.total(),
            held_bytes: self.memory.bytes(),
        }
    }

    /// The figures of the sessions, by name; at most `most` of them.
    #[must_use]
    pub fn sessions(&self, most: usize) -> Vec<SessionFigures> {
        let order = lock(&self.order);
        let attached = order.sessions.values();
        let mut found: Vec<_> = attached
            .map(|one| (Arc::clone(&one.session), one.subscriptions.len()))
            .collect();
        drop(order);
        found.sort_unstable_by(|(one, _), (other, _)| one.name().cmp(other.name()));
        found.truncate(most);
        found
            .iter()
            .map(|(session, subscriptions)| session.figures(*subscriptions))
            .collect()
    }

    /// Ready when none of `blocked` lies behind its bound any more; otherwise `waker` is woken when one
    /// of them has read.
    pub fn poll_clear(&self, blocked: &mut Blocked, waker: &Waker) -> Poll<()> {
        blocked.poll_clear(&self.limits, waker)
    }

    fn id(&self, position: u64) -> MessageId {
        MessageId {
            epoch: self.epoch,
            position,
        }
    }

    fn count(&self, results: &[Result<Published, PublishError>]) {
        let refused = results.iter().filter(|result| result.is_err()).count();
        self.refused.add(refused as u64);
    }

    /// Whether there is a topic for this publication, or may be one.
    fn admit(&self, order: &mut Order, publication: &Publication) -> Result<(), PublishError> {
        let name = publication.topic();
        if order.topics.find(name.as_str()).is_some() {
            return Ok(());
        }
        // A new topic has no history to reduce: there is room now, or there is none.
        self.check_memory(publication)?;
        order.admit(name, &self.limits)
    }

    fn check_memory(&self, publication: &Publication) -> Result<(), PublishError> {
        let held = self.memory.bytes();
        let limit = self.limits.memory_bytes;
        if held + publication.size() > limit {
            Err(PublishError::MemoryFull { held, limit })
        } else {
            Ok(())
        }
    }

    fn cancel(&self, id: SubscriptionId) {
        let mut left = Vec::new();
        lock(&self.order).cancel(id, &mut left);
        // A reader that is not drained just now still has them, and they the log.
        for cursor in left {
            cursor.close();
        }
    }

    /// Applies the rules of the cursors that were found too far behind.
    fn settle(&self, overdue: Vec<Overdue>, outcome: &mut Outcome) {
        for Overdue { cursor, end } in overdue {
            let session = &cursor.session;
            match cursor.subscription.overflow {
                _ if session.is_ended() => cursor.close(),
                Overflow::DropOldest | Overflow::Latest => cursor.skip(end, &self.limits),
                Overflow::Disconnect => {
                    if session.end() {
                        self.disconnected.add(1);
                        outcome.ready.add_once(session);
                    }
                    cursor.close();
                }
                Overflow::Block => outcome.blocked.add(cursor),
            }
        }
    }
}

/// A cursor found too far behind the end its log had then.
struct Overdue {
    cursor: Arc<Cursor>,
    end: End,
}

/// What appending a run of publications to one topic needs besides the topic.
struct Run<'a> {
    broker: &'a Broker,
    results: &'a mut Vec<Result<Published, PublishError>>,
    released: &'a mut Released,
    ready: &'a mut Ready,
    overdue: &'a mut Vec<Overdue>,
}

/// A subscription on its way into the topics it covers.
struct Joining<'a> {
    id: SubscriptionId,
    session: &'a Arc<Session>,
    subscription: &'a Arc<Subscription>,
    start: Start,
    topics: Vec<TopicName>,
    /// Claimed cursors, with something to read at once.
    readable: Vec<Arc<Cursor>>,
}

impl Joining<'_> {
    fn join(&mut self, topic: &mut Topic) {
        let (cursor, has_entries) = Cursor::new(
            Arc::clone(self.session),
            Arc::clone(self.subscription),
            Arc::clone(&topic.counts),
            &topic.log,
            self.start,
        );
        let cursor = Arc::new(cursor);
        if has_entries && cursor.claim() {
            self.readable.push(Arc::clone(&cursor));
        }
        self.topics.push(topic.counts.name.clone());
        topic.join(self.id, cursor);
    }
}

impl Order {
    fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The topic, made when there is none: with a cursor for each wildcard subscription that covers it.
    fn topic(&mut self, name: &TopicName) -> &mut Topic {
        let made = match self.topics.find(name.as_str()) {
            Some(_) => None,
            None => Some(self.new_topic(name)),
        };
        self.topics.find_or_insert_with(name.as_str(), || {
            made.unwrap_or_else(|| Topic::new(name.clone(), 0))
        })
    }

    fn new_topic(&mut self, name: &TopicName) -> Topic {
        let mut topic = Topic::new(name.clone(), self.forgotten);
        for id in self.covering(name) {
            let Some(member) = self.subscriptions.get_mut(&id) else {
                continue;
            };
            let mut joining = Joining {
                id,
                session: &member.session,
                subscription: &member.subscription,
                start: Start::New,
                topics: Vec::new(),
                readable: Vec::new(),
            };
            joining.join(&mut topic);
            member.topics.push(name.clone());
            self.cursors += 1;
        }
        topic
    }

    /// The wildcard subscriptions that cover a name.
    fn covering(&self, name: &TopicName) -> Vec<SubscriptionId> {
        let mut found = Vec::new();
        self.wildcards
            .for_each_covering(name, |ids| found.extend_from_slice(ids));
        found
    }

    fn check_subscription(
        &mut self,
        session: &Session,
        filter: &TopicFilter,
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        let attached = self.sessions.get(&session.id);
        let attached = attached.ok_or(SubscribeError::SessionEnded)?;
        if session.is_ended() {
            return Err(SubscribeError::SessionEnded);
        }
        if attached.subscriptions.len() >= limits.subscriptions_per_session {
            return Err(SubscribeError::TooManySubscriptions {
                limit: limits.subscriptions_per_session,
            });
        }
        let needed = match filter.exact() {
            Some(name) => {
                let is_new = self.topics.find(name.as_str()).is_none();
                if is_new && self.topics.len() >= limits.topics {
                    let limit = limits.topics;
                    return Err(SubscribeError::TooManyTopics { name, limit });
                }
                1 + if is_new {
                    self.covering(&name).len()
                } else {
                    0
                }
            }
            None => {
                let mut covered = 0;
                self.topics.for_each_covered(filter, |_| covered += 1);
                covered
            }
        };
        if self.cursors + needed > limits.cursors {
            return Err(SubscribeError::TooManyCursors {
                filter: filter.clone(),
                limit: limits.cursors,
            });
        }
        Ok(())
    }

    /// Makes a new topic, if the limits allow it.
    fn admit(&mut self, name: &TopicName, limits: &Limits) -> Result<(), PublishError> {
        let name = name.clone();
        if self.topics.len() >= limits.topics {
            let limit = limits.topics;
            return Err(PublishError::TooManyTopics { name, limit });
        }
        if self.cursors + self.covering(&name).len() > limits.cursors {
            let limit = limits.cursors;
            return Err(PublishError::TooManyCursors { name, limit });
        }
        self.topic(&name);
        Ok(())
    }

    /// Appends a run of publications to one topic and announces them.
    fn append(
        &mut self,
        run: Run<'_>,
        name: &TopicName,
        publications: impl Iterator<Item = Publication>,
    ) {
        let broker = run.broker;
        let limits = &broker.limits;
        let Some(topic) = self.topics.find_mut(name.as_str()) else {
            return;
        };
        let subscriptions = topic.cursors().len();
        for publication in publications {
            if broker.check_memory(&publication).is_err() {
                topic.log.keep_last(run.released);
                // What can be had is needed now.
                run.released.clear();
            }
            if let Err(error) = broker.check_memory(&publication) {
                run.results.push(Err(error));
                continue;
            }
            self.position += 1;
            let size = publication.size();
            let sequence = topic.append(publication, self.position, &broker.memory);
            broker.published.add(size);
            run.results.push(Ok(Published {
                id: broker.id(self.position),
                sequence,
                subscriptions,
            }));
        }
        topic
            .log
            .trim(limits.history_entries, limits.history_bytes, run.released);
        let end = topic.log.end();
        Cursor::appended();
        for cursor in topic.cursors() {
            if cursor.claim() && cursor.session.queue(Arc::clone(cursor)) {
                run.ready.sessions.push(Arc::clone(&cursor.session));
            }
            if cursor.is_overdue(end, limits) {
                let cursor = Arc::clone(cursor);
                run.overdue.push(Overdue { cursor, end });
            }
        }
    }

    /// Ends a subscription. `left` takes its cursors, which may be the last to hold a long stretch of a
    /// log, to be dropped when the lock is released.
    fn cancel(&mut self, id: SubscriptionId, left: &mut Vec<Arc<Cursor>>) {
        let Some(member) = self.subscriptions.remove(&id) else {
            return;
        };
        member.subscription.cancel();
        let filter = member.subscription.filter.as_str();
        if let Some(ids) = self.wildcards.find_mut(filter) {
            if let Ok(at) = ids.binary_search(&id) {
                ids.remove(at);
            }
            if ids.is_empty() {
                self.wildcards.remove(filter);
            }
        }
        self.cursors -= member.topics.len();
        for name in &member.topics {
            if let Some(topic) = self.topics.find_mut(name.as_str()) {
                left.extend(topic.leave(id));
            }
            self.remove_if_idle(name);
        }
    }

    fn remove_if_idle(&mut self, name: &TopicName) {
        let topic = self.topics.find(name.as_str());
        if let Some(topic) = topic.filter(|topic| topic.is_idle()) {
            self.forgotten = self.forgotten.max(topic.log.trimmed_position());
            self.topics.remove(name.as_str());
        }
    }
}

impl Outcome {
    fn clear(&mut self) {
        self.results.clear();
        self.ready.sessions.clear();
        self.blocked = Blocked::default();
    }
}

impl Ready {
    /// The sessions, each once, taken out.
    pub fn drain(&mut self) -> impl Iterator<Item = Arc<Session>> {
        // With the fence in `Session::is_scheduled`: whoever has the reader now sees the session
        // scheduled once it has let the reader go.
        fence(Ordering::SeqCst);
        self.sessions.drain(..)
    }

    fn add_once(&mut self, session: &Arc<Session>) {
        if !self
            .sessions
            .iter()
            .any(|other| Arc::ptr_eq(other, session))
        {
            self.sessions.push(Arc::clone(session));
        }
    }

    /// Delivers to all of them on the calling thread.
    pub fn deliver(mut self) {
        for session in self.drain() {
            session.deliver();
        }
    }
}
