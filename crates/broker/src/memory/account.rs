//! The account that the entries of one topic or queue share, and the memory of all entries.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    figures::{Count, Volume},
    name::ids::{HistoryId, NameId, NameIds},
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
    /// The id of the name in the journal, once a message was recorded.
    in_journal: OnceLock<NameId>,
    /// The id of the topic's history in the journal, once a message was recorded there. Dropped after the last message.
    history: OnceLock<HistoryId>,
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
            in_journal: OnceLock::new(),
            history: OnceLock::new(),
        })
    }

    /// Returns the end of the log according to the counters.
    pub(crate) fn end(&self) -> End {
        End {
            sequence: self.published.entries() + 1,
            offset: self.published.bytes(),
        }
    }

    /// Returns the id of the name in the journal; creates it if necessary. Called with the broker's lock held.
    pub(crate) fn name_id(
        &self,
        kind: DestinationKind,
        journal: impl FnOnce() -> Arc<dyn NameIds>,
    ) -> u32 {
        let created = || {
            let journal = journal();
            NameId::new(journal.create_name(kind, &self.name), journal)
        };
        self.in_journal.get_or_init(created).id()
    }

    /// Returns the id of the name in the journal, if it has one.
    pub(crate) fn known_name_id(&self) -> Option<u32> {
        self.in_journal.get().map(NameId::id)
    }

    /// Sets the id of the name in the journal, which an earlier run has created.
    pub(crate) fn restore_name_id(&self, id: u32, journal: Arc<dyn NameIds>) {
        let _ = self.in_journal.set(NameId::new(id, journal));
    }

    /// Returns the id of the topic's history in the journal; creates it if necessary. Called with the broker's lock held.
    pub(crate) fn history_id(&self, journal: impl FnOnce() -> Arc<dyn NameIds>) -> u32 {
        let created = || {
            let journal = journal();
            HistoryId::new(journal.create_history(&self.name), journal)
        };
        self.history.get_or_init(created).id()
    }

    /// Sets the id of the topic's history, which an earlier run has created.
    pub(crate) fn restore_history_id(&self, id: u32, journal: Arc<dyn NameIds>) {
        let _ = self.history.set(HistoryId::new(id, journal));
    }

    /// Records that a message of the history is not in memory any more.
    pub(crate) fn forget(&self, position: u64) {
        if let Some(history) = self.history.get() {
            history.forget(position);
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
