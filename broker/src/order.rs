//! The order: what the broker's lock guards.
//!
//! It keeps topics, subscriptions and the cursors between them in step. What is to be told to anybody is
//! left to the caller, for when the lock is released.

use std::{collections::HashMap, sync::Arc};

use crate::{
    cursor::{Cursor, Start},
    level_tree::LevelTree,
    limits::Limits,
    name::{TopicFilter, TopicName},
    outcome::{PublishError, SubscribeError},
    session::{Session, Subscription, SubscriptionId},
    topic::Topic,
};

/// What the lock guards.
#[derive(Debug, Default)]
pub(crate) struct Order {
    pub(crate) position: u64,
    pub(crate) topics: LevelTree<Topic>,
    /// Subscriptions with wildcards, by filter; the others are found at their topic.
    pub(crate) wildcards: LevelTree<Vec<SubscriptionId>>,
    pub(crate) subscriptions: HashMap<SubscriptionId, Member>,
    pub(crate) sessions: HashMap<u64, Attached>,
    pub(crate) cursors: usize,
    pub(crate) last_id: u64,
    /// The newest position that went with a topic that was removed.
    pub(crate) forgotten: u64,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) session: Arc<Session>,
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) topics: Vec<TopicName>,
}

#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) session: Arc<Session>,
    pub(crate) subscriptions: Vec<SubscriptionId>,
}

impl Order {
    pub(crate) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The topic, made when there is none: with a cursor for each wildcard subscription that covers it.
    pub(crate) fn topic(&mut self, name: &TopicName) -> &mut Topic {
        let made = match self.topics.find(name.as_str()) {
            Some(_) => None,
            None => Some(self.new_topic(name)),
        };
        self.topics.find_or_insert_with(name.as_str(), || {
            made.unwrap_or_else(|| Topic::new(name.clone(), 0))
        })
    }

    pub(crate) fn new_topic(&mut self, name: &TopicName) -> Topic {
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
    pub(crate) fn covering(&self, name: &TopicName) -> Vec<SubscriptionId> {
        let mut found = Vec::new();
        self.wildcards
            .for_each_covering(name, |ids| found.extend_from_slice(ids));
        found
    }

    pub(crate) fn check_subscription(
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
    pub(crate) fn admit(&mut self, name: &TopicName, limits: &Limits) -> Result<(), PublishError> {
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

    /// Ends a subscription. `left` takes its cursors, which may be the last to hold a long stretch of a
    /// log, to be dropped when the lock is released.
    pub(crate) fn cancel(&mut self, id: SubscriptionId, left: &mut Vec<Arc<Cursor>>) {
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

    pub(crate) fn remove_if_idle(&mut self, name: &TopicName) {
        let topic = self.topics.find(name.as_str());
        if let Some(topic) = topic.filter(|topic| topic.is_idle()) {
            self.forgotten = self.forgotten.max(topic.log.trimmed_position());
            self.topics.remove(name.as_str());
        }
    }
}

/// A subscription on its way into the topics it covers.
pub(crate) struct Joining<'a> {
    pub(crate) id: SubscriptionId,
    pub(crate) session: &'a Arc<Session>,
    pub(crate) subscription: &'a Arc<Subscription>,
    pub(crate) start: Start,
    pub(crate) topics: Vec<TopicName>,
    /// Claimed cursors, with something to read at once.
    pub(crate) readable: Vec<Arc<Cursor>>,
}

impl Joining<'_> {
    pub(crate) fn join(&mut self, topic: &mut Topic) {
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
