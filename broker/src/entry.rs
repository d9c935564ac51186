//! What is published, and what a topic's log holds of it.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;

use crate::{
    encodings::{Dialect, Encodings},
    log::{End, Memory},
    name::TopicName,
};

/// One entry of a topic's log, or one message of a queue: immutable, shared by all who read it.
#[derive(Debug)]
pub struct Entry {
    position: u64,
    sequence: u64,
    /// Bytes of all earlier entries of the topic.
    pub(crate) offset: u64,
    size: u64,
    /// Where the entry is accounted for; none until it has its place.
    memory: Option<Arc<Memory>>,
    /// How many queues have it.
    queues: AtomicU32,
    timestamp_ms: u64,
    /// Unix milliseconds, 0 when it never expires.
    expires_ms: u64,
    kind: Kind,
    is_retained: bool,
    marks: u8,
    topic: TopicName,
    producer: Arc<str>,
    content_type: Option<Cow<'static, str>>,
    headers: Box<[Header]>,
    body: Bytes,
    encodings: Encodings,
}

/// What a message was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Everybody who subscribes gets it.
    Topic,
    /// One of those who subscribe gets it, and has the last word on it.
    Queue,
}

/// A header that the publisher added, passed on to subscribers as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, not empty.
    pub name: Box<str>,
    /// The value.
    pub value: Box<str>,
}

impl Entry {
    /// The place in the broker's one order over all topics, from 1.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The place in the topic's log, from 1.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was published, in Unix milliseconds.
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }

    /// What it was sent to.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of the topic, or of the queue.
    #[must_use]
    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// When nobody wants it any more, in Unix milliseconds.
    #[must_use]
    pub fn expires_ms(&self) -> Option<u64> {
        (self.expires_ms != 0).then_some(self.expires_ms)
    }

    /// Whether it is too late at `now_ms`.
    #[inline]
    pub(crate) fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms != 0 && self.expires_ms <= now_ms
    }

    /// The value of the publisher's first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| *header.name == *name);
        found.map(|header| &*header.value)
    }

    /// The name of the session that published it.
    #[must_use]
    pub fn producer(&self) -> &str {
        &self.producer
    }

    pub(crate) fn shared_producer(&self) -> Arc<str> {
        Arc::clone(&self.producer)
    }

    pub(crate) fn shared_content_type(&self) -> Option<Cow<'static, str>> {
        self.content_type.clone()
    }

    /// The media type of the body, as the publisher gave it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The publisher's own headers, in its order.
    #[must_use]
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// The body, as it came.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether its topic was to keep it for those who subscribe later, as [`Publication::retained`] says.
    #[must_use]
    #[inline]
    pub fn is_retained_publication(&self) -> bool {
        self.is_retained
    }

    /// What the door that it came through noted of it.
    #[must_use]
    pub fn marks(&self) -> u8 {
        self.marks
    }

    /// Whether the session of this name published it: this very name, not one of the same text.
    #[inline]
    pub(crate) fn is_by(&self, session: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.producer, session)
    }

    /// The bytes `encode` makes of this entry, made once for each dialect.
    pub fn encoding(&self, dialect: Dialect, encode: impl FnOnce(&Self) -> Box<[u8]>) -> &[u8] {
        self.encodings.find_or_make(dialect, || {
            let encoding = encode(self);
            if let Some(memory) = &self.memory {
                memory.take(encoding.len() as u64);
            }
            encoding
        })
    }

    /// What the entry counts for in every bound on bytes: its texts, its body and a fixed part for the
    /// structure around them. Its encodings count for [`Limits::memory_bytes`](crate::Limits) alone.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How many queues have it.
    pub(crate) fn queues(&self) -> u32 {
        self.queues.load(Ordering::Relaxed)
    }

    /// Notes that one more queue has it; whether it is the first.
    pub(crate) fn enter_queue(&self) -> bool {
        self.queues.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Notes that one queue less has it; whether it was the last.
    pub(crate) fn leave_queue(&self) -> bool {
        self.queues.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// The end of the log before this entry.
    pub(crate) fn start(&self) -> End {
        End {
            sequence: self.sequence,
            offset: self.offset,
        }
    }

    /// The end of the log once this entry was its newest.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.sequence + 1,
            offset: self.offset + self.size,
        }
    }

    fn measure(&self) -> u64 {
        // The structure, its counts of references and its slot in the log.
        const FIXED: usize = size_of::<Entry>() + 4 * size_of::<usize>();
        let headers: usize = self
            .headers
            .iter()
            .map(|header| size_of::<Header>() + header.name.len() + header.value.len())
            .sum();
        let content_type = self.content_type.as_ref().map_or(0, |text| text.len());
        (FIXED + content_type + headers + self.body.len()) as u64
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.give_back(self.size + self.encodings.bytes());
        }
    }
}

/// A message on its way into the broker.
#[derive(Debug)]
pub struct Publication {
    entry: Arc<Entry>,
}

impl Publication {
    /// A message to a topic, without headers. `producer` names the publishing session; `timestamp_ms` is
    /// the time of publication in Unix milliseconds.
    #[must_use]
    #[inline]
    pub fn new(topic: TopicName, producer: Arc<str>, timestamp_ms: u64, body: Bytes) -> Self {
        Self::to(Kind::Topic, topic, producer, timestamp_ms, body)
    }

    /// A message to a queue, likewise.
    #[must_use]
    #[inline]
    pub fn to_queue(queue: TopicName, producer: Arc<str>, timestamp_ms: u64, body: Bytes) -> Self {
        Self::to(Kind::Queue, queue, producer, timestamp_ms, body)
    }

    /// A message to either, likewise.
    #[must_use]
    #[inline]
    pub fn to(
        kind: Kind,
        topic: TopicName,
        producer: Arc<str>,
        timestamp_ms: u64,
        body: Bytes,
    ) -> Self {
        let mut entry = Entry {
            position: 0,
            sequence: 0,
            offset: 0,
            size: 0,
            memory: None,
            queues: AtomicU32::new(0),
            timestamp_ms,
            expires_ms: 0,
            kind,
            is_retained: false,
            marks: 0,
            topic,
            producer,
            content_type: None,
            headers: Box::default(),
            body,
            encodings: Encodings::default(),
        };
        entry.size = entry.measure();
        Self {
            entry: Arc::new(entry),
        }
    }

    /// With the body's media type and the publisher's own headers.
    #[must_use]
    pub fn with_headers(
        mut self,
        content_type: Option<Cow<'static, str>>,
        headers: Box<[Header]>,
    ) -> Self {
        let entry = self.entry_mut();
        entry.content_type = content_type;
        entry.headers = headers;
        entry.size = entry.measure();
        self
    }

    /// To be delivered before this time, in Unix milliseconds; 0 stands for never too late.
    #[must_use]
    pub fn expiring(mut self, at_ms: u64) -> Self {
        self.entry_mut().expires_ms = at_ms;
        self
    }

    /// To be kept by its topic, besides the log, for those who ask for it when they subscribe, until the next
    /// one replaces it; without a body, to replace it by none. To a queue it is a message like any other.
    #[must_use]
    pub fn retained(mut self) -> Self {
        let entry = self.entry_mut();
        entry.is_retained = entry.kind == Kind::Topic;
        self
    }

    /// With bits that mean nothing to the broker: what the door it came through wants to know of it later.
    #[must_use]
    pub fn with_marks(mut self, marks: u8) -> Self {
        self.entry_mut().marks = marks;
        self
    }

    pub(crate) fn is_retained(&self) -> bool {
        self.entry.is_retained
    }

    /// What kind of destination it is going to.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.entry.kind()
    }

    /// Where it is going.
    #[must_use]
    pub fn topic(&self) -> &TopicName {
        self.entry.topic()
    }

    pub(crate) fn size(&self) -> u64 {
        self.entry.size()
    }

    /// The message as it is, without a place in anything.
    pub(crate) fn into_unplaced(self) -> Arc<Entry> {
        self.entry
    }

    /// Gives the message its place; from here on it does not change.
    ///
    /// `topic` is the same name as the message's own. All entries of a topic share one text, which the
    /// topic accounts for.
    #[inline(always)] // Once for topics, once for queues.
    pub(crate) fn into_entry(
        mut self,
        position: u64,
        end: End,
        topic: &TopicName,
        memory: &Arc<Memory>,
    ) -> Arc<Entry> {
        let entry = self.entry_mut();
        entry.position = position;
        entry.sequence = end.sequence;
        entry.offset = end.offset;
        entry.topic = topic.clone();
        memory.take(entry.size);
        entry.memory = Some(Arc::clone(memory));
        self.entry
    }

    fn entry_mut(&mut self) -> &mut Entry {
        Arc::get_mut(&mut self.entry).expect("a publication is the only owner of its entry")
    }
}
