//! A topic's log: a chain of shared chunks, written at one end by the holder of the broker's lock, and read anywhere
//! without a lock. A chunk is freed when neither the topic's history nor a reader refers to it.

mod chunk;
#[cfg(all(test, not(loom)))]
mod tests;

use std::sync::Arc;

pub(crate) use crate::memory::account::End;
use chunk::Chunk;
pub(crate) use chunk::{Place, Released};

use crate::{
    message::entry::SharedEntry,
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

impl Log {
    /// Returns an empty log. `newest_removed_position` is the position up to which entries of an earlier log with this
    /// name may have been removed, 0 if there was none.
    pub(crate) fn new(newest_removed_position: u64) -> Self {
        let end = End {
            sequence: 1,
            offset: 0,
        };
        Self::beginning_at(end, newest_removed_position)
    }

    /// Returns an empty log whose next entry has this sequence and offset.
    pub(crate) fn beginning_at(end: End, newest_removed_position: u64) -> Self {
        // No slots before the first entry, because many topics have only subscribers.
        let place = Chunk::new(end.sequence, 0).place();
        Self {
            tail: place.clone(),
            head: place,
            end,
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
            self.note_trimmed(position);
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
        let position = last.position();
        self.note_trimmed(position);
        self.history.entries = 0;
        self.history.bytes = 0;
        self.add_chunk(0);
        released.push(std::mem::replace(&mut self.head, self.tail.clone()));
    }

    /// Notes a removed entry. After a restart, messages after it may have been lost too.
    fn note_trimmed(&mut self, position: u64) {
        let trimmed = &mut self.history.trimmed_position;
        *trimmed = (*trimmed).max(position);
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

    /// Visits the entries of the history, oldest first.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&SharedEntry)) {
        let mut place = self.head();
        while let Some(entry) = place.peek() {
            each(entry);
            place.advance();
        }
    }

    /// Returns the position of the last entry, or of the newest removed one: no entry in between is missing.
    pub(crate) fn newest_position(&self) -> u64 {
        let last = self.last().map_or(0, |last| last.position());
        last.max(self.trimmed_position())
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
        place.skip_while(usize::MAX, |entry| entry.position() <= position);
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
