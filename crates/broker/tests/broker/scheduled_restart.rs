//! Scheduled messages after a restart: neither lost nor put into a queue twice.

use std::sync::Arc;

use broker::{Broker, JournalError, Limits, Outcome, PublishError, Schedule, ScheduledPlace};

use crate::{
    harness::Client,
    journal_harness::MemoryJournal,
    queue_harness::{event, message, queue},
    scheduled::{after, deliver_due, publish},
};

fn scheduled_count(broker: &Broker) -> usize {
    broker
        .scheduled(ScheduledPlace::default(), 0, |_, _| true)
        .total
}

fn take_all(broker: &Broker, name: &str) -> Vec<String> {
    let mut reader = Client::attach(broker, "reader");
    reader.consume(broker, queue(name));
    reader.take_bodies()
}

#[test]
fn a_scheduled_message_survives_a_crash_also_if_it_is_not_persistent() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    let mut outcome = Outcome::default();
    let mut batch = vec![
        message("q", "volatile", &[]).scheduled(after(500)),
        event("t", "topic", &[]).scheduled(after(100)),
    ];
    broker.publish(&mut batch, &mut outcome);
    assert_eq!(outcome.owed, Some(journal.recorded().changes.len() as u64));
    let id = outcome.results[0].as_ref().expect("room").id;

    let broker = journal.restart_after_crash(Limits::default(), 3);
    assert_eq!(scheduled_count(&broker), 2);
    assert!(broker.scheduled_message(id).is_some(), "the id stays");
    deliver_due(&broker, 400);
    assert_eq!(scheduled_count(&broker), 1);
    deliver_due(&broker, 500);
    assert_eq!(take_all(&broker, "q"), ["volatile"]);
    assert_eq!(
        broker
            .topic(&crate::harness::as_name("t"))
            .expect("it is there")
            .sequence,
        1
    );
    let broker = journal.restart_after_crash(Limits::default(), 99);
    assert_eq!(scheduled_count(&broker), 0);
}

#[test]
fn a_crash_at_any_moment_of_a_delivery_keeps_the_message_once() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    let scheduled = message("q", "m", &[]).persistent().scheduled(after(500));
    publish(&broker, scheduled).expect("room");
    let before = journal.calls();
    deliver_due(&broker, 500);
    for calls in before..=journal.calls() {
        let journal = journal.prefix(calls);
        let broker = journal.restart_after_crash(Limits::default(), 99);
        deliver_due(&broker, 500);
        assert_eq!(take_all(&broker, "q"), ["m"], "after {calls} calls");
    }
}

#[test]
fn a_crash_at_any_moment_of_a_repetition_keeps_the_number_of_deliveries() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    let schedule = Schedule {
        period_ms: 1_000,
        repeats: Some(4),
        ..after(500)
    };
    let scheduled = message("q", "m", &[]).persistent().scheduled(schedule);
    publish(&broker, scheduled).expect("room");
    let begin = journal.calls();
    for now_ms in [500, 1_500, 2_500] {
        deliver_due(&broker, now_ms);
    }
    for calls in begin..=journal.calls() {
        let journal = journal.prefix(calls);
        let broker = journal.restart_after_crash(Limits::default(), 99);
        for now_ms in (3_000..20_000).step_by(500) {
            deliver_due(&broker, now_ms);
        }
        assert_eq!(take_all(&broker, "q").len(), 5, "after {calls} calls");
    }
}

#[test]
fn a_clean_stop_keeps_what_is_scheduled_and_a_cancelled_message_stays_cancelled() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    let kept = publish(&broker, message("q", "kept", &[]).scheduled(after(5))).expect("room");
    let gone = publish(&broker, message("q", "gone", &[]).scheduled(after(5))).expect("room");
    assert!(broker.cancel_scheduled(gone));
    let broker = journal.restart_cleanly(broker);
    assert!(broker.scheduled_message(kept).is_some());
    assert!(!broker.cancel_scheduled(gone));
    deliver_due(&broker, 5);
    assert_eq!(take_all(&broker, "q"), ["kept"]);
}

#[test]
fn a_scheduled_message_is_refused_while_the_disk_is_full() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    let full = JournalError::DiskFull {
        free: 1,
        required: 2,
    };
    journal.recorded().refuses = Some(full.clone());
    let refused = publish(&broker, message("q", "m", &[]).scheduled(after(5)));
    assert_eq!(refused, Err(PublishError::Journal(full)));
    assert_eq!(scheduled_count(&broker), 0);
}
