//! Restores the broker from an open store.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use broker::{
    Broker, Epoch, Journal, Limits, Positions, Restore, RestoredMessage, Selector, SharedEntry,
    SharedName, TopicEnd, TopicFilter, TopicIds, TopicName,
};
use store::{
    Disk, Flags, Location, MessageReader, NameId, Note, Opened, QueueId, State, Store, read_message,
};

use super::{
    codec::{self, Producers, SavedQueue, kinds},
    journal::LogJournal,
    session_log::{self, RestoredSession, WindowData},
};

/// Returns the ids that no earlier run has used.
pub fn first_ids(state: &State) -> super::journal::FirstIds {
    let last_name = state.names().map(|(id, _)| id.0).max();
    super::journal::FirstIds {
        name: last_name.map_or(0, |last| last + 1),
        queue: state.last_queue() + 1,
    }
}

/// Restores a broker that records its changes in this journal.
///
/// # Errors
/// The store cannot be read, or was written by a newer version.
pub fn restore<D: Disk>(
    opened: &Opened<D>,
    journal: &Arc<LogJournal>,
    limits: Limits,
) -> anyhow::Result<(Broker, Vec<RestoredSession>)> {
    let was_clean = !opened
        .notes
        .iter()
        .any(|note| matches!(note, Note::UncleanStart { .. }));
    let state = opened.store.state();
    let saved = saved_queues(state)?;
    let end = saved.iter().find_map(|(_, saved)| match saved {
        SavedQueue::BrokerEnd { newest_removed } if was_clean => Some(*newest_removed),
        _ => None,
    });
    let positions = Positions {
        epochs: opened.store.epochs().iter().map(epoch).collect(),
        next: opened.next_position,
        // After a crash, topics without a history on disk may have lost everything.
        newest_removed: end.unwrap_or(opened.next_position.saturating_sub(1)),
    };
    let as_journal: Arc<dyn Journal> = Arc::<LogJournal>::clone(journal);
    let mut restoring = Restoring {
        store: &opened.store,
        reader: MessageReader::new(opened.store.disk(), opened.store.id()),
        names: HashMap::new(),
        restore: Restore::new(positions, limits, as_journal),
        entries: HashMap::new(),
        producers: Producers::default(),
    };
    restoring.names()?;
    restoring.topics(&saved, was_clean)?;
    restoring.retained()?;
    restoring.queues(saved, journal)?;
    let sessions = restoring.sessions()?;
    Ok((restoring.restore.finish(), sessions))
}

fn epoch(epoch: &store::Epoch) -> Epoch {
    Epoch {
        number: epoch.number,
        first_position: epoch.first_position,
    }
}

fn saved_queues(state: &State) -> anyhow::Result<Vec<(QueueId, SavedQueue)>> {
    let queues = state.queues();
    let decoded = queues.map(|(id, queue)| Ok((id, codec::queue(&queue.attributes)?)));
    decoded.collect()
}

struct Restoring<'a, D: Disk> {
    store: &'a Store<D>,
    reader: MessageReader<'a, D>,
    names: HashMap<NameId, TopicName>,
    restore: Restore,
    /// Messages that were read, because several places may hold one.
    entries: HashMap<Location, SharedEntry>,
    producers: Producers,
}

impl<D: Disk> Restoring<'_, D> {
    fn names(&mut self) -> anyhow::Result<()> {
        for (id, stored) in self.store.state().names() {
            let text = str::from_utf8(&stored.name).context("a name is not UTF-8")?;
            let name = TopicName::new(text).with_context(|| format!("the name {text:?}"))?;
            let kind = codec::kind_of(stored.kind);
            self.restore.name(id.0, kind, name.clone());
            self.names.insert(id, name);
        }
        Ok(())
    }

    /// Restores the topics that have a history or, after a clean stop, numbers.
    fn topics(&mut self, saved: &[(QueueId, SavedQueue)], was_clean: bool) -> anyhow::Result<()> {
        let mut topics = BTreeMap::<NameId, (Option<QueueId>, Option<TopicEnd>)>::new();
        for (id, saved) in saved {
            match saved {
                SavedQueue::History { .. } => {
                    // A history without messages is not needed.
                    if let Some(name) = self.name_of_history(*id)? {
                        topics.entry(name).or_default().0 = Some(*id);
                    }
                }
                SavedQueue::TopicEnd { name, end } if was_clean => {
                    topics.entry(NameId(*name)).or_default().1 = Some(*end);
                }
                _ => {}
            }
        }
        for (name, (history, end)) in topics {
            self.topic(name, history, end)?;
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

    fn topic(
        &mut self,
        name: NameId,
        history: Option<QueueId>,
        end: Option<TopicEnd>,
    ) -> anyhow::Result<()> {
        let waiting: Vec<_> = history
            .and_then(|id| self.store.state().queue(id))
            .map_or_else(Vec::new, |queue| queue.waiting().collect());
        let mut messages = Vec::new();
        for (position, waiting) in &waiting {
            messages.push(self.read(waiting.location, *position)?);
        }
        let ids = TopicIds {
            name: name.0,
            history: history.map(|id| id.0),
        };
        let entries = self.restore.topic(ids, end, messages);
        let locations = waiting.iter().map(|(_, waiting)| waiting.location);
        self.entries.extend(locations.zip(entries));
        Ok(())
    }

    fn retained(&mut self) -> anyhow::Result<()> {
        for (_, message) in self.store.state().retained() {
            if let Some(entry) = self.entry(message.location, message.position)? {
                self.restore.retained(&entry);
            }
        }
        Ok(())
    }

    fn queues(
        &mut self,
        saved: Vec<(QueueId, SavedQueue)>,
        journal: &LogJournal,
    ) -> anyhow::Result<()> {
        for (id, saved) in saved {
            match saved {
                SavedQueue::Named(name) => {
                    let parsed = TopicName::new(&name);
                    let name = parsed.with_context(|| format!("the name of queue {name:?}"))?;
                    self.restore.queue(id.0, name);
                }
                SavedQueue::Durable {
                    name,
                    filter,
                    selector,
                } => {
                    let filter = TopicFilter::new(&filter)
                        .with_context(|| format!("the filter of {name:?}"))?;
                    let selector = selector
                        .map(|text| {
                            text.parse::<Selector>()
                                .map_err(|error| anyhow!("the selector of {name:?}: {error}"))
                        })
                        .transpose()?;
                    self.restore.durable(id.0, name, filter, selector);
                }
                SavedQueue::Shared { group, filter } => {
                    let filter = TopicFilter::new(&filter)
                        .with_context(|| format!("the filter of the group {group:?}"))?;
                    let group = group.into();
                    self.restore.shared(id.0, SharedName { group, filter });
                }
                SavedQueue::History { .. } => {
                    let queue = self.store.state().queue(id);
                    if queue.is_none_or(|queue| queue.length() == 0) {
                        journal.remove_saved(id);
                    }
                }
                SavedQueue::TopicEnd { .. } | SavedQueue::BrokerEnd { .. } => {
                    journal.remove_saved(id);
                }
            }
        }
        let queues = self.store.state().queues();
        for (id, queue) in queues.filter(|(_, queue)| queue.kind != kinds::HISTORY) {
            for (position, waiting) in queue.waiting() {
                if let Some(entry) = self.entry(waiting.location, position)? {
                    self.restore.waiting(id.0, &entry, waiting.deliveries);
                }
            }
        }
        Ok(())
    }

    /// Returns the sessions with the messages in their windows.
    fn sessions(&self) -> anyhow::Result<Vec<RestoredSession>> {
        let by_position: HashMap<u64, &SharedEntry> = self
            .entries
            .values()
            .map(|entry| (entry.position(), entry))
            .collect();
        let mut restored = Vec::new();
        for (client, session) in self.store.state().sessions() {
            let client = str::from_utf8(client).context("a client id is not UTF-8")?;
            let (position, window) = match &session.cursor {
                Some(cursor) => (cursor.position, session_log::window(&cursor.window)?),
                None => (0, WindowData::default()),
            };
            let sent = window
                .outgoing
                .iter()
                .filter_map(|one| one.message.as_ref());
            let messages = sent.filter_map(|sent| by_position.get(&sent.position));
            restored.push(RestoredSession {
                client: client.to_owned(),
                data: session_log::session(&session.data)?,
                position,
                messages: messages.map(|entry| SharedEntry::clone(entry)).collect(),
                window,
            });
        }
        Ok(restored)
    }

    /// Returns the message at a place of the log.
    fn entry(&mut self, location: Location, position: u64) -> anyhow::Result<Option<SharedEntry>> {
        if let Some(entry) = self.entries.get(&location) {
            return Ok(Some(entry.clone()));
        }
        let ReadMessage { message, is_shared } = self.read_one(location, position)?;
        let entry = self.restore.message(message);
        if let Some(entry) = entry.as_ref().filter(|_| is_shared) {
            self.entries.insert(location, entry.clone());
        }
        Ok(entry)
    }

    fn read(&mut self, location: Location, position: u64) -> anyhow::Result<RestoredMessage> {
        Ok(self.read_one(location, position)?.message)
    }

    fn read_one(&mut self, location: Location, position: u64) -> anyhow::Result<ReadMessage> {
        let stored = self.reader.read(location)?;
        let Some(message) = stored.message() else {
            let (disk, id) = (self.store.disk(), self.store.id());
            let damage = read_message(disk, id, location).err();
            let damage = damage.map_or_else(String::new, |damage| format!(": {damage}"));
            return Err(anyhow!(
                "cannot read the message at position {position}{damage}"
            ));
        };
        let name = self.names.get(&message.destination);
        let name =
            name.with_context(|| format!("the message at position {position} has no name"))?;
        let decoded = codec::message(&message, name, &mut self.producers)?;
        Ok(ReadMessage {
            message: RestoredMessage {
                publication: decoded.publication,
                name: message.destination.0,
                position,
                sequence: decoded.sequence,
            },
            is_shared: message.queues.as_slice().len() > 1 || message.flags != Flags::default(),
        })
    }
}

/// A message of the store.
struct ReadMessage {
    message: RestoredMessage,
    /// Several places may hold it.
    is_shared: bool,
}
