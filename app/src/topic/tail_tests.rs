use std::ops::RangeInclusive;

use super::*;
use crate::topic::Body;

fn entries(sequences: RangeInclusive<u64>) -> Vec<Arc<Entry>> {
    let entry = |sequence| Entry {
        id: format!("a-{sequence}"),
        sequence,
        ..Entry::default()
    };
    sequences.map(entry).map(Arc::new).collect()
}

fn part(sequences: RangeInclusive<u64>, has_more_before: bool, has_more_after: bool) -> Part {
    Part {
        entries: entries(sequences),
        has_more_before,
        has_more_after,
        ..Part::default()
    }
}

fn arrive(tail: &mut Tail, sequences: RangeInclusive<u64>) {
    tail.take(entries(sequences).into_iter(), 0);
}

/// Returns the sequences of the lines; 0 is a gap.
fn sequences(tail: &Tail) -> Vec<u64> {
    let sequence = |line: &Line| line.entry().map_or(0, |entry| entry.sequence);
    tail.lines.iter().map(sequence).collect()
}

fn newest(sequences: RangeInclusive<u64>) -> Tail {
    let mut tail = Tail::default();
    tail.begin(part(sequences, true, false));
    tail
}

#[test]
fn messages_continue_the_newest_part() {
    let mut tail = newest(1..=2);
    arrive(&mut tail, 3..=4);
    assert_eq!(sequences(&tail), [1, 2, 3, 4]);
    assert_eq!((tail.received(), tail.waiting()), (2, 0));
    assert_eq!(tail.newest_id(), Some("a-4"));
}

#[test]
fn a_pause_keeps_the_place_and_resuming_shows_what_came() {
    let mut tail = newest(1..=2);
    tail.pause();
    arrive(&mut tail, 3..=5);
    assert_eq!(sequences(&tail), [1, 2]);
    assert_eq!((tail.waiting(), tail.received()), (3, 3));
    assert_eq!(tail.newest_id(), Some("a-5"));
    assert!(tail.resume());
    assert_eq!(sequences(&tail), [1, 2, 3, 4, 5]);
    assert_eq!(tail.waiting(), 0);
}

#[test]
fn everything_is_counted_and_the_newest_are_kept() {
    let most = MOST_LINES as u64;
    let mut tail = newest(1..=1);
    tail.pause();
    arrive(&mut tail, 2..=most);
    arrive(&mut tail, most + 1..=2 * most);
    assert_eq!(tail.waiting(), 2 * most - 1);
    tail.resume();
    assert_eq!(tail.len(), MOST_LINES);
    assert_eq!(tail.last_sequence(), Some(2 * most));
    assert_eq!(tail.first_sequence(), Some(most + 1));
    arrive(&mut tail, 2 * most + 1..=9 * most);
    assert_eq!(tail.len(), MOST_LINES);
    assert_eq!(tail.received(), 9 * most - 1);
}

#[test]
fn messages_that_were_not_kept_leave_a_gap() {
    let mut tail = newest(1..=2);
    tail.pause();
    tail.take(entries(10..=11).into_iter(), 7);
    assert_eq!(tail.waiting(), 9);
    tail.resume();
    assert_eq!(sequences(&tail), [1, 2, 0, 10, 11]);
    assert_eq!(tail.line(2), Some(&Line::Gap(7)));
    tail.take(entries(20..=20).into_iter(), 8);
    assert_eq!(sequences(&tail), [1, 2, 0, 10, 11, 0, 20]);
    assert_eq!(tail.missed(), 15);
}

#[test]
fn older_messages_are_added_before_the_first() {
    let mut tail = newest(10..=12);
    tail.pause();
    assert_eq!(tail.take_older(part(7..=9, true, true)), 0);
    assert_eq!(tail.take_older(part(5..=7, false, true)), 0);
    assert_eq!(sequences(&tail), [5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(!tail.has_more_before() && !tail.is_detached());
}

#[test]
fn a_full_list_drops_its_other_end_and_is_detached() {
    let most = MOST_LINES as u64;
    let mut tail = newest(101..=100 + most);
    tail.pause();
    assert_eq!(tail.take_older(part(1..=100, false, true)), 100);
    assert_eq!(tail.last_sequence(), Some(most));
    assert!(tail.is_detached());
    arrive(&mut tail, 101 + most..=101 + most);
    assert!(!tail.resume(), "the newest part is needed first");
    tail.begin(part(50 + most..=101 + most, true, false));
    assert_eq!(tail.last_sequence(), Some(101 + most));
    assert_eq!(tail.waiting(), 0);
}

#[test]
fn a_place_in_the_past_is_continued_until_the_newest() {
    let mut tail = Tail::default();
    tail.begin(part(1..=3, false, true));
    assert!(tail.is_detached());
    arrive(&mut tail, 8..=9);
    assert_eq!(sequences(&tail), [1, 2, 3]);
    tail.take_newer(part(4..=6, true, true));
    assert!(tail.is_detached());
    tail.take_newer(part(7..=8, true, false));
    assert_eq!(sequences(&tail), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(tail.waiting(), 1, "only 9 is missing");
    tail.resume();
    assert_eq!(tail.last_sequence(), Some(9));
}

#[test]
fn the_next_part_begins_where_the_broker_stopped_to_examine() {
    let mut tail = newest(10..=12);
    assert_eq!(tail.first_examined(), Some(10));
    let nothing = Part {
        from: Some(4),
        has_more_before: true,
        ..Part::default()
    };
    tail.take_older(nothing);
    assert_eq!((tail.first_examined(), tail.len()), (Some(4), 3));
    tail.take_older(part(3..=3, false, true));
    assert_eq!(sequences(&tail), [3, 10, 11, 12]);
    assert_eq!(tail.first_examined(), Some(3));
}

#[test]
fn a_message_is_found_by_its_id() {
    let tail = newest(5..=7);
    assert_eq!(tail.index_of("a-6"), Some(1));
    assert_eq!(tail.index_of("b-6"), None);
}

/// Returns messages with bodies of this size.
fn long(sequences: RangeInclusive<u64>, bytes: usize) -> Vec<Arc<Entry>> {
    let body = Body::Bytes(vec![0xff; bytes]);
    let entry = |sequence| Entry {
        sequence,
        body: body.clone(),
        ..Entry::default()
    };
    sequences.map(entry).map(Arc::new).collect()
}

/// Returns the sequences of the messages with a cut body.
fn cut_sequences(tail: &Tail) -> Vec<u64> {
    let entries = tail.lines.iter().filter_map(Line::entry);
    let cut = entries.filter(|entry| entry.is_cut());
    cut.map(|entry| entry.sequence).collect()
}

#[test]
fn of_long_messages_the_newest_stay_whole() {
    let mut tail = Tail::default();
    tail.begin(Part {
        entries: long(1..=4, 4 << 20),
        has_more_before: true,
        ..Part::default()
    });
    assert!(cut_sequences(&tail).is_empty());
    tail.take(long(5..=6, 4 << 20).into_iter(), 0);
    assert_eq!(cut_sequences(&tail), [1, 2, 3]);
    // A body that is larger than the bound is cut too.
    tail.take(long(7..=7, 17 << 20).into_iter(), 0);
    assert_eq!(cut_sequences(&tail), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn of_older_messages_those_that_the_reader_scrolls_to_stay_whole() {
    let mut tail = Tail::default();
    tail.begin(Part {
        entries: long(11..=14, 4 << 20),
        has_more_before: true,
        ..Part::default()
    });
    tail.take_older(Part {
        entries: long(8..=10, 4 << 20),
        ..Part::default()
    });
    assert_eq!(cut_sequences(&tail), [11, 12, 13, 14]);
}

#[test]
fn messages_that_wait_are_bounded_in_bytes() {
    let mut tail = Tail::default();
    tail.begin(part(1..=1, false, false));
    tail.pause();
    for sequence in 2..=9 {
        tail.take(long(sequence..=sequence, 4 << 20).into_iter(), 0);
    }
    let waiting: usize = tail
        .waiting
        .iter()
        .map(|entry| entry.body.bytes().len())
        .sum();
    assert!(waiting <= (16 << 20) + 4_000, "{waiting}");
    tail.resume();
    assert_eq!(cut_sequences(&tail), [2, 3, 4, 5, 6]);
}
