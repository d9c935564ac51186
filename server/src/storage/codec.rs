//! The encodings of what the store keeps for the server: attributes of messages, queues, and the numbers of a clean stop.
//!
//! Each encoding is an enum with one variant for each version of it, so that a later version can still read an earlier one.
//! Headers, bodies, times and names are in the store's own format.

use std::{borrow::Cow, fmt};

use broker::{
    DestinationKind, DurableName, Entry, Header, InvalidCron, LastingQueue, Provenance,
    Publication, Schedule, SharedEntry, Spelling, TopicEnd, TopicName,
};
use serde::{Deserialize, Serialize};
use store::{Content, StoredContent};

use super::durable_topics::RecordedTopics;
use crate::shared_headers;

/// The kinds of [`store::QueueSaved`].
pub mod kinds {
    /// A queue for all clients.
    pub const QUEUE: u8 = 1;
    /// A durable subscription.
    pub const DURABLE: u8 = 2;
    /// A shared subscription.
    pub const SHARED: u8 = 3;
    /// The history of a topic.
    pub const HISTORY: u8 = 4;
    /// The numbers of a topic at a clean stop. It holds no messages.
    pub const TOPIC_END: u8 = 5;
    /// The numbers of the broker at a clean stop. It holds no messages.
    pub const BROKER_END: u8 = 6;
    /// The durable topics of the last run. It holds no messages.
    pub const DURABLE_TOPICS: u8 = 7;
    /// The position up to which durable topics have lost all their messages. It holds no messages.
    pub const EMPTIED: u8 = 8;
    /// The messages that wait for the time of their schedule.
    pub const SCHEDULED: u8 = 9;
}

/// The error for data that this version of Carillon cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store has {what} that this version cannot read: {cause}")]
pub struct CodecError {
    what: &'static str,
    cause: String,
}

/// A message as the content of a record.
#[derive(Debug)]
pub struct EntryContent {
    /// The message.
    pub entry: SharedEntry,
    /// See [`broker::JournalMessage::previous`].
    pub previous: Option<u64>,
    /// The schedule, if the message waits for its time.
    pub schedule: Option<Box<Schedule>>,
}

#[derive(Serialize, Deserialize)]
enum Attributes<'a> {
    #[serde(borrow)]
    V1(AttributesV1<'a>),
    /// A message of a durable topic.
    V2 {
        #[serde(borrow)]
        v1: AttributesV1<'a>,
        /// The message's position minus [`broker::JournalMessage::previous`].
        previous_distance: u64,
    },
    /// A dead letter in a queue.
    V3(AttributesV1<'a>),
    /// A message that waits for its time.
    V4 {
        #[serde(borrow)]
        v1: AttributesV1<'a>,
        #[serde(borrow)]
        schedule: ScheduleV1<'a>,
    },
}

#[derive(Serialize, Deserialize)]
struct AttributesV1<'a> {
    sequence: u64,
    marks: u8,
    is_persistent: bool,
    is_retained: bool,
    producer: &'a str,
    content_type: Option<&'a str>,
    spelling: SpellingV1<'a>,
}

#[derive(Serialize, Deserialize)]
struct ScheduleV1<'a> {
    begin_ms: u64,
    delay_ms: u64,
    period_ms: u64,
    repeats: Option<u32>,
    cron: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
enum SpellingV1<'a> {
    Unknown,
    Usual,
    Other(&'a str),
}

impl Content for EntryContent {
    fn attributes(&self) -> Cow<'_, [u8]> {
        let entry: &Entry = &self.entry;
        let v1 = AttributesV1 {
            sequence: entry.sequence(),
            marks: entry.marks(),
            is_persistent: entry.is_persistent(),
            is_retained: entry.is_retained_publication(),
            producer: entry.producer(),
            content_type: entry.content_type(),
            spelling: match entry.spelling() {
                Spelling::Unknown => SpellingV1::Unknown,
                Spelling::Usual => SpellingV1::Usual,
                Spelling::Other(text) => SpellingV1::Other(text),
            },
        };
        encode(&match (&self.schedule, self.previous) {
            (Some(schedule), _) => Attributes::V4 {
                v1,
                schedule: ScheduleV1::of(schedule),
            },
            (None, None) if entry.is_dead_letter() => Attributes::V3(v1),
            (None, None) => Attributes::V1(v1),
            (None, Some(previous)) => Attributes::V2 {
                v1,
                previous_distance: entry.position().saturating_sub(previous),
            },
        })
        .into()
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = store::Header<'_>> {
        self.entry.headers().iter().map(|header| store::Header {
            name: header.name.as_bytes(),
            value: header.value.as_bytes(),
        })
    }

    fn body(&self) -> &[u8] {
        self.entry.body()
    }

    /// Computed without encoding, because it is called with the broker's lock held.
    fn size(&self) -> usize {
        let entry: &Entry = &self.entry;
        let spelling = match entry.spelling() {
            Spelling::Other(text) => text.len(),
            Spelling::Unknown | Spelling::Usual => 0,
        };
        let content_type = entry.content_type().map_or(0, str::len);
        let headers = entry.headers().iter();
        let headers: usize = headers
            .map(|header| header.name.len() + header.value.len() + 20)
            .sum();
        let schedule = self.schedule.as_ref();
        let cron = schedule.and_then(|one| one.cron.as_ref());
        let schedule = schedule.map_or(0, |_| SCHEDULE) + cron.map_or(0, |cron| cron.text().len());
        FIXED
            + schedule
            + entry.producer().len()
            + content_type
            + spelling
            + headers
            + entry.body().len()
    }
}

/// An upper bound of the encoded size of everything whose size does not vary, in bytes.
const FIXED: usize = 128;
/// The same for a schedule.
const SCHEDULE: usize = 64;

/// A message that was read from the store.
pub struct DecodedMessage {
    /// The message.
    pub publication: Publication,
    /// The number of the message in its topic or queue.
    pub sequence: u64,
    /// See [`broker::JournalMessage::previous`].
    pub previous: Option<u64>,
    /// The schedule, if the message waits for its time.
    pub schedule: Option<Schedule>,
}

/// Decodes a message of the given topic.
///
/// # Errors
/// The message was written by a newer version.
pub fn message(
    stored: &store::Publish<StoredContent<'_>>,
    name: &TopicName,
    producers: &mut Producers,
) -> Result<DecodedMessage, CodecError> {
    let attributes = stored.content.attributes();
    let attributes = decode("a message", &attributes)?;
    let is_dead_letter = matches!(attributes, Attributes::V3(_));
    let mut schedule = None;
    let (attributes, previous) = match attributes {
        Attributes::V1(v1) | Attributes::V3(v1) => (v1, None),
        Attributes::V4 {
            v1,
            schedule: stored,
        } => {
            schedule = Some(stored.schedule()?);
            (v1, None)
        }
        Attributes::V2 {
            v1,
            previous_distance,
        } => (v1, Some(stored.position.saturating_sub(previous_distance))),
    };
    let kind = kind_of(stored.kind);
    let provenance = Provenance {
        producer: producers.shared(attributes.producer),
        timestamp_ms: stored.timestamp_ms,
        marks: attributes.marks,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
    let headers = stored.content.headers().map(|header| Header {
        name: text(header.name),
        value: text(header.value),
    });
    let content_type = attributes
        .content_type
        .map(|text| Cow::Owned(text.to_owned()));
    let publication = Publication::to(kind, name.clone(), provenance, stored.content.body());
    let mut publication = shared_headers::set(publication, content_type, headers.collect())
        .expiring(stored.expires_ms)
        .spelled(match attributes.spelling {
            SpellingV1::Unknown => Spelling::Unknown,
            SpellingV1::Usual => Spelling::Usual,
            SpellingV1::Other(text) => Spelling::Other(text.into()),
        });
    if attributes.is_persistent {
        publication = publication.persistent();
    }
    if attributes.is_retained {
        publication = publication.retained();
    }
    if is_dead_letter {
        publication = publication.dead_letter();
    }
    Ok(DecodedMessage {
        publication,
        sequence: attributes.sequence,
        previous,
        schedule,
    })
}

impl<'a> ScheduleV1<'a> {
    fn of(schedule: &'a Schedule) -> Self {
        let cron = schedule.cron.as_ref();
        Self {
            begin_ms: schedule.begin_ms,
            delay_ms: schedule.delay_ms,
            period_ms: schedule.period_ms,
            repeats: schedule.repeats,
            cron: cron.map(|cron| cron.text().into()),
        }
    }

    fn schedule(self) -> Result<Schedule, CodecError> {
        let cron = self.cron.map(|text| text.parse());
        let cron = cron.transpose().map_err(|error: InvalidCron| CodecError {
            what: "a CRON entry",
            cause: error.to_string(),
        })?;
        Ok(Schedule {
            begin_ms: self.begin_ms,
            delay_ms: self.delay_ms,
            period_ms: self.period_ms,
            repeats: self.repeats,
            cron,
        })
    }
}

/// The kind of a message or name of a queue; that of a topic is 0.
const QUEUE_MESSAGE: u8 = 1;

/// Returns the number that stands for a kind of destination in the store.
pub const fn kind_number(kind: DestinationKind) -> u8 {
    match kind {
        DestinationKind::Topic => 0,
        DestinationKind::Queue => QUEUE_MESSAGE,
    }
}

/// Returns the kind of destination of a number in the store.
pub const fn kind_of(number: u8) -> DestinationKind {
    match number {
        QUEUE_MESSAGE => DestinationKind::Queue,
        _ => DestinationKind::Topic,
    }
}

/// Names of publishing sessions, each stored once for many messages.
#[derive(Debug, Default)]
pub struct Producers(std::collections::HashSet<std::sync::Arc<str>>);

impl Producers {
    /// Returns the name, the same allocation at each call.
    pub fn shared(&mut self, name: &str) -> std::sync::Arc<str> {
        if let Some(known) = self.0.get(name) {
            return std::sync::Arc::clone(known);
        }
        let new: std::sync::Arc<str> = name.into();
        self.0.insert(std::sync::Arc::clone(&new));
        new
    }

    /// Forgets all names if there are more than `most`.
    pub fn forget_above(&mut self, most: usize) {
        if self.0.len() > most {
            self.0.clear();
        }
    }
}

/// A queue that was read from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedQueue {
    /// A queue for all clients.
    Named {
        /// Its name.
        name: String,
        /// True if the delivery to its consumers is paused.
        is_paused: bool,
    },
    /// A durable subscription.
    Durable {
        /// Its name.
        name: DurableName,
        /// The topics.
        filter: String,
        /// The condition on messages.
        selector: Option<String>,
    },
    /// A shared subscription.
    Shared {
        /// The name of the group.
        group: String,
        /// The topics.
        filter: String,
    },
    /// The history of a topic.
    History {
        /// The topic.
        topic: String,
    },
    /// The numbers of a topic at a clean stop.
    TopicEnd {
        /// The id of the topic's name.
        name: u32,
        /// The numbers.
        end: TopicEnd,
    },
    /// The numbers of the broker at a clean stop: removed topics may have lost messages up to this position.
    BrokerEnd {
        /// The position.
        newest_removed: u64,
    },
    /// The durable topics of the last run.
    DurableTopics(RecordedTopics),
    /// The position up to which durable topics have lost all their messages.
    Emptied(u64),
    /// The messages that wait for the time of their schedule.
    Scheduled,
}

impl fmt::Display for SavedQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { name, .. } => write!(formatter, "queue {name}"),
            Self::Durable { name, filter, .. } => {
                let DurableName {
                    client,
                    subscription,
                } = name;
                write!(
                    formatter,
                    "durable subscription {subscription:?} of client {client:?} to {filter}"
                )
            }
            Self::Shared { group, filter } => {
                write!(formatter, "shared subscription {group:?} to {filter}")
            }
            Self::History { topic } => write!(formatter, "history of topic {topic}"),
            Self::TopicEnd { name, .. } => write!(formatter, "numbers of topic {name}"),
            Self::BrokerEnd { .. } => write!(formatter, "numbers of the broker"),
            Self::DurableTopics(topics) => write!(formatter, "durable topics {topics}"),
            Self::Emptied(position) => write!(formatter, "emptied durable topics up to {position}"),
            Self::Scheduled => write!(formatter, "scheduled messages"),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum QueueData<'a> {
    #[serde(borrow)]
    NamedV1(&'a str),
    DurableV1 {
        client: &'a str,
        subscription: &'a str,
        filter: &'a str,
        selector: Option<Cow<'a, str>>,
    },
    SharedV1 {
        group: &'a str,
        filter: &'a str,
    },
    HistoryV1 {
        topic: &'a str,
    },
    TopicEndV1 {
        name: u32,
        next_sequence: u64,
        bytes: u64,
        removed_up_to: u64,
    },
    BrokerEndV1 {
        newest_removed: u64,
    },
    DurableTopicsV1(#[serde(borrow)] Vec<(&'a str, u64)>),
    EmptiedV1(u64),
    /// A queue that may be paused. One that is not is saved as `NamedV1`, which earlier versions can read.
    NamedV2 {
        name: &'a str,
        is_paused: bool,
    },
    ScheduledV1,
}

/// Encodes a queue. Returns its kind and its attributes.
pub fn encode_queue(queue: &LastingQueue<'_>) -> (u8, Box<[u8]>) {
    match queue {
        LastingQueue::Named(name) => {
            let data = QueueData::NamedV1(name.as_str());
            (kinds::QUEUE, encode(&data).into())
        }
        LastingQueue::Durable {
            name,
            filter,
            selector,
        } => {
            let data = QueueData::DurableV1 {
                client: &name.client,
                subscription: &name.subscription,
                filter: filter.as_str(),
                selector: selector.map(|selector| selector.to_string().into()),
            };
            (kinds::DURABLE, encode(&data).into())
        }
        LastingQueue::Shared(name) => {
            let data = QueueData::SharedV1 {
                group: &name.group,
                filter: name.filter.as_str(),
            };
            (kinds::SHARED, encode(&data).into())
        }
        LastingQueue::Scheduled => (kinds::SCHEDULED, encode(&QueueData::ScheduledV1).into()),
    }
}

/// Encodes a queue for all clients, whose delivery may be paused. Returns its kind and its attributes.
pub fn encode_named_queue(name: &TopicName, is_paused: bool) -> (u8, Box<[u8]>) {
    if !is_paused {
        return encode_queue(&LastingQueue::Named(name));
    }
    let name = name.as_str();
    let data = QueueData::NamedV2 { name, is_paused };
    (kinds::QUEUE, encode(&data).into())
}

/// Encodes the history of a topic. Returns its kind and its attributes.
pub fn encode_history(topic: &TopicName) -> (u8, Box<[u8]>) {
    let topic = topic.as_str();
    (
        kinds::HISTORY,
        encode(&QueueData::HistoryV1 { topic }).into(),
    )
}

/// Encodes the numbers of a topic. Returns their kind and the encoding.
pub fn encode_topic_end(name: u32, end: TopicEnd) -> (u8, Box<[u8]>) {
    let data = QueueData::TopicEndV1 {
        name,
        next_sequence: end.next_sequence,
        bytes: end.bytes,
        removed_up_to: end.removed_up_to,
    };
    (kinds::TOPIC_END, encode(&data).into())
}

/// Encodes the numbers of the broker. Returns their kind and the encoding.
pub fn encode_broker_end(newest_removed: u64) -> (u8, Box<[u8]>) {
    let data = QueueData::BrokerEndV1 { newest_removed };
    (kinds::BROKER_END, encode(&data).into())
}

/// Encodes the position up to which durable topics have lost all their messages. Returns their kind and the encoding.
pub fn encode_emptied(position: u64) -> (u8, Box<[u8]>) {
    let data = QueueData::EmptiedV1(position);
    (kinds::EMPTIED, encode(&data).into())
}

/// Encodes the durable topics. Returns their kind and the encoding.
pub fn encode_durable_topics(topics: &RecordedTopics) -> (u8, Box<[u8]>) {
    let data = QueueData::DurableTopicsV1(topics.filters().collect());
    (kinds::DURABLE_TOPICS, encode(&data).into())
}

/// Decodes the attributes of a queue.
///
/// # Errors
/// They were written by a newer version.
pub fn queue(attributes: &[u8]) -> Result<SavedQueue, CodecError> {
    Ok(match decode("a queue", attributes)? {
        QueueData::NamedV1(name) => SavedQueue::Named {
            name: name.to_owned(),
            is_paused: false,
        },
        QueueData::NamedV2 { name, is_paused } => SavedQueue::Named {
            name: name.to_owned(),
            is_paused,
        },
        QueueData::DurableV1 {
            client,
            subscription,
            filter,
            selector,
        } => SavedQueue::Durable {
            name: DurableName {
                client: client.into(),
                subscription: subscription.into(),
            },
            filter: filter.to_owned(),
            selector: selector.map(Cow::into_owned),
        },
        QueueData::SharedV1 { group, filter } => SavedQueue::Shared {
            group: group.to_owned(),
            filter: filter.to_owned(),
        },
        QueueData::HistoryV1 { topic } => SavedQueue::History {
            topic: topic.to_owned(),
        },
        QueueData::TopicEndV1 {
            name,
            next_sequence,
            bytes,
            removed_up_to,
        } => SavedQueue::TopicEnd {
            name,
            end: TopicEnd {
                next_sequence,
                bytes,
                removed_up_to,
            },
        },
        QueueData::BrokerEndV1 { newest_removed } => SavedQueue::BrokerEnd { newest_removed },
        QueueData::EmptiedV1(position) => SavedQueue::Emptied(position),
        QueueData::ScheduledV1 => SavedQueue::Scheduled,
        QueueData::DurableTopicsV1(filters) => {
            let topics = RecordedTopics::parse(filters).map_err(|error| CodecError {
                what: "durable topics",
                cause: error.to_string(),
            })?;
            SavedQueue::DurableTopics(topics)
        }
    })
}

pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    // Only a type without a known length fails, and there is none.
    postcard::to_stdvec(value).unwrap_or_default()
}

pub(super) fn decode<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<T, CodecError> {
    postcard::from_bytes(bytes).map_err(|error| CodecError {
        what,
        cause: error.to_string(),
    })
}

#[cfg(test)]
mod tests;
