//! A topic: its log, and the cursors that read it.

pub(crate) mod cursor;
pub(crate) mod log;
pub(crate) mod retained;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    figures::TopicFigures,
    memory::account::Account,
    memory::limits::Lag,
    memory::share::TopicCharge,
    message::entry::SharedEntry,
    one_or_many::OneOrMany,
    outcome::Ready,
    policy::Policy,
    queue::Queue,
    sequence::Sequencer,
    session::subscription::{Retained, StartOptions, Subscription, SubscriptionId},
    topic::cursor::{Cursor, CursorStart, Overflow, Start},
    topic::log::{End, Log, Released},
    topic::retained::RetainedIndex,
};

/// The part of a topic that the broker's lock guards.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) log: Log,
    pub(crate) account: Arc<Account>,
    /// True if the journal records every message: see [`Journal::keeps_history`](crate::Journal::keeps_history).
    pub(crate) is_durable: bool,
    /// In ascending order of subscription ids.
    cursors: OneOrMany<Arc<Cursor>>,
    /// Number of the cursors of subscriptions to exactly this name.
    exact_cursors: usize,
    /// Every wildcard subscription with an id up to this one that covers the topic has a cursor here. 0 means unknown.
    pub(crate) covered_up_to: u64,
    /// Queues that are fed by exactly this name, by id: tens of thousands may be removed from one topic at once.
    pub(crate) queues: BTreeMap<u64, Arc<Queue>>,
    /// Whether bindings with wildcards cover this topic.
    pub(crate) binding_cover: BindingCover,
    /// The retained message, which may no longer be in the log.
    retained: Option<SharedEntry>,
    /// True during a transaction that publishes to this topic: it must not be removed to make room for another topic of
    /// the transaction.
    pub(crate) is_in_transaction: bool,
    /// The topic's place in the index of topics that keep messages.
    pub(crate) place_in_ages: Option<Listed>,
    /// The policy that holds for the topic.
    pub(crate) policy: Option<Arc<Policy>>,
    /// The charge of the topic to the client that created it.
    _charge: TopicCharge,
}

/// The properties of a new topic.
#[derive(Debug)]
pub(crate) struct NewTopic {
    /// Has the topic's name.
    pub(crate) account: Arc<Account>,
    /// See [`Topic::is_durable`].
    pub(crate) is_durable: bool,
    /// See [`Log::new`].
    pub(crate) newest_removed_position: u64,
    pub(crate) charge: TopicCharge,
    pub(crate) policy: Option<Arc<Policy>>,
}

/// The list of `AgeIndex` that contains a topic, and the topic's key there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    History(u64),
    Image(u64),
}

impl Topic {
    /// Returns an empty topic.
    pub(crate) fn new(new: NewTopic) -> Self {
        Self {
            log: Log::new(new.newest_removed_position),
            account: new.account,
            is_durable: new.is_durable,
            cursors: OneOrMany::new(),
            exact_cursors: 0,
            covered_up_to: 0,
            queues: BTreeMap::new(),
            binding_cover: BindingCover::default(),
            retained: None,
            is_in_transaction: false,
            place_in_ages: None,
            policy: new.policy,
            _charge: new.charge,
        }
    }

    /// Appends an entry at the end of the log, and passes it to the queues that the topic feeds: the queues bound by
    /// its name, and `covering`: the queues bound by a filter with wildcards. `ready` gets the sessions that received
    /// it from queues. The caller has reserved its memory.
    pub(crate) fn append(
        &mut self,
        entry: SharedEntry,
        covering: &[Arc<Queue>],
        ready: &mut Ready,
    ) {
        for queue in self.queues.values().chain(covering) {
            queue.feed(&entry, None, ready);
        }
        self.account.published.add(entry.size());
        self.log.append(entry);
    }

    /// Removes all messages from the log. Of a durable topic this is recorded, before the journal forgets the messages.
    pub(crate) fn clear_log(&mut self, sequencer: &Sequencer, released: &mut Released) {
        if self.is_durable {
            sequencer.record_emptied(self.log.newest_position());
        }
        self.log.clear(released);
    }

    /// Makes the newest entry the retained message; an entry without a body removes the retained message.
    ///
    /// [MQTT-3.3.1-5], [MQTT-3.3.1-6], [MQTT-3.3.1-7]
    pub(crate) fn retain_last(&mut self, retained_index: &mut RetainedIndex) {
        let newest = self.log.last().filter(|entry| !entry.body().is_empty());
        let before = std::mem::replace(&mut self.retained, newest.cloned());
        retained_index.replace(before.as_deref(), self.retained.as_deref());
    }

    /// Makes an entry, which need not be in the log, the retained message.
    pub(crate) fn retain(&mut self, entry: SharedEntry, retained_index: &mut RetainedIndex) {
        let before = self.retained.replace(entry);
        retained_index.replace(before.as_deref(), self.retained.as_deref());
    }

    /// Removes and returns the retained message.
    pub(crate) fn take_retained(
        &mut self,
        retained_index: &mut RetainedIndex,
    ) -> Option<SharedEntry> {
        let retained = self.retained.take()?;
        retained_index.replace(Some(&retained), None);
        Some(retained)
    }

    /// Returns true if the last image is the retained message.
    pub(crate) fn retains_last(&self) -> bool {
        let last = self.log.last().map(|entry| entry.position());
        let retained = self.retained.as_ref().map(|entry| entry.position());
        retained.is_some() && retained == last
    }

    pub(crate) fn retained(&self) -> Option<&SharedEntry> {
        self.retained.as_ref()
    }

    /// Returns the message that a subscription gets before the log.
    fn retained_for(&self, retained: Retained) -> Option<SharedEntry> {
        match retained {
            Retained::Omitted => None,
            Retained::First => self.retained.clone(),
            Retained::Rest(range) => {
                let is_included = |entry: &&SharedEntry| range.includes(entry.position());
                self.retained.as_ref().filter(is_included).cloned()
            }
        }
    }

    /// Returns true if a session that survives a restart subscribes to the topic.
    pub(crate) fn has_lasting_session(&self) -> bool {
        self.cursors()
            .any(|cursor| cursor.subscription.session.is_lasting())
    }

    /// Creates a cursor for the subscription. If it has messages to read, claims it and returns it.
    pub(crate) fn join(
        &mut self,
        subscription: &Arc<Subscription>,
        start_options: StartOptions,
    ) -> Option<Arc<Cursor>> {
        let cursor_start = self.cursor_start(start_options);
        self.begin(subscription, cursor_start)
    }

    /// Creates a cursor for a subscription with wildcards.
    pub(crate) fn join_wildcard(&mut self, subscription: &Arc<Subscription>) {
        let mut cursor_start = self.cursor_start(subscription.start_options());
        if subscription.take_missed(&self.account.name) {
            cursor_start = cursor_start.with_unknown_missed();
        }
        self.add_cursor(subscription, cursor_start);
    }

    /// Returns the place at which the subscription's cursor starts.
    pub(crate) fn cursor_start(&self, start_options: StartOptions) -> CursorStart {
        CursorStart::of(
            start_options.start,
            &self.log,
            self.retained_for(start_options.retained),
        )
    }

    /// Replaces the cursor of another subscription by a cursor of this one, at the same place. Returns the new cursor
    /// under the same condition as [`Topic::join`].
    pub(crate) fn take_over(
        &mut self,
        subscription: &Arc<Subscription>,
        other: SubscriptionId,
        retained: Retained,
    ) -> Option<Arc<Cursor>> {
        // A closed cursor has no place: its session has just ended.
        let cursor_start = match self.leave(other)?.close_and_take_place() {
            Some(cursor_start) => cursor_start,
            None => CursorStart::of(Start::New, &self.log, None),
        };
        let cursor_start = cursor_start.with_retained(self.retained_for(retained));
        self.begin(subscription, cursor_start)
    }

    fn begin(
        &mut self,
        subscription: &Arc<Subscription>,
        cursor_start: CursorStart,
    ) -> Option<Arc<Cursor>> {
        let (cursor, has_entries) = self.add_cursor(subscription, cursor_start);
        (has_entries && cursor.claim()).then_some(cursor)
    }

    /// Adds a cursor. Returns it, and true if there are messages to read at once.
    fn add_cursor(
        &mut self,
        subscription: &Arc<Subscription>,
        cursor_start: CursorStart,
    ) -> (Arc<Cursor>, bool) {
        let (cursor, has_entries) = Cursor::new(
            Arc::clone(subscription),
            Arc::clone(&self.account),
            cursor_start,
            self.log.end(),
        );
        let cursor = Arc::new(cursor);
        if subscription.has_wildcards() {
            subscription.add_cursor(&cursor);
        } else {
            self.exact_cursors += 1;
        }
        // The id of a new subscription is the greatest, so its cursor is usually added at the end.
        let at = self.place_of(subscription.id);
        self.cursors.insert(at, Arc::clone(&cursor));
        self.publish_reader_count();
        (cursor, has_entries)
    }

    pub(crate) fn leave(&mut self, id: SubscriptionId) -> Option<Arc<Cursor>> {
        let at = self.place_of(id);
        let found = self.cursors.as_slice().get(at);
        found.filter(|one| one.subscription.id == id)?;
        let cursor = self.cursors.remove(at)?;
        if !cursor.subscription.has_wildcards() {
            self.exact_cursors -= 1;
        }
        self.publish_reader_count();
        Some(cursor)
    }

    /// Returns whether the subscription has a cursor here.
    pub(crate) fn has_cursor(&self, id: SubscriptionId) -> bool {
        self.cursor(id).is_some()
    }

    /// Returns the cursor of a subscription.
    pub(crate) fn cursor(&self, id: SubscriptionId) -> Option<&Arc<Cursor>> {
        let found = self.cursors.as_slice().get(self.place_of(id));
        found.filter(|cursor| cursor.subscription.id == id)
    }

    /// Removes cursors of wildcard subscriptions that have read everything, among the first `most`. The next
    /// publication creates them again.
    pub(crate) fn take_back_cursors(&mut self, most: usize) {
        if self.cursors.len() == self.exact_cursors {
            return;
        }
        let mut looks_left = most;
        let before = self.cursors.len();
        self.cursors.retain(|cursor| {
            let is_looked_at = looks_left > 0;
            looks_left = looks_left.saturating_sub(1);
            let is_taken =
                is_looked_at && cursor.subscription.has_wildcards() && cursor.close_if_read();
            if is_taken {
                cursor.subscription.note_gone();
            }
            !is_taken
        });
        if self.cursors.len() < before {
            self.covered_up_to = 0;
            self.publish_reader_count();
        }
    }

    fn publish_reader_count(&self) {
        self.account.set_readers(self.cursors.len());
    }

    fn place_of(&self, id: SubscriptionId) -> usize {
        self.cursors
            .as_slice()
            .partition_point(|cursor| cursor.subscription.id < id)
    }

    pub(crate) fn cursors(&self) -> impl ExactSizeIterator<Item = &Arc<Cursor>> {
        self.cursors.as_slice().iter()
    }

    /// Returns those of `most` cursors, starting at index `from`, whose lag exceeds the kept history, each with the end
    /// of the log and the lag that the kept history covers. Cursors that make publishers wait are not included.
    pub(crate) fn lagging(
        &self,
        from: usize,
        most: usize,
    ) -> impl Iterator<Item = (Arc<Cursor>, End, Lag)> {
        let end = self.log.end();
        let kept = Lag {
            entries: self.log.history_entries(),
            bytes: u64::MAX,
        };
        let cursors = self.cursors().skip(from).take(most);
        cursors
            .filter(|cursor| cursor.subscription.current().overflow() != Overflow::Block)
            .filter(move |cursor| cursor.is_overdue(end, kept))
            .map(move |cursor| (Arc::clone(cursor), end, kept))
    }

    /// Returns the greatest lag of at most `most` cursors, starting at index `from`, or `None` if there are no more
    /// cursors.
    pub(crate) fn greatest_lag(&self, from: usize, most: usize) -> Option<u64> {
        let cursors = self.cursors().skip(from).take(most);
        cursors.map(|cursor| cursor.lag_entries()).max()
    }

    /// Returns the number of subscriptions to exactly this name, including those with their own queue.
    pub(crate) fn exact_subscriptions(&self) -> usize {
        self.exact_cursors + self.queues.len()
    }

    /// Returns the figures. `covering` is the number of subscriptions with wildcards that cover the topic. The greatest
    /// lag is computed from the first `cursors` cursors.
    pub(crate) fn figures(&self, covering: usize, cursors: usize) -> TopicFigures {
        TopicFigures {
            name: self.account.name.clone(),
            sequence: self.account.published.entries(),
            bytes: self.account.published.bytes(),
            history_entries: self.log.history_entries(),
            history_bytes: self.log.history_bytes(),
            subscriptions: self.exact_subscriptions() + covering,
            delivered: self.account.delivered.total(),
            dropped: self.account.dropped.total(),
            greatest_lag: self.greatest_lag(0, cursors).unwrap_or(0),
        }
    }

    /// Returns whether the topic never had an entry, and has no subscription to exactly this name.
    pub(crate) fn is_unused(&self) -> bool {
        self.log.end().sequence == 1 && self.exact_subscriptions() == 0
    }

    /// Returns whether the topic can be removed without loss. Subscriptions with wildcards also cover a new topic of
    /// its name, and their cursors keep their unread messages.
    pub(crate) fn is_idle(&self) -> bool {
        self.exact_subscriptions() == 0
            && self.retained.is_none()
            && self.log.history_entries() == 0
    }
}

/// Whether bindings with wildcards cover a topic, and the version of the bindings for which this is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct BindingCover {
    pub(crate) version: u64,
    pub(crate) is_covered: bool,
}
