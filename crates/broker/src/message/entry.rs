//! What is published, and what a topic's log holds of it.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use triomphe::UniqueArc;

use crate::{
    memory::account::Account,
    message::encodings::{Dialect, Encodings},
    message::entry_pool,
    name::TopicName,
    topic::log::End,
};

/// One entry of a topic's log, or one message of a queue: immutable, shared by all who read it.
#[derive(Debug)]
pub struct Entry {
    position: u64,
    sequence: u64,
    /// Bytes of all earlier entries of the topic.
    pub(crate) offset: u64,
    size: u64,
    /// How many queues have it.
    queues: AtomicU32,
    timestamp_ms: u64,
    /// Unix milliseconds, 0 when it never expires.
    expires_ms: u64,
    kind: DestinationKind,
    is_retained: bool,
    marks: u8,
    /// With `spelling`: see [`Spelling`].
    is_spelled: bool,
    spelling: Option<Arc<str>>,
    home: Home,
    producer: Arc<str>,
    content_type: Option<Cow<'static, str>>,
    headers: Box<[Header]>,
    body: Vec<u8>,
    encodings: Encodings,
}

/// An entry as all who read it have it. Without weak references, which nobody needs, it costs less to find out that
/// nobody else has it any more.
pub type SharedEntry = triomphe::Arc<Entry>;

/// Where an entry belongs.
#[derive(Debug)]
enum Home {
    /// It has no place yet, and nothing is accounted for.
    Ahead(TopicName),
    /// What it counts for is taken from this account's memory.
    Placed(Arc<Account>),
}

/// What a message was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DestinationKind {
    /// Everybody who subscribes gets it.
    Topic,
    /// One of those who subscribe gets it, and has the last word on it.
    Queue,
}

/// How the publisher wrote the destination, for protocols in which one name can be written in several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling<T> {
    /// The message came through another protocol.
    Unknown,
    /// In the way that the embedding program writes the name itself.
    Usual,
    /// In another way.
    Other(T),
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
    /// One without content.
    fn new(topic: &TopicName, producer: &Arc<str>) -> Self {
        Self {
            position: 0,
            sequence: 0,
            offset: 0,
            size: 0,
            queues: AtomicU32::new(0),
            timestamp_ms: 0,
            expires_ms: 0,
            kind: DestinationKind::Topic,
            is_retained: false,
            marks: 0,
            is_spelled: false,
            spelling: None,
            home: Home::Ahead(topic.clone()),
            producer: Arc::clone(producer),
            content_type: None,
            headers: Box::default(),
            body: Vec::new(),
            encodings: Encodings::default(),
        }
    }

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
    pub fn kind(&self) -> DestinationKind {
        self.kind
    }

    /// The name of the topic, or of the queue.
    #[must_use]
    #[inline]
    pub fn topic(&self) -> &TopicName {
        match &self.home {
            Home::Ahead(name) => name,
            Home::Placed(account) => &account.name,
        }
    }

    pub(crate) fn account(&self) -> Option<&Arc<Account>> {
        match &self.home {
            Home::Ahead(_) => None,
            Home::Placed(account) => Some(account),
        }
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

    /// Returns whether the publisher's header `persistent` is true, as ActiveMQ has it. The case of
    /// the letters does not matter, as in all boolean headers.
    pub(crate) fn is_persistent(&self) -> bool {
        let value = self.header("persistent");
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
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
    #[inline]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes that there is room for in the body.
    pub(crate) fn body_room(&self) -> usize {
        self.body.capacity()
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

    /// Returns how the publisher wrote the destination.
    #[must_use]
    pub fn spelling(&self) -> Spelling<&str> {
        match &self.spelling {
            Some(text) => Spelling::Other(text),
            None if self.is_spelled => Spelling::Usual,
            None => Spelling::Unknown,
        }
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
            if let Home::Placed(account) = &self.home {
                account.memory.take(encoding.len() as u64);
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

    /// Lets go of what is not worth keeping for another message; tells what it counted for, which is up to the
    /// caller to give back.
    pub(crate) fn retire(&mut self) -> u64 {
        let bytes = self.size + self.encodings.bytes();
        self.size = 0;
        self.encodings = Encodings::default();
        self.headers = Box::default();
        self.content_type = None;
        self.spelling = None;
        bytes
    }

    /// Takes in the bytes of a body. The room of the one before is used only where little of it would be left over:
    /// bounds go by what is in it.
    #[inline]
    fn set_body(&mut self, body: &[u8]) {
        let room = self.body.capacity();
        if room < body.len() || room > body.len() + body.len() / 4 + SMALL {
            self.body = body.to_vec();
        } else {
            self.body.clear();
            self.body.extend_from_slice(body);
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
        // The text may be shared with other entries, but is counted in full.
        let spelling = self.spelling.as_ref().map_or(0, |text| text.len());
        (FIXED + content_type + spelling + headers + self.body.len()) as u64
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Home::Placed(account) = &self.home
            && self.size > 0
        {
            account.memory.give_back(self.size + self.encodings.bytes());
        }
    }
}

/// A message on its way into the broker.
pub struct Publication {
    entry: UniqueArc<Entry>,
}

/// Where a message comes from.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The name of the session that publishes it.
    pub producer: Arc<str>,
    /// The time of publication in Unix milliseconds.
    pub timestamp_ms: u64,
    /// Bits that mean nothing to the broker: what the door it came through wants to know of it later.
    pub marks: u8,
}

impl Publication {
    /// A message to a topic, without headers. `producer` names the publishing session; `timestamp_ms` is
    /// the time of publication in Unix milliseconds.
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

    /// A message to a queue, likewise.
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

    /// A message to either, likewise.
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
        own.kind = kind;
        own.is_retained = false;
        own.is_spelled = false;
        own.spelling = None;
        own.set_body(body);
        own.size = own.measure();
        Self { entry }
    }

    /// With the body's media type and the publisher's own headers.
    #[must_use]
    pub fn with_headers(
        mut self,
        content_type: Option<Cow<'static, str>>,
        headers: Box<[Header]>,
    ) -> Self {
        let entry = &mut self.entry;
        entry.content_type = content_type;
        entry.headers = headers;
        entry.size = entry.measure();
        self
    }

    /// With the publisher's way of writing the destination.
    #[must_use]
    pub fn spelled(mut self, spelling: Spelling<Arc<str>>) -> Self {
        let entry = &mut self.entry;
        entry.is_spelled = spelling != Spelling::Unknown;
        entry.spelling = match spelling {
            Spelling::Other(text) => Some(text),
            Spelling::Unknown | Spelling::Usual => None,
        };
        entry.size = entry.measure();
        self
    }

    /// To be delivered before this time, in Unix milliseconds; 0 stands for never too late.
    #[must_use]
    pub fn expiring(mut self, at_ms: u64) -> Self {
        self.entry.expires_ms = at_ms;
        self
    }

    /// To be kept by its topic, besides the log, for those who ask for it when they subscribe, until the next
    /// one replaces it; without a body, to replace it by none. To a queue it is a message like any other.
    #[must_use]
    pub fn retained(mut self) -> Self {
        self.entry.is_retained = self.entry.kind == DestinationKind::Topic;
        self
    }

    /// With other marks: see [`Provenance::marks`].
    #[must_use]
    pub fn with_marks(mut self, marks: u8) -> Self {
        self.entry.marks = marks;
        self
    }

    /// Its marks: see [`Provenance::marks`].
    #[must_use]
    pub fn marks(&self) -> u8 {
        self.entry.marks
    }

    pub(crate) fn is_retained(&self) -> bool {
        self.entry.is_retained
    }

    /// What kind of destination it is going to.
    #[must_use]
    pub fn kind(&self) -> DestinationKind {
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

    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The message as it is, without a place in anything.
    pub(crate) fn into_unplaced(self) -> SharedEntry {
        self.entry.shareable()
    }

    /// Gives the message its place; from here on it does not change.
    ///
    /// The account's name is the same as the message's own: all entries of a topic share one text, which the
    /// topic accounts for. Taking the memory is up to the caller.
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
    /// Without marks.
    #[must_use]
    pub const fn of(producer: Arc<str>, timestamp_ms: u64) -> Self {
        Self {
            producer,
            timestamp_ms,
            marks: 0,
        }
    }
}

/// Bytes of room that a body may leave over, besides a quarter of what it has.
const SMALL: usize = 64;
