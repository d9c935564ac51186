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
    assert_eq!(sequences(log.log.place_of_sequence(1_000)), [0; 0]);
    assert_eq!(sequences(log.log.place_after_position(985)), [99, 100]);
    assert_eq!(sequences(log.log.place_after_position(1_000)), [0; 0]);
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
    assert_eq!(sequences(log.log.head()), [0; 0]);
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
