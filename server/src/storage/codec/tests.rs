//! Stored examples: a later version must read what an earlier one has written.

use super::*;

fn name() -> TopicName {
    TopicName::new("orders").expect("a name")
}

#[test]
fn a_queue_is_read_from_stored_examples() {
    let table: [(&[u8], bool); 3] = [
        // NamedV1.
        (b"\x00\x06orders", false),
        // NamedV2, not paused and paused.
        (b"\x08\x06orders\x00", false),
        (b"\x08\x06orders\x01", true),
    ];
    for (stored, is_paused) in table {
        let expected = SavedQueue::Named {
            name: "orders".to_owned(),
            is_paused,
        };
        assert_eq!(queue(stored), Ok(expected), "{stored:?}");
    }
}

#[test]
fn only_a_paused_queue_needs_the_newer_encoding() {
    let (kind, attributes) = encode_named_queue(&name(), false);
    assert_eq!((kind, &*attributes), (kinds::QUEUE, &b"\x00\x06orders"[..]));
    let (kind, attributes) = encode_named_queue(&name(), true);
    assert_eq!(
        (kind, &*attributes),
        (kinds::QUEUE, &b"\x08\x06orders\x01"[..])
    );
}

#[test]
fn the_queue_of_scheduled_messages_is_read_from_a_stored_example() {
    let (kind, attributes) = encode_queue(&LastingQueue::Scheduled);
    assert_eq!((kind, &*attributes), (kinds::SCHEDULED, &b"\x09"[..]));
    assert_eq!(queue(b"\x09"), Ok(SavedQueue::Scheduled));
}

#[test]
fn a_schedule_is_read_from_a_stored_example() {
    let schedule = Schedule {
        begin_ms: 1,
        delay_ms: 2,
        period_ms: 3_000,
        repeats: Some(4),
        cron: Some("0 * * * *".parse().expect("a CRON entry")),
    };
    let stored = b"\x01\x02\xb8\x17\x01\x04\x01\x090 * * * *";
    assert_eq!(encode(&ScheduleV1::of(&schedule)), stored);
    let read: ScheduleV1<'_> = decode("a schedule", stored).expect("a schedule");
    assert_eq!(read.schedule(), Ok(schedule));
}

#[test]
fn the_encoding_of_a_later_version_is_refused() {
    let error = queue(b"\x7f").expect_err("there is no such variant");
    assert!(
        error.to_string().contains("this version cannot read"),
        "{error}"
    );
}
