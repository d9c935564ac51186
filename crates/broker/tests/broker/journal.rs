//! Records of the broker in its journal, and the replies that wait for them.

use std::sync::Arc;

use broker::{
    Broker, JournalError, Limits, Outcome, Overflow, Publication, PublishError, Start,
    SubscribeError, Verdict,
};

use crate::{
    harness::{Client, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{browser, durable, event, message, queue, topics},
    shared_subscriptions::shared,
};

fn with_journal() -> (Broker, Arc<MemoryJournal>) {
    let journal = Arc::<MemoryJournal>::default();
    (journal.broker(Limits::default()), journal)
}

fn publish(broker: &Broker, batch: Vec<Publication>) -> Option<u64> {
    let mut outcome = Outcome::default();
    broker.publish(&mut { batch }, &mut outcome);
    assert!(outcome.results.iter().all(Result::is_ok));
    outcome.owed
}

#[test]
fn persistent_messages_of_queues_and_retained_messages_are_recorded_in_order() {
    let (broker, journal) = with_journal();
    let owed = publish(
        &broker,
        vec![
            event("t", "topic", &[]),
            message("q", "first", &[]).persistent(),
            message("q", "volatile", &[]),
            event("t", "retained", &[]).retained(),
            message("q", "second", &[]).persistent(),
            event("t", "persistent", &[]).persistent(),
        ],
    );
    assert_eq!(owed, Some(4));
    let changes = [
        "create q",
        "append first to 1",
        "append retained to 0",
        "append second to 1",
    ];
    assert_eq!(journal.recorded().changes, changes);
}

#[test]
fn nothing_is_owed_for_messages_without_a_lasting_place() {
    let (broker, _) = with_journal();
    assert_eq!(publish(&broker, vec![event("t", "1", &[])]), None);
    let persistent = event("t", "2", &[]).persistent();
    assert_eq!(publish(&broker, vec![persistent]), None);
    assert_eq!(publish(&broker, vec![message("q", "3", &[])]), None);
}

#[test]
fn nothing_is_owed_without_a_journal() {
    let broker = Broker::new(1, Limits::default());
    let batch = vec![message("q", "1", &[]).persistent()];
    assert_eq!(publish(&broker, batch), None);
    assert!(broker.completion().is_complete(u64::MAX));
    assert_eq!(broker.newest_ticket(), None);
}

#[test]
fn a_delivery_does_not_wait_until_its_message_is_complete() {
    let (broker, _) = with_journal();
    let mut client = Client::attach(&broker, "reader");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let owed = publish(&broker, vec![event("t", "1", &[]).retained()]);
    let ticket = owed.expect("the message is retained");
    assert!(!broker.completion().is_complete(ticket));
    assert_eq!(client.read_all().len(), 1);
    broker.completion().complete(ticket);
    assert!(broker.completion().is_complete(ticket));
    assert!(!broker.completion().is_complete(ticket + 1));
}

#[test]
fn a_journal_without_room_refuses_new_queues_and_lasting_subscriptions_only() {
    let (broker, journal) = with_journal();
    let client = Client::attach(&broker, "c");
    let sources = || {
        [
            queue("q"),
            durable("d", "t.*"),
            shared("group", "t"),
            browser("q"),
        ]
    };
    let ids = sources().map(|source| client.consume(&broker, source));
    // The durable subscription has no consumer, and the others have one.
    client.unsubscribe(&broker, ids[1]);
    let full = JournalError::DiskFull {
        free: 1,
        required: 2,
    };
    journal.recorded().refuses = Some(full.clone());
    for source in [
        queue("new"),
        durable("new", "t.*"),
        shared("new", "t"),
        browser("new"),
    ] {
        let refused = client.try_consume(&broker, source);
        assert_eq!(refused.err(), Some(SubscribeError::Journal(full.clone())));
    }
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![message("new", "1", &[])], &mut outcome);
    assert_eq!(outcome.results, [Err(PublishError::Journal(full))]);
    for source in sources() {
        client.consume(&broker, source);
    }
    client.consume(&broker, queue("*"));
    client.consume(&broker, queue("$TEMP.c.q"));
    client.consume(&broker, topics("t", Start::New));
    publish(&broker, vec![message("q", "2", &[])]);
    assert!(broker.remove_queue(&as_name("q")).is_some());
}

#[test]
fn a_refused_message_is_not_recorded() {
    let limits = Limits {
        queue_entries: 1,
        ..Limits::default()
    };
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(limits);
    let mut batch = vec![
        message("q", "taken", &[]).persistent(),
        message("q", "refused", &[]).persistent(),
    ];
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    assert!(outcome.results[1].is_err());
    assert_eq!(
        journal.recorded().changes,
        ["create q", "append taken to 1"]
    );
}

#[test]
fn a_message_that_the_journal_refuses_is_refused_and_others_are_accepted() {
    let (broker, journal) = with_journal();
    publish(&broker, vec![message("q", "1", &[]).persistent()]);
    let full = JournalError::DiskFull {
        free: 1,
        required: 2,
    };
    journal.recorded().refuses = Some(full.clone());
    for refused in [
        message("q", "2", &[]).persistent(),
        event("t", "3", &[]).retained(),
    ] {
        let mut outcome = Outcome::default();
        broker.publish(&mut vec![refused], &mut outcome);
        assert_eq!(outcome.results, [Err(PublishError::Journal(full.clone()))]);
    }
    publish(&broker, vec![message("q", "4", &[]), event("t", "5", &[])]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    assert_eq!(reader.take_bodies(), ["1", "4"]);
}

#[test]
fn messages_that_leave_a_queue_are_settled_once_and_returned_ones_count() {
    let (broker, journal) = with_journal();
    let bodies = ["accepted", "returned"];
    let batch = bodies.map(|body| message("q", body, &[]).persistent());
    publish(&broker, batch.into());
    publish(&broker, vec![message("q", "volatile", &[])]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    let taken = reader.take();
    reader.settle(&broker, &taken[0], Verdict::Accept);
    reader.settle(&broker, &taken[1], Verdict::Return);
    reader.settle(&broker, &taken[2], Verdict::Accept);
    let recorded = journal.recorded();
    assert_eq!(recorded.changes[3..], ["settle [1]", "deliveries 2 1"]);
}

#[test]
fn a_dead_letter_replaces_its_message_in_one_transaction() {
    let (broker, journal) = with_journal();
    publish(&broker, vec![message("q", "bad", &[]).persistent()]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    let taken = reader.take();
    reader.settle(&broker, &taken[0], Verdict::Reject);
    let changes = [
        "begin",
        "create ActiveMQ.DLQ",
        "append bad to 1",
        "settle [1]",
        "end",
    ];
    assert_eq!(journal.recorded().changes[2..], changes);
}

#[test]
fn a_message_for_several_durable_subscriptions_is_recorded_once() {
    let (broker, journal) = with_journal();
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, durable("one", "t"));
    reader.consume(&broker, durable("all", ">"));
    publish(&broker, vec![event("t", "1", &[]).persistent()]);
    publish(&broker, vec![event("t", "volatile", &[])]);
    let changes = ["create durable one", "create durable all", "append 1 to 2"];
    assert_eq!(journal.recorded().changes, changes);
    assert_eq!(reader.take().len(), 4);
}
