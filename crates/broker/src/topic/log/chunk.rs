//! The chunks of a log, and places in them.

use std::sync::Arc;

use crate::{
    message::entry::{Entry, SharedEntry},
    message::entry_pool,
    sync::OnceLock,
};

/// A place in a log: of an existing entry, or of the entry that will be appended next.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(super) chunk: Arc<Chunk>,
    pub(super) index: usize,
}

/// A part of a log. Its entries are written once, in order.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) first_sequence: u64,
    pub(super) slots: Box<[OnceLock<SharedEntry>]>,
    pub(super) next: OnceLock<Arc<Chunk>>,
}

/// Removed parts of a log, which the caller must drop without a lock.
pub(crate) type Released = Vec<Place>;

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

    /// Moves forward past the entries for which `is_before` holds. It must hold for no entry after one for which it does
    /// not hold. Returns false if that is not reached within `most` chunks.
    pub(crate) fn skip_while(&mut self, most: usize, is_before: impl Fn(&Entry) -> bool) -> bool {
        let mut left = most;
        while let Some(next) = self.chunk.next.get()
            && let Some(first) = next.slots.first().and_then(OnceLock::get)
            && is_before(first)
        {
            if left == 0 {
                return false;
            }
            left -= 1;
            *self = Arc::clone(next).place();
        }
        while self.peek().is_some_and(|entry| is_before(entry)) {
            self.advance();
        }
        true
    }

    /// Moves forward to `sequence`, which has been appended, and adds the places of passed chunks to `released`.
    pub(super) fn go_to(&mut self, sequence: u64, released: &mut Released) {
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

    pub(super) fn slot(&self) -> Option<&SharedEntry> {
        self.chunk.slots.get(self.index)?.get()
    }
}

impl Chunk {
    pub(super) const FEWEST: usize = 4;
    pub(super) const MOST: usize = 64;
    /// A chunk with this number of bytes gets no more entries, so that a reader holds at most one large entry beyond
    /// its bound.
    pub(super) const FULL_BYTES: u64 = 64 << 10;

    pub(super) fn new(first_sequence: u64, slots: usize) -> Arc<Self> {
        Arc::new(Self {
            first_sequence,
            slots: (0..slots).map(|_| OnceLock::new()).collect(),
            next: OnceLock::new(),
        })
    }

    pub(super) fn place(self: Arc<Self>) -> Place {
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
