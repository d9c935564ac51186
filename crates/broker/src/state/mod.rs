//! The broker's state: the data that its lock guards.
//!
//! It keeps topics, queues, subscriptions and the cursors between them consistent. The caller sends notifications after
//! the release of the lock.

pub(crate) mod collection;
pub(crate) mod queue_collection;
pub(crate) mod wildcards;

pub(crate) mod age_index;
pub(crate) mod dormant;
pub(crate) mod queues;
pub(crate) mod removed;
pub(crate) mod scheduled;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    journal::Journal,
    memory::account::{Account, Memory},
    memory::limits::Limits,
    memory::share::{Client, Pool, PoolError, TopicCharge},
    message::entry::DestinationKind,
    name::index::NameIndex,
    name::level_tree::LevelTree,
    name::{TopicFilter, TopicName},
    outcome::{PublishError, SubscribeError},
    policy::Policies,
    sequence::Sequencer,
    session::Session,
    session::subscription::{StartOptions, Subscription},
    state::age_index::AgeIndex,
    state::dormant::{DormantSubscriptions, take_charge},
    state::queues::Queues,
    state::removed::RemovedTopics,
    state::scheduled::ScheduledMessages,
    state::wildcards::Wildcards,
    topic::cursor::Cursor,
    topic::retained::RetainedIndex,
    topic::{NewTopic, Topic},
};

/// The data that the lock guards.
#[derive(Debug, Default)]
pub(crate) struct BrokerState {
    /// The broker's memory, for the accounts of new topics.
    memory: Arc<Memory>,
    pub(crate) sequencer: Sequencer,
    /// Open topics.
    pub(crate) topics: LevelTree<Box<Topic>>,
    /// The names of all topics. For a dormant topic, with its subscriptions.
    pub(crate) names: NameIndex<DormantSubscriptions>,
    /// Subscriptions with wildcards. The others are stored in their topic, or in `names` if the topic is dormant.
    pub(crate) wildcards: Wildcards,
    pub(crate) queues: Queues,
    pub(crate) scheduled: ScheduledMessages,
    /// By id.
    pub(crate) sessions: BTreeMap<u64, SessionEntry>,
    pub(crate) subscriptions: usize,
    /// The number of cursors, without those of wildcard subscriptions to topics, which `Pool::Cursors` counts.
    pub(crate) cursors: usize,
    /// Maximum number of all cursors.
    pub(crate) cursor_limit: usize,
    pub(crate) last_id: u64,
    /// The policies of topics.
    pub(crate) policies: Arc<Policies>,
    /// Positions of removed topics.
    pub(crate) removed: RemovedTopics,
    pub(crate) retained_index: RetainedIndex,
    pub(crate) ages: AgeIndex,
    /// The number of published bytes when the overflow rules for full memory were last applied.
    pub(crate) relieved_at_bytes: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct SessionEntry {
    pub(crate) session: Arc<Session>,
    pub(crate) subscriptions: Vec<Arc<Subscription>>,
    /// The number of topic subscriptions without wildcards.
    pub(crate) exact: usize,
    /// The number of consumers, and the number of topics and queues that they cover.
    pub(crate) consumers: usize,
    pub(crate) consumers_joined: usize,
    /// Topics and queues that end with the session.
    pub(crate) temporaries: Vec<(DestinationKind, TopicName)>,
}

impl SessionEntry {
    /// Records a temporary topic or queue, once. A client may create it again after it was removed; then it is already
    /// recorded.
    pub(crate) fn note_temporary(&mut self, kind: DestinationKind, name: &TopicName) {
        let is_known = |(other, own): &(DestinationKind, TopicName)| *other == kind && own == name;
        if !self.temporaries.iter().any(is_known) {
            self.temporaries.push((kind, name.clone()));
        }
    }
}

impl BrokerState {
    /// Returns an empty state that counts its entries in `memory` and records them in `journal`.
    pub(crate) fn new(
        memory: &Arc<Memory>,
        limits: &Limits,
        journal: Option<Arc<dyn Journal>>,
    ) -> Self {
        Self {
            memory: Arc::clone(memory),
            cursor_limit: limits.cursors,
            sequencer: Sequencer::new(journal),
            ..Self::default()
        }
    }

    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Removes a session; the caller must cancel its subscriptions.
    pub(crate) fn detach(&mut self, session: &Session) -> Option<SessionEntry> {
        self.sessions.remove(&session.id)
    }

    /// Adds a subscription without wildcards. Returns its cursor if there are messages to read.
    pub(crate) fn subscribe_to_one(
        &mut self,
        name: &TopicName,
        subscription: &Arc<Subscription>,
        start_options: StartOptions,
    ) -> Option<Arc<Cursor>> {
        self.note_subscription(subscription);
        if self.wait_for(name, subscription, start_options.start) {
            return None;
        }
        self.cursors += 1;
        let topic = self.open_topic(name, subscription.session.client());
        topic.join(subscription, start_options)
    }

    /// Adds a subscription with wildcards.
    pub(crate) fn subscribe_to_many(&mut self, subscription: &Arc<Subscription>) {
        self.note_subscription(subscription);
        self.wildcards.add(subscription);
    }

    fn note_subscription(&mut self, subscription: &Arc<Subscription>) {
        self.subscriptions += 1;
        if let Some(attached) = self.sessions.get_mut(&subscription.session.id) {
            attached.subscriptions.push(Arc::clone(subscription));
            attached.exact += usize::from(!subscription.has_wildcards());
        }
    }

    /// Returns the topic, created if necessary. A dormant topic is opened: each of its subscriptions gets a cursor. A
    /// new topic is charged to the client.
    pub(crate) fn open_topic(&mut self, name: &TopicName, client: &Arc<Client>) -> &mut Box<Topic> {
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
            sequencer,
            topics,
            removed,
            policies,
            ..
        } = self;
        topics.find_or_insert_with(name.as_str(), || {
            let mut topic = Box::new(Topic::new(NewTopic {
                account: Account::new(DestinationKind::Topic, name.clone(), memory),
                is_durable: sequencer.is_durable(name),
                newest_removed_position: removed.up_to(name),
                charge: charge.unwrap_or_else(|| TopicCharge::new(client)),
                policy: policies.of(DestinationKind::Topic, name).cloned(),
            }));
            for subscription in waiting.iter().flat_map(|waiting| waiting.as_slice()) {
                topic.join(subscription, StartOptions::default());
            }
            topic
        })
    }

    /// Returns the topic of the account's name. A new topic has this account.
    pub(crate) fn restore_topic(
        &mut self,
        account: &Arc<Account>,
        client: &Arc<Client>,
    ) -> &mut Box<Topic> {
        let name = &account.name;
        self.names.insert(name.clone(), None);
        let Self {
            sequencer,
            topics,
            removed,
            policies,
            ..
        } = self;
        topics.find_or_insert_with(name.as_str(), || {
            Box::new(Topic::new(NewTopic {
                account: Arc::clone(account),
                is_durable: sequencer.is_durable(name),
                newest_removed_position: removed.up_to(name),
                charge: TopicCharge::new(client),
                policy: policies.of(DestinationKind::Topic, name).cloned(),
            }))
        })
    }

    /// Returns the number of subscriptions with wildcards that cover a name, including those with their own queue.
    pub(crate) fn covering(&self, name: &TopicName) -> usize {
        self.wildcards.covering(name) + self.queues.covering(name)
    }

    /// Checks whether this subscription to topics is allowed.
    pub(crate) fn check_topics(
        &mut self,
        session: &Session,
        filter: &TopicFilter,
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        self.check_session(session, limits)?;
        let Some(name) = filter.exact() else {
            return Ok(());
        };
        self.check_subscribed_topic(&name, limits, session.client())?;
        self.check_cursors(session, filter, 1, 0, limits)
    }

    /// Checks whether this topic is allowed.
    pub(crate) fn check_subscribed_topic(
        &mut self,
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
            error => error.into(),
        })
    }

    /// Checks whether a client may create one more topic by publishing to it.
    pub(crate) fn check_published_topic(
        &mut self,
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
            error => error.into(),
        })
    }

    /// Checks whether a client may create one more topic. At the maximum number of topics, an idle topic is removed to
    /// make room. This is not done for a client that has used its own share.
    fn room_for_topic(&mut self, limits: &Limits, client: &Client) -> Result<(), PoolError> {
        let pool = Pool::Topics;
        let free = limits.topics.saturating_sub(self.topic_count());
        if free > 0 {
            return client.check(pool, 1, free as u64);
        }
        let limit = limits.topics as u64;
        client
            .check_share(pool)
            .map_err(|_| PoolError::Full { pool, limit })?;
        if self.remove_oldest() {
            return Ok(());
        }
        client.pools().count_refused(pool);
        Err(PoolError::Full { pool, limit })
    }

    /// Checks whether a session may have one more subscription.
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

    /// Checks whether a session may have one more temporary topic or queue.
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

    /// Checks the limits on cursors: the new subscription needs `covered` cursors, and existing subscriptions need
    /// `others` cursors, because they cover a topic or queue that is created now.
    pub(crate) fn check_cursors(
        &self,
        session: &Session,
        filter: &TopicFilter,
        covered: usize,
        others: usize,
        limits: &Limits,
    ) -> Result<(), SubscribeError> {
        let own = self
            .sessions
            .get(&session.id)
            .map_or(0, |attached| attached.exact + attached.consumers_joined);
        let of_wildcards = session.client().pools().taken(Pool::Cursors) as usize;
        let all = self.cursors + of_wildcards;
        for (cursors, limit) in [
            (all + covered + others, limits.cursors),
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
                self.topics.find(name.as_str()).is_some() || self.is_dormant(name)
            }
            DestinationKind::Queue => self.queues.named.find(name.as_str()).is_some(),
        }
    }

    /// Returns the number of topics that have entries or subscribers.
    pub(crate) fn topic_count(&self) -> usize {
        self.names.len()
    }

    /// Creates a new topic, if the limits allow it.
    pub(crate) fn create_topic_if_allowed(
        &mut self,
        name: &TopicName,
        limits: &Limits,
        client: &Arc<Client>,
    ) -> Result<(), PublishError> {
        self.check_published_topic(name, limits, client)?;
        self.open_topic(name, client);
        Ok(())
    }

    /// Ends a subscription. `left` gets its cursors, which must be closed after the release of the lock. A subscription
    /// with many cursors is removed in several calls; returns false until the last one.
    pub(crate) fn cancel(
        &mut self,
        subscription: &Subscription,
        left: &mut Vec<Arc<Cursor>>,
    ) -> bool {
        subscription.cancel();
        let Some(name) = subscription.filter.exact() else {
            self.subscriptions -= usize::from(self.wildcards.remove(subscription));
            return self.remove_cursors(subscription, left);
        };
        self.subscriptions -= 1;
        if !self.stop_waiting(&name, subscription.id)
            && let Some(topic) = self.topics.find_mut(name.as_str())
            && let Some(cursor) = topic.leave(subscription.id)
        {
            left.push(cursor);
            self.cursors -= 1;
            self.remove_if_idle(&name);
        }
        true
    }

    pub(crate) fn remove_if_idle(&mut self, name: &TopicName) {
        let topic = self.topics.find_mut(name.as_str());
        if let Some(topic) = topic.filter(|topic| topic.is_idle()) {
            self.ages.remove(topic);
            self.removed.note(topic.log.trimmed_position());
            self.wildcards.add_orphans(topic);
            self.topics.remove(name.as_str());
            self.names.remove(name);
        }
    }
}
