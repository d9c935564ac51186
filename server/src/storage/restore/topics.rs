//! Restores topics: their histories, and their retained messages.

use std::collections::BTreeMap;

use broker::{Journal as _, JournalMessage, RestoredEnd, TopicEnd, TopicIds, TopicName};
use store::{Disk, NameId, QueueId};

use super::Restoring;
use crate::storage::{codec::SavedQueue, journal::LogJournal};

/// Contents of the store for a topic, besides its retained message.
#[derive(Debug, Default)]
struct StoredTopic {
    /// The newest id of its name.
    name: Option<NameId>,
    histories: Vec<QueueId>,
    end: Option<TopicEnd>,
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
        for (id, saved) in saved {
            match saved {
                SavedQueue::History { .. } => {
                    // A history without messages is not needed.
                    if let Some(name) = self.name_of_history(*id)?
                        && let Some(topic) = self.names.get(&name)
                    {
                        let topic = topics.entry(topic.clone()).or_default();
                        topic.name = topic.name.max(Some(name));
                        topic.histories.push(*id);
                    }
                }
                SavedQueue::TopicEnd { name, end } if was_clean => {
                    let name = NameId(*name);
                    if let Some(topic) = self.names.get(&name) {
                        let topic = topics.entry(topic.clone()).or_default();
                        topic.name = topic.name.max(Some(name));
                        topic.end = Some(*end);
                    }
                }
                _ => {}
            }
        }
        for topic in topics.into_values() {
            self.topic(topic, journal)?;
        }
        Ok(())
    }

    /// Returns the name of a history's messages, which all have the same name.
    fn name_of_history(&mut self, id: QueueId) -> anyhow::Result<Option<NameId>> {
        let waiting = self.store.state().queue(id);
        let waiting = waiting.and_then(|queue| queue.waiting().next());
        let Some((position, waiting)) = waiting else {
            return Ok(None);
        };
        Ok(Some(NameId(self.read(waiting.location, position)?.name)))
    }

    /// Restores a topic. A topic that was removed and created again may have several histories: they become one.
    fn topic(&mut self, topic: StoredTopic, journal: &LogJournal) -> anyhow::Result<()> {
        let Some(name) = topic.name else {
            return Ok(());
        };
        let main = topic.histories.last().copied();
        let mut stored = BTreeMap::new();
        for id in &topic.histories {
            let queue = self.store.state().queue(*id);
            for (position, waiting) in queue.iter().flat_map(|queue| queue.waiting()) {
                stored.insert(position, (waiting.location, Some(*id) != main));
            }
        }
        let mut messages = Vec::new();
        for (position, (location, _)) in &stored {
            messages.push(self.read(*location, *position)?);
        }
        let ids = TopicIds {
            name: name.0,
            history: main.map(|id| id.0),
        };
        let durable_since = || self.durable_topics.since(self.names.get(&name)?);
        let end = match topic.end {
            Some(end) => RestoredEnd::Stopped(end),
            None => durable_since().map_or(RestoredEnd::Lost, RestoredEnd::CompleteSince),
        };
        let previous: Vec<_> = messages.iter().map(|message| message.previous).collect();
        let entries = self.restore.topic(ids, end, messages);
        let entries = entries.into_iter().zip(previous);
        for ((location, is_moved), (entry, previous)) in stored.into_values().zip(entries) {
            if let Some(main) = main.filter(|_| is_moved) {
                journal.append(&JournalMessage {
                    entry: &entry,
                    name: name.0,
                    queues: &[main.0],
                    previous,
                    is_retained: false,
                });
            }
            self.entries.insert(location, entry);
        }
        for id in topic.histories.into_iter().filter(|id| Some(*id) != main) {
            journal.remove_saved(id);
        }
        Ok(())
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

    pub(super) fn retained(&mut self) -> anyhow::Result<()> {
        for (_, message) in self.store.state().retained() {
            if let Some(entry) = self.entry(message.location, message.position)? {
                self.restore.retained(&entry);
            }
        }
        Ok(())
    }
}
