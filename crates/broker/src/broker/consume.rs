//! Subscriptions to queues, and to topics with acknowledgements.

use std::sync::Arc;

use crate::{
    broker::Broker,
    memory::share::{Client, Pool, PoolError},
    message::entry::{DestinationKind, Publication, SharedEntry},
    message::scan_budget::Budget,
    name::subscription_name::{DurableName, SharedName},
    name::{TopicFilter, TopicName},
    outcome::{Outcome, SubscribeError},
    queue::{Binding, Consumer, ConsumerOptions, Identity, Queue, QueueUse},
    selector::Selector,
    session::Session,
    session::subscription::SubscriptionId,
    settlement::Acknowledgement,
    state::BrokerState,
    state::queue_collection::QueueCollection,
    sync::{lock_state, pass_on},
    topic::cursor::Start,
};

/// The options of a subscription that consumes or acknowledges messages.
#[derive(Debug)]
pub struct Consume<'a> {
    /// The source of its messages.
    pub source: Source,
    /// The acknowledgement mode.
    pub acknowledgement: Acknowledgement,
    /// Maximum number of unacknowledged messages; at least 1.
    pub prefetch: usize,
    /// True for an exclusive consumer: it gets all messages unless an older exclusive consumer exists.
    pub exclusive: bool,
    /// The condition on messages; `None` for all.
    pub selector: Option<Selector>,
    /// Returned with each delivery.
    pub tag: &'a [u8],
}

/// The source of a subscription's messages.
#[derive(Debug, Clone)]
pub enum Source {
    /// Consumes from all queues that the filter covers, also those created later.
    Queues(TopicFilter),
    /// Browses a queue without consuming. After the last message follows one without a body and with the header
    /// `browser:end`.
    Browse(TopicName),
    /// Topics: the subscription has its own queue, which the topics feed and which ends with the subscription.
    Topics {
        /// The topics.
        filter: TopicFilter,
        /// The first position.
        start: Start,
    },
    /// Topics, with a queue that stays when the subscription ends and continues with the next subscription of this
    /// name. A different filter or selector starts a new queue.
    Durable {
        /// The name of the subscription.
        name: DurableName,
        /// The topics.
        filter: TopicFilter,
        /// The first position of a new queue.
        start: Start,
    },
    /// Topics, shared with all consumers of the same group and filter: one queue, which the topics feed from the first
    /// consumer on, and which ends with the last (MQTT 5.0, 4.8.2). If the filter is one virtual topic,
    /// `VirtualTopic.X`, it is that topic's queue `Consumer.GROUP.VirtualTopic.X`, provided that the group's name can
    /// be a level of its name; other consumers use it too, and it stays.
    Shared(SharedName),
}

/// A durable subscription that a session asks for: see [`Source::Durable`].
struct DurableQueue {
    name: DurableName,
    filter: TopicFilter,
    start: Start,
}

/// A consumer, and what its queue begins with, which is not in the queue yet.
struct NewConsumer {
    consumer: Arc<Consumer>,
    collection: Option<QueueCollection>,
}

impl From<Arc<Consumer>> for NewConsumer {
    fn from(consumer: Arc<Consumer>) -> Self {
        Self {
            consumer,
            collection: None,
        }
    }
}

impl Source {
    /// Checks whether a client may have this subscription.
    fn check(&self, client: &Client) -> Result<(), PoolError> {
        match self {
            Self::Queues(filter)
            | Self::Topics { filter, .. }
            | Self::Durable { filter, .. }
            | Self::Shared(SharedName { filter, .. }) => client.check_subscription(filter),
            Self::Browse(name) => client.check_subscription(&name.clone().into()),
        }
    }
}

impl Broker {
    /// Subscribes a session. Messages that are available at once are reported by [`Outcome::ready`]; `outcome` is
    /// extended.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`] if a limit is reached or another session has the subscription; nothing is changed then.
    pub fn consume(
        &self,
        session: &Arc<Session>,
        consume: Consume<'_>,
        outcome: &mut Outcome,
    ) -> Result<SubscriptionId, SubscribeError> {
        let mut state = lock_state(&self.state);
        state.check_session(session, &self.limits)?;
        consume.source.check(session.client())?;
        // Kept until the lock is released: a replaced queue may hold many messages.
        let replaced = match &consume.source {
            Source::Durable { name, .. } => state.queues.durables.get(name).cloned(),
            _ => None,
        };
        let NewConsumer {
            consumer,
            collection,
        } = match consume.source.clone() {
            Source::Queues(filter) => self.consume_queues(&mut state, session, filter, consume)?,
            Source::Browse(name) => self.browse_queue(&mut state, session, &name, consume)?,
            Source::Topics { filter, start } => {
                let identity = Identity::Private;
                self.consume_topics(&mut state, session, identity, filter, start, consume)?
            }
            Source::Durable {
                name,
                filter,
                start,
            } => {
                let made = DurableQueue {
                    name,
                    filter,
                    start,
                };
                self.consume_durable(&mut state, session, made, consume, outcome)?
            }
            Source::Shared(name) => match name.virtual_queue() {
                Some(queue) => self.consume_queues(&mut state, session, queue.into(), consume)?,
                None => self.consume_shared(&mut state, session, name, consume)?,
            },
        };
        if let Some(attached) = state.sessions.get_mut(&session.id) {
            attached.consumers += 1;
        }
        session.add_consumer(&consumer);
        state.subscriptions += 1;
        drop(state);
        drop(replaced);
        if let Some(collection) = collection {
            self.step_queue_collection(collection, &consumer, outcome);
        }
        self.watch(consumer.kind, &consumer.filter, true);
        consumer.fetch_unless_scheduled(&mut Budget::new(), &mut outcome.ready);
        self.notice_consumer(&consumer, true, outcome);
        Ok(consumer.id)
    }

    fn consume_queues(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        filter: TopicFilter,
        consume: Consume<'_>,
    ) -> Result<NewConsumer, SubscribeError> {
        BrokerState::check_reserved(&filter)?;
        let (covered, others) = match filter.exact() {
            Some(name) => (1, state.check_queue(&name, &self.limits, session.client())?),
            None => {
                let mut covered = 0;
                state
                    .queues
                    .named
                    .for_each_covered(&filter, |_| covered += 1);
                (covered, 0)
            }
        };
        state.check_cursors(session, &filter, covered, others, &self.limits)?;
        let id = SubscriptionId(state.fresh_id());
        let consumer = Consumer::new(
            id,
            session,
            options(DestinationKind::Queue, QueueUse::Shared, filter, consume),
        );
        state.join_queues(&consumer, &self.store);
        state.note_joined(&consumer, covered);
        Ok(consumer.into())
    }

    fn browse_queue(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        name: &TopicName,
        consume: Consume<'_>,
    ) -> Result<NewConsumer, SubscribeError> {
        let filter = TopicFilter::from(name.clone());
        BrokerState::check_reserved(&filter)?;
        let others = state.check_queue(name, &self.limits, session.client())?;
        state.check_cursors(session, &filter, 0, others, &self.limits)?;
        let queue = state.queue(name, &self.store, session.client());
        let id = SubscriptionId(state.fresh_id());
        let mut options = options(DestinationKind::Queue, QueueUse::Shared, filter, consume);
        options.browse = Some((queue, end_of_browse(name)));
        Ok(Consumer::new(id, session, options).into())
    }

    fn consume_durable(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        DurableQueue {
            name,
            filter,
            start,
        }: DurableQueue,
        consume: Consume<'_>,
        outcome: &mut Outcome,
    ) -> Result<NewConsumer, SubscribeError> {
        let Some(queue) = state.queues.durables.get(&name).map(Arc::clone) else {
            let limit = self.limits.durables;
            let free = limit.saturating_sub(state.queues.durables.len());
            match session.client().check(Pool::Durables, 1, free as u64) {
                Ok(()) => {}
                Err(PoolError::Full { .. }) => {
                    return Err(SubscribeError::TooManyDurables { limit });
                }
                Err(error) => return Err(error.into()),
            }
            state.sequencer.check_new()?;
            let identity = Identity::Durable(name);
            return self.consume_topics(state, session, identity, filter, start, consume);
        };
        if queue.consumer_count() > 0 {
            return Err(SubscribeError::DurableInUse(name));
        }
        let is_same = queue.binding.as_ref().is_some_and(|binding| {
            binding.filter == filter && binding.selector == consume.selector
        });
        if !is_same {
            let identity = Identity::Durable(name);
            // In the journal, the new queue replaces the old one in one step.
            let transaction = state.sequencer.begin_transaction();
            let made = self.consume_topics(state, session, identity, filter, start, consume);
            if made.is_ok() {
                queue.record_removed();
                state.unbind(&queue);
            }
            if let Some(transaction) = transaction {
                transaction.end(outcome);
            }
            return made;
        }
        let consumer = self.take_bound(state, session, filter, consume);
        consumer.join(&queue);
        Ok(consumer.into())
    }

    fn consume_shared(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        name: SharedName,
        consume: Consume<'_>,
    ) -> Result<NewConsumer, SubscribeError> {
        let filter = name.filter.clone();
        let (queue, joined) = match state.queues.shared.get_mut(&name) {
            Some(shared) => {
                shared.consumers += 1;
                (Arc::clone(&shared.queue), 0)
            }
            None => {
                state.check_topics(session, &filter, &self.limits)?;
                state.sequencer.check_new()?;
                state.make_shared(name, &self.store, session.client())
            }
        };
        let id = SubscriptionId(state.fresh_id());
        let options = options(DestinationKind::Topic, QueueUse::Shared, filter, consume);
        let consumer = Consumer::new(id, session, options);
        state.note_joined(&consumer, joined);
        consumer.join(&queue);
        Ok(consumer.into())
    }

    /// Creates a queue that topics feed, and its consumer.
    fn consume_topics(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        identity: Identity,
        filter: TopicFilter,
        start: Start,
        mut consume: Consume<'_>,
    ) -> Result<NewConsumer, SubscribeError> {
        state.check_topics(session, &filter, &self.limits)?;
        let charge = |pool, amount| session.client().take(pool, amount);
        let binding = Binding::new(filter.clone(), consume.selector.take(), charge)?;
        let queue_id = state.fresh_id();
        let queue = Queue::new(
            queue_id,
            identity.clone(),
            Some(binding),
            &self.store,
            session.client(),
        );
        // Messages are collected for a durable subscription while its client is away, so the caller checks the whole filter.
        if let (Identity::Private, Some(permissions), None) =
            (&identity, session.permissions(), filter.exact())
        {
            queue.restrict(permissions);
        }
        if let Identity::Durable(name) = identity {
            state.queues.durables.insert(name, Arc::clone(&queue));
        }
        let joined = state.bind(&queue, start);
        let collection = QueueCollection::new(&queue, &filter, start, state.sequencer.newest());
        let consumer = self.take_bound(state, session, filter, consume);
        state.note_joined(&consumer, joined);
        consumer.join(&queue);
        if collection.is_some() {
            // Until the queue has what it begins with.
            consumer.pause();
        }
        Ok(NewConsumer {
            consumer,
            collection,
        })
    }

    /// Puts what a queue begins with into it, in steps, and lets its consumer take from it.
    fn step_queue_collection(
        &self,
        mut collection: QueueCollection,
        consumer: &Consumer,
        outcome: &mut Outcome,
    ) {
        let mut is_done = false;
        while !is_done {
            let mut state = lock_state(&self.state);
            is_done = state.step_queue_collection(&mut collection);
            pass_on(state);
        }
        if !consumer.session.is_paused() {
            let mut budget = Budget::new();
            for queue in consumer.resume() {
                queue.distribute(&mut budget, &mut outcome.ready);
            }
        }
    }

    fn take_bound(
        &self,
        state: &mut BrokerState,
        session: &Arc<Session>,
        filter: TopicFilter,
        mut consume: Consume<'_>,
    ) -> Arc<Consumer> {
        // The queue contains only selected messages.
        consume.selector = None;
        let id = SubscriptionId(state.fresh_id());
        Consumer::new(
            id,
            session,
            options(DestinationKind::Topic, QueueUse::Alone, filter, consume),
        )
    }
}

fn options(
    kind: DestinationKind,
    queue_use: QueueUse,
    filter: TopicFilter,
    consume: Consume<'_>,
) -> ConsumerOptions<'_> {
    ConsumerOptions {
        kind,
        queue_use,
        filter,
        acknowledgement: consume.acknowledgement,
        prefetch: consume.prefetch,
        is_exclusive: consume.exclusive,
        selector: consume.selector,
        tag: consume.tag,
        browse: None,
    }
}

/// Returns the message that marks the end of a browse. [`is_end_of_browse`](crate::Entry::is_end_of_browse) is true for it.
fn end_of_browse(queue: &TopicName) -> SharedEntry {
    Publication::to_queue(queue.clone(), "".into(), 0, &[]).into_unplaced()
}
