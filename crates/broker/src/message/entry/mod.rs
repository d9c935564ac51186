//! The entries that topics and queues store.

mod fields;
mod publication;

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

pub use crate::name::DestinationKind;
pub use fields::{Fields, HeaderIndex};
pub use publication::{Provenance, Publication};

use crate::{
    memory::account::Account,
    memory::account::End,
    message::encodings::{EncodingSlot, Encodings},
    name::TopicName,
};

/// One entry of a topic's log, or one message of a queue: immutable, shared by all readers.
#[derive(Debug)]
pub struct Entry {
    position: u64,
    sequence: u64,
    /// Bytes of all earlier entries of the topic.
    pub(crate) offset: u64,
    /// Bytes that the entry counts for, without its body; 0 if it no longer counts.
    head_bytes: u32,
    /// Number of queues that hold the entry.
    queues: AtomicU32,
    timestamp_ms: u64,
    /// Unix milliseconds, 0 if the entry never expires.
    expires_ms: u64,
    flags: Flags,
    marks: u8,
    fields: Fields,
    /// With [`Flags::SPELLED`]: see [`Spelling`].
    spelling: Option<Arc<str>>,
    home: Home,
    producer: Arc<str>,
    content_type: Option<Cow<'static, str>>,
    headers: Box<[Header]>,
    body: Vec<u8>,
    encodings: Encodings,
}

/// A shared entry. It has no weak references, which are not needed, so that it is cheaper to detect the last reference.
pub type SharedEntry = triomphe::Arc<Entry>;

/// The place of an entry.
#[derive(Debug)]
enum Home {
    /// Not placed yet, and not accounted for.
    Ahead(TopicName),
    /// Placed; its size is taken from the memory of this account.
    Placed(Arc<Account>),
}

/// The publisher's spelling of the destination, for protocols in which one name can be written in several forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling<T> {
    /// The message came over another protocol.
    Unknown,
    /// The form in which the embedding program writes the name.
    Usual,
    /// Another form.
    Other(T),
}

/// Properties of a message that are true or false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flags(u8);

impl Flags {
    /// The topic keeps the message for later subscribers.
    const RETAINED: u8 = 1;
    /// The publisher's spelling of the destination is known.
    const SPELLED: u8 = 2;
    /// The message must survive a restart.
    const PERSISTENT: u8 = 4;
    /// The destination is a queue.
    const QUEUE: u8 = 8;
    /// The message is the last of its message group.
    const CLOSES_GROUP: u8 = 16;
    /// The message was restored from the journal of an earlier run.
    const RESTORED: u8 = 32;
    /// The journal has recorded the message in its topic's history.
    const IN_HISTORY: u8 = 64;
    /// The broker has sent the message to a dead letter queue.
    const DEAD_LETTER: u8 = 128;

    const fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    const fn set(&mut self, flag: u8, value: bool) {
        self.0 = if value { self.0 | flag } else { self.0 & !flag };
    }
}

/// A header of the publisher, passed on unchanged to subscribers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name, not empty.
    pub name: Box<str>,
    /// The value.
    pub value: Box<str>,
}

impl Entry {
    /// Returns an entry without content.
    fn new(topic: &TopicName, producer: &Arc<str>) -> Self {
        Self {
            position: 0,
            sequence: 0,
            offset: 0,
            head_bytes: 0,
            queues: AtomicU32::new(0),
            timestamp_ms: 0,
            expires_ms: 0,
            flags: Flags::default(),
            marks: 0,
            fields: Fields::default(),
            spelling: None,
            home: Home::Ahead(topic.clone()),
            producer: Arc::clone(producer),
            content_type: None,
            headers: Box::default(),
            body: Vec::new(),
            encodings: Encodings::default(),
        }
    }

    /// Returns the position in the broker's order over all topics, from 1.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns true for the message that the broker sends at the end of a browse: it has no position, because it is in no
    /// queue.
    #[must_use]
    pub fn is_end_of_browse(&self) -> bool {
        self.position == 0
    }

    /// Returns the number of the entry in the topic's log, from 1.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the time of publication in Unix milliseconds.
    #[must_use]
    pub fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }

    /// Returns the kind of the destination.
    #[must_use]
    pub fn kind(&self) -> DestinationKind {
        match self.flags.has(Flags::QUEUE) {
            true => DestinationKind::Queue,
            false => DestinationKind::Topic,
        }
    }

    /// Returns the name of the topic or queue.
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

    /// Returns the time of expiry in Unix milliseconds.
    #[must_use]
    pub fn expires_ms(&self) -> Option<u64> {
        (self.expires_ms != 0).then_some(self.expires_ms)
    }

    /// Returns whether the entry has expired at `now_ms`.
    #[must_use]
    #[inline]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.expires_ms != 0 && self.expires_ms <= now_ms
    }

    /// Returns the value of the publisher's first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| *header.name == *name);
        found.map(|header| &*header.value)
    }

    /// Returns true if the message must survive a restart: see [`Publication::persistent`].
    #[must_use]
    #[inline]
    pub fn is_persistent(&self) -> bool {
        self.flags.has(Flags::PERSISTENT)
    }

    /// Returns true if the journal has recorded the message in its topic's history.
    pub(crate) fn is_in_history(&self) -> bool {
        self.flags.has(Flags::IN_HISTORY)
    }

    /// Records that nothing needs the message any more.
    fn leave_history(&mut self) {
        if self.flags.has(Flags::IN_HISTORY)
            && let Home::Placed(account) = &self.home
        {
            account.forget(self.position);
            self.flags.set(Flags::IN_HISTORY, false);
        }
    }

    /// Returns false if no queue has recorded the message in the journal.
    #[inline]
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.flags.has(Flags::PERSISTENT) || self.flags.has(Flags::RESTORED)
    }

    /// Returns the name of the publishing session.
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

    /// Returns the media type of the body, as given by the publisher.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the publisher's headers in their order.
    #[must_use]
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Returns the body unchanged.
    #[must_use]
    #[inline]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the capacity of the body in bytes.
    pub(crate) fn body_room(&self) -> usize {
        self.body.capacity()
    }

    /// Returns whether the topic retains the message for later subscriptions; see [`Publication::retained`].
    #[must_use]
    #[inline]
    pub fn is_retained_publication(&self) -> bool {
        self.flags.has(Flags::RETAINED)
    }

    /// Returns true if the broker has sent the message to a dead letter queue: see [`Publication::dead_letter`].
    #[must_use]
    pub fn is_dead_letter(&self) -> bool {
        self.flags.has(Flags::DEAD_LETTER)
    }

    /// Returns the marks that the protocol has set.
    #[must_use]
    pub fn marks(&self) -> u8 {
        self.marks
    }

    /// Returns the publisher's spelling of the destination.
    #[must_use]
    pub fn spelling(&self) -> Spelling<&str> {
        match &self.spelling {
            Some(text) => Spelling::Other(text),
            None if self.flags.has(Flags::SPELLED) => Spelling::Usual,
            None => Spelling::Unknown,
        }
    }

    /// Returns whether the session of this name published the entry: the same allocation, not only the same text.
    #[inline]
    pub(crate) fn is_by(&self, session: &Arc<str>) -> bool {
        Arc::ptr_eq(&self.producer, session)
    }

    /// Returns the encoding of this entry in a slot. `encode` makes it on the first call for the slot.
    pub fn encoding(&self, slot: EncodingSlot, encode: impl FnOnce(&Self) -> Box<[u8]>) -> &[u8] {
        self.encodings.find_or_make(slot, || {
            let encoding = encode(self);
            if let Home::Placed(account) = &self.home {
                account.memory.take(encoding.len() as u64);
            }
            encoding
        })
    }

    /// Returns the size for all bounds on bytes: texts, body and a fixed amount for the structure. Encodings count only
    /// for [`Limits::memory_bytes`](crate::Limits).
    #[inline]
    pub(crate) fn size(&self) -> u64 {
        u64::from(self.head_bytes) + self.body.len() as u64
    }

    /// Returns the part of the size that is not the body.
    pub(crate) fn head_bytes(&self) -> u64 {
        self.head_bytes.into()
    }

    /// Returns the number of queues that hold the entry.
    pub(crate) fn queues(&self) -> u32 {
        self.queues.load(Ordering::Relaxed)
    }

    /// Counts one more queue. Returns true if it is the first.
    pub(crate) fn enter_queue(&self) -> bool {
        self.queues.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// Counts one queue less. Returns true if it was the last.
    pub(crate) fn leave_queue(&self) -> bool {
        self.queues.fetch_sub(1, Ordering::Relaxed) == 1
    }

    /// Returns the end of the log before this entry.
    pub(crate) fn start(&self) -> End {
        End {
            sequence: self.sequence,
            offset: self.offset,
        }
    }

    /// Returns the end of the log with this entry as its newest.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.sequence + 1,
            offset: self.offset + self.size(),
        }
    }

    /// Clears the parts that the next message cannot use. Returns the bytes that the entry counted for; the caller must
    /// return them to the memory.
    pub(crate) fn retire(&mut self) -> u64 {
        self.leave_history();
        let bytes = self.size() + self.encodings.bytes();
        self.head_bytes = 0;
        self.encodings = Encodings::default();
        self.headers = Box::default();
        self.content_type = None;
        self.spelling = None;
        bytes
    }

    /// Sets the body. Reuses the old allocation only if little of it would stay unused, because the bounds count the
    /// content.
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

    /// Returns the value of `head_bytes`.
    fn measure(&self) -> u32 {
        // The structure, its reference counts and its slot in the log.
        const FIXED: usize = size_of::<Entry>() + 4 * size_of::<usize>();
        let headers: usize = self
            .headers
            .iter()
            .map(|header| size_of::<Header>() + header.name.len() + header.value.len())
            .sum();
        let content_type = self.content_type.as_ref().map_or(0, |text| text.len());
        // The text may be shared with other entries, and is counted in full.
        let spelling = self.spelling.as_ref().map_or(0, |text| text.len());
        // No protocol accepts a head of 4 GiB.
        u32::try_from(FIXED + content_type + spelling + headers).unwrap_or(u32::MAX)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.leave_history();
        if let Home::Placed(account) = &self.home
            && self.head_bytes > 0
        {
            account
                .memory
                .give_back(self.size() + self.encodings.bytes());
        }
    }
}

/// Unused bytes that a body's allocation may have, in addition to a quarter of its length.
const SMALL: usize = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// jemalloc has a size class of 192 bytes; the next one has 224.
    #[test]
    fn an_entry_and_its_reference_count_have_at_most_192_bytes() {
        assert!(size_of::<Entry>() + size_of::<usize>() <= 192);
    }
}
