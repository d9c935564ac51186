//! Fills a new queue, which topics feed by a filter with wildcards, with their last images or their history.
//!
//! The topics are examined in steps. The queue is bound before the first step, so it already contains messages
//! published in the meantime. Its consumer gets no messages before the last step. The queue orders its messages by
//! position, so the earlier messages are delivered first.

use std::sync::Arc;

use crate::{
    memory::limits::{ITEMS, NAMES},
    message::entry::SharedEntry,
    name::TopicFilter,
    name::index::Walk,
    outcome::Ready,
    queue::Queue,
    sequence::Sequencer,
    state::BrokerState,
    topic::Topic,
    topic::cursor::{Missed, Start},
};

/// The topics that have not been examined yet, and the entries that were found.
#[derive(Debug)]
pub(crate) struct QueueCollection {
    queue: Arc<Queue>,
    start: Start,
    walk: Walk,
    /// The newest position before the queue was bound. Later entries reach the queue through its binding.
    until: u64,
    found: Vec<(SharedEntry, Option<Missed>)>,
    /// True if messages may be missing in a topic from which no entry was found.
    has_gap: bool,
    is_sorted: bool,
}

impl QueueCollection {
    /// Starts to examine the topics of a filter. Must be called when the queue is bound, without releasing the lock.
    /// `until` is the newest position.
    pub(crate) fn new(
        queue: &Arc<Queue>,
        filter: &TopicFilter,
        start: Start,
        until: u64,
    ) -> Option<Self> {
        if start == Start::New || filter.exact().is_some() {
            return None;
        }
        Some(Self {
            queue: Arc::clone(queue),
            start,
            walk: Walk::new(filter, None),
            until,
            found: Vec::new(),
            has_gap: false,
            is_sorted: false,
        })
    }

    /// Adds the messages that a topic keeps.
    fn examine(&mut self, topic: &Topic) {
        let first = self.found.len();
        let missed = topic.log.collect_from(self.start, &mut self.found);
        let until = self.until;
        let is_from_binding = |(entry, _): &(SharedEntry, _)| entry.position() > until;
        let newer = self.found[first..].iter().position(is_from_binding);
        self.found
            .truncate(newer.map_or(self.found.len(), |at| first + at));
        match self.found.get_mut(first) {
            Some((_, missed_before)) => *missed_before = missed,
            None => self.has_gap |= missed.is_some(),
        }
    }

    /// Notes that messages of a topic may be missing.
    fn note_gap(&mut self) {
        self.has_gap = true;
    }

    /// Puts the next entries into the queue, after all topics were examined. Returns true if there are no more. Must be
    /// called by the holder of the broker's lock.
    fn feed(&mut self, sequencer: &Sequencer) -> bool {
        if !self.is_sorted {
            // The oldest is the last element.
            let by_position = |(entry, _): &(SharedEntry, _)| std::cmp::Reverse(entry.position());
            self.found.sort_unstable_by_key(by_position);
            self.is_sorted = true;
        }
        for _ in 0..ITEMS {
            let Some((entry, missed)) = self.found.pop() else {
                break;
            };
            if let Some(id) = self.queue.journal_id().filter(|_| self.queue.wants(&entry)) {
                sequencer.record_in_queue(&entry, id);
            }
            // The consumer gets no message before the last step, so no session becomes ready.
            self.queue.feed(&entry, missed, &mut Ready::default());
        }
        let is_done = self.found.is_empty();
        if is_done && self.has_gap {
            // The next message may be of another topic.
            self.queue.note_gap(Missed::Unknown);
        }
        is_done
    }
}

impl BrokerState {
    /// Examines the next topics for a queue, or puts the entries found into it. Returns true after the last step.
    pub(crate) fn step_queue_collection(&mut self, collection: &mut QueueCollection) -> bool {
        if collection.walk.is_done() {
            return collection.feed(&self.sequencer);
        }
        let mut names = Vec::new();
        self.names
            .visit(&mut collection.walk, NAMES, |name, waiting| {
                names.push((name.clone(), waiting.is_some()));
                names.len() < ITEMS
            });
        for (name, is_dormant) in names {
            match self.topics.find(name.as_str()) {
                Some(topic) => collection.examine(topic),
                None if is_dormant && !self.can_wait(collection.start) => collection.note_gap(),
                None => {}
            }
        }
        false
    }
}
