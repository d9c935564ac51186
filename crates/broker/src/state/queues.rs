//! All queues, and their links to topics and consumers. Guarded by the broker's lock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    journal::JournalError,
    memory::limits::{Limits, NAMES},
    memory::share::{Client, Pool, PoolError},
    message::entry::DestinationKind,
    name::index::NameIndex,
    name::level_tree::LevelTree,
    name::subscription_name::{DurableName, SharedName},
    name::{TopicFilter, TopicName, covers_brokers_own_queues, is_temporary},
    outcome::{PublishError, Ready, SubscribeError},
    queue::{Binding, Consumer, Identity, Queue, Store},
    session::subscription::SubscriptionId,
    state::BrokerState,
    topic::cursor::Start,
    topic::{BindingCover, Topic},
};

#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// Queues for all clients, by name.
    pub(crate) named: LevelTree<Arc<Queue>>,
    /// Their names in order, for listings.
    pub(crate) names: NameIndex<()>,
    /// The name of the last queue that the search for unused queues has examined.
    last_examined: Option<TopicName>,
    pub(crate) durables: HashMap<DurableName, Arc<Queue>>,
    pub(crate) shared: HashMap<SharedName, SharedQueue>,
    /// Queues that topics feed, by the filter of their binding if it has wildcards, and by id; the others are stored at
    /// their topic.
    bindings: LevelTree<BTreeMap<u64, Arc<Queue>>>,
    /// Changes with `bindings`.
    bindings_version: u64,
    /// Consumers with wildcards, by filter and id.
    wildcards: LevelTree<BTreeMap<SubscriptionId, Arc<Consumer>>>,
}

/// The queue of a shared subscription.
#[derive(Debug)]
pub(crate) struct SharedQueue {
    pub(crate) queue: Arc<Queue>,
    /// Number of consumers. Each is a subscription of its session, which bounds the number.
    pub(crate) consumers: usize,
}

/// The objects that must be created together with a queue.
struct QueueNeeds {
    /// A topic that must feed the queue and does not exist.
    topic: Option<TopicName>,
    /// Cursors of other subscriptions, and of the queue itself.
    cursors: usize,
}

impl BrokerState {
    /// Returns the queue with this name. If it does not exist, it is created: it gets the wildcard consumers that cover
    /// it, and the queue of a virtual topic is bound to its topic. A new queue is charged to the client.
    pub(crate) fn queue(
        &mut self,
        name: &TopicName,
        store: &Arc<Store>,
        client: &Arc<Client>,
    ) -> Arc<Queue> {
        if let Some(queue) = self.queues.named.find(name.as_str()) {
            return Arc::clone(queue);
        }
        let id = self.fresh_id();
        let identity = Identity::Named(name.clone());
        let queue = Queue::new(id, identity, virtual_binding(name), store, client);
        self.add_queue(name, queue)
    }

    /// Returns the queue with this name, which the journal knows by its id. It is created if necessary.
    pub(crate) fn restore_queue(
        &mut self,
        name: &TopicName,
        journal_id: u32,
        store: &Arc<Store>,
        client: &Arc<Client>,
    ) -> Arc<Queue> {
        let id = self.fresh_id();
        let identity = Identity::Named(name.clone());
        let binding = virtual_binding(name);
        let queue = Queue::with_journal_id(id, identity, binding, Some(journal_id), store, client);
        self.add_queue(name, queue)
    }

    fn add_queue(&mut self, name: &TopicName, queue: Arc<Queue>) -> Arc<Queue> {
        let named = Arc::clone(&queue);
        self.queues
            .named
            .find_or_insert_with(name.as_str(), || named);
        self.queues.names.insert(name.clone(), ());
        let mut covering = Vec::new();
        self.queues.wildcards.for_each_covering(name, |consumers| {
            let allowed = consumers.values();
            covering.extend(allowed.filter(|one| one.session.may_receive(name)).cloned());
        });
        self.cursors += covering.len();
        for consumer in covering {
            consumer.join(&queue);
        }
        self.bind(&queue, Start::New);
        queue
    }

    /// Checks whether a client may create one more queue with a name. Empty and unused queues are removed to make room;
    /// at the quota of a user, only those of this user. Each call examines a limited number of queues, and continues after
    /// the last one.
    fn make_room_for_queue(&mut self, limits: &Limits, client: &Client) -> Result<(), PoolError> {
        let free = limits.queues.saturating_sub(self.queues.named.len());
        let Err(error) = client.check_uncounted(Pool::Queues, 1, free as u64) else {
            return Ok(());
        };
        let is_quota = matches!(error, PoolError::QuotaUsed { .. });
        let mut idle = Vec::new();
        let Queues {
            named,
            names,
            last_examined,
            ..
        } = &mut self.queues;
        let after_last = names.after(last_examined.as_ref());
        let before = names.after(None);
        let mut last = None;
        for name in after_last.chain(before).take(names.len().min(NAMES)) {
            let queue = named.find(name.as_str());
            // The tree has the only reference, so nothing uses the queue. Temporary queues stay until their session
            // ends.
            let is_free = queue.is_some_and(|one| {
                Arc::strong_count(one) == 1
                    && one.is_idle()
                    && (!is_quota || client.has_holder_of(one.owner()))
            });
            if is_free && !is_temporary(name) {
                idle.push(name.clone());
            }
            last = Some(name);
        }
        *last_examined = last.cloned();
        for name in idle {
            let queue = self.queues.take_named(&name);
            queue.iter().for_each(|queue| queue.record_removed());
        }
        let free = limits.queues.saturating_sub(self.queues.named.len());
        client.check(Pool::Queues, 1, free as u64)
    }

    /// Returns the additional objects that a new queue needs.
    fn new_queue(&self, name: &TopicName) -> QueueNeeds {
        let topic = virtual_topic(name);
        let bound = usize::from(topic.is_some());
        let topic = topic.filter(|topic| !self.has(DestinationKind::Topic, topic));
        QueueNeeds {
            topic,
            cursors: self.consumers_covering(name) + bound,
        }
    }

    /// Creates a queue, if the limits allow it.
    pub(crate) fn admit_queue(
        &mut self,
        name: &TopicName,
        limits: &Limits,
        store: &Arc<Store>,
        client: &Arc<Client>,
    ) -> Result<(), PublishError> {
        match self.make_room_for_queue(limits, client) {
            Ok(()) => {}
            Err(PoolError::Full { .. }) => {
                let (name, limit) = (name.clone(), limits.queues);
                return Err(PublishError::TooManyQueues { name, limit });
            }
            Err(error) => return Err(error.into()),
        }
        let new = self.new_queue(name);
        if let Some(name) = new.topic {
            self.check_published_topic(&name, limits, client)?;
        }
        if self.cursors + new.cursors > limits.cursors {
            let (name, limit) = (name.clone(), limits.cursors);
            return Err(PublishError::TooManyCursors { name, limit });
        }
        self.queue(name, store, client);
        Ok(())
    }

    /// Checks that the journal can record a new queue. A temporary queue is not recorded.
    pub(crate) fn check_new_queue(&self, name: &TopicName) -> Result<(), JournalError> {
        match is_temporary(name) {
            true => Ok(()),
            false => self.sequencer.check_new(),
        }
    }

    /// Refuses a subscription to the broker's own queues.
    pub(crate) fn check_reserved(filter: &TopicFilter) -> Result<(), SubscribeError> {
        if covers_brokers_own_queues(filter) {
            return Err(SubscribeError::Reserved(filter.clone()));
        }
        Ok(())
    }

    /// Checks whether a subscription may use this queue, which may not exist yet. Returns the number of additional
    /// cursors of other subscriptions.
    pub(crate) fn check_queue(
        &mut self,
        name: &TopicName,
        limits: &Limits,
        client: &Client,
    ) -> Result<usize, SubscribeError> {
        if self.has(DestinationKind::Queue, name) {
            return Ok(0);
        }
        self.check_new_queue(name)?;
        match self.make_room_for_queue(limits, client) {
            Ok(()) => {}
            Err(PoolError::Full { .. }) => {
                let (name, limit) = (name.clone(), limits.queues);
                return Err(SubscribeError::TooManyQueues { name, limit });
            }
            Err(error) => return Err(error.into()),
        }
        let new = self.new_queue(name);
        if let Some(topic) = new.topic {
            self.check_subscribed_topic(&topic, limits, client)?;
        }
        Ok(new.cursors)
    }

    /// Records the number of topics and queues of a new consumer.
    pub(crate) fn note_joined(&mut self, consumer: &Consumer, joined: usize) {
        consumer.note_joined(joined);
        if let Some(attached) = self.sessions.get_mut(&consumer.session.id) {
            attached.consumers_joined += joined;
        }
    }

    /// Feeds a queue with the topics of its binding, from `start` on. A queue with wildcards is fed with new messages
    /// only; see [`QueueCollection`](crate::state::queue_collection::QueueCollection). Returns the number of cursors
    /// that the binding uses: 0 or 1.
    pub(crate) fn bind(&mut self, queue: &Arc<Queue>, start: Start) -> usize {
        let Some(Binding { filter, .. }) = &queue.binding else {
            return 0;
        };
        self.cursors += 1;
        let Some(name) = filter.exact() else {
            self.queues.add_binding(filter, queue);
            return 1;
        };
        let mut history = Vec::new();
        let topic = self.open_topic(&name, queue.owner());
        let mut missed = topic.log.collect_from(start, &mut history);
        topic.queues.insert(queue.id, Arc::clone(queue));
        for (entry, _) in history {
            if let Some(id) = queue.journal_id().filter(|_| queue.wants(&entry)) {
                self.sequencer.record_in_queue(&entry, id);
            }
            // The queue has no consumer yet, so no session becomes ready.
            queue.feed(&entry, missed.take(), &mut Ready::default());
        }
        missed.into_iter().for_each(|missed| queue.note_gap(missed));
        1
    }

    /// Creates the queue of a shared subscription for its first consumer. Returns the number of topics that feed it.
    pub(crate) fn make_shared(
        &mut self,
        name: SharedName,
        store: &Arc<Store>,
        client: &Arc<Client>,
    ) -> (Arc<Queue>, usize) {
        let binding = Binding::to_all(name.filter.clone());
        let id = self.fresh_id();
        let identity = Identity::Shared(name.clone());
        let queue = Queue::new(id, identity, Some(binding), store, client);
        let joined = self.add_shared(name, &queue, 1);
        (queue, joined)
    }

    /// Adds the queue of a shared subscription with this number of consumers. Returns the number of topics that feed it.
    pub(crate) fn add_shared(
        &mut self,
        name: SharedName,
        queue: &Arc<Queue>,
        consumers: usize,
    ) -> usize {
        let joined = self.bind(queue, Start::New);
        let shared = SharedQueue {
            queue: Arc::clone(queue),
            consumers,
        };
        self.queues.shared.insert(name, shared);
        joined
    }

    /// Ends a consumer's membership in a shared subscription; the subscription ends with the last one.
    pub(crate) fn leave_shared(&mut self, name: &SharedName) {
        let Some(shared) = self.queues.shared.get_mut(name) else {
            return;
        };
        shared.consumers -= 1;
        if shared.consumers == 0 {
            self.end_shared(name);
        }
    }

    /// Ends a shared subscription.
    pub(crate) fn end_shared(&mut self, name: &SharedName) {
        if let Some(SharedQueue { queue, .. }) = self.queues.shared.remove(name) {
            queue.record_removed();
            self.unbind(&queue);
        }
    }

    /// Removes a queue from the topics that feed it.
    pub(crate) fn unbind(&mut self, queue: &Arc<Queue>) {
        let Some(Binding { filter, .. }) = &queue.binding else {
            return;
        };
        self.cursors -= 1;
        match filter.exact() {
            Some(name) => {
                if let Some(topic) = self.topics.find_mut(name.as_str()) {
                    topic.queues.remove(&queue.id);
                }
                self.remove_if_idle(&name);
            }
            None => self.queues.remove_binding(filter, queue.id),
        }
    }

    /// Adds a consumer to all queues that its filter covers. Queues that are created later get it as well.
    pub(crate) fn join_queues(&mut self, consumer: &Arc<Consumer>, store: &Arc<Store>) {
        let filter = &consumer.filter;
        match filter.exact() {
            Some(name) => {
                let queue = self.queue(&name, store, consumer.session.client());
                consumer.join(&queue);
                self.cursors += 1;
            }
            None => {
                let Self {
                    queues, cursors, ..
                } = self;
                queues.named.for_each_covered(filter, |queue| {
                    if queue
                        .name()
                        .is_some_and(|name| consumer.session.may_receive(name))
                    {
                        consumer.join(queue);
                        *cursors += 1;
                    }
                });
                queues
                    .wildcards
                    .find_or_insert_with(filter.as_str(), BTreeMap::new)
                    .insert(consumer.id, Arc::clone(consumer));
            }
        }
    }

    /// Removes a consumer from the list of consumers that new queues get.
    pub(crate) fn leave_queues(&mut self, consumer: &Consumer) {
        if consumer.filter.exact().is_none() {
            let filter = &consumer.filter;
            remove_from(&mut self.queues.wildcards, filter, &consumer.id);
        }
    }

    /// Returns the number of wildcard consumers that cover a queue.
    pub(crate) fn consumers_covering(&self, name: &TopicName) -> usize {
        let mut found = 0;
        self.queues
            .wildcards
            .for_each_covering(name, |consumers| found += consumers.len());
        found
    }

    /// Removes a queue with a name. The caller gets its content.
    pub(crate) fn remove_queue(&mut self, name: &TopicName) -> Option<Arc<Queue>> {
        let queue = self.queues.take_named(name)?;
        queue.record_removed();
        self.unbind(&queue);
        for consumer in queue.consumers() {
            // A consumer that ends at the same time may have removed itself.
            if consumer.leave_queue(&queue) {
                self.cursors -= 1;
            }
        }
        Some(queue)
    }

    /// Removes a new queue or topic to which nothing was published after all.
    pub(crate) fn remove_unused(&mut self, kind: DestinationKind, name: &TopicName) {
        match kind {
            DestinationKind::Queue => {
                self.remove_queue(name);
                if let Some(topic) = virtual_topic(name) {
                    self.remove_unused_topic(&topic);
                }
            }
            DestinationKind::Topic => self.remove_unused_topic(name),
        }
    }

    /// Removes a topic that has never had an entry, unless it has subscriptions to exactly this name.
    fn remove_unused_topic(&mut self, name: &TopicName) {
        let topic = self.topics.find(name.as_str());
        if topic.is_some_and(|topic| topic.is_unused()) {
            self.topics.remove(name.as_str());
            self.names.remove(name);
        }
    }
}

fn remove_from<K: Ord, T>(tree: &mut LevelTree<BTreeMap<K, T>>, filter: &TopicFilter, id: &K) {
    let Some(all) = tree.find_mut(filter.as_str()) else {
        return;
    };
    all.remove(id);
    if all.is_empty() {
        tree.remove(filter.as_str());
    }
}

impl Queues {
    fn add_binding(&mut self, filter: &TopicFilter, queue: &Arc<Queue>) {
        self.bindings_version += 1;
        self.bindings
            .find_or_insert_with(filter.as_str(), BTreeMap::new)
            .insert(queue.id, Arc::clone(queue));
    }

    fn remove_binding(&mut self, filter: &TopicFilter, id: u64) {
        self.bindings_version += 1;
        remove_from(&mut self.bindings, filter, &id);
    }

    /// Returns the number of bindings with wildcards that cover a topic.
    pub(crate) fn covering(&self, name: &TopicName) -> usize {
        let mut found = 0;
        self.bindings
            .for_each_covering(name, |covering| found += covering.len());
        found
    }

    /// Returns the queues that a topic feeds by bindings with wildcards.
    #[inline]
    pub(crate) fn fed_by(&self, topic: &mut Topic) -> Vec<Arc<Queue>> {
        let version = self.bindings_version;
        let known = topic.binding_cover;
        if known.version == version && !known.is_covered {
            return Vec::new();
        }
        let mut queues = Vec::new();
        self.bindings
            .for_each_covering(&topic.account.name, |covering| {
                queues.extend(covering.values().map(Arc::clone));
            });
        topic.binding_cover = BindingCover {
            version,
            is_covered: !queues.is_empty(),
        };
        queues
    }

    fn take_named(&mut self, name: &TopicName) -> Option<Arc<Queue>> {
        self.names.remove(name);
        self.named.remove(name.as_str())
    }
}

impl SharedName {
    /// Returns the name of the queue that is used for this shared subscription, if its topic is a virtual topic.
    pub(crate) fn virtual_queue(&self) -> Option<TopicName> {
        let topic = self.filter.exact()?;
        let queue = TopicName::new(&format!("Consumer.{}.{topic}", self.group)).ok()?;
        (virtual_topic(&queue)? == topic).then_some(queue)
    }
}

/// Returns the binding of the queue of a virtual topic.
fn virtual_binding(queue: &TopicName) -> Option<Binding> {
    virtual_topic(queue).map(|topic| Binding::to_all(topic.into()))
}

/// Returns the topic that feeds a queue because of its name: `Consumer.NAME.VirtualTopic.REST` gets messages of
/// `VirtualTopic.REST`. The names are ActiveMQ's ("Virtual Destinations").
fn virtual_topic(queue: &TopicName) -> Option<TopicName> {
    let rest = queue.as_str().strip_prefix("Consumer.")?;
    let (_, topic) = rest.split_once('.')?;
    topic.starts_with("VirtualTopic.").then_some(())?;
    TopicName::new(topic).ok()
}
