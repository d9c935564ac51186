//! A topic's log: a chain of shared chunks, written at one end by the holder of the broker's lock, and read anywhere
//! without a lock. A chunk is freed when neither the topic's history nor a reader refers to it.

use std::sync::Arc;

pub(crate) use crate::memory::account::End;
use crate::{
    message::entry::SharedEntry,
    message::entry_pool,
    sync::OnceLock,
    topic::cursor::{Missed, Start},
};

/// The writing end, and the history that the topic keeps.
#[derive(Debug)]
pub(crate) struct Log {
    /// The place of the next entry.
    tail: Place,
    /// The oldest entry of the history.
    head: Place,
    end: End,
    /// Bytes in the last chunk.
    chunk_bytes: u64,
    history: History,
}

#[derive(Debug)]
struct History {
    entries: u64,
    bytes: u64,
    /// Position of the newest removed entry, 0 if there is none.
    trimmed_position: u64,
}

/// A place in a log: of an existing entry, or of the entry that will be appended next.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    chunk: Arc<Chunk>,
    index: usize,
}

#[derive(Debug)]
struct Chunk {
    first_sequence: u64,
    slots: Box<[OnceLock<SharedEntry>]>,
    next: OnceLock<Arc<Chunk>>,
}

/// Removed parts of a log, which the caller must drop without a lock.
pub(crate) type Released = Vec<Place>;

impl Log {
    /// Returns an empty log. `newest_removed_position` is the position up to which entries of an earlier log with this
    /// name may have been removed, 0 if there was none.
    pub(crate) fn new(newest_removed_position: u64) -> Self {
        // No slots before the first entry, because many topics have only subscribers.
        let place = Chunk::new(1, 0).place();
        Self {
            tail: place.clone(),
            head: place,
            end: End {
                sequence: 1,
                offset: 0,
            },
            chunk_bytes: 0,
            history: History {
                entries: 0,
                bytes: 0,
                trimmed_position: newest_removed_position,
            },
        }
    }

    /// Returns sequence and offset of the next entry.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// Appends an entry. It must have the sequence and the offset that [`Log::end`] returns.
    pub(crate) fn append(&mut self, entry: SharedEntry) {
        let size = entry.size();
        let slots = self.tail.chunk.slots.len();
        if self.tail.index == slots || self.chunk_bytes >= Chunk::FULL_BYTES {
            // Small at first, because most topics stay small.
            self.add_chunk(slots * 4);
        }
        self.end = entry.end();
        // There is one writer, and each slot is used once, so the slot is free.
        let _ = self.tail.chunk.slots[self.tail.index].set(entry);
        self.tail.index += 1;
        self.chunk_bytes += size;
        self.history.entries += 1;
        self.history.bytes += size;
    }

    /// Removes the oldest entries until the history is within both bounds; the last image stays.
    ///
    /// A chunk is released as a whole, once the history starts after it.
    pub(crate) fn trim(&mut self, entries: u64, bytes: u64, released: &mut Released) {
        let entries = entries.max(1);
        if self.history.entries > entries {
            self.remove_oldest(self.history.entries - entries, released);
        }
        while self.history.entries > 1 && self.history.bytes > bytes {
            self.remove_oldest(1, released);
        }
    }

    /// Removes the `count` oldest entries; `count` must be less than the number of entries. Reads only two of them,
    /// because old entries are no longer in the cache and other threads wait for the lock.
    fn remove_oldest(&mut self, count: u64, released: &mut Released) {
        let first_kept = self.first_sequence() + count;
        self.head.go_to(first_kept - 1, released);
        let last = self.head.slot().map(|entry| entry.position());
        self.head.go_to(first_kept, released);
        let start = self.head.slot().map(|entry| entry.start());
        if let (Some(position), Some(start)) = (last, start) {
            self.history.trimmed_position = position;
            self.history.bytes = self.end.offset - start.offset;
            self.history.entries -= count;
        }
    }

    /// Removes everything except the last image, including the rest of its chunk.
    pub(crate) fn keep_last(&mut self, released: &mut Released) {
        self.trim(1, 0, released);
        let Some(last) = self.last().cloned() else {
            return;
        };
        if self.head.index == 0 {
            return;
        }
        // The last image gets its own chunk for new readers. Current readers read it in the old chunk, and continue in
        // the new chunk after it.
        self.add_chunk(0);
        let alone = Chunk::new(last.sequence(), 1);
        let _ = alone.slots[0].set(last);
        let _ = alone.next.set(Arc::clone(&self.tail.chunk));
        released.push(std::mem::replace(&mut self.head, alone.place()));
    }

    /// Removes everything, including the last image.
    pub(crate) fn clear(&mut self, released: &mut Released) {
        let Some(last) = self.last() else { return };
        self.history.trimmed_position = last.position();
        self.history.entries = 0;
        self.history.bytes = 0;
        self.add_chunk(0);
        released.push(std::mem::replace(&mut self.head, self.tail.clone()));
    }

    pub(crate) fn last(&self) -> Option<&SharedEntry> {
        if self.history.entries == 0 {
            return None;
        }
        match self.tail.index.checked_sub(1) {
            Some(newest) => self.tail.chunk.slots[newest].get(),
            // Nothing was appended since `keep_last`.
            None => self.head.slot(),
        }
    }

    pub(crate) fn history_entries(&self) -> u64 {
        self.history.entries
    }

    pub(crate) fn history_bytes(&self) -> u64 {
        self.history.bytes
    }

    /// Returns the position up to which entries may have been removed, 0 if none have.
    pub(crate) fn trimmed_position(&self) -> u64 {
        self.history.trimmed_position
    }

    /// Returns the sequence of the oldest entry kept, or of the next one.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.end.sequence - self.history.entries
    }

    pub(crate) fn tail(&self) -> Place {
        self.tail.clone()
    }

    pub(crate) fn head(&self) -> Place {
        self.head.clone()
    }

    /// Returns the place of the oldest kept entry with a sequence of at least `sequence`, or the tail.
    pub(crate) fn place_of_sequence(&self, sequence: u64) -> Place {
        let mut place = self.head();
        place.skip_to(sequence);
        place
    }

    /// Returns the place of the oldest kept entry after `position`, or the tail.
    pub(crate) fn place_after_position(&self, position: u64) -> Place {
        if self.last().is_none_or(|last| last.position() <= position) {
            return self.tail();
        }
        let mut place = self.head();
        let is_at_or_before = |entry: &SharedEntry| entry.position() <= position;
        while let Some(next) = place.chunk.next.get()
            && next
                .slots
                .first()
                .and_then(OnceLock::get)
                .is_some_and(is_at_or_before)
        {
            place = Arc::clone(next).place();
        }
        while place.peek().is_some_and(is_at_or_before) {
            place.advance();
        }
        place
    }

    /// Collects the entries from `start` on. Returns the entries missing before them.
    pub(crate) fn collect_from(
        &self,
        start: Start,
        found: &mut Vec<(SharedEntry, Option<Missed>)>,
    ) -> Option<Missed> {
        let (mut place, missed) = self.begin(start);
        while let Some(entry) = place.peek() {
            found.push((SharedEntry::clone(entry), None));
            place.advance();
        }
        missed
    }

    /// Returns the place of `start` in the log, and the entries missing before it.
    pub(crate) fn begin(&self, start: Start) -> (Place, Option<Missed>) {
        match start {
            Start::New => (self.tail(), None),
            Start::Last => match self.last() {
                Some(last) => (self.place_of_sequence(last.sequence()), None),
                None => (self.tail(), None),
            },
            Start::AfterSequence(sequence) => self.begin_after_sequence(sequence),
            Start::AfterPosition(position) => {
                let missed = (self.trimmed_position() > position).then_some(Missed::Unknown);
                (self.place_after_position(position), missed)
            }
            Start::Lost => (self.head(), Some(Missed::Unknown)),
        }
    }

    fn begin_after_sequence(&self, sequence: u64) -> (Place, Option<Missed>) {
        if sequence >= self.end().sequence {
            // The sequence is of an earlier log of this topic.
            return (self.tail(), Some(Missed::Unknown));
        }
        let from = sequence + 1;
        let first = self.first_sequence();
        let missed = (from < first).then(|| Missed::Range {
            from,
            to: first - 1,
        });
        (self.place_of_sequence(from), missed)
    }

    /// Links a new chunk after the tail.
    fn add_chunk(&mut self, slots: usize) {
        let chunk = Chunk::new(self.end.sequence, slots.clamp(Chunk::FEWEST, Chunk::MOST));
        // The only writer links a next chunk once, when it leaves a chunk. So this chunk has none yet.
        let _ = self.tail.chunk.next.set(Arc::clone(&chunk));
        self.tail = chunk.place();
        self.chunk_bytes = 0;
        if self.history.entries == 0 {
            self.head = self.tail.clone();
        }
    }
}

impl Place {
    /// Returns the entry at this place, if it has been appended. Moves to the next chunk at the end of one.
    pub(crate) fn peek(&mut self) -> Option<&SharedEntry> {
        while let Some(next) = self.next_chunk() {
            *self = next;
        }
        self.slot()
    }

    /// Moves to the next entry. Must be called only after [`Place::peek`] has returned an entry.
    pub(crate) fn advance(&mut self) {
        self.index += 1;
    }

    /// Returns the sequence of this place.
    pub(crate) fn sequence(&self) -> u64 {
        self.chunk.first_sequence + self.index as u64
    }

    /// Moves forward to `sequence`, or to the end of the log.
    pub(crate) fn skip_to(&mut self, sequence: u64) {
        while let Some(next) = self.chunk.next.get()
            && next.first_sequence <= sequence
        {
            *self = Arc::clone(next).place();
        }
        while self.sequence() < sequence && self.peek().is_some() {
            self.advance();
        }
    }

    /// Moves forward to `sequence`, which has been appended, and adds the places of passed chunks to `released`.
    fn go_to(&mut self, sequence: u64, released: &mut Released) {
        while let Some(next) = self.chunk.next.get()
            && next.first_sequence <= sequence
        {
            let next = Arc::clone(next).place();
            released.push(std::mem::replace(self, next));
        }
        self.index = (sequence - self.chunk.first_sequence) as usize;
    }

    /// Returns the beginning of the next chunk, if this one gets no more entries.
    fn next_chunk(&self) -> Option<Self> {
        if self.slot().is_some() {
            return None;
        }
        let next = self.chunk.next.get()?;
        // The writer fills a chunk before it links the next one: check again, now that it is linked.
        if self.slot().is_some() {
            return None;
        }
        Some(Arc::clone(next).place())
    }

    fn slot(&self) -> Option<&SharedEntry> {
        self.chunk.slots.get(self.index)?.get()
    }
}

impl Chunk {
    const FEWEST: usize = 4;
    const MOST: usize = 64;
    /// A chunk with this number of bytes gets no more entries, so that a reader holds at most one large entry beyond
    /// its bound.
    const FULL_BYTES: u64 = 64 << 10;

    fn new(first_sequence: u64, slots: usize) -> Arc<Self> {
        Arc::new(Self {
            first_sequence,
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        })
    }

    fn place(self: Arc<Self>) -> Place {
        Place {
            chunk: self,
            index: 0,
        }
    }
}

impl Drop for Chunk {
    /// Also frees the following chunks without other references, without recursion.
    fn drop(&mut self) {
        entry_pool::let_go(self.slots.iter_mut().filter_map(OnceLock::take));
        let mut next = self.next.take();
        while let Some(mut chunk) = next.and_then(Arc::into_inner) {
            next = chunk.next.take();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        memory::account::{Account, Memory},
        message::entry::{DestinationKind, Publication},
        name::TopicName,
    };

    /// A log, and the memory that its entries are accounted for in.
    struct Fixture {
        log: Log,
        memory: Arc<Memory>,
        account: Arc<Account>,
    }

    impl Fixture {
        fn append(&mut self, position: u64, body: &[u8]) {
            let name = self.account.name.clone();
            let publication = Publication::new(name, "p".into(), 0, body);
            self.memory.take(publication.size());
            let entry = publication.into_entry(position, self.log.end(), &self.account);
            self.log.append(entry);
        }
    }

    fn log() -> Fixture {
        let memory = Arc::default();
        let name = TopicName::new("t").expect("a name");
        Fixture {
            log: Log::new(0),
            account: Account::new(DestinationKind::Topic, name, &memory),
            memory,
        }
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
    fn a_reader_sees_entries_appended_after_its_start() {
        let mut log = log();
        log.append(1, b"");
        let place = log.log.tail();
        for position in 2..=200 {
            log.append(position, b"");
        }
        assert_eq!(sequences(place), (2..=200).collect::<Vec<_>>());
    }

    #[test]
    fn history_is_trimmed_to_its_bound_and_a_reader_keeps_its_entries() {
        let mut log = log();
        let place = log.log.tail();
        let mut released = Vec::new();
        for position in 1..=200 {
            log.append(position, b"x");
            log.log.trim(10, u64::MAX, &mut released);
        }
        released.clear();
        assert_eq!(sequences(log.log.head()), (191..=200).collect::<Vec<_>>());
        assert_eq!(log.log.first_sequence(), 191);
        assert_eq!(log.log.trimmed_position(), 190);
        assert_eq!(sequences(place), (1..=200).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_image_stays_whatever_its_size() {
        let mut log = log();
        let mut released = Vec::new();
        log.append(1, b"x");
        log.append(2, b"xyz");
        log.log.trim(10, 0, &mut released);
        assert_eq!(sequences(log.log.head()), [2]);
    }

    #[test]
    fn memory_is_given_back_when_the_last_reader_has_passed() {
        let mut log = log();
        let memory = Arc::clone(&log.memory);
        let reader = log.log.tail();
        let mut released = Vec::new();
        // So long that freeing the chain by recursion would overflow the stack.
        for position in 1..=1_000_000 {
            log.append(position, b"");
            log.log.trim(1, u64::MAX, &mut released);
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
            log.append(count * 10, b"");
        }
        assert_eq!(log.log.place_of_sequence(1).sequence(), 1);
        assert_eq!(log.log.place_of_sequence(57).sequence(), 57);
        assert_eq!(sequences(log.log.place_of_sequence(1_000)), []);
        assert_eq!(sequences(log.log.place_after_position(985)), [99, 100]);
        assert_eq!(sequences(log.log.place_after_position(1_000)), []);
    }

    #[test]
    fn a_cleared_log_continues_with_the_next_sequence() {
        let mut log = log();
        for position in 1..=10 {
            log.append(position, b"");
        }
        let mut released = Vec::new();
        log.log.clear(&mut released);
        assert!(log.log.last().is_none());
        assert_eq!(sequences(log.log.head()), []);
        log.append(11, b"");
        assert_eq!(sequences(log.log.head()), [11]);
        assert_eq!(log.log.first_sequence(), 11);
    }

    #[test]
    fn trimming_returns_the_released_chunks() {
        let mut log = log();
        let mut released = Vec::new();
        for position in 1..=200 {
            log.append(position, b"x");
            log.log.trim(1, u64::MAX, &mut released);
        }
        let held = log.memory.bytes();
        assert!(!released.is_empty());
        released.clear();
        assert!(log.memory.bytes() < held);
    }

    #[test]
    fn the_last_image_alone_can_be_kept_and_is_not_read_twice() {
        let mut log = log();
        let reader = log.log.tail();
        let mut released = Vec::new();
        for position in 1..=9 {
            log.append(position, b"x");
        }
        log.log.keep_last(&mut released);
        assert_eq!(log.log.last().map(|last| last.sequence()), Some(9));
        log.append(10, b"x");
        assert_eq!(sequences(log.log.head()), [9, 10]);
        assert_eq!(sequences(reader.clone()), (1..=10).collect::<Vec<_>>());
        released.clear();
        drop(reader);
        let entry = log.log.last().map_or(0, |last| last.size());
        assert_eq!(log.memory.bytes(), 2 * entry);
    }

    #[test]
    fn clearing_an_empty_log_changes_nothing() {
        let mut log = log();
        let mut released = Vec::new();
        let reader = log.log.tail();
        for _ in 0..3 {
            log.log.clear(&mut released);
        }
        assert!(released.is_empty());
        assert!(Arc::ptr_eq(&reader.chunk, &log.log.tail().chunk));
    }

    #[test]
    fn everything_kept_of_an_entry_is_accounted_for_and_given_back() {
        let mut log = log();
        let publication = Publication::new(log.account.name.clone(), "p".into(), 0, b"")
            .with_headers(Some("text/plain".repeat(100).into()), Box::default());
        assert!(publication.size() > 1_000);
        log.memory.take(publication.size());
        let entry = publication.into_entry(1, log.log.end(), &log.account);
        log.log.append(SharedEntry::clone(&entry));
        let slot = crate::EncodingSlot::new(0).expect("there is room for one");
        entry.encoding(slot, |_| vec![0; 5_000].into());
        assert!(log.memory.bytes() > 6_000);
        let memory = Arc::clone(&log.memory);
        drop((log, entry));
        assert_eq!(memory.bytes(), 0);
    }

    proptest::proptest! {
        #[test]
        fn a_log_has_the_same_entries_as_a_vector(steps in proptest::collection::vec((0..6_u8, 0..100_u64), 0..300)) {
            let mut log = log();
            let mut kept: Vec<u64> = Vec::new();
            let mut readers: Vec<(Place, u64)> = Vec::new();
            let mut released = Vec::new();
            let mut newest = 0;
            for (step, number) in steps {
                match step {
                    0 => {
                        log.log.trim(number, u64::MAX, &mut released);
                        let keep = number.max(1) as usize;
                        kept.drain(..kept.len().saturating_sub(keep));
                    }
                    1 if number < 10 => {
                        log.log.clear(&mut released);
                        kept.clear();
                    }
                    1 if number < 30 => {
                        log.log.keep_last(&mut released);
                        kept.drain(..kept.len().saturating_sub(1));
                    }
                    2 => readers.push((log.log.place_of_sequence(number), kept.iter().copied().find(|one| *one >= number).unwrap_or(newest + 1))),
                    3 => readers.push((log.log.place_after_position(number * 2), kept.iter().copied().find(|one| *one > number).unwrap_or(newest + 1))),
                    _ => {
                        newest += 1;
                        // Positions are twice the sequences: other topics have the ones in between.
                        log.append(newest * 2, b"");
                        kept.push(newest);
                    }
                }
                proptest::prop_assert_eq!(sequences(log.log.head()), kept.clone());
                proptest::prop_assert_eq!(log.log.last().map(|last| last.sequence()), kept.last().copied());
                proptest::prop_assert_eq!(log.log.history_entries(), kept.len() as u64);
            }
            for (place, from) in readers {
                proptest::prop_assert_eq!(sequences(place), (from..=newest).collect::<Vec<_>>());
            }
        }
    }
}
