//! A plain model of the stored state, independent of the store's own.

use std::collections::BTreeMap;

use store::{
    Disk, Flags, Location, MessageHead, MessageReader, ReadError, Record, State, StoreId,
    read_message, read_messages,
};

use crate::message::Message;

/// The stored state, with the number of each message instead of its place on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub names: BTreeMap<u32, Vec<u8>>,
    pub queues: BTreeMap<u32, Queue>,
    pub topics: BTreeMap<u32, BTreeMap<u64, u64>>,
    pub retained: BTreeMap<u32, Retained>,
    pub sessions: BTreeMap<Vec<u8>, Session>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    pub attributes: Vec<u8>,
    pub waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    pub message: u64,
    pub deliveries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retained {
    pub position: u64,
    pub message: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    pub data: Vec<u8>,
    pub cursor: Option<Cursor>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub position: u64,
    pub window: Vec<u8>,
}

impl Model {
    pub fn apply(&mut self, record: &Record<Message>) {
        match record {
            Record::Name(name) => {
                self.names.insert(name.id.0, name.name.to_vec());
            }
            Record::NameRemoved(id) => {
                self.names.remove(&id.0);
            }
            Record::Publish(publish) => {
                let message = publish.content.number;
                for queue in publish.queues.as_slice() {
                    if let Some(queue) = self.queues.get_mut(&queue.0) {
                        let waiting = Waiting {
                            message,
                            deliveries: 0,
                        };
                        queue.waiting.insert(publish.position, waiting);
                    }
                }
                let topic = publish.destination.0;
                if publish.flags.contains(Flags::IN_TOPIC) {
                    let messages = self.topics.entry(topic).or_default();
                    messages.insert(publish.position, message);
                }
                if publish.flags.contains(Flags::RETAINED) {
                    let retained = Retained {
                        position: publish.position,
                        message,
                    };
                    self.retained.insert(topic, retained);
                }
            }
            Record::Settle(settle) => {
                if let Some(queue) = self.queues.get_mut(&settle.queue.0) {
                    let is_settled = |position: &u64| {
                        let mut ranges = settle.ranges.iter();
                        ranges.any(|range| (range.first..=range.last).contains(position))
                    };
                    queue.waiting.retain(|position, _| !is_settled(position));
                }
            }
            Record::Deliveries(deliveries) => {
                let queue = self.queues.get_mut(&deliveries.queue.0);
                if let Some(waiting) =
                    queue.and_then(|queue| queue.waiting.get_mut(&deliveries.position))
                {
                    waiting.deliveries = deliveries.count;
                }
            }
            Record::Moved(moved) => {
                if self.queues.contains_key(&moved.to.0)
                    && let Some(from) = self.queues.get_mut(&moved.from.0)
                    && let Some(waiting) = from.waiting.remove(&moved.position)
                    && let Some(to) = self.queues.get_mut(&moved.to.0)
                {
                    to.waiting.insert(moved.new_position, waiting);
                }
            }
            Record::QueueSaved(saved) => {
                let queue = self.queues.entry(saved.queue.0).or_default();
                queue.attributes = saved.attributes.to_vec();
            }
            Record::QueueRemoved(queue) => {
                self.queues.remove(&queue.0);
            }
            Record::Trim(trim) => {
                if let Some(messages) = self.topics.get_mut(&trim.topic.0) {
                    messages.retain(|&position, _| position >= trim.before);
                }
                self.topics.retain(|_, messages| !messages.is_empty());
            }
            Record::Forget(topic) => {
                self.retained.remove(&topic.0);
            }
            Record::SessionSaved(saved) => {
                let session = self.sessions.entry(saved.client.to_vec()).or_default();
                session.data = saved.data.to_vec();
            }
            Record::SessionRemoved(client) => {
                self.sessions.remove(&client[..]);
            }
            Record::Cursor(cursor) => {
                if let Some(session) = self.sessions.get_mut(&cursor.client[..]) {
                    session.cursor = Some(Cursor {
                        position: cursor.position,
                        window: cursor.window.to_vec(),
                    });
                }
            }
        }
    }

    /// Reads the state of a store with all its messages.
    pub fn read<D: Disk>(disk: &D, store: StoreId, state: &State) -> Result<Self, ReadError> {
        let number = |location: Location| -> Result<u64, ReadError> {
            let stored = read_message(disk, store, location)?;
            let message = stored.message().expect("a message");
            let recognized = Message::recognize(&message.content).expect("a message of the tests");
            Ok(recognized.number)
        };
        let mut model = Self::default();
        for (id, name) in state.names() {
            model.names.insert(id.0, name.name.to_vec());
        }
        let mut reader = MessageReader::new(disk, store);
        for (id, queue) in state.queues() {
            let locations: Vec<_> = queue
                .waiting()
                .map(|(_, waiting)| waiting.location)
                .collect();
            // Many at once, and only the beginning of each.
            for (stored, location) in read_messages(disk, store, &locations)?
                .iter()
                .zip(&locations)
            {
                let message = stored.message().expect("a message");
                let recognized = Message::recognize(&message.content).expect("a known message");
                assert_eq!(recognized.number, number(*location)?);
                let head = MessageHead {
                    position: message.position,
                    destination: message.destination,
                    expires_ms: message.expires_ms,
                };
                assert_eq!(reader.head(*location)?, Some(head));
            }
            let mut waiting = BTreeMap::new();
            for (position, message) in queue.waiting() {
                let found = Waiting {
                    message: number(message.location)?,
                    deliveries: message.deliveries,
                };
                waiting.insert(position, found);
            }
            let attributes = queue.attributes.to_vec();
            let queue = Queue {
                attributes,
                waiting,
            };
            model.queues.insert(id.0, queue);
        }
        for topic in state.topics() {
            let mut messages = BTreeMap::new();
            for (position, location) in state.topic(topic) {
                messages.insert(position, number(location)?);
            }
            model.topics.insert(topic.0, messages);
        }
        for (topic, retained) in state.retained() {
            let retained = Retained {
                position: retained.position,
                message: number(retained.location)?,
            };
            model.retained.insert(topic.0, retained);
        }
        for (client, session) in state.sessions() {
            let cursor = session.cursor.as_ref().map(|cursor| Cursor {
                position: cursor.position,
                window: cursor.window.to_vec(),
            });
            let data = session.data.to_vec();
            model
                .sessions
                .insert(client.to_vec(), Session { data, cursor });
        }
        Ok(model)
    }
}
