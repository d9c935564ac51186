//! The account that the entries of one topic or queue share, and the memory of all entries.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    figures::{Count, Volume},
    name::{DestinationKind, TopicName, is_brokers_own},
};

/// The end of a log: the sequence and offset of its next entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) sequence: u64,
    /// Bytes of all earlier entries.
    pub(crate) offset: u64,
}

/// The part of a topic or queue that entries and readers can use without the broker's lock.
///
/// Entries refer to the account and not to the memory directly: every thread would change the memory's reference count
/// for every message.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: TopicName,
    /// True for the broker's own topics and queues, whose messages do not count as traffic.
    pub(crate) is_own: bool,
    pub(crate) memory: Arc<Memory>,
    // The following fields are counted for topics only.
    pub(crate) published: Volume,
    pub(crate) delivered: Count,
    pub(crate) dropped: Count,
    /// Cursors in the log. With several cursors it is worth encoding an entry once for all of them.
    readers: AtomicUsize,
}

/// Bytes of all live entries of all topics and queues, including their encodings.
#[derive(Debug, Default)]
pub(crate) struct Memory(AtomicU64);

/// The memory that one publisher uses, added to the total in one sum: all threads share the total, and each change of
/// it is expensive for the others.
#[derive(Debug)]
pub(crate) struct Reservation<'a> {
    memory: &'a Memory,
    /// Bytes held when the total was last read.
    held: u64,
    /// Bytes used since then.
    taken: u64,
}

impl Account {
    pub(crate) fn new(kind: DestinationKind, name: TopicName, memory: &Arc<Memory>) -> Arc<Self> {
        Arc::new(Self {
            is_own: is_brokers_own(kind, &name),
            name,
            memory: Arc::clone(memory),
            published: Volume::default(),
            delivered: Count::default(),
            dropped: Count::default(),
            readers: AtomicUsize::new(0),
        })
    }

    /// Returns the end of the log according to the counters.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.published.entries() + 1,
            offset: self.published.bytes(),
        }
    }

    pub(crate) fn set_readers(&self, readers: usize) {
        self.readers.store(readers, Ordering::Relaxed);
    }

    /// Returns true if several cursors may read an entry. The value may be outdated.
    pub(crate) fn has_audience(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 1
    }
}

impl Memory {
    /// Returns a reservation for several entries, none of which may be released before [`Reservation::settle`].
    pub(crate) fn reserve(&self) -> Reservation<'_> {
        Reservation {
            memory: self,
            held: self.bytes(),
            taken: 0,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Reservation<'_> {
    /// Returns the bytes held, including the bytes of this reservation.
    pub(crate) fn held(&self) -> u64 {
        self.held + self.taken
    }

    pub(crate) fn take(&mut self, bytes: u64) {
        self.taken += bytes;
    }

    pub(crate) fn settle(&mut self) {
        self.memory.take(std::mem::take(&mut self.taken));
        self.held = self.memory.bytes();
    }
}
