//! Durable topics: every message is recorded in the topic's history, and is there after a crash.

use std::sync::Arc;

use broker::{
    Broker, JournalError, Limits, MessageId, Missed, Outcome, Overflow, Publication, PublishError,
    Start,
};

use crate::{
    harness::{Client, EPOCH, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{event, message},
};

fn publish(broker: &Broker, batch: Vec<Publication>) -> Option<u64> {
    let mut outcome = Outcome::default();
    broker.publish(&mut { batch }, &mut outcome);
    assert!(outcome.results.iter().all(Result::is_ok));
    outcome.owed
}

/// Publishes messages that are not persistent.
fn publish_to(broker: &Broker, topic: &str, bodies: &[&str]) {
    publish(
        broker,
        bodies.iter().map(|body| event(topic, body, &[])).collect(),
    );
}

fn keeping(history_entries: u64) -> Limits {
    Limits {
        history_entries,
        ..Limits::default()
    }
}

/// Returns the broker of the next run, after a crash before anything else was recorded, with other durable topics.
fn crashed_to(
    journal: &MemoryJournal,
    filter: Option<&str>,
    limits: Limits,
) -> (Arc<MemoryJournal>, Broker) {
    let journal = journal.prefix(journal.calls()).with_durable(filter);
    let next = journal.newest_position() + 1;
    let broker = journal.restart_after_crash(limits, next);
    (journal, broker)
}

/// Returns the broker of the next run after a crash.
fn crashed(journal: &MemoryJournal, limits: Limits) -> (Arc<MemoryJournal>, Broker) {
    let journal = journal.prefix(journal.calls());
    let next = journal.newest_position() + 1;
    let broker = journal.restart_after_crash(limits, next);
    (journal, broker)
}

/// Resumes after a position that is known. Returns the positions of what is delivered, and whether messages before it are
/// reported as missed.
fn resume(broker: &Broker, filter: &str, position: u64) -> (Vec<u64>, bool) {
    let mut client = Client::attach(broker, "reader");
    let start = Start::AfterPosition(position);
    client.subscribe(broker, filter, start, Overflow::DropOldest);
    client.reader.collect();
    let got = client.read_all();
    client.detach(broker);
    let has_missed = got.iter().any(|one| one.missed.is_some());
    (got.iter().map(|one| one.position).collect(), has_missed)
}

#[test]
fn every_message_of_a_durable_topic_is_recorded_and_owed() {
    let journal = MemoryJournal::durable("d.*");
    let broker = journal.broker(Limits::default());
    assert_eq!(publish(&broker, vec![event("d.a", "1", &[])]), Some(1));
    assert_eq!(
        publish(&broker, vec![event("d.a", "2", &[]).persistent()]),
        Some(2)
    );
    for topic in ["d", "d.a.b", "other"] {
        assert_eq!(
            publish(&broker, vec![event(topic, "3", &[])]),
            None,
            "{topic}"
        );
    }
    assert_eq!(publish(&broker, vec![message("d.a", "a queue", &[])]), None);
    let changes = ["append 1 to 1", "append 2 to 1", "create d.a"];
    assert_eq!(journal.recorded().changes, changes);
}

#[test]
fn topics_of_the_broker_and_temporary_topics_are_never_recorded() {
    let journal = MemoryJournal::durable(">");
    let all = journal.with_durable(Some("$SYS.>"));
    let broker = all.broker(Limits::default());
    let mut outcome = Outcome::default();
    broker.publish_reserved(&mut vec![event("$SYS.figures", "1", &[])], &mut outcome);
    assert!(outcome.results[0].is_ok());
    assert_eq!(outcome.owed, None);
    let temporary = journal.with_durable(Some("$TEMP.>"));
    let broker = temporary.broker(Limits::default());
    let client = Client::attach(&broker, "c");
    let name = as_name("$TEMP.c.t");
    let created = broker.create_temporary(
        client.reader.session(),
        broker::DestinationKind::Topic,
        &name,
    );
    assert!(created.is_ok());
    assert_eq!(publish(&broker, vec![event("$TEMP.c.t", "1", &[])]), None);
}

#[test]
fn a_topic_that_had_only_subscribers_is_durable_too() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(Limits::default());
    let reader = Client::attach(&broker, "reader");
    reader.subscribe(&broker, "d", Start::New, Overflow::DropOldest);
    assert_eq!(publish(&broker, vec![event("d", "1", &[])]), Some(1));
}

#[test]
fn the_history_and_the_sequences_survive_a_crash_and_resume_without_a_gap() {
    let journal = MemoryJournal::durable("d.*");
    let broker = journal.broker(keeping(3));
    // Positions 1 to 5 and 6 to 7.
    publish_to(&broker, "d.a", &["1", "2", "3", "4", "5"]);
    publish_to(&broker, "d.b", &["6", "7"]);
    for _ in 0..2 {
        let (journal, broker) = crashed(&journal, keeping(3));
        let last = broker.last_image(&as_name("d.a")).expect("a last image");
        assert_eq!(
            (last.position(), last.sequence(), last.body()),
            (5, 5, &b"5"[..])
        );
        assert_eq!(resume(&broker, "d.a", 3), (vec![4, 5], false));
        assert_eq!(resume(&broker, "d.a", 2), (vec![3, 4, 5], false));
        assert_eq!(resume(&broker, "d.a", 1), (vec![3, 4, 5], true));
        assert_eq!(resume(&broker, "d.*", 4), (vec![5, 6, 7], false));
        let mut client = Client::attach(&broker, "reader");
        let start = Start::AfterSequence(1);
        client.subscribe(&broker, "d.a", start, Overflow::DropOldest);
        let got = client.read_all();
        assert_eq!(got[0].missed, Some(Missed::Range { from: 2, to: 2 }));
        assert_eq!(
            got.iter().map(|one| one.sequence).collect::<Vec<_>>(),
            [3, 4, 5]
        );
        publish_to(&broker, "d.a", &["8"]);
        assert_eq!(client.read_sequences(), [6]);
        drop(journal);
    }
}

#[test]
fn a_message_of_a_durable_topic_is_forgotten_when_it_leaves_memory() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(keeping(1));
    for _ in 0..2_000 {
        publish_to(&broker, "d", &["1"]);
    }
    let kept = journal.recorded().waiting();
    assert!(kept < 1_500, "{kept}");
    broker.clear(&as_name("d"));
    assert_eq!(journal.recorded().waiting(), 0);
}

#[test]
fn messages_of_other_topics_do_not_look_like_a_gap() {
    let journal = MemoryJournal::durable(">");
    let broker = journal.broker(keeping(1));
    publish_to(&broker, "a", &["1"]);
    publish_to(&broker, "b", &["2", "3", "4"]);
    publish_to(&broker, "a", &["5"]);
    publish_to(&broker, "c", &["6"]);
    let (_journal, broker) = crashed(&journal, keeping(1));
    assert_eq!(resume(&broker, "a", 1), (vec![5], false));
    assert_eq!(resume(&broker, "b", 3), (vec![4], false));
    assert_eq!(resume(&broker, "b", 2), (vec![4], true));
    assert_eq!(resume(&broker, "c", 1), (vec![6], false));
}

#[test]
fn a_subscriber_that_saw_what_a_crash_took_back_missed_messages() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d", &["1", "2"]);
    let written = journal.calls();
    publish_to(&broker, "d", &["3"]);
    let (_journal, broker) = crashed(&journal.prefix(written), Limits::default());
    let id = |position| MessageId {
        epoch: EPOCH,
        position,
    };
    assert_eq!(broker.start_after(id(2)), Start::AfterPosition(2));
    assert_eq!(broker.start_after(id(3)), Start::Lost);
    let mut client = Client::attach(&broker, "reader");
    client.subscribe(&broker, "d", Start::Lost, Overflow::DropOldest);
    let got = client.read_all();
    assert_eq!((got[0].position, got[0].missed), (1, Some(Missed::Unknown)));
}

#[test]
fn messages_from_before_a_topic_was_durable_are_reported_as_missed() {
    let journal = MemoryJournal::default();
    let journal = Arc::new(journal);
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d", &["lost"]);
    publish(&broker, vec![message("q", "2", &[]).persistent()]);
    let (journal, broker) = crashed_to(&journal, Some("d"), Limits::default());
    publish_to(&broker, "d", &["3", "4"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    assert_eq!(resume(&broker, "d", 3), (vec![4], false));
    assert_eq!(resume(&broker, "d", 2), (vec![3, 4], false));
    assert_eq!(resume(&broker, "d", 0), (vec![3, 4], true));
}

#[test]
fn messages_from_after_a_topic_was_durable_are_reported_as_missed() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d", &["1", "2"]);
    let (journal, broker) = crashed_to(&journal, None, Limits::default());
    assert_eq!(resume(&broker, "d", 1), (vec![2], false));
    publish_to(&broker, "d", &["lost"]);
    publish(&broker, vec![message("q", "4", &[]).persistent()]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    assert_eq!(resume(&broker, "d", 2), (vec![], false));
    publish_to(&broker, "d", &["5"]);
    assert_eq!(resume(&broker, "d", 2), (vec![5], true));
}

#[test]
fn a_history_that_a_clean_stop_has_kept_is_complete_with_what_follows() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d", &["1", "2"]);
    broker.record_all();
    let journal = journal.prefix(journal.calls()).with_durable(Some("d"));
    let broker = journal.restart(Limits::default(), &[(EPOCH, 1)], 3, 0);
    broker.end_restoration();
    publish_to(&broker, "d", &["3"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    assert_eq!(resume(&broker, "d", 1), (vec![2, 3], false));
}

#[test]
fn a_durable_topic_that_was_removed_and_created_again_reports_what_is_gone() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d", &["1", "2"]);
    broker.clear(&as_name("d"));
    publish_to(&broker, "d", &["3"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    assert_eq!(resume(&broker, "d", 1), (vec![3], true));
    assert_eq!(resume(&broker, "d", 2), (vec![3], false));
}

#[test]
fn a_durable_topic_without_messages_reports_no_gap_after_a_crash() {
    let journal = MemoryJournal::durable("d.*");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d.a", &["1", "2"]);
    publish_to(&broker, "other", &["3"]);
    publish_to(&broker, "d.a", &["4"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    publish_to(&broker, "d.b", &["5"]);
    assert_eq!(resume(&broker, "d.b", 1), (vec![5], false));
    publish_to(&broker, "other", &["6"]);
    assert_eq!(resume(&broker, "other", 1), (vec![6], true));
}

#[test]
fn a_durable_topic_that_was_emptied_reports_a_gap_after_a_crash() {
    let journal = MemoryJournal::durable("d.*");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d.a", &["1", "2"]);
    publish_to(&broker, "d.b", &["3"]);
    broker.clear(&as_name("d.a"));
    publish_to(&broker, "d.b", &["4"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    publish_to(&broker, "d.a", &["5"]);
    assert_eq!(resume(&broker, "d.a", 1), (vec![5], true));
    assert_eq!(resume(&broker, "d.a", 2), (vec![5], false));
    assert_eq!(resume(&broker, "d.b", 3), (vec![4], false));
}

#[test]
fn a_topic_stays_durable_under_another_filter() {
    let journal = MemoryJournal::durable("d.*");
    let broker = journal.broker(Limits::default());
    publish_to(&broker, "d.a", &["1", "2"]);
    let (journal, broker) = crashed_to(&journal, Some("d.>"), Limits::default());
    publish_to(&broker, "d.a", &["3"]);
    let (_journal, broker) = crashed(&journal, Limits::default());
    assert_eq!(resume(&broker, "d.a", 1), (vec![2, 3], false));
}

#[test]
fn a_journal_that_refuses_messages_refuses_those_of_durable_topics() {
    let journal = MemoryJournal::durable("d");
    let broker = journal.broker(Limits::default());
    let full = JournalError::DiskFull {
        free: 1,
        required: 2,
    };
    journal.recorded().refuses = Some(full.clone());
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![event("d", "1", &[])], &mut outcome);
    assert_eq!(outcome.results, [Err(PublishError::Journal(full.clone()))]);
    publish_to(&broker, "other", &["2"]);
    let client = Client::attach(&broker, "c");
    let session = client.reader.session();
    let mut batch = vec![event("d", "3", &[])];
    let refused = broker.commit(session, &mut batch, &[], 0, &mut outcome);
    assert_eq!(
        refused,
        Err(broker::CommitError::Publish(PublishError::Journal(full)))
    );
}
