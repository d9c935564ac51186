//! Entries that nobody has any more, kept by the thread for the next publications.
//!
//! A topic that is full lets one entry go for each that it takes in, mostly on the thread that publishes. So steady
//! publishing needs no allocator, which would have to pass memory between threads.

use std::{cell::RefCell, sync::Arc};

use triomphe::UniqueArc;

use crate::{
    account::Account,
    entry::{Entry, SharedEntry},
};

/// What one thread keeps.
#[derive(Default)]
struct Spare {
    entries: Vec<UniqueArc<Entry>>,
    /// Bytes that they have room for in their bodies.
    body_bytes: usize,
}

/// Memory that was let go of and not given back yet.
#[derive(Default)]
struct Freed {
    account: Option<Arc<Account>>,
    bytes: u64,
}

/// An entry for a new message, of which nobody else knows. Its texts are those of an old one.
#[inline]
pub(crate) fn take() -> Option<UniqueArc<Entry>> {
    SPARE
        .try_with(|spare| spare.borrow_mut().take())
        .ok()
        .flatten()
}

/// Lets go of entries of one topic. Those that nobody else has are kept, as far as there is room.
pub(crate) fn let_go(entries: impl Iterator<Item = SharedEntry>) {
    let mut freed = Freed::default();
    // Where the thread is at its end, they are simply dropped.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        for entry in entries {
            if let Ok(mut own) = SharedEntry::try_unique(entry) {
                freed.add(&mut own);
                spare.keep(own);
            }
        }
    });
    freed.give_back();
}

impl Spare {
    fn take(&mut self) -> Option<UniqueArc<Entry>> {
        let entry = self.entries.pop()?;
        self.body_bytes -= entry.body_room();
        Some(entry)
    }

    fn keep(&mut self, entry: UniqueArc<Entry>) {
        let room = entry.body_room();
        if self.entries.len() < MOST && room <= LARGEST && self.body_bytes + room <= MOST_BYTES {
            self.body_bytes += room;
            self.entries.push(entry);
        }
    }
}

impl Freed {
    fn add(&mut self, entry: &mut Entry) {
        let bytes = entry.retire();
        if self.account.is_none() {
            self.account = entry.account().cloned();
        }
        self.bytes += bytes;
    }

    fn give_back(self) {
        if let Some(account) = self.account {
            account.memory.give_back(self.bytes);
        }
    }
}

thread_local! {
    static SPARE: RefCell<Spare> = RefCell::default();
}

/// Entries that a thread keeps: as many small messages as one read of a connection brings.
const MOST: usize = 512;
/// Bytes of the bodies of all of them.
const MOST_BYTES: usize = 256 << 10;
/// Bytes of the body of one; what is larger is a small part of what passing it on costs.
const LARGEST: usize = 4 << 10;
