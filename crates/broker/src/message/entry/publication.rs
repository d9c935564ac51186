//! A message on its way into the broker.

use std::{borrow::Cow, fmt, sync::Arc};

use triomphe::UniqueArc;

use super::{DestinationKind, Entry, Fields, Flags, Header, Home, SharedEntry, Spelling};
use crate::{
    memory::account::{Account, End},
    message::entry_pool,
    name::TopicName,
    schedule::Schedule,
};

/// A message that is not in the broker yet.
pub struct Publication {
    entry: UniqueArc<Entry>,
    /// The times of its deliveries; `None` for one at once.
    schedule: Option<Box<Schedule>>,
}

/// The origin of a message.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The name of the publishing session.
    pub producer: Arc<str>,
    /// The time of publication in Unix milliseconds.
    pub timestamp_ms: u64,
    /// Bits that the broker stores for the protocol and does not interpret.
    pub marks: u8,
}

impl Publication {
    /// Returns a message to a topic, without headers. `producer` is the name of the publishing session; `timestamp_ms`
    /// is the time of publication in Unix milliseconds.
    #[must_use]
    #[inline]
    pub fn new(topic: TopicName, producer: Arc<str>, timestamp_ms: u64, body: &[u8]) -> Self {
        Self::to(
            DestinationKind::Topic,
            topic,
            Provenance::of(producer, timestamp_ms),
            body,
        )
    }

    /// Returns a message to a queue; the arguments are those of [`Publication::new`].
    #[must_use]
    #[inline]
    pub fn to_queue(queue: TopicName, producer: Arc<str>, timestamp_ms: u64, body: &[u8]) -> Self {
        Self::to(
            DestinationKind::Queue,
            queue,
            Provenance::of(producer, timestamp_ms),
            body,
        )
    }

    /// Returns a message to a topic or queue.
    #[must_use]
    #[inline]
    pub fn to(kind: DestinationKind, topic: TopicName, source: Provenance, body: &[u8]) -> Self {
        let mut entry = entry_pool::take()
            .unwrap_or_else(|| UniqueArc::new(Entry::new(&topic, &source.producer)));
        let own = &mut *entry;
        own.home = Home::Ahead(topic);
        own.producer = source.producer;
        own.timestamp_ms = source.timestamp_ms;
        own.marks = source.marks;
        own.expires_ms = 0;
        own.flags = Flags::default();
        own.flags.set(Flags::QUEUE, kind == DestinationKind::Queue);
        own.fields = Fields::default();
        own.spelling = None;
        own.set_body(body);
        own.head_bytes = own.measure();
        Self {
            entry,
            schedule: None,
        }
    }

    /// Sets the body's media type and the publisher's headers.
    #[must_use]
    pub fn with_headers(
        mut self,
        content_type: Option<Cow<'static, str>>,
        headers: Box<[Header]>,
    ) -> Self {
        let entry = &mut self.entry;
        entry.content_type = content_type;
        entry.headers = headers;
        entry.head_bytes = entry.measure();
        self
    }

    /// Sets the publisher's spelling of the destination.
    #[must_use]
    pub fn spelled(mut self, spelling: Spelling<Arc<str>>) -> Self {
        let entry = &mut self.entry;
        entry
            .flags
            .set(Flags::SPELLED, spelling != Spelling::Unknown);
        entry.spelling = match spelling {
            Spelling::Other(text) => Some(text),
            Spelling::Unknown | Spelling::Usual => None,
        };
        entry.head_bytes = entry.measure();
        self
    }

    /// Sets the time of expiry, in Unix milliseconds; 0 means never.
    #[must_use]
    pub fn expiring(mut self, at_ms: u64) -> Self {
        self.entry.expires_ms = at_ms;
        self
    }

    /// Bounds the time to live. A message that expires earlier keeps its time.
    pub(crate) fn living_at_most(mut self, time_to_live_ms: u64) -> Self {
        let latest_ms = self.entry.timestamp_ms.saturating_add(time_to_live_ms);
        let entry = &mut self.entry;
        entry.expires_ms = match entry.expires_ms {
            0 => latest_ms,
            earlier => earlier.min(latest_ms),
        };
        self
    }

    /// Marks the message as retained: the topic stores it, separately from the log, for later subscriptions until the
    /// next retained message replaces it. A retained message without a body removes the stored one. For a queue the
    /// mark has no effect.
    #[must_use]
    pub fn retained(mut self) -> Self {
        let is_retained = self.entry.kind() == DestinationKind::Topic;
        self.entry.flags.set(Flags::RETAINED, is_retained);
        self
    }

    /// To survive a restart, if the broker has a [`Journal`](crate::Journal): the reply to the publisher is owed until
    /// the message is recorded in the queues that hold it. A persistent message that expires in a queue becomes a dead letter.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.entry.flags.set(Flags::PERSISTENT, true);
        self
    }

    /// Sets the fields that several protocols share. Their indices are those of the headers of
    /// [`with_headers`](Self::with_headers).
    #[must_use]
    pub fn with_fields(mut self, fields: Fields) -> Self {
        self.entry.fields = fields;
        self
    }

    /// Delivers the message at the times of a schedule, and not now.
    #[must_use]
    pub fn scheduled(mut self, schedule: Schedule) -> Self {
        self.schedule = (!schedule.is_immediate()).then(|| Box::new(schedule));
        self
    }

    pub(crate) fn schedule(&self) -> Option<&Schedule> {
        self.schedule.as_deref()
    }

    #[inline]
    pub(crate) fn take_schedule(&mut self) -> Option<Box<Schedule>> {
        self.schedule.take()
    }

    /// Marks the message as the last of its message group: the next message of the group may go to another consumer.
    #[must_use]
    pub fn closing_group(mut self) -> Self {
        self.entry.flags.set(Flags::CLOSES_GROUP, true);
        self
    }

    /// Sets the marks: see [`Provenance::marks`].
    #[must_use]
    pub fn with_marks(mut self, marks: u8) -> Self {
        self.entry.marks = marks;
        self
    }

    /// Returns the marks: see [`Provenance::marks`].
    #[must_use]
    pub fn marks(&self) -> u8 {
        self.entry.marks
    }

    /// Marks the message as a dead letter: the broker has added a header that names its original destination. A client cannot
    /// set the mark, so that a header of a client with the same name has no effect. The journal keeps the mark.
    #[must_use]
    pub fn dead_letter(mut self) -> Self {
        self.entry.flags.set(Flags::DEAD_LETTER, true);
        self
    }

    /// Marks the message as restored from an earlier run: the journal knows it, even if it is not persistent.
    pub(crate) fn restored(mut self) -> Self {
        self.entry.flags.set(Flags::RESTORED, true);
        self
    }

    /// Marks the message as recorded in its topic's history.
    pub(crate) fn in_history(mut self) -> Self {
        self.entry.flags.set(Flags::IN_HISTORY, true);
        self
    }

    pub(crate) fn is_persistent(&self) -> bool {
        self.entry.is_persistent()
    }

    pub(crate) fn is_retained(&self) -> bool {
        self.entry.flags.has(Flags::RETAINED)
    }

    /// Returns the kind of the destination.
    #[must_use]
    pub fn kind(&self) -> DestinationKind {
        self.entry.kind()
    }

    /// Returns the name of the destination.
    #[must_use]
    pub fn topic(&self) -> &TopicName {
        self.entry.topic()
    }

    pub(crate) fn size(&self) -> u64 {
        self.entry.size()
    }

    /// Returns the content; the position and the sequence are not known yet.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Returns the message as an entry without a place.
    pub(crate) fn into_unplaced(self) -> SharedEntry {
        self.entry.shareable()
    }

    /// Gives the message its place; after this it does not change.
    ///
    /// The entry takes over the account's name, which is equal to the message's own: all entries of a topic share one
    /// text, which the topic accounts for. The caller must reserve the memory.
    #[inline(always)] // Once for topics, once for queues.
    pub(crate) fn into_entry(
        mut self,
        position: u64,
        end: End,
        account: &Arc<Account>,
    ) -> SharedEntry {
        let entry = &mut self.entry;
        entry.position = position;
        entry.sequence = end.sequence;
        entry.offset = end.offset;
        entry.home = Home::Placed(Arc::clone(account));
        self.entry.shareable()
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Publication")
            .field(&*self.entry)
            .finish()
    }
}

impl Provenance {
    /// Returns a provenance without marks.
    #[must_use]
    pub const fn of(producer: Arc<str>, timestamp_ms: u64) -> Self {
        Self {
            producer,
            timestamp_ms,
            marks: 0,
        }
    }
}
