//! Entries without references, which the thread keeps for the next publications.
//!
//! A full topic removes one entry for each new one, mostly on the publishing thread. So steady publishing needs no
//! allocator, which would have to pass memory between threads.

use std::{cell::RefCell, sync::Arc};

use triomphe::UniqueArc;

use crate::{
    memory::account::Account,
    message::entry::{Entry, SharedEntry},
};

/// The entries that one thread keeps.
#[derive(Default)]
struct Spare {
    entries: Vec<UniqueArc<Entry>>,
    /// Capacity of their bodies in bytes.
    body_bytes: usize,
}

/// Memory that was released and not yet returned to the total.
#[derive(Default)]
struct Freed {
    account: Option<Arc<Account>>,
    bytes: u64,
}

/// Returns an unshared entry for a new message. Its texts are those of an old message.
#[inline]
pub(crate) fn take() -> Option<UniqueArc<Entry>> {
    SPARE
        .try_with(|spare| spare.borrow_mut().take())
        .ok()
        .flatten()
}

/// Releases entries of one topic. Entries without other references are kept, up to the bounds.
pub(crate) fn let_go(entries: impl Iterator<Item = SharedEntry>) {
    let mut freed = Freed::default();
    // If the thread is ending, they are dropped.
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

/// Entries that a thread keeps: as many small messages as one read of a connection contains.
const MOST: usize = 512;
/// Capacity of all their bodies in bytes.
const MOST_BYTES: usize = 256 << 10;
/// Maximum capacity of one body; for a larger one, the allocation is a small part of the cost of a message.
const LARGEST: usize = 4 << 10;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{
        EncodingSlot,
        memory::account::End,
        memory::account::Memory,
        message::entry::{DestinationKind, Fields, Header, HeaderIndex, Publication},
        name::TopicName,
    };

    const START: End = End {
        sequence: 1,
        offset: 0,
    };

    fn name() -> TopicName {
        TopicName::new("t").expect("a name")
    }

    fn placed(publication: Publication, account: &Arc<Account>) -> SharedEntry {
        account.memory.take(publication.size());
        publication.into_entry(1, START, account)
    }

    fn kept() -> (usize, usize) {
        SPARE.with_borrow(|spare| (spare.entries.len(), spare.body_bytes))
    }

    #[test]
    fn a_new_message_has_no_data_of_an_old_one() {
        let memory = Arc::<Memory>::default();
        let account = Account::new(DestinationKind::Topic, name(), &memory);
        let header = Header {
            name: "a".into(),
            value: "b".into(),
        };
        let old = Publication::new(name(), "old".into(), 1, b"an old body")
            .with_headers(Some("text/plain".into()), [header].into())
            .with_fields(Fields {
                priority: 9,
                group: HeaderIndex::of(0),
                ..Fields::default()
            })
            .closing_group()
            .with_marks(7)
            .expiring(5)
            .retained();
        let old = placed(old, &account);
        let slot = EncodingSlot::new(0).expect("there is room for one");
        old.encoding(slot, |_| [1; 100].into());
        let place = SharedEntry::as_ptr(&old);
        let_go([old].into_iter());
        assert_eq!(memory.bytes(), 0);
        let new = Publication::to_queue(name(), "new".into(), 2, b"a body").into_unplaced();
        assert_eq!(SharedEntry::as_ptr(&new), place);
        assert_eq!((new.body(), new.producer()), (&b"a body"[..], "new"));
        assert_eq!(
            (new.kind(), new.timestamp_ms()),
            (DestinationKind::Queue, 2)
        );
        assert_eq!((new.content_type(), new.headers()), (None, &[][..]));
        assert_eq!((new.marks(), new.expires_ms()), (0, None));
        assert_eq!(
            (new.fields(), new.closes_group()),
            (Fields::default(), false)
        );
        assert!(!new.is_retained_publication());
        assert_eq!(new.encoding(slot, |_| [2].into()), [2]);
    }

    #[test]
    fn an_entry_with_other_references_is_not_reused() {
        let memory = Arc::<Memory>::default();
        let account = Account::new(DestinationKind::Topic, name(), &memory);
        let entry = placed(Publication::new(name(), "p".into(), 1, b"a body"), &account);
        let before = kept();
        let_go([SharedEntry::clone(&entry)].into_iter());
        assert_eq!((kept(), entry.body()), (before, &b"a body"[..]));
        assert!(memory.bytes() > 0);
        drop(entry);
        assert_eq!(memory.bytes(), 0);
    }

    #[test]
    fn a_small_body_does_not_keep_the_capacity_of_a_large_one() {
        let account = Account::new(DestinationKind::Topic, name(), &Arc::default());
        for (old, new) in [(4_000, 10), (100, 90), (10, 100), (0, 0)] {
            let large = Publication::new(name(), "p".into(), 1, &vec![0; old]);
            let_go([placed(large, &account)].into_iter());
            let small = Publication::new(name(), "p".into(), 1, &vec![0; new]);
            let room = small.into_unplaced().body_room();
            let most = new + new / 4 + 64;
            assert!((new..=most).contains(&room), "{new} bytes in {room}");
        }
    }

    #[test]
    fn the_entries_that_a_thread_keeps_are_bounded() {
        let memory = Arc::<Memory>::default();
        let account = Account::new(DestinationKind::Topic, name(), &memory);
        for bytes in [0, 100, LARGEST, LARGEST + 1] {
            let body = vec![0; bytes];
            let entries: Vec<_> = (0..2 * MOST)
                .map(|_| placed(Publication::new(name(), "p".into(), 1, &body), &account))
                .collect();
            let_go(entries.into_iter());
            let (entries, body_bytes) = kept();
            assert!(
                entries <= MOST && body_bytes <= MOST_BYTES,
                "{entries} {body_bytes}"
            );
            let rooms = SPARE.with_borrow(|spare| {
                let rooms = spare.entries.iter().map(|entry| entry.body_room());
                rooms.sum::<usize>()
            });
            assert_eq!(rooms, body_bytes);
            assert_eq!(memory.bytes(), 0);
        }
    }
}
