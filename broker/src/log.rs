//! A topic's log: a chain of shared chunks, written at one end by whoever holds the broker's order, read
//! anywhere without a lock. A chunk is freed when neither the topic's history nor any reader has it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{entry::Entry, sync::OnceLock};

/// The writing end, and the history that the topic keeps.
#[derive(Debug)]
pub(crate) struct Log {
    /// Where the next entry goes.
    tail: Place,
    /// The oldest entry kept.
    head: Place,
    next_sequence: u64,
    /// Bytes of all entries ever appended.
    offset: u64,
    history: History,
    last: Option<Arc<Entry>>,
    memory: Arc<Memory>,
}

#[derive(Debug, Default)]
struct History {
    entries: u64,
    bytes: u64,
    /// Position of the newest entry let go, 0 when there is none.
    trimmed_position: u64,
}

/// A place in a log: the entry that is there, or will be.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    chunk: Arc<Chunk>,
    index: usize,
}

/// Bytes of all chunks alive, of all topics.
#[derive(Debug, Default)]
pub(crate) struct Memory(AtomicU64);

#[derive(Debug)]
struct Chunk {
    first_sequence: u64,
    slots: Box<[OnceLock<Arc<Entry>>]>,
    next: OnceLock<Arc<Chunk>>,
    bytes: AtomicU64,
    memory: Arc<Memory>,
}

/// What a log lets go of, to be dropped by the caller once it holds no lock.
pub(crate) type Released = Vec<Place>;

impl Log {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        // No slot until the first entry: many topics only ever have subscribers.
        let place = Place {
            chunk: Arc::new(Chunk::new(1, 0, Arc::clone(&memory))),
            index: 0,
        };
        Self {
            tail: place.clone(),
            head: place,
            next_sequence: 1,
            offset: 0,
            history: History::default(),
            last: None,
            memory,
        }
    }

    /// The sequence and the offset that the next entry gets.
    pub(crate) fn next(&self) -> (u64, u64) {
        (self.next_sequence, self.offset)
    }

    /// Appends an entry that was given what [`Log::next`] told.
    pub(crate) fn append(&mut self, entry: Arc<Entry>) {
        let size = entry.size();
        if self.tail.chunk.is_full(self.tail.index) {
            self.grow();
        }
        let chunk = &self.tail.chunk;
        chunk.bytes.fetch_add(size, Ordering::Relaxed);
        self.memory.0.fetch_add(size, Ordering::Relaxed);
        self.last = Some(Arc::clone(&entry));
        // One writer, and every slot once: it is free.
        let _ = chunk.slots[self.tail.index].set(entry);
        self.tail.index += 1;
        self.next_sequence += 1;
        self.offset += size;
        self.history.entries += 1;
        self.history.bytes += size;
    }

    /// Lets the oldest entries go until the history is within both bounds; the last image stays.
    pub(crate) fn trim(&mut self, entries: u64, bytes: u64, released: &mut Released) {
        let history = &mut self.history;
        while history.entries > 1 && (history.entries > entries || history.bytes > bytes) {
            let Some(entry) = self.head.peek() else { break };
            history.entries -= 1;
            history.bytes -= entry.size();
            history.trimmed_position = entry.position();
            let before = Arc::clone(&self.head.chunk);
            self.head.advance();
            if !Arc::ptr_eq(&before, &self.head.chunk) {
                released.push(Place {
                    chunk: before,
                    index: 0,
                });
            }
        }
    }

    /// Lets everything go, the last image too.
    pub(crate) fn clear(&mut self, released: &mut Released) {
        if let Some(last) = self.last.take() {
            self.history.trimmed_position = last.position();
        }
        self.grow();
        released.push(std::mem::replace(&mut self.head, self.tail.clone()));
        self.history.entries = 0;
        self.history.bytes = 0;
    }

    pub(crate) fn last(&self) -> Option<&Arc<Entry>> {
        self.last.as_ref()
    }

    pub(crate) fn history_entries(&self) -> u64 {
        self.history.entries
    }

    pub(crate) fn history_bytes(&self) -> u64 {
        self.history.bytes
    }

    /// Position of the newest entry that is no longer kept, 0 when all are.
    pub(crate) fn trimmed_position(&self) -> u64 {
        self.history.trimmed_position
    }

    /// Sequence of the oldest entry kept, or of the next one.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.next_sequence - self.history.entries
    }

    pub(crate) fn tail(&self) -> Place {
        self.tail.clone()
    }

    pub(crate) fn head(&self) -> Place {
        self.head.clone()
    }

    /// The oldest kept entry with a sequence of at least `sequence`, or the tail.
    pub(crate) fn place_of_sequence(&self, sequence: u64) -> Place {
        let mut place = self.head();
        place.skip_to(sequence.min(self.next_sequence));
        place
    }

    /// The oldest kept entry behind `position`, or the tail.
    pub(crate) fn place_after_position(&self, position: u64) -> Place {
        if self
            .last
            .as_ref()
            .is_none_or(|last| last.position() <= position)
        {
            return self.tail();
        }
        let mut place = self.head();
        while place
            .peek()
            .is_some_and(|entry| entry.position() <= position)
        {
            place.advance();
        }
        place
    }

    /// Links a new chunk behind the tail: small at first, since most topics stay small.
    fn grow(&mut self) {
        let slots = (self.tail.chunk.slots.len() * 4).clamp(Chunk::FEWEST, Chunk::MOST);
        let chunk = Arc::new(Chunk::new(
            self.next_sequence,
            slots,
            Arc::clone(&self.memory),
        ));
        // One writer, and a chunk is left for good once it has a next: it has none yet.
        let _ = self.tail.chunk.next.set(Arc::clone(&chunk));
        self.tail = Place { chunk, index: 0 };
        if self.history.entries == 0 {
            self.head = self.tail.clone();
        }
    }
}

impl Place {
    /// The entry here, if it has been appended. Steps over a chunk's end.
    pub(crate) fn peek(&mut self) -> Option<&Arc<Entry>> {
        while self.slot().is_none() {
            let next = Arc::clone(self.chunk.next.get()?);
            // The writer fills a chunk before it links the next: look again, now that it is linked.
            if self.slot().is_some() {
                break;
            }
            *self = Self {
                chunk: next,
                index: 0,
            };
        }
        self.slot()
    }

    /// Goes on behind the entry here. To be called only where [`Place::peek`] found one.
    pub(crate) fn advance(&mut self) {
        self.index += 1;
    }

    /// The sequence of the entry here.
    pub(crate) fn sequence(&self) -> u64 {
        self.chunk.first_sequence + self.index as u64
    }

    /// Goes forward to `sequence`, or as far as the log goes.
    pub(crate) fn skip_to(&mut self, sequence: u64) {
        while let Some(next) = self.chunk.next.get() {
            if next.first_sequence > sequence {
                break;
            }
            *self = Self {
                chunk: Arc::clone(next),
                index: 0,
            };
        }
        while self.sequence() < sequence && self.peek().is_some() {
            self.advance();
        }
    }

    fn slot(&self) -> Option<&Arc<Entry>> {
        self.chunk.slots.get(self.index)?.get()
    }
}

impl Memory {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Chunk {
    const FEWEST: usize = 4;
    const MOST: usize = 64;
    /// A chunk with this many bytes takes no more entries, so that what a reader holds beyond its bound
    /// is at most one large entry.
    const FULL_BYTES: u64 = 64 << 10;

    fn new(first_sequence: u64, slots: usize, memory: Arc<Memory>) -> Self {
        Self {
            first_sequence,
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
            bytes: AtomicU64::new(0),
            memory,
        }
    }

    fn is_full(&self, used: usize) -> bool {
        used == self.slots.len() || self.bytes.load(Ordering::Relaxed) >= Self::FULL_BYTES
    }
}

impl Drop for Chunk {
    /// Frees the chain behind as well, as far as nobody else has it, without recursion.
    fn drop(&mut self) {
        self.memory
            .0
            .fetch_sub(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut next = self.next.take();
        while let Some(chunk) = next.and_then(Arc::into_inner) {
            let mut chunk = chunk;
            next = chunk.next.take();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{entry::Publication, name::TopicName};

    fn log() -> Log {
        Log::new(Arc::default())
    }

    fn append(log: &mut Log, position: u64, body: &'static [u8]) {
        let topic = TopicName::new("t").expect("a name");
        let (sequence, offset) = log.next();
        let publication = Publication::new(topic, "p".into(), 0, Bytes::from_static(body));
        log.append(publication.into_entry(position, sequence, offset));
    }

    fn sequences(mut place: Place) -> Vec<u64> {
        let mut found = Vec::new();
        while let Some(sequence) = place.peek().map(|entry| entry.sequence()) {
            found.push(sequence);
            place.advance();
        }
        found
    }

    #[test]
    fn a_reader_sees_what_was_appended_after_it_began() {
        let mut log = log();
        append(&mut log, 1, b"");
        let place = log.tail();
        for position in 2..=200 {
            append(&mut log, position, b"");
        }
        assert_eq!(sequences(place), (2..=200).collect::<Vec<_>>());
    }

    #[test]
    fn history_is_trimmed_to_its_bound_and_a_reader_keeps_what_it_has() {
        let mut log = log();
        let place = log.tail();
        let mut released = Vec::new();
        for position in 1..=200 {
            append(&mut log, position, b"x");
            log.trim(10, u64::MAX, &mut released);
        }
        released.clear();
        assert_eq!(sequences(log.head()), (191..=200).collect::<Vec<_>>());
        assert_eq!(log.first_sequence(), 191);
        assert_eq!(log.trimmed_position(), 190);
        assert_eq!(sequences(place), (1..=200).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_image_stays_whatever_its_size() {
        let mut log = log();
        let mut released = Vec::new();
        append(&mut log, 1, b"x");
        append(&mut log, 2, b"xyz");
        log.trim(10, 0, &mut released);
        assert_eq!(sequences(log.head()), [2]);
    }

    #[test]
    fn memory_is_given_back_when_the_last_reader_has_passed() {
        let memory = Arc::<Memory>::default();
        let mut log = Log::new(Arc::clone(&memory));
        let reader = log.tail();
        let mut released = Vec::new();
        // Long enough that freeing the chain by recursion would end the thread.
        for position in 1..=1_000_000 {
            append(&mut log, position, b"");
            log.trim(1, u64::MAX, &mut released);
        }
        released.clear();
        let held = memory.bytes();
        drop(reader);
        assert!(memory.bytes() <= held / 1_000, "{held} {}", memory.bytes());
        drop(log);
        assert_eq!(memory.bytes(), 0);
    }

    #[test]
    fn places_are_found_by_sequence_and_by_position() {
        let mut log = log();
        for count in 1..=100 {
            append(&mut log, count * 10, b"");
        }
        assert_eq!(log.place_of_sequence(1).sequence(), 1);
        assert_eq!(log.place_of_sequence(57).sequence(), 57);
        assert_eq!(sequences(log.place_of_sequence(1_000)), []);
        assert_eq!(sequences(log.place_after_position(985)), [99, 100]);
        assert_eq!(sequences(log.place_after_position(1_000)), []);
    }

    #[test]
    fn a_cleared_log_goes_on_with_the_next_sequence() {
        let mut log = log();
        for position in 1..=10 {
            append(&mut log, position, b"");
        }
        let mut released = Vec::new();
        log.clear(&mut released);
        assert!(log.last().is_none());
        assert_eq!(sequences(log.head()), []);
        append(&mut log, 11, b"");
        assert_eq!(sequences(log.head()), [11]);
        assert_eq!(log.first_sequence(), 11);
    }
}
