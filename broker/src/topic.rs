//! A topic: its log, and the cursors that read it.

use std::sync::Arc;

use crate::{
    cursor::{Cursor, Overflow, Start},
    entry::Publication,
    figures::{Count, TopicFigures, Volume},
    limits::Lag,
    log::{End, Log, Memory},
    name::TopicName,
    outcome::Ready,
    queue::Queue,
    session::{Subscription, SubscriptionId},
};

/// What the broker's lock guards of a topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) log: Log,
    pub(crate) counts: Arc<TopicCounts>,
    /// By subscription, ascending.
    cursors: Vec<Arc<Cursor>>,
    /// Queues that get what is published here.
    pub(crate) queues: Vec<Arc<Queue>>,
}

/// What readers tell of a topic without the broker's lock.
#[derive(Debug)]
pub(crate) struct TopicCounts {
    pub(crate) name: TopicName,
    pub(crate) published: Volume,
    pub(crate) delivered: Count,
    pub(crate) dropped: Count,
}

impl TopicCounts {
    /// Where the log ends, as far as it was counted.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.published.entries() + 1,
            offset: self.published.bytes(),
        }
    }
}

impl Topic {
    /// An empty topic; for `forgotten` see [`Log::new`].
    pub(crate) fn new(name: TopicName, forgotten: u64) -> Self {
        Self {
            log: Log::new(forgotten),
            counts: Arc::new(TopicCounts {
                name,
                published: Volume::default(),
                delivered: Count::default(),
                dropped: Count::default(),
            }),
            cursors: Vec::new(),
            queues: Vec::new(),
        }
    }

    /// Appends a publication and tells its sequence. `ready` gets those who were given it by queues.
    pub(crate) fn append(
        &mut self,
        publication: Publication,
        position: u64,
        memory: &Arc<Memory>,
        ready: &mut Ready,
    ) -> u64 {
        let end = self.log.end();
        let size = publication.size();
        let entry = publication.into_entry(position, end, &self.counts.name, memory);
        for queue in &self.queues {
            queue.feed(&entry, None, ready);
        }
        self.log.append(entry);
        self.counts.published.add(size);
        end.sequence
    }

    /// Gives the subscription a cursor here; the cursor, claimed, if there is something to read at once.
    pub(crate) fn join(
        &mut self,
        subscription: &Arc<Subscription>,
        start: Start,
    ) -> Option<Arc<Cursor>> {
        let (cursor, has_entries) = Cursor::new(
            Arc::clone(subscription),
            Arc::clone(&self.counts),
            &self.log,
            start,
        );
        let cursor = Arc::new(cursor);
        // Most topics have one subscription; new ones have greater ids, so that joining is a push.
        if self.cursors.is_empty() {
            self.cursors.reserve_exact(1);
        }
        let at = self.place_of(subscription.id);
        self.cursors.insert(at, Arc::clone(&cursor));
        (has_entries && cursor.claim()).then_some(cursor)
    }

    pub(crate) fn leave(&mut self, id: SubscriptionId) -> Option<Arc<Cursor>> {
        let at = self.place_of(id);
        self.cursors
            .get(at)
            .filter(|one| one.subscription.id == id)?;
        let cursor = self.cursors.remove(at);
        if self.cursors.len() < self.cursors.capacity() / 4 {
            self.cursors.shrink_to_fit();
        }
        Some(cursor)
    }

    fn place_of(&self, id: SubscriptionId) -> usize {
        self.cursors
            .partition_point(|cursor| cursor.subscription.id < id)
    }

    pub(crate) fn cursors(&self) -> impl ExactSizeIterator<Item = &Arc<Cursor>> {
        self.cursors.iter()
    }

    /// The cursors that lie behind what the topic keeps anyway, the end of the log, and how far behind it
    /// would cost nothing. Those that make publishers wait are left out.
    pub(crate) fn lagging(&self) -> impl Iterator<Item = (Arc<Cursor>, End, Lag)> {
        let end = self.log.end();
        let kept = Lag {
            entries: self.log.history_entries(),
            bytes: u64::MAX,
        };
        self.cursors()
            .filter(|cursor| cursor.subscription.overflow != Overflow::Block)
            .filter(move |cursor| cursor.is_overdue(end, kept))
            .map(move |cursor| (Arc::clone(cursor), end, kept))
    }

    pub(crate) fn figures(&self) -> TopicFigures {
        TopicFigures {
            name: self.counts.name.clone(),
            sequence: self.counts.published.entries(),
            bytes: self.counts.published.bytes(),
            history_entries: self.log.history_entries(),
            history_bytes: self.log.history_bytes(),
            subscriptions: self.cursors.len() + self.queues.len(),
            delivered: self.counts.delivered.total(),
            dropped: self.counts.dropped.total(),
            greatest_lag: self
                .cursors()
                .map(|cursor| cursor.lag_entries())
                .max()
                .unwrap_or(0),
        }
    }

    /// Whether it never had an entry, and all who cover it would cover a new one of its name too.
    pub(crate) fn is_unused(&self) -> bool {
        self.log.end().sequence == 1
            && self
                .cursors()
                .all(|cursor| cursor.subscription.filter.exact().is_none())
            && self.queues.iter().all(|queue| queue.has_wildcards())
    }

    /// Whether nothing would be lost with it.
    pub(crate) fn is_idle(&self) -> bool {
        self.cursors.is_empty() && self.queues.is_empty() && self.log.history_entries() == 0
    }
}
