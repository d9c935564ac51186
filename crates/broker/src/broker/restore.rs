//! Restores what a journal has recorded in earlier runs, before the broker is used.

use std::convert::Infallible;
use std::{collections::HashMap, sync::Arc};

use crate::{
    broker::Broker,
    journal::{Journal, TopicEnd},
    memory::account::{Account, End},
    memory::limits::Limits,
    message::entry::{DestinationKind, Publication, SharedEntry},
    name::subscription_name::{DurableName, SharedName},
    name::{TopicFilter, TopicName},
    policy::Policy,
    queue::{Binding, Identity, PagedPlace, Queue},
    schedule::Schedule,
    selector::Selector,
    state::removed::CompleteTopics,
    sync::lock_state,
    topic::cursor::Start,
    topic::log::{Log, Released},
};

/// A run of the broker, or several runs with a clean stop in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// See [`MessageId::epoch`](crate::MessageId::epoch). Later epochs have greater numbers.
    pub number: u64,
    /// The first position of the epoch. Positions of the epoch before it that are not lower were lost in a crash.
    pub first_position: u64,
}

/// The positions of earlier runs.
#[derive(Debug, Clone, Default)]
pub struct Positions {
    /// The epochs, oldest first. The last one is the current one.
    pub epochs: Vec<Epoch>,
    /// The position of the next message.
    pub next: u64,
    /// Topics that are not restored may have lost messages up to this position.
    pub newest_removed: u64,
    /// Topics that are not restored, and have lost fewer.
    pub complete: Vec<CompleteTopics>,
}

/// The ids of a topic in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicIds {
    /// The id of its name.
    pub name: u32,
    /// The id of its history, if the journal has one.
    pub history: Option<u32>,
}

/// The end of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredEnd {
    /// A clean stop has recorded these numbers.
    Stopped(TopicEnd),
    /// The last run has ended in a crash, but every message from this position on was recorded: see
    /// [`Journal::keeps_history`].
    CompleteSince(u64),
    /// The topic may have lost messages in a crash, also after the last message of its history.
    Lost,
}

/// The message of an earlier run.
#[derive(Debug)]
pub struct RestoredMessage {
    /// The content. Its topic or queue is replaced by the name with the id.
    pub publication: Publication,
    /// The id of the destination's name.
    pub name: u32,
    /// The position.
    pub position: u64,
    /// The number of the message in its topic or queue, from 1.
    pub sequence: u64,
    /// See [`JournalMessage::previous`](crate::JournalMessage::previous).
    pub previous: Option<u64>,
}

/// A message of a queue whose content stays in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredPlace {
    /// The id of the queue.
    pub queue: u32,
    /// The id of the destination's name.
    pub name: u32,
    /// The position.
    pub position: u64,
    /// The approximate size in memory.
    pub bytes: u32,
    /// Number of deliveries.
    pub deliveries: u32,
    /// The time of expiry in Unix milliseconds.
    pub expires_ms: Option<u64>,
    /// The number of the message in its queue, if it is known. It must be known for the newest message of a queue.
    pub sequence: Option<u64>,
}

/// A broker whose content is being restored.
///
/// The order of the calls: names, topics with their history, retained messages, queues and durable subscriptions, then the
/// messages of queues in the order of their positions. Nothing is recorded in the journal, and no bound applies. What refers to
/// an unknown id is left out.
#[derive(Debug)]
pub struct Restore {
    broker: Broker,
    journal: Arc<dyn Journal>,
    names: HashMap<u32, Arc<Account>>,
    queues: HashMap<u32, Arc<Queue>>,
}

impl Restore {
    /// Begins with an empty broker that continues after the positions of earlier runs.
    #[must_use]
    pub fn new(positions: Positions, limits: Limits, journal: Arc<dyn Journal>) -> Self {
        let broker = Broker::continuing(positions, limits, Arc::clone(&journal));
        Self {
            broker,
            journal,
            names: HashMap::new(),
            queues: HashMap::new(),
        }
    }

    /// Restores the name of a topic or queue.
    pub fn name(&mut self, id: u32, kind: DestinationKind, name: TopicName) {
        let account = Account::new(kind, name, &self.broker.memory);
        account.restore_name_id(id, self.journal.clone());
        self.names.insert(id, account);
    }

    /// Restores a queue for all clients.
    pub fn queue(&mut self, id: u32, name: TopicName) {
        let mut state = lock_state(&self.broker.state);
        let queue = state.restore_queue(&name, id, &self.broker.store, self.broker.own());
        self.queues.insert(id, queue);
    }

    /// Notes that the delivery from a queue is paused.
    pub fn paused(&mut self, id: u32) {
        if let Some(queue) = self.queues.get(&id) {
            queue.restore_paused();
        }
    }

    /// Restores a durable subscription.
    pub fn durable(
        &mut self,
        id: u32,
        name: DurableName,
        filter: TopicFilter,
        selector: Option<Selector>,
    ) {
        // The subscriptions of an earlier run have no owner.
        let charge = |pool, amount| Ok::<_, Infallible>(self.broker.own().charge(pool, amount));
        let Ok(binding) = Binding::new(filter, selector, charge);
        let mut state = lock_state(&self.broker.state);
        let queue = Queue::with_journal_id(
            state.fresh_id(),
            Identity::Durable(name.clone()),
            Some(binding),
            Some(id),
            &self.broker.store,
            self.broker.own(),
        );
        // A crash may have come between the creation of a queue and the removal of the one that it replaces.
        if let Some(earlier) = state.queues.durables.insert(name, Arc::clone(&queue)) {
            earlier.record_removed();
            state.unbind(&earlier);
        }
        state.bind(&queue, Start::New);
        self.queues.insert(id, queue);
    }

    /// Restores a topic with its history, whose messages are in the order of their positions. Returns them as entries.
    ///
    /// The messages get new sequences, without gaps and up to the end: older ones are in the history only if a lasting
    /// session may need them.
    pub fn topic(
        &mut self,
        TopicIds { name, history: id }: TopicIds,
        end: RestoredEnd,
        history: Vec<RestoredMessage>,
    ) -> Vec<SharedEntry> {
        let Some(account) = self.names.get(&name).cloned() else {
            return Vec::new();
        };
        let removed_up_to = || lock_state(&self.broker.state).removed.up_to(&account.name);
        let after_history = |removed_up_to| TopicEnd {
            next_sequence: history.last().map_or(1, |last| last.sequence + 1),
            bytes: history.iter().map(|one| one.publication.size()).sum(),
            removed_up_to,
        };
        let end = match end {
            RestoredEnd::Stopped(end) => end,
            RestoredEnd::CompleteSince(since) => {
                let missing = missing_up_to(&history, since);
                after_history(missing.unwrap_or_else(removed_up_to))
            }
            RestoredEnd::Lost => after_history(removed_up_to()),
        };
        if let Some(id) = id {
            account.restore_history_id(id, self.journal.clone());
        }
        let mut guard = lock_state(&self.broker.state);
        let state = &mut *guard;
        let topic = state.restore_topic(&account, self.broker.own());
        let bytes: u64 = history.iter().map(|one| one.publication.size()).sum();
        let count = history.len() as u64;
        let begin = End {
            sequence: end.next_sequence.saturating_sub(count).max(1),
            offset: end.bytes.saturating_sub(bytes),
        };
        if topic.log.history_entries() == 0 {
            topic.log = Log::beginning_at(begin, end.removed_up_to);
        }
        // If the topic was removed and created again, it has two names and histories. The later one continues.
        topic.account = Arc::clone(&account);
        let mut entries = Vec::new();
        for message in history {
            let publication = message.publication.in_history();
            let message = RestoredMessage {
                publication,
                ..message
            };
            let entry = place(&self.broker, message, topic.log.end(), &account);
            topic.log.append(SharedEntry::clone(&entry));
            entries.push(entry);
        }
        let end = topic.log.end();
        account.published.restore(end.sequence - 1, end.offset);
        if let Some(topic) = state.topics.find_mut(account.name.as_str()) {
            state.ages.update(topic);
        }
        entries
    }

    /// Returns a message of a queue, or a retained message that is not in the history.
    pub fn message(&mut self, message: RestoredMessage) -> Option<SharedEntry> {
        let account = Arc::clone(self.names.get(&message.name)?);
        let end = End {
            sequence: self.sequence_of(&message, &account),
            offset: 0,
        };
        Some(place(&self.broker, message, end, &account))
    }

    /// Returns the sequence of a message that is not in the history. A topic whose newest messages were lost ends before it:
    /// then it gets the topic's last sequence, so that a new subscription does not look for it in the messages to come.
    fn sequence_of(&self, message: &RestoredMessage, account: &Account) -> u64 {
        let state = lock_state(&self.broker.state);
        let is_to_topic = message.publication.kind() == DestinationKind::Topic;
        let topic = state.topics.find(account.name.as_str());
        match topic.filter(|topic| is_to_topic && topic.log.history_entries() > 0) {
            Some(topic) => message.sequence.min(topic.log.end().sequence - 1),
            None => message.sequence,
        }
    }

    /// Makes a message the retained message of its topic.
    pub fn retained(&mut self, entry: &SharedEntry) {
        let Some(account) = entry.account() else {
            return;
        };
        let mut guard = lock_state(&self.broker.state);
        let state = &mut *guard;
        state.restore_topic(account, self.broker.own());
        if let Some(topic) = state.topics.find_mut(account.name.as_str()) {
            let end = entry.end();
            // A subscription gets the retained message if it comes before the messages that follow.
            if topic.log.end().sequence < end.sequence && topic.log.history_entries() == 0 {
                topic.log = Log::beginning_at(end, topic.log.trimmed_position());
            }
            // Of two names of the topic, this is the later one, under which the journal replaces or removes the message.
            topic.account = Arc::clone(account);
            let end = topic.log.end();
            account.published.restore(end.sequence - 1, end.offset);
            topic.retain(SharedEntry::clone(entry), &mut state.retained_index);
        }
    }

    /// Puts a message into a queue.
    pub fn waiting(&mut self, queue: u32, entry: &SharedEntry, deliveries: u32) {
        if let Some(queue) = self.queues.get(&queue) {
            queue.restore_message(entry, deliveries);
        }
    }

    /// Restores the queue of scheduled messages.
    pub fn scheduled_queue(&mut self, id: u32) {
        lock_state(&self.broker.state).scheduled.journal_id = Some(id);
    }

    /// Restores a scheduled message; `progress` is its recorded number of deliveries. Returns false if it has no name.
    pub fn scheduled(
        &mut self,
        message: RestoredMessage,
        schedule: Schedule,
        progress: u32,
    ) -> bool {
        let Some(account) = self.names.get(&message.name) else {
            return false;
        };
        let account = Arc::clone(account);
        self.broker
            .restore_scheduled(message, schedule, progress, &account);
        true
    }

    /// Returns true if a message of this size should be in memory; otherwise its place in a queue is enough.
    #[must_use]
    pub fn has_room(&self, bytes: u64) -> bool {
        self.broker.store.has_room_for_restored(bytes)
    }

    /// Returns the bytes of messages of queues for which there is room in memory.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.broker.store.room_for_restored()
    }

    /// Puts a message into a queue without its content.
    pub fn paged(&mut self, place: RestoredPlace) {
        if let Some(queue) = self.queues.get(&place.queue)
            && let Some(account) = self.names.get(&place.name)
        {
            queue.restore_paged(PagedPlace {
                position: place.position,
                account: Arc::clone(account),
                bytes: place.bytes,
                deliveries: place.deliveries,
                expires_ms: place.expires_ms,
                sequence: place.sequence,
            });
        }
    }

    /// Restores the queue of a shared subscription. It ends if no consumer has joined it at the end of the restoration:
    /// [`Broker::end_restoration`].
    pub fn shared(&mut self, id: u32, name: SharedName) {
        let mut state = lock_state(&self.broker.state);
        let queue = Queue::with_journal_id(
            state.fresh_id(),
            Identity::Shared(name.clone()),
            Some(Binding::to_all(name.filter.clone())),
            Some(id),
            &self.broker.store,
            self.broker.own(),
        );
        state.add_shared(name, &queue, 0);
        self.queues.insert(id, queue);
    }

    /// Returns the broker. Names that nothing uses are removed from the journal. The caller restores sessions, and then
    /// calls [`Broker::end_restoration`].
    #[must_use]
    pub fn finish(self) -> Broker {
        self.broker
    }
}

impl Broker {
    /// Ends the restoration: topics lose the history that no session needs, and shared subscriptions without a consumer
    /// end.
    pub fn end_restoration(&self) {
        let mut guard = lock_state(&self.state);
        let state = &mut *guard;
        let mut released = Released::new();
        let names: Vec<_> = state.names.after(None).cloned().collect();
        for name in &names {
            if let Some(topic) = state.topics.find_mut(name.as_str()) {
                let (entries, bytes) = Policy::history(topic.policy.as_deref(), &self.limits);
                topic.log.trim(entries, bytes, &mut released);
                state.ages.update(topic);
            }
        }
        let unused = state.queues.shared.iter();
        let unused = unused.filter(|(_, shared)| shared.consumers == 0);
        let unused: Vec<_> = unused.map(|(name, _)| name.clone()).collect();
        for name in unused {
            state.end_shared(&name);
        }
    }
}

/// Returns the position up to which messages may be missing in a history that is complete from the position `since` on;
/// `None` without a message.
fn missing_up_to(history: &[RestoredMessage], since: u64) -> Option<u64> {
    if history.last()?.position < since {
        return Some(since - 1);
    }
    let mut newest_first = history.iter().rev().peekable();
    while let Some(message) = newest_first.next() {
        // The message before one of a topic that was not durable is unknown.
        let previous = message.previous.unwrap_or(message.position - 1);
        if newest_first
            .peek()
            .is_none_or(|older| older.position != previous)
        {
            return Some(previous);
        }
    }
    None
}

/// Gives a message its place again.
fn place(
    broker: &Broker,
    message: RestoredMessage,
    end: End,
    account: &Arc<Account>,
) -> SharedEntry {
    let publication = message.publication.restored();
    broker.memory.take(publication.size());
    publication.into_entry(message.position, end, account)
}
