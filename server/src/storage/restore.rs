//! Restores the broker from an open store.

mod topics;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};
use broker::{
    Broker, Epoch, Journal, Limits, Positions, Restore, RestoredMessage, RestoredPlace, Schedule,
    Selector, SharedEntry, SharedName, TopicFilter, TopicName,
};
use store::{
    Disk, Flags, Location, MessageReader, NameId, Note, Opened, QueueId, State, Store, StoredQueue,
    Waiting, read_message,
};

use super::{
    codec::{self, Producers, SavedQueue, kinds},
    durable_topics::RecordedTopics,
    journal::LogJournal,
    merged::merged,
    session_log::{self, RestoredSession, SessionLog, WindowData},
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
    let was_clean = was_clean(opened);
    let state = opened.store.state();
    let saved = saved_queues(state)?;
    let end = saved.iter().find_map(|(_, saved)| match saved {
        SavedQueue::BrokerEnd { newest_removed } if was_clean => Some(*newest_removed),
        _ => None,
    });
    let durable_topics = saved.iter().find_map(|(_, saved)| match saved {
        SavedQueue::DurableTopics(topics) => Some(topics.clone()),
        _ => None,
    });
    let durable_topics = durable_topics.unwrap_or_default();
    let emptied = saved.iter().filter_map(|(_, saved)| match saved {
        SavedQueue::Emptied(position) => Some(*position),
        _ => None,
    });
    let emptied = match emptied.max() {
        Some(position) => position,
        None if durable_topics.is_empty() => 0,
        // An earlier version has not recorded it.
        None => opened.next_position.saturating_sub(1),
    };
    let positions = Positions {
        epochs: opened.store.epochs().iter().map(epoch).collect(),
        next: opened.next_position,
        // After a crash, topics without a history on disk may have lost everything.
        newest_removed: end.unwrap_or(opened.next_position.saturating_sub(1)),
        complete: durable_topics.complete(emptied),
    };
    let as_journal: Arc<dyn Journal> = Arc::<LogJournal>::clone(journal);
    let mut restoring = Restoring {
        store: &opened.store,
        reader: MessageReader::new(opened.store.disk(), opened.store.id()),
        names: HashMap::new(),
        restore: Restore::new(positions, limits, as_journal),
        durable_topics,
        entries: HashMap::new(),
        producers: Producers::default(),
    };
    restoring.names()?;
    restoring.topics(&saved, was_clean, journal)?;
    restoring.record_durable_topics(&saved, journal, opened.next_position);
    restoring.record_emptied(&saved, journal, emptied);
    restoring.retained()?;
    restoring.queues(saved, journal)?;
    let sessions = restoring.sessions(journal)?;
    Ok((restoring.restore.finish(), sessions))
}

/// Returns true if the last run has closed the store.
pub fn was_clean<D: Disk>(opened: &Opened<D>) -> bool {
    let mut notes = opened.notes.iter();
    !notes.any(|note| matches!(note, Note::UncleanStart { .. }))
}

fn epoch(epoch: &store::Epoch) -> Epoch {
    Epoch {
        number: epoch.number,
        first_position: epoch.first_position,
    }
}

/// Returns the recorded changes of each session, in the order of their numbers.
fn changes_of_sessions(state: &State) -> anyhow::Result<BTreeMap<&str, Vec<&[u8]>>> {
    let mut changes = BTreeMap::<_, Vec<_>>::new();
    for (key, session) in state.sessions() {
        let key = str::from_utf8(key).context("a client id is not UTF-8")?;
        if let Some(client) = session_log::client_of_changes(key) {
            changes.entry(client).or_default().push(&*session.data);
        }
    }
    Ok(changes)
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
    /// The durable topics of the last run.
    durable_topics: RecordedTopics,
    /// Messages that were read, because several places may hold one.
    entries: HashMap<Location, SharedEntry>,
    producers: Producers,
}

/// A queue whose messages are being restored.
struct RestoringQueue {
    id: QueueId,
    /// Bytes of memory that are left for its messages.
    left: u64,
    /// The position of its newest message.
    last: u64,
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

    fn queues(
        &mut self,
        saved: Vec<(QueueId, SavedQueue)>,
        journal: &LogJournal,
    ) -> anyhow::Result<()> {
        for (id, saved) in saved {
            match saved {
                SavedQueue::Named { name, is_paused } => {
                    let parsed = TopicName::new(&name);
                    let name = parsed.with_context(|| format!("the name of queue {name:?}"))?;
                    self.restore.queue(id.0, name);
                    if is_paused {
                        self.restore.paused(id.0);
                    }
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
                SavedQueue::Scheduled => self.scheduled(id)?,
                SavedQueue::DurableTopics(_) | SavedQueue::Emptied(_) => {}
            }
        }
        self.messages()
    }

    /// Restores the messages that wait for the time of their schedule. They are all in memory.
    fn scheduled(&mut self, id: QueueId) -> anyhow::Result<()> {
        self.restore.scheduled_queue(id.0);
        let Some(queue) = self.store.state().queue(id) else {
            return Ok(());
        };
        let waiting = merged([(id, queue.waiting())], |(_, waiting)| waiting.location);
        for (_, (position, waiting)) in waiting {
            let read = self.read_one(waiting.location, position)?;
            let schedule = read
                .schedule
                .with_context(|| format!("the message at position {position} has no schedule"))?;
            self.restore
                .scheduled(read.message, schedule, waiting.deliveries);
        }
        Ok(())
    }

    /// Restores the messages of queues: those that have room in memory, and the places of the others. If not all have room,
    /// each queue gets the same part.
    fn messages(&mut self) -> anyhow::Result<()> {
        let state = self.store.state();
        let queues = state.queues();
        let queues = queues.filter(|(_, queue)| {
            !matches!(queue.kind, kinds::HISTORY | kinds::SCHEDULED) && queue.length() > 0
        });
        let queues: Vec<_> = queues.collect();
        let size = |(_, queue): &(QueueId, &StoredQueue)| -> u64 {
            let lengths = queue.waiting().map(|(_, waiting)| size_of_message(waiting));
            lengths.sum()
        };
        let all: u64 = queues.iter().map(size).sum();
        let part = match self.restore.has_room(all) {
            true => u64::MAX,
            false => self.restore.room() / queues.len().max(1) as u64,
        };
        let mut restoring: Vec<_> = queues
            .iter()
            .map(|(id, queue)| RestoringQueue {
                id: *id,
                left: part,
                last: queue
                    .waiting()
                    .next_back()
                    .map_or(0, |(position, _)| position),
            })
            .collect();
        let numbered = queues.iter().enumerate();
        let numbered = numbered.map(|(number, (_, queue))| (number, queue.waiting()));
        for (number, (position, waiting)) in merged(numbered, |(_, waiting)| waiting.location) {
            let RestoringQueue { id, left, last } = &mut restoring[number];
            let bytes = size_of_message(waiting);
            // Messages in memory come before the others: they are needed first.
            *left = match bytes <= *left && self.restore.has_room(bytes) {
                true => *left - bytes,
                false => 0,
            };
            if *left == 0 {
                let (id, is_newest) = (*id, position == *last);
                self.place(id, position, waiting, is_newest)?;
            } else if let Some(entry) = self.entry(waiting.location, position)? {
                self.restore.waiting(id.0, &entry, waiting.deliveries);
            }
        }
        Ok(())
    }

    /// Restores the place of a message. Only the newest one of a queue is read completely, for the number that the next
    /// message of the queue gets.
    fn place(
        &mut self,
        queue: QueueId,
        position: u64,
        waiting: Waiting,
        is_newest: bool,
    ) -> anyhow::Result<()> {
        let sequence = match is_newest {
            true => Some(self.read(waiting.location, position)?.sequence),
            false => None,
        };
        let Some(head) = self.reader.head(waiting.location)? else {
            return Err(self.damage(waiting.location, position));
        };
        self.restore.paged(RestoredPlace {
            queue: queue.0,
            name: head.destination.0,
            position,
            bytes: u32::try_from(size_of_message(waiting)).unwrap_or(u32::MAX),
            deliveries: waiting.deliveries,
            expires_ms: (head.expires_ms > 0).then_some(head.expires_ms),
            sequence,
        });
        Ok(())
    }

    /// Returns the error for a message that cannot be read.
    fn damage(&self, location: Location, position: u64) -> anyhow::Error {
        let damage = read_message(self.store.disk(), self.store.id(), location).err();
        let damage = damage.map_or_else(String::new, |damage| format!(": {damage}"));
        anyhow!("cannot read the message at position {position}{damage}")
    }

    /// Returns the sessions with the messages in their windows.
    fn sessions(&mut self, journal: &Arc<LogJournal>) -> anyhow::Result<Vec<RestoredSession>> {
        let log = SessionLog::new(journal);
        let mut changes = changes_of_sessions(self.store.state())?;
        let by_position: HashMap<u64, &SharedEntry> = self
            .entries
            .values()
            .map(|entry| (entry.position(), entry))
            .collect();
        let mut restored = Vec::new();
        for (client, session) in self.store.state().sessions() {
            let client = str::from_utf8(client).context("a client id is not UTF-8")?;
            if session_log::client_of_changes(client).is_some() {
                continue;
            }
            let mut data = session_log::session(&session.data)?;
            if let Some(changes) = changes.remove(client) {
                session_log::apply_changes(&mut data, changes.iter().copied())?;
                // So that the session can be changed again.
                log.save(client, data.clone());
                log.remove_changes(client, changes.len() as u32);
            }
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
                // The same as that of its messages: they are recognized as its own by it.
                client: self.producers.shared(client),
                data,
                position,
                messages: messages.map(|entry| SharedEntry::clone(entry)).collect(),
                window,
            });
        }
        // A crash came between the end of these sessions and the end of their changes.
        for (client, changes) in changes {
            log.remove_changes(client, changes.len() as u32);
        }
        Ok(restored)
    }

    /// Returns the message at a place of the log.
    fn entry(&mut self, location: Location, position: u64) -> anyhow::Result<Option<SharedEntry>> {
        if let Some(entry) = self.entries.get(&location) {
            return Ok(Some(entry.clone()));
        }
        let ReadMessage {
            message, is_shared, ..
        } = self.read_one(location, position)?;
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
            return Err(self.damage(location, position));
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
                previous: decoded.previous,
            },
            is_shared: message.queues.as_slice().len() > 1 || message.flags != Flags::default(),
            schedule: decoded.schedule,
        })
    }
}

/// Returns the approximate bytes of a message in memory.
fn size_of_message(waiting: Waiting) -> u64 {
    u64::from(waiting.location.length) + ENTRY_BYTES
}

/// Bytes of a message in memory that are not in its record, approximately.
const ENTRY_BYTES: u64 = 200;

/// A message of the store.
struct ReadMessage {
    message: RestoredMessage,
    /// Several places may hold it.
    is_shared: bool,
    /// The schedule of a message that waits for its time.
    schedule: Option<Schedule>,
}
