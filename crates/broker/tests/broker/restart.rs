//! The state of a broker after a restart.

use std::sync::Arc;

use broker::{
    Broker, JournalError, Limits, MessageId, Missed, Outcome, Overflow, Retained, Settlement,
    Start, Subscribe, Verdict,
};

use crate::{
    harness::{Client, EPOCH, as_filter, as_name},
    journal_harness::MemoryJournal,
    queue_harness::{durable, event, message, queue},
    shared_subscriptions::shared,
};

fn journal() -> Arc<MemoryJournal> {
    Arc::default()
}

fn publish(broker: &Broker, batch: Vec<broker::Publication>) {
    let mut outcome = Outcome::default();
    broker.publish(&mut { batch }, &mut outcome);
    assert!(outcome.results.iter().all(Result::is_ok));
}

#[test]
fn a_queue_keeps_its_persistent_messages_their_order_and_deliveries_after_a_crash() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    let batch = ["1", "2", "3", "4"].map(|body| message("q", body, &[]).persistent());
    publish(&broker, batch.into());
    publish(&broker, vec![message("q", "volatile", &[])]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    let taken = reader.take();
    reader.settle(&broker, &taken[1], Verdict::Accept);
    reader.settle(&broker, &taken[2], Verdict::Return);

    let broker = journal.restart_after_crash(Limits::default(), 6);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    let taken = reader.take();
    let found: Vec<_> = taken.iter().map(|one| (&*one.body, one.count)).collect();
    assert_eq!(found, [("1", 1), ("3", 2), ("4", 1)]);
    publish(&broker, vec![message("q", "new", &[]).persistent()]);
    assert_eq!(reader.take()[0].position, 6);
    for one in taken {
        reader.settle(&broker, &one, Verdict::Accept);
    }
    let broker = journal.restart_after_crash(Limits::default(), 7);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    assert_eq!(reader.take_bodies(), ["new"]);
}

#[test]
fn a_durable_subscription_continues_with_what_it_had_not_acknowledged() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, durable("d", "t.*"));
    let batch = ["1", "2"].map(|body| event("t.a", body, &[]).persistent());
    publish(&broker, batch.into());
    let taken = reader.take();
    reader.settle(&broker, &taken[0], Verdict::Accept);

    let broker = journal.restart_after_crash(Limits::default(), 3);
    publish(&broker, vec![event("t.b", "3", &[]).persistent()]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, durable("d", "t.*"));
    let taken = reader.take();
    let found: Vec<_> = taken.iter().map(|one| (&*one.topic, &*one.body)).collect();
    assert_eq!(found, [("t.a", "2"), ("t.b", "3")]);
}

#[test]
fn a_retained_message_is_there_after_a_crash_and_can_be_removed() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, vec![event("t", "old", &[]).retained()]);
    publish(&broker, vec![event("t", "kept", &[]).retained()]);
    let broker = journal.restart_after_crash(Limits::default(), 3);
    let retained = broker.retained(&as_name("t")).expect("it was retained");
    assert_eq!(retained.body(), b"kept");
    for filter in ["t", "*"] {
        let mut client = Client::attach(&broker, "reader");
        let filter = as_filter(filter);
        let subscribe = Subscribe {
            retained: Retained::First,
            tag: &[0],
            ..Subscribe::to(&filter)
        };
        let session = client.reader.session();
        let subscribed = broker.subscribe(session, subscribe, &mut Outcome::default());
        assert!(subscribed.is_ok());
        let got = client.read_all();
        assert_eq!(got.len(), 1, "{filter:?}");
        assert!(got[0].is_retained);
    }
    publish(&broker, vec![event("t", "", &[]).retained()]);
    let broker = journal.restart_after_crash(Limits::default(), 4);
    assert!(broker.retained(&as_name("t")).is_none());
}

#[test]
fn a_clean_stop_keeps_the_history_and_positions_of_topics() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(
        &broker,
        ["1", "2", "3"].map(|body| event("t", body, &[])).into(),
    );
    publish(&broker, vec![message("q", "volatile", &[])]);
    let broker = journal.restart_cleanly(broker);
    let last = broker.last_image(&as_name("t")).expect("a last image");
    assert_eq!((last.sequence(), last.body()), (3, &b"3"[..]));
    let seen = MessageId {
        epoch: EPOCH,
        position: 1,
    };
    let mut client = Client::attach(&broker, "reader");
    let start = broker.start_after(seen);
    client.subscribe(&broker, "t", start, Overflow::DropOldest);
    publish(&broker, vec![event("t", "4", &[])]);
    let got = client.read_all();
    let found: Vec<_> = got.iter().map(|one| (one.sequence, one.missed)).collect();
    assert_eq!(found, [(2, None), (3, None), (4, None)]);
    assert_eq!(got[2].position, 5);
    client.consume(&broker, queue("q"));
    assert_eq!(client.take_bodies(), ["volatile"]);
}

#[test]
fn a_clean_stop_on_a_full_disk_reports_the_histories_that_it_could_not_keep() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, ["1", "2"].map(|body| event("t", body, &[])).into());
    journal.recorded().refuses = Some(JournalError::DiskFull {
        free: 1,
        required: 2,
    });
    let broker = journal.restart_cleanly(broker);
    let mut client = Client::attach(&broker, "reader");
    let start = Start::AfterPosition(1);
    client.subscribe(&broker, "t", start, Overflow::DropOldest);
    publish(&broker, vec![event("t", "3", &[])]);
    assert_eq!(client.read_all()[0].missed, Some(Missed::Unknown));
}

#[test]
fn a_subscriber_that_saw_what_a_crash_took_back_missed_messages() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, ["1", "2"].map(|body| event("t", body, &[])).into());
    drop(broker);
    let broker = journal.restart_after_crash(Limits::default(), 1);
    publish(&broker, vec![event("t", "new", &[])]);
    for position in [1, 2] {
        let id = MessageId {
            epoch: EPOCH,
            position,
        };
        assert_eq!(broker.start_after(id), Start::Lost);
    }
    let mut client = Client::attach(&broker, "reader");
    client.subscribe(&broker, "t", Start::Lost, Overflow::DropOldest);
    let missed = client.read_all()[0].missed;
    assert_eq!(missed, Some(Missed::Unknown));
}

#[test]
fn the_id_of_an_earlier_epoch_stays_valid_for_what_was_recorded() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, vec![message("q", "1", &[]).persistent()]);
    let broker = journal.restart_after_crash(Limits::default(), 2);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    let entry = broker.browse(&as_name("q"), 0, 1).expect("the queue");
    let entry = entry.entries[0].clone();
    let id = broker.id_of(&entry);
    assert_eq!((id.epoch, id.position), (EPOCH, 1));
    reader.take();
    assert!(
        broker
            .find_delivery(reader.reader.session(), None, id)
            .is_some()
    );
}

#[test]
fn a_transaction_settles_and_publishes_together() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, vec![message("in", "1", &[]).persistent()]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("in"));
    let delivery = reader.take()[0].id();
    let settlement = Settlement {
        delivery,
        verdict: Verdict::Accept,
    };
    let session = reader.reader.session();
    let mut outcome = Outcome::default();
    broker
        .stage(session, settlement, &mut outcome)
        .expect("it waits");
    let mut batch = vec![message("out", "2", &[]).persistent()];
    broker
        .commit(session, &mut batch, &[settlement], 0, &mut outcome)
        .expect("within the limits");
    let recorded = journal.recorded();
    let begin = recorded.changes.iter().position(|one| one == "begin");
    let changes = &recorded.changes[begin.expect("a transaction")..];
    assert_eq!(
        changes[..4],
        ["begin", "append 2 to 1", "settle [1]", "end"]
    );
    assert!(outcome.owed.is_some());
    drop(recorded);
    let broker = journal.restart_after_crash(Limits::default(), 3);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("*"));
    assert_eq!(reader.take_bodies(), ["2"]);
}

#[test]
fn a_lasting_session_finds_the_persistent_messages_that_it_has_not_read() {
    let journal = journal();
    let limits = || Limits {
        history_entries: 1,
        ..Limits::default()
    };
    let broker = journal.broker(limits());
    let mut lasting = Client::attach(&broker, "lasting");
    lasting.reader.session().set_lasting(true);
    lasting.subscribe(&broker, "t.*", Start::New, Overflow::DropOldest);
    publish(&broker, vec![event("t.a", "read", &[]).persistent()]);
    assert_eq!(lasting.read_all().len(), 1);
    let read_up_to = lasting.reader.session().read_up_to();
    assert_eq!(read_up_to, 1);
    let unread = ["1", "2", "3"].map(|body| event("t.a", body, &[]).persistent());
    publish(&broker, unread.into());
    publish(&broker, vec![event("t.a", "volatile", &[])]);
    publish(&broker, vec![event("other", "4", &[]).persistent()]);

    let broker = journal.restart_with(limits(), 7, |broker| {
        let mut client = Client::attach(broker, "lasting");
        let start = Start::AfterPosition(read_up_to);
        client.subscribe(broker, "t.*", start, Overflow::DropOldest);
        client.reader.collect();
        client
    });
    let (broker, mut lasting) = broker;
    publish(&broker, vec![event("t.a", "5", &[]).persistent()]);
    let positions = lasting
        .read_all()
        .iter()
        .map(|one| one.position)
        .collect::<Vec<_>>();
    assert_eq!(positions, [2, 3, 4, 7]);
}

#[test]
fn a_message_of_a_lasting_session_is_forgotten_when_nothing_needs_it() {
    let journal = journal();
    let limits = Limits {
        history_entries: 1,
        ..Limits::default()
    };
    let broker = journal.broker(limits);
    let mut lasting = Client::attach(&broker, "lasting");
    lasting.reader.session().set_lasting(true);
    lasting.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    for _ in 0..2_000 {
        publish(&broker, vec![event("t", "1", &[]).persistent()]);
        lasting.read_all();
    }
    let kept = journal.recorded().waiting();
    assert!(kept < 1_500, "{kept}");
    lasting.detach(&broker);
    broker.clear(&as_name("t"));
    drop(lasting);
    assert_eq!(journal.recorded().waiting(), 0);
}

#[test]
fn a_shared_subscription_keeps_its_messages_if_a_consumer_returns() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    let reader = Client::attach(&broker, "reader");
    reader.consume(&broker, shared("group", "t"));
    publish(&broker, vec![event("t", "1", &[]).persistent()]);
    let (broker, mut reader) = journal.restart_with(Limits::default(), 2, |broker| {
        let client = Client::attach(broker, "reader");
        client.consume(broker, shared("group", "t"));
        client
    });
    assert_eq!(reader.take_bodies(), ["1"]);
    drop(broker);
    let broker = journal.restart_after_crash(Limits::default(), 2);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, shared("group", "t"));
    assert!(reader.take().is_empty());
}

#[test]
fn a_replaced_durable_subscription_is_never_there_twice_or_missing() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    let reader = Client::attach(&broker, "reader");
    let first = reader.consume(&broker, durable("d", "t.a"));
    reader.unsubscribe(&broker, first);
    let before = journal.calls();
    reader.consume(&broker, durable("d", "t.b"));
    for calls in before..=journal.calls() {
        assert_eq!(journal.prefix(calls).durables().len(), 1);
    }
}

#[test]
fn deliveries_of_messages_that_are_not_persistent_are_counted_across_a_clean_stop() {
    let journal = journal();
    let broker = journal.broker(Limits::default());
    publish(&broker, vec![message("q", "volatile", &[])]);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    assert_eq!(reader.take()[0].count, 1);
    reader.detach(&broker);
    let broker = journal.restart_cleanly(broker);
    let mut reader = Client::attach(&broker, "reader");
    reader.consume(&broker, queue("q"));
    assert_eq!(reader.take()[0].count, 2);
}

/// Returns a broker with a lasting session that subscribes to all topics.
fn with_lasting_session(journal: &Arc<MemoryJournal>, limits: Limits) -> (Broker, Client) {
    let broker = journal.broker(limits);
    let client = Client::attach(&broker, "lasting");
    client.reader.session().set_lasting(true);
    client.subscribe(&broker, "t.*", Start::New, Overflow::DropOldest);
    (broker, client)
}

#[test]
fn a_retained_message_newer_than_the_recorded_history_goes_to_new_subscriptions() {
    let journal = journal();
    let (broker, _lasting) = with_lasting_session(&journal, Limits::default());
    publish(&broker, vec![event("t.a", "1", &[]).persistent()]);
    publish(&broker, vec![event("t.a", "kept", &[]).retained()]);
    let broker = journal
        .prefix(journal.calls())
        .restart_after_crash(Limits::default(), 3);
    let mut client = Client::attach(&broker, "new");
    let filter = as_filter("t.a");
    let subscribe = Subscribe {
        retained: Retained::First,
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    let session = client.reader.session();
    let subscribed = broker.subscribe(session, subscribe, &mut Outcome::default());
    assert!(subscribed.is_ok());
    assert!(client.read_all()[0].is_retained);
}

#[test]
fn a_lasting_session_keeps_unread_messages_of_a_topic_that_was_created_again() {
    let journal = journal();
    let (broker, _lasting) = with_lasting_session(&journal, Limits::default());
    publish(&broker, vec![event("t.a", "1", &[]).persistent()]);
    assert!(broker.clear(&as_name("t.a")));
    publish(&broker, vec![event("t.a", "2", &[]).persistent()]);
    let journal = journal.prefix(journal.calls());
    let (_broker, mut lasting) = journal.restart_with(Limits::default(), 3, |broker| {
        let mut client = Client::attach(broker, "lasting");
        let start = Start::AfterPosition(0);
        client.subscribe(broker, "t.*", start, Overflow::DropOldest);
        client.reader.collect();
        client
    });
    assert_eq!(lasting.read_positions(), [1, 2]);
}

#[test]
fn a_topic_whose_restored_history_was_reduced_still_reports_what_a_crash_may_have_lost() {
    let journal = journal();
    let limits = || Limits {
        history_entries: 1,
        ..Limits::default()
    };
    let (broker, _lasting) = with_lasting_session(&journal, limits());
    let batch = ["1", "2"].map(|body| event("t.a", body, &[]).persistent());
    publish(&broker, batch.into());
    publish(&broker, vec![event("t.a", "volatile", &[])]);
    publish(&broker, vec![message("q", "3", &[]).persistent()]);
    let journal = journal.prefix(journal.calls());
    let broker = journal.restart_after_crash(limits(), 5);
    let mut client = Client::attach(&broker, "reader");
    let start = Start::AfterPosition(2);
    client.subscribe(&broker, "t.a", start, Overflow::DropOldest);
    publish(&broker, vec![event("t.a", "4", &[])]);
    assert_eq!(client.read_all()[0].missed, Some(Missed::Unknown));
}

#[test]
fn a_retained_message_of_a_topic_that_was_created_again_can_be_replaced_after_a_crash() {
    let journal = journal();
    let (broker, _lasting) = with_lasting_session(&journal, Limits::default());
    publish(&broker, vec![event("t.a", "1", &[]).persistent()]);
    assert!(broker.clear(&as_name("t.a")));
    publish(&broker, vec![event("t.a", "old", &[]).retained()]);
    let journal = journal.prefix(journal.calls());
    let broker = journal.restart_after_crash(Limits::default(), 3);
    publish(&broker, vec![event("t.a", "new", &[]).retained()]);
    let journal = journal.prefix(journal.calls());
    let broker = journal.restart_after_crash(Limits::default(), 4);
    let retained = broker.retained(&as_name("t.a")).expect("it was retained");
    assert_eq!(retained.body(), b"new");
}
