//! The order: what the broker's lock guards.
//!
//! It keeps topics, queues, subscriptions and the cursors between them in step. What is to be told to anybody is
//! left to the caller, for when the lock is released.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    memory::account::Memory,
    memory::limits::Limits,
    memory::share::{Client, Pool, PoolError, TopicCharge},
    message::entry::DestinationKind,
    name::index::NameIndex,
    name::level_tree::LevelTree,
    name::{TopicFilter, TopicName},
    one_or_many::OneOrMany,
    outcome::{PublishError, SubscribeError},
    queue::registry::Queues,
    session::Session,
    session::subscription::{Retained, Subscription},
    topic::Topic,
    topic::age_index::AgeIndex,
    topic::cursor::{Cursor, Start},
    topic::dormant::{Waiting, take_charge},
    topic::retained::Retentions,
};

/// What the lock guards.
#[derive(Debug, Default)]
pub(crate) struct BrokerState {
    /// The broker's, for the accounts of new topics.
    memory: Arc<Memory>,
    pub(crate) position: u64,
    /// Those that are open.
    pub(crate) topics: LevelTree<Box<Topic>>,
    /// All names, with the subscriptions that wait for those that are not open.
    pub(crate) names: NameIndex<Waiting>,
    /// Subscriptions with wildcards, by filter; the others are found at their topic, or wait for it.
    pub(crate) wildcards: LevelTree<OneOrMany<Arc<Subscription>>>,
    pub(crate) queues: Queues,
    /// By id.
    pub(crate) sessions: BTreeMap<u64, SessionEntry>,
    pub(crate) subscriptions: usize,
    pub(crate) cursors: usize,
    pub(crate) last_id: u64,
    /// The newest position that went with a topic that was removed.
    pub(crate) forgotten: u64,
    pub(crate) retentions: Retentions,
    pub(crate) ages: AgeIndex,
    /// Bytes that had been published when memory was relieved last.
    pub(crate) relieved: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct SessionEntry {
    pub(crate) session: Arc<Session>,
    pub(crate) subscriptions: Vec<Arc<Subscription>>,
    /// Topics that those covered when they were made, summed up.
    pub(crate) joined: usize,
    /// Subscriptions of other kinds: how many, and to how many topics and queues.
    pub(crate) consumers: usize,
    pub(crate) consumers_joined: usize,
    /// Topics and queues that end with the session.
    pub(crate) temporaries: Vec<(DestinationKind, TopicName)>,
}

impl SessionEntry {
    /// Notes what is to end with the session, once: it may have been forgotten since the last time.
    pub(crate) fn note_temporary(&mut self, kind: DestinationKind, name: &TopicName) {
        let is_known = |(other, own): &(DestinationKind, TopicName)| *other == kind && own == name;
        if !self.temporaries.iter().any(is_known) {
            self.temporaries.push((kind, name.clone()));
        }
    }
}

impl BrokerState {
    /// An empty order, whose entries are in this memory.
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        Self {
            memory: Arc::clone(memory),
            ..Self::default()
        }
    }

    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Takes a session out; its subscriptions are the caller's to cancel.
    pub(crate) fn detach(&mut self, session: &Session) -> Option<SessionEntry> {
        self.sessions.remove(&session.id)
    }

    /// Brings a subscription to the topics it covers; tells the cursors that have something to read.
    pub(crate) fn subscribe(
        &mut self,
        subscription: &Arc<Subscription>,
        (start, retained): (Start, Retained),
    ) -> Vec<Arc<Cursor>> {
        let mut readable = Vec::new();
        let mut cursors = 0;
        let mut join = |topic: &mut Box<Topic>| {
            readable.extend(topic.join(subscription, start, retained));
            cursors += 1;
        };
        let filter = &subscription.filter;
        match filter.exact() {
            Some(name) if self.wait_for(&name, subscription, start) => {}
            Some(name) => join(self.topic(&name, subscription.session.client())),
            None => {
                let closed = self.cover_awaited(filter, start);
                self.topics.for_each_covered(filter, join);
                cursors += closed;
                self.add_wildcard(subscription);
            }
        }
        self.cursors += cursors;
        self.subscriptions += 1;
        if let Some(attached) = self.sessions.get_mut(&subscription.session.id) {
            attached.subscriptions.push(Arc::clone(subscription));
            attached.joined += subscription.joined();
        }
        readable
    }

    /// The topic, opened when it is not: with a cursor for each subscription that waits for it, and for each with
    /// wildcards that covers it. One that is new is charged to the client.
    pub(crate) fn topic(&mut self, name: &TopicName, client: &Arc<Client>) -> &mut Box<Topic> {
        let waiting = match self.names.find_mut(name) {
            Some(waiting) => waiting.take(),
            None => {
                self.names.insert(name.clone(), None);
                None
            }
        };
        let charge = waiting.as_ref().and_then(take_charge);
        let Self {
            memory,
            topics,
            wildcards,
            queues,
            cursors,
            forgotten,
            ..
        } = self;
        topics.find_or_insert_with(name.as_str(), || {
            let charge = charge.unwrap_or_else(|| TopicCharge::new(client));
            let mut topic = Box::new(Topic::new(name.clone(), *forgotten, memory, charge));
            let mut join = |subscriptions: &OneOrMany<_>| {
                for subscription in subscriptions.as_slice() {
                    topic.join(subscription, Start::New, Retained::Omitted);
                }
            };
            waiting.iter().for_each(&mut join);
            wildcards.for_each_covering(name, join);
            queues.bindings.for_each_covering(name, |covering| {
                let own = covering.iter().map(|(id, queue)| (*id, Arc::clone(queue)));
                topic.queues.extend(own);
            });
            if waiting.is_none() {
                *cursors += topic.cursors().len() + topic.queues.len();
            }
            topic
        })
    }

    /// The number of wildcard subscriptions that cover a name.
    pub(crate) fn covering(&self, name: &TopicName) -> usize {
        let mut found = 0;
        self.wildcards
            .for_each_covering(name, |covering| found += covering.len());
        self.queues
            .bindings
            .for_each_covering(name, |covering| found += covering.len());
        found
    }

    /// Whether there may be this subscription to topics; tells how many it covers now.
    pub(crate) fn check_topics(
        &mut self,
        session: &Session,
        filter: &TopicFilter,
        limits: &Limits,
    ) -> Result<usize, SubscribeError> {
        self.check_session(session, limits)?;
        let (covered, others) = match filter.exact() {
            Some(name) => {
                let is_new = !self.has(DestinationKind::Topic, &name);
                self.check_topic(&name, limits, session.client())?;
                (1, if is_new { self.covering(&name) } else { 0 })
            }
            None => {
                let mut covered = self.awaited_covered(filter);
                self.topics.for_each_covered(filter, |_| covered += 1);
                (covered, 0)
            }
        };
        self.check_cursors(session, filter, (covered, others), limits)?;
        Ok(covered)
    }

    /// Whether there may be this topic.
    pub(crate) fn check_topic(
        &self,
        name: &TopicName,
        limits: &Limits,
        client: &Client,
    ) -> Result<(), SubscribeError> {
        if self.has(DestinationKind::Topic, name) {
            return Ok(());
        }
        let room = self.room_for_topic(limits, client);
        room.map_err(|error| match error {
            PoolError::Full { .. } => {
                let (name, limit) = (name.clone(), limits.topics);
                SubscribeError::TooManyTopics { name, limit }
            }
            error @ PoolError::ShareUsed { .. } => error.into(),
        })
    }

    /// Whether a client may make one more topic by publishing to it.
    pub(crate) fn check_room_for_topic(
        &self,
        name: &TopicName,
        limits: &Limits,
        client: &Client,
    ) -> Result<(), PublishError> {
        let room = self.room_for_topic(limits, client);
        room.map_err(|error| match error {
            PoolError::Full { .. } => {
                let (name, limit) = (name.clone(), limits.topics);
                PublishError::TooManyTopics { name, limit }
            }
            error @ PoolError::ShareUsed { .. } => error.into(),
        })
    }

    /// Whether a client may make one more topic.
    fn room_for_topic(&self, limits: &Limits, client: &Client) -> Result<(), PoolError> {
        let free = limits.topics.saturating_sub(self.topic_count());
        client.check(Pool::Topics, 1, free as u64)
    }

    /// Whether a session may have one more subscription.
    pub(crate) fn check_session(
        &self,
        session: &Session,
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        let attached = self.sessions.get(&session.id);
        let attached = attached.ok_or(SubscribeError::SessionEnded)?;
        if session.is_ended() {
            return Err(SubscribeError::SessionEnded);
        }
        if attached.subscriptions.len() + attached.consumers >= limits.subscriptions_per_session {
            return Err(SubscribeError::TooManySubscriptions {
                limit: limits.subscriptions_per_session,
            });
        }
        Ok(())
    }

    /// Whether a session may have one more temporary topic or queue.
    pub(crate) fn check_temporaries(
        &self,
        session: &Session,
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        let attached = self.sessions.get(&session.id);
        let limit = limits.subscriptions_per_session;
        if attached.is_some_and(|attached| attached.temporaries.len() >= limit) {
            return Err(SubscribeError::TooManySubscriptions { limit });
        }
        Ok(())
    }

    /// Whether a subscription may come to so many topics or queues, and others to a new one of those.
    pub(crate) fn check_cursors(
        &self,
        session: &Session,
        filter: &TopicFilter,
        (covered, others): (usize, usize),
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        let own = self
            .sessions
            .get(&session.id)
            .map_or(0, |attached| attached.joined + attached.consumers_joined);
        for (cursors, limit) in [
            (self.cursors + covered + others, limits.cursors),
            (own + covered, limits.cursors_per_session),
        ] {
            if cursors > limit {
                let filter = filter.clone();
                return Err(SubscribeError::TooManyCursors { filter, limit });
            }
        }
        Ok(())
    }

    pub(crate) fn has(&self, kind: DestinationKind, name: &TopicName) -> bool {
        match kind {
            DestinationKind::Topic => {
                self.topics.find(name.as_str()).is_some() || self.is_awaited(name)
            }
            DestinationKind::Queue => self.queues.named.find(name.as_str()).is_some(),
        }
    }

    /// Topics that have entries or subscribers.
    pub(crate) fn topic_count(&self) -> usize {
        self.names.len()
    }

    /// Makes a new topic, if the limits allow it.
    pub(crate) fn admit(
        &mut self,
        name: &TopicName,
        limits: &Limits,
        client: &Arc<Client>,
    ) -> Result<(), PublishError> {
        self.check_room_for_topic(name, limits, client)?;
        let name = name.clone();
        if self.cursors + self.covering(&name) > limits.cursors {
            let limit = limits.cursors;
            return Err(PublishError::TooManyCursors { name, limit });
        }
        self.topic(&name, client);
        Ok(())
    }

    /// Ends a subscription. `left` takes its cursors, which may be the last to hold a long stretch of a
    /// log, to be dropped when the lock is released.
    pub(crate) fn cancel(&mut self, subscription: &Subscription, left: &mut Vec<Arc<Cursor>>) {
        subscription.cancel();
        self.subscriptions -= 1;
        let filter = &subscription.filter;
        let mut idle = Vec::new();
        let mut leave = |topic: &mut Box<Topic>| {
            left.extend(topic.leave(subscription.id));
            if topic.is_idle() {
                idle.push(topic.account.name.clone());
            }
        };
        match filter.exact() {
            Some(name) if self.stop_waiting(&name, subscription.id) => {}
            Some(name) => self
                .topics
                .find_mut(name.as_str())
                .into_iter()
                .for_each(leave),
            None => {
                self.topics.for_each_covered(filter, &mut leave);
                self.cursors -= self.awaited_covered(filter);
                self.cancel_wildcard(subscription);
            }
        }
        self.cursors -= left.len();
        for name in idle {
            self.remove_if_idle(&name);
        }
    }

    pub(crate) fn add_wildcard(&mut self, subscription: &Arc<Subscription>) {
        self.wildcards
            .find_or_insert_with(subscription.filter.as_str(), OneOrMany::new)
            .push(Arc::clone(subscription));
    }

    pub(crate) fn cancel_wildcard(&mut self, subscription: &Subscription) {
        let filter = subscription.filter.as_str();
        let Some(others) = self.wildcards.find_mut(filter) else {
            return;
        };
        // Ids ascend: new subscriptions are pushed.
        let of = |other: &Arc<Subscription>| other.id;
        if let Ok(at) = others.as_slice().binary_search_by_key(&subscription.id, of) {
            others.remove(at);
        }
        if others.is_empty() {
            self.wildcards.remove(filter);
        }
    }

    pub(crate) fn remove_if_idle(&mut self, name: &TopicName) {
        let topic = self.topics.find_mut(name.as_str());
        if let Some(topic) = topic.filter(|topic| topic.is_idle()) {
            self.ages.remove(topic);
            self.forgotten = self.forgotten.max(topic.log.trimmed_position());
            self.topics.remove(name.as_str());
            self.names.remove(name);
        }
    }
}
