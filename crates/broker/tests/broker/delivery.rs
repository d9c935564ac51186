//! The start of subscriptions, and the entries they receive, in order.

use broker::{MessageId, Missed, Overflow, Start, SubscribeError};

use crate::harness::{Client, EPOCH, as_filter, as_name, broker, publish, publish_all};

#[test]
fn a_subscription_starts_at_the_requested_entry() {
    let range = |from, to| Some(Missed::Range { from, to });
    let unknown = Some(Missed::Unknown);
    // Five of ten entries are kept; the topic's positions are 1 to 10.
    let table: &[(Start, &[u64], Option<Missed>)] = &[
        (Start::New, &[11], None),
        (Start::Last, &[10, 11], None),
        (Start::AfterSequence(0), &[6, 7, 8, 9, 10, 11], range(1, 5)),
        (Start::AfterSequence(4), &[6, 7, 8, 9, 10, 11], range(5, 5)),
        (Start::AfterSequence(5), &[6, 7, 8, 9, 10, 11], None),
        (Start::AfterSequence(9), &[10, 11], None),
        (Start::AfterSequence(10), &[11], None),
        (Start::AfterSequence(11), &[11], unknown),
        (Start::AfterSequence(u64::MAX), &[11], unknown),
        (Start::AfterPosition(4), &[6, 7, 8, 9, 10, 11], unknown),
        (Start::AfterPosition(5), &[6, 7, 8, 9, 10, 11], None),
        (Start::AfterPosition(8), &[9, 10, 11], None),
        (Start::AfterPosition(10), &[11], None),
        (Start::AfterPosition(u64::MAX), &[11], None),
        (Start::Lost, &[6, 7, 8, 9, 10, 11], unknown),
    ];
    for (start, sequences, missed) in table {
        let broker = broker(|limits| limits.history_entries = 5);
        publish(&broker, "t", 10);
        let mut client = Client::attach(&broker, "c");
        client.subscribe(&broker, "t", *start, Overflow::DropOldest);
        publish(&broker, "t", 1);
        let got = client.read_all();
        let found: Vec<_> = got.iter().map(|one| one.sequence).collect();
        assert_eq!(found, *sequences, "{start:?}");
        assert_eq!(got[0].missed, *missed, "{start:?}");
        assert!(got[1..].iter().all(|one| one.missed.is_none()), "{start:?}");
    }
}

#[test]
fn resuming_after_an_id_of_another_run_reports_an_unknown_gap() {
    let broker = broker(|_| {});
    let own = MessageId {
        epoch: EPOCH,
        position: 3,
    };
    assert_eq!(broker.start_after(own), Start::AfterPosition(3));
    let other = MessageId { epoch: 1, ..own };
    assert_eq!(broker.start_after(other), Start::Lost);
}

#[test]
fn entries_of_all_topics_are_delivered_in_one_order_including_history() {
    let broker = broker(|_| {});
    publish_all(&broker, &["b", "a", "c", "a", "b"]);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, ">", Start::Lost, Overflow::DropOldest);
    publish_all(&broker, &["c", "b", "new", "a"]);
    assert_eq!(client.read_positions(), (1..=9).collect::<Vec<_>>());
}

#[test]
fn reading_stops_at_the_requested_entry() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "*", Start::New, Overflow::DropOldest);
    publish_all(&broker, &["a", "b", "a", "b", "a"]);
    for position in 1..=5 {
        let (got, _) = client.read(1);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].position, position);
    }
    assert_eq!(client.read_positions(), [0; 0]);
}

#[test]
fn each_subscription_that_covers_an_entry_gets_it_once() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    for (tag, filter) in [(1, "a.b"), (2, "a.*"), (3, ">"), (4, "x")] {
        client
            .try_subscribe(&broker, filter, (Start::New, Overflow::DropOldest, tag))
            .expect("within the limits");
    }
    let outcome = publish_all(&broker, &["a.b"]);
    assert_eq!(
        outcome.results[0].as_ref().map(|one| one.subscriptions),
        Ok(3)
    );
    let mut tags: Vec<_> = client.read_all().iter().map(|got| got.tag).collect();
    tags.sort_unstable();
    assert_eq!(tags, [1, 2, 3]);
}

#[test]
fn a_session_is_scheduled_once_until_draining_begins() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    assert_eq!(publish_all(&broker, &["t"]).ready.drain().count(), 1);
    assert_eq!(publish_all(&broker, &["t"]).ready.drain().count(), 0);
    assert_eq!(client.read_sequences(), [1, 2]);
    assert_eq!(publish_all(&broker, &["t"]).ready.drain().count(), 1);
}

#[test]
fn nothing_is_delivered_after_unsubscribing() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let id = client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 3);
    assert_eq!(client.read(1).0.len(), 1);
    client.unsubscribe(&broker, id);
    assert_eq!(client.read_sequences(), [0; 0]);
    publish(&broker, "t", 1);
    assert_eq!(client.read_sequences(), [0; 0]);
}

#[test]
fn an_ended_session_cannot_subscribe() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    client.detach(&broker);
    let refused = client.try_subscribe(&broker, "t", (Start::New, Overflow::DropOldest, 0));
    assert_eq!(refused.map(|_| ()), Err(SubscribeError::SessionEnded));
}

#[test]
fn clearing_a_topic_keeps_unread_entries_for_readers() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 3);
    assert!(broker.clear(&as_name("t")));
    assert!(broker.last_image(&as_name("t")).is_none());
    publish(&broker, "t", 1);
    assert_eq!(client.read_sequences(), [1, 2, 3, 4]);
    let mut late = Client::attach(&broker, "late");
    late.subscribe(&broker, "t", Start::AfterSequence(1), Overflow::DropOldest);
    let got = late.read_all();
    assert_eq!(got[0].sequence, 4);
    assert_eq!(got[0].missed, Some(Missed::Range { from: 2, to: 3 }));
}

#[test]
fn a_cleared_topic_that_nobody_names_is_removed_and_can_be_recreated() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    publish(&broker, "t", 3);
    assert!(broker.clear(&as_name("t")));
    assert!(!broker.clear(&as_name("t")));
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 1);
    assert!(broker.clear(&as_name("t")));
    assert_eq!(broker.figures().topics, 0);
    publish(&broker, "t", 1);
    let got = client.read_all();
    let briefs: Vec<_> = got.iter().map(|one| (one.position, one.sequence)).collect();
    assert_eq!(briefs, [(4, 1), (5, 1)]);
    assert!(got.iter().all(|one| one.missed.is_none()));
}

#[test]
fn a_subscription_resumed_after_a_topic_was_removed_reports_a_gap() {
    let broker = broker(|_| {});
    publish(&broker, "t", 5);
    broker.clear(&as_name("t"));
    publish(&broker, "t", 1);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::AfterPosition(2), Overflow::DropOldest);
    client.subscribe(&broker, "t", Start::AfterPosition(5), Overflow::DropOldest);
    let missed: Vec<_> = client.read_all().iter().map(|got| got.missed).collect();
    assert_eq!(missed.len(), 2);
    assert_eq!(missed.iter().flatten().count(), 1);
}

#[test]
fn a_missing_topic_has_the_subscribers_whose_filters_match() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let name = as_name("$SYS.figures");
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    assert!(!broker.has_subscribers(&name));
    client.subscribe(&broker, "$SYS.*", Start::New, Overflow::DropOldest);
    assert!(broker.has_subscribers(&name));
}

#[test]
fn topics_are_listed_by_name_up_to_a_number() {
    let broker = broker(|_| {});
    publish_all(&broker, &["c", "a.x", "b", "a"]);
    let names = |filter, most| -> Vec<_> {
        let found = broker.topics(&as_filter(filter), most);
        found.iter().map(|topic| topic.name.to_string()).collect()
    };
    assert_eq!(names(">", 9), ["a", "a.x", "b", "c"]);
    assert_eq!(names(">", 2), ["a", "a.x"]);
    assert_eq!(names("a.>", 4), ["a", "a.x"]);
    assert_eq!(names(">", 0), [""; 0]);
}
