//! A topic: its log, and the cursors that read it.

pub(crate) mod age_index;
pub(crate) mod cursor;
pub(crate) mod dormant;
pub(crate) mod log;
pub(crate) mod retained;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    figures::TopicFigures,
    memory::account::{Account, Memory},
    memory::limits::Lag,
    memory::share::TopicCharge,
    message::entry::{DestinationKind, Publication, SharedEntry},
    name::TopicName,
    one_or_many::OneOrMany,
    outcome::Ready,
    queue::Queue,
    session::subscription::{Retained, Subscription, SubscriptionId},
    topic::age_index::Listed,
    topic::cursor::{Beginning, Cursor, Overflow, Start},
    topic::log::{End, Log},
    topic::retained::Retentions,
};

/// What the broker's lock guards of a topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) log: Log,
    pub(crate) account: Arc<Account>,
    /// By subscription, ascending.
    cursors: OneOrMany<Arc<Cursor>>,
    /// Queues that get what is published here, by id: tens of thousands may leave one topic at once.
    pub(crate) queues: BTreeMap<u64, Arc<Queue>>,
    /// What those are given first who ask for it when they subscribe. It may have left the log.
    retained: Option<SharedEntry>,
    /// The topic's place in the index of topics that keep messages.
    pub(crate) listed: Option<Listed>,
    /// The charge of the topic to the client that made it.
    _charge: TopicCharge,
}

impl Topic {
    /// An empty topic; for `forgotten` see [`Log::new`].
    pub(crate) fn new(
        name: TopicName,
        forgotten: u64,
        memory: &Arc<Memory>,
        charge: TopicCharge,
    ) -> Self {
        Self {
            log: Log::new(forgotten),
            account: Account::new(DestinationKind::Topic, name, memory),
            cursors: OneOrMany::new(),
            queues: BTreeMap::new(),
            retained: None,
            listed: None,
            _charge: charge,
        }
    }

    /// Appends a publication, whose memory the caller takes, and tells its sequence. `ready` gets those who were given
    /// it by queues.
    pub(crate) fn append(
        &mut self,
        publication: Publication,
        position: u64,
        ready: &mut Ready,
    ) -> u64 {
        let end = self.log.end();
        let size = publication.size();
        let entry = publication.into_entry(position, end, &self.account);
        for queue in self.queues.values() {
            queue.feed(&entry, None, ready);
        }
        self.log.append(entry);
        self.account.published.add(size);
        end.sequence
    }

    /// Makes the newest entry what the topic retains; one without a body lets it retain nothing.
    ///
    /// [MQTT-3.3.1-5], [MQTT-3.3.1-6], [MQTT-3.3.1-7]
    pub(crate) fn retain_last(&mut self, retentions: &mut Retentions) {
        self.take_retained(retentions);
        let newest = self.log.last().filter(|entry| !entry.body().is_empty());
        self.retained = newest.cloned();
        self.retained.iter().for_each(|entry| retentions.add(entry));
    }

    /// Lets the topic retain nothing.
    pub(crate) fn take_retained(&mut self, retentions: &mut Retentions) -> Option<SharedEntry> {
        let retained = self.retained.take()?;
        retentions.remove(&retained);
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

    /// What a subscription begins with, before the log.
    fn retained_for(&self, retained: Retained) -> Option<SharedEntry> {
        match retained {
            Retained::Omitted => None,
            Retained::First => self.retained.clone(),
        }
    }

    /// Gives the subscription a cursor here; the cursor, claimed, if there is something to read at once.
    pub(crate) fn join(
        &mut self,
        subscription: &Arc<Subscription>,
        start: Start,
        retained: Retained,
    ) -> Option<Arc<Cursor>> {
        let beginning = Beginning::of(start, &self.log, self.retained_for(retained));
        self.begin(subscription, beginning)
    }

    /// Gives the subscription a cursor that goes on where the one of another is, which it loses; likewise.
    pub(crate) fn take_over(
        &mut self,
        subscription: &Arc<Subscription>,
        other: SubscriptionId,
        retained: Retained,
    ) -> Option<Arc<Cursor>> {
        // One that is closed has no place: its session has just been ended.
        let beginning = match self.leave(other)?.hand_on() {
            Some(beginning) => beginning,
            None => Beginning::of(Start::New, &self.log, None),
        };
        let beginning = beginning.with_retained(self.retained_for(retained));
        self.begin(subscription, beginning)
    }

    fn begin(
        &mut self,
        subscription: &Arc<Subscription>,
        beginning: Beginning,
    ) -> Option<Arc<Cursor>> {
        let (cursor, has_entries) = Cursor::new(
            Arc::clone(subscription),
            Arc::clone(&self.account),
            beginning,
            self.log.end(),
        );
        let cursor = Arc::new(cursor);
        // New ones have greater ids, so that joining is a push.
        let at = self.place_of(subscription.id);
        self.cursors.insert(at, Arc::clone(&cursor));
        self.count_readers();
        (has_entries && cursor.claim()).then_some(cursor)
    }

    pub(crate) fn leave(&mut self, id: SubscriptionId) -> Option<Arc<Cursor>> {
        let at = self.place_of(id);
        let found = self.cursors.as_slice().get(at);
        found.filter(|one| one.subscription.id == id)?;
        let cursor = self.cursors.remove(at);
        self.count_readers();
        cursor
    }

    fn count_readers(&self) {
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

    /// Returns those of `most` cursors, starting at index `from`, that lag behind the kept history,
    /// each with the end of the log and a lag
    /// that costs no memory. Cursors that make publishers wait are left out.
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
            .filter(|cursor| cursor.subscription.overflow() != Overflow::Block)
            .filter(move |cursor| cursor.is_overdue(end, kept))
            .map(move |cursor| (Arc::clone(cursor), end, kept))
    }

    /// Returns the greatest lag of at most `most` cursors, starting at index `from`, or `None` if
    /// there are no more cursors.
    pub(crate) fn greatest_lag(&self, from: usize, most: usize) -> Option<u64> {
        let cursors = self.cursors().skip(from).take(most);
        cursors.map(|cursor| cursor.lag_entries()).max()
    }

    /// Returns the figures. The lag is that of the first `cursors` cursors.
    pub(crate) fn figures(&self, cursors: usize) -> TopicFigures {
        TopicFigures {
            name: self.account.name.clone(),
            sequence: self.account.published.entries(),
            bytes: self.account.published.bytes(),
            history_entries: self.log.history_entries(),
            history_bytes: self.log.history_bytes(),
            subscriptions: self.cursors.len() + self.queues.len(),
            delivered: self.account.delivered.total(),
            dropped: self.account.dropped.total(),
            greatest_lag: self.greatest_lag(0, cursors).unwrap_or(0),
        }
    }

    /// Whether it never had an entry, and all who cover it would cover a new one of its name too.
    pub(crate) fn is_unused(&self) -> bool {
        self.log.end().sequence == 1
            && self
                .cursors()
                .all(|cursor| cursor.subscription.filter.exact().is_none())
            && self.queues.values().all(|queue| queue.has_wildcards())
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_idle(&self) -> bool {
        self.cursors.is_empty()
            && self.queues.is_empty()
            && self.retained.is_none()
            && self.log.history_entries() == 0
    }
}
