//! What the entries of one topic, or of one queue, have in common, and the memory that all entries are in.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    figures::{Count, Volume},
    message::entry::DestinationKind,
    name::{TopicName, is_brokers_own},
    topic::log::End,
};

/// What entries and readers know of their topic or queue without the broker's lock.
///
/// Entries point here and not at the memory itself: the count of references to that would be changed by every
/// thread for every message.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: TopicName,
    /// Whether it is the broker's own, and so no traffic of others.
    pub(crate) is_own: bool,
    pub(crate) memory: Arc<Memory>,
    // What follows is counted for topics.
    pub(crate) published: Volume,
    pub(crate) delivered: Count,
    pub(crate) dropped: Count,
    /// Cursors in the log; what they read is worth encoding once for all when there are several.
    readers: AtomicUsize,
}

/// Bytes of all entries alive, of all topics and queues, and of their encodings.
#[derive(Debug, Default)]
pub(crate) struct Memory(AtomicU64);

/// What one publisher takes of the memory, told in one sum: the count is every thread's, and each change of it costs
/// the others theirs.
#[derive(Debug)]
pub(crate) struct Tab<'a> {
    memory: &'a Memory,
    /// Bytes held when it was looked at last.
    held: u64,
    /// Bytes taken since.
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

    /// Where the log ends, as far as it was counted.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.published.entries() + 1,
            offset: self.published.bytes(),
        }
    }

    pub(crate) fn set_readers(&self, readers: usize) {
        self.readers.store(readers, Ordering::Relaxed);
    }

    /// Whether an entry may be read by several cursors. It tells what was true a moment ago.
    pub(crate) fn has_audience(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 1
    }
}

impl Memory {
    /// For several entries that nobody lets go of before the tab is settled.
    pub(crate) fn tab(&self) -> Tab<'_> {
        Tab {
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

impl Tab<'_> {
    /// Bytes held, with those taken here.
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
