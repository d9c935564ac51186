//! Restores topics: their histories, and their retained messages.

use std::collections::BTreeMap;

use broker::{
    Journal as _, JournalMessage, RestoredEnd, RestoredMessage, TopicEnd, TopicIds, TopicName,
};
use store::{Disk, Location, NameId, QueueId};

use super::Restoring;
use crate::storage::{codec::SavedQueue, journal::LogJournal, merged::merged};

/// Contents of the store for a topic, besides its retained message.
#[derive(Debug, Default)]
struct StoredTopic {
    /// The newest id of its name.
    name: Option<NameId>,
    histories: Vec<History>,
    end: Option<TopicEnd>,
}

/// A history with its messages, in the order of their positions. All have the same name.
#[derive(Debug)]
struct History {
    id: QueueId,
    messages: Vec<HistoryMessage>,
}

#[derive(Debug)]
struct HistoryMessage {
    location: Location,
    message: RestoredMessage,
}

impl<D: Disk> Restoring<'_, D> {
    /// Restores the topics that have a history or, after a clean stop, numbers.
    pub(super) fn topics(
        &mut self,
        saved: &[(QueueId, SavedQueue)],
        was_clean: bool,
        journal: &LogJournal,
    ) -> anyhow::Result<()> {
        let mut topics = BTreeMap::<TopicName, StoredTopic>::new();
        for history in self.histories(saved)? {
            let first = history.messages.first();
            let name = first.map(|first| NameId(first.message.name));
            if let Some(name) = name
                && let Some(topic) = self.names.get(&name)
            {
                let topic = topics.entry(topic.clone()).or_default();
                topic.name = topic.name.max(Some(name));
                topic.histories.push(history);
            }
        }
        for (_, saved) in saved {
            if let SavedQueue::TopicEnd { name, end } = saved
                && was_clean
                && let Some(topic) = self.names.get(&NameId(*name))
            {
                let topic = topics.entry(topic.clone()).or_default();
                topic.name = topic.name.max(Some(NameId(*name)));
                topic.end = Some(*end);
            }
        }
        for topic in topics.into_values() {
            self.topic(topic, journal);
        }
        Ok(())
    }

    /// Reads the histories that have messages, in the order of the log: so the log is read once and not once for each topic.
    fn histories(&mut self, saved: &[(QueueId, SavedQueue)]) -> anyhow::Result<Vec<History>> {
        let state = self.store.state();
        let ids = saved
            .iter()
            .filter(|(_, saved)| matches!(saved, SavedQueue::History { .. }))
            .map(|(id, _)| *id);
        let queues: Vec<_> = ids
            .filter_map(|id| Some((id, state.queue(id)?)))
            .filter(|(_, queue)| queue.length() > 0)
            .collect();
        let mut histories: Vec<_> = queues
            .iter()
            .map(|(id, queue)| History {
                id: *id,
                messages: Vec::with_capacity(queue.length()),
            })
            .collect();
        let numbered = queues.iter().enumerate();
        let numbered = numbered.map(|(number, (_, queue))| (number, queue.waiting()));
        for (number, (position, waiting)) in merged(numbered, |(_, waiting)| waiting.location) {
            let location = waiting.location;
            let message = self.read(location, position)?;
            histories[number]
                .messages
                .push(HistoryMessage { location, message });
        }
        Ok(histories)
    }

    /// Restores a topic. A topic that was removed and created again may have several histories: they become one.
    fn topic(&mut self, topic: StoredTopic, journal: &LogJournal) {
        let Some(name) = topic.name else {
            return;
        };
        let main = topic.histories.last().map(|history| history.id);
        let others = topic.histories.iter().map(|history| history.id);
        let others: Vec<_> = others.filter(|id| Some(*id) != main).collect();
        // Of the copies of a message in several histories, the newest comes first.
        let histories = topic.histories.into_iter().rev();
        let mut stored: Vec<_> = histories
            .flat_map(|history| {
                let is_moved = Some(history.id) != main;
                let messages = history.messages.into_iter();
                messages.map(move |message| (message, is_moved))
            })
            .collect();
        stored.sort_by_key(|(one, _)| one.message.position);
        stored.dedup_by_key(|(one, _)| one.message.position);
        let ids = TopicIds {
            name: name.0,
            history: main.map(|id| id.0),
        };
        let durable_since = || self.durable_topics.since(self.names.get(&name)?);
        let end = match topic.end {
            Some(end) => RestoredEnd::Stopped(end),
            None => durable_since().map_or(RestoredEnd::Lost, RestoredEnd::CompleteSince),
        };
        let mut places = Vec::with_capacity(stored.len());
        let mut messages = Vec::with_capacity(stored.len());
        for (HistoryMessage { location, message }, is_moved) in stored {
            places.push((location, message.previous, is_moved));
            messages.push(message);
        }
        let entries = self.restore.topic(ids, end, messages);
        for ((location, previous, is_moved), entry) in places.into_iter().zip(entries) {
            if let Some(main) = main.filter(|_| is_moved) {
                journal.append(&JournalMessage {
                    entry: &entry,
                    name: name.0,
                    queues: &[main.0],
                    previous,
                    is_retained: false,
                    schedule: None,
                });
            }
            self.entries.insert(location, entry);
        }
        for id in others {
            journal.remove_saved(id);
        }
    }

    /// Records the durable topics of this run, whose first position is `next`, if those of the last run were others.
    pub(super) fn record_durable_topics(
        &self,
        saved: &[(QueueId, SavedQueue)],
        journal: &LogJournal,
        next: u64,
    ) {
        let now = self
            .durable_topics
            .continued(journal.durable_topics(), next);
        if now == self.durable_topics {
            return;
        }
        for (id, saved) in saved {
            if let SavedQueue::DurableTopics(_) = saved {
                journal.remove_saved(*id);
            }
        }
        if !now.is_empty() {
            journal.save_durable_topics(&now);
        }
    }

    /// Records the position up to which durable topics are empty, if this run has durable topics.
    pub(super) fn record_emptied(
        &self,
        saved: &[(QueueId, SavedQueue)],
        journal: &LogJournal,
        emptied: u64,
    ) {
        if journal.durable_topics().is_empty() {
            return;
        }
        let recorded = saved
            .iter()
            .filter(|(_, saved)| matches!(saved, SavedQueue::Emptied(_)));
        let recorded = recorded.map(|(id, _)| id.0).collect();
        journal.continue_emptied(emptied, recorded);
    }

    /// Reads the retained messages in the order of the log, and restores them in the order of their names: of two names of a
    /// topic, the later one counts.
    pub(super) fn retained(&mut self) -> anyhow::Result<()> {
        let mut stored: Vec<_> = self.store.state().retained().collect();
        stored.sort_unstable_by_key(|(_, message)| message.location);
        let mut entries = Vec::with_capacity(stored.len());
        for (name, message) in stored {
            if let Some(entry) = self.entry(message.location, message.position)? {
                entries.push((name, entry));
            }
        }
        entries.sort_unstable_by_key(|(name, _)| *name);
        for (_, entry) in entries {
            self.restore.retained(&entry);
        }
        Ok(())
    }
}
