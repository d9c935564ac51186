//! The behaviour at each bound.

use std::{sync::Arc, task::Poll};

use broker::{Missed, Outcome, Overflow, PublishError, Start, SubscribeError};

use crate::harness::{
    Bell, Client, as_name, broker, publication, publish, publish_all, try_publish,
};

#[test]
fn a_slow_reader_continues_within_its_bound_with_a_gap_report() {
    let broker = broker(|limits| limits.lag_entries = 4);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 10);
    let got = client.read_all();
    assert_eq!(got[0].missed, Some(Missed::Range { from: 1, to: 6 }));
    let sequences: Vec<_> = got.iter().map(|one| one.sequence).collect();
    assert_eq!(sequences, [7, 8, 9, 10]);
    let figures = broker.figures();
    assert_eq!((figures.delivered, figures.dropped), (4, 6));
}

#[test]
fn the_newest_entry_is_never_dropped() {
    for (entries, bytes) in [(0, u64::MAX), (1, u64::MAX), (u64::MAX, 0), (0, 0)] {
        let broker = broker(|limits| {
            limits.lag_entries = entries;
            limits.lag_bytes = bytes;
        });
        let mut client = Client::attach(&broker, "c");
        client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
        publish(&broker, "t", 5);
        let got = client.read_all();
        assert_eq!(got.len(), 1, "{entries} {bytes}");
        assert_eq!(got[0].missed, Some(Missed::Range { from: 1, to: 4 }));
    }
}

#[test]
fn a_latest_subscription_gets_only_the_newest_entry_without_gap_report() {
    let broker = broker(|limits| limits.lag_entries = 4);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "*", Start::New, Overflow::Latest);
    publish_all(&broker, &["a", "a", "b", "a", "b", "a", "b"]);
    publish(&broker, "a", 10);
    let got = client.read_all();
    let found: Vec<_> = got.iter().map(|one| (one.sequence, one.missed)).collect();
    assert_eq!(found, [(3, None), (14, None)]);
    assert_eq!(broker.figures().dropped, 2 + 13);
    assert_eq!(broker.figures().delivered, 2);
}

#[test]
fn entries_skipped_by_a_latest_subscription_are_counted_once() {
    let broker = broker(|limits| limits.lag_entries = 4);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "a", Start::New, Overflow::DropOldest);
    client.subscribe(&broker, "b", Start::New, Overflow::Latest);
    // The reader examines `b` first, skips to its newest entry, and stops before it, at `a`.
    publish_all(&broker, &["b", "a", "b", "b"]);
    assert_eq!(client.read(1).0.len(), 1);
    publish(&broker, "b", 7);
    assert_eq!(client.read_sequences(), [10]);
    assert_eq!(broker.figures().dropped, 9);
}

#[test]
fn a_session_beyond_its_lag_bound_is_ended_and_holds_nothing() {
    let broker = broker(|limits| {
        limits.lag_entries = 4;
        limits.history_entries = 1;
    });
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::Disconnect);
    publish(&broker, "t", 4);
    assert!(!client.reader.session().is_ended());
    client.read(1);
    publish(&broker, "t", 1);
    assert!(!client.reader.session().is_ended());
    publish(&broker, "t", 1);
    assert!(client.reader.session().is_ended());
    assert_eq!(broker.figures().disconnected, 1);
    publish(&broker, "t", 1_000);
    assert!(broker.figures().held_bytes < 100_000);
    assert_eq!(client.read_sequences(), [0; 0]);
}

#[test]
fn a_publisher_waits_until_the_reader_has_read() {
    let broker = broker(|limits| limits.lag_entries = 4);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::Block);
    assert!(publish(&broker, "t", 4).is_empty());
    let mut blocked = publish(&broker, "t", 2);
    let bell = Arc::new(Bell::default());
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Pending
    );
    client.read(1);
    assert_eq!(bell.rings(), 1);
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Pending
    );
    client.read(1);
    assert_eq!(bell.rings(), 2);
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Ready(())
    );
    assert_eq!(client.read_sequences(), [3, 4, 5, 6]);
}

#[test]
fn a_publisher_does_not_wait_for_a_detached_reader() {
    type Leave = fn(&broker::Broker, &mut Option<Client>, broker::SubscriptionId);
    let ways: [Leave; 4] = [
        |broker, client, id| client.iter().for_each(|one| one.unsubscribe(broker, id)),
        |broker, client, _| client.iter().for_each(|one| one.detach(broker)),
        |_, client, _| *client = None,
        |broker, client, _| {
            if let Some(one) = client {
                one.subscribe(broker, "other", Start::New, Overflow::Disconnect);
                publish(broker, "other", 2);
            }
        },
    ];
    for (index, leave) in ways.into_iter().enumerate() {
        let broker = broker(|limits| limits.lag_entries = 1);
        let client = Client::attach(&broker, "c");
        let id = client.subscribe(&broker, "t", Start::New, Overflow::Block);
        let mut blocked = publish(&broker, "t", 2);
        let bell = Arc::new(Bell::default());
        assert_eq!(
            broker.poll_unblocked(&mut blocked, &bell.waker()),
            Poll::Pending
        );
        let mut client = Some(client);
        leave(&broker, &mut client, id);
        assert!(bell.rings() > 0, "{index}");
        assert_eq!(
            broker.poll_unblocked(&mut blocked, &bell.waker()),
            Poll::Ready(()),
            "{index}"
        );
    }
}

#[test]
fn a_lagging_reader_that_unsubscribed_holds_no_memory() {
    let broker = broker(|limits| limits.history_entries = 1);
    let mut client = Client::attach(&broker, "c");
    let id = client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 2);
    client.read(1);
    client.unsubscribe(&broker, id);
    publish(&broker, "t", 1_000);
    assert!(broker.figures().held_bytes < 100_000);
}

#[test]
fn full_memory_first_reduces_the_topic_to_its_last_image() {
    let broker = broker(|limits| limits.memory_bytes = 10_000);
    for _ in 0..100 {
        try_publish(&broker, "t", 1_000).expect("history makes room");
    }
    assert!(broker.figures().held_bytes <= 10_000);
    let image = broker
        .last_image(&as_name("t"))
        .expect("the last image stays");
    assert_eq!(image.sequence(), 100);
    let refused = try_publish(&broker, "t", 10_000);
    assert!(matches!(refused, Err(PublishError::MemoryFull { .. })));
    assert_eq!(broker.figures().refused, 1);
}

#[test]
fn a_topic_is_not_created_if_its_first_entry_is_refused() {
    let broker = broker(|limits| limits.memory_bytes = 2_000);
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    assert!(try_publish(&broker, "t", 3_000).is_err());
    assert_eq!(broker.figures().topics, 0);
    let published = try_publish(&broker, "t", 10).expect("there is room");
    assert_eq!(published.sequence, 1);
    assert!(try_publish(&broker, "other", 3_000).is_err());
    assert_eq!(broker.figures().topics, 1);
}

#[test]
fn topics_and_cursors_beyond_the_maximum_are_refused() {
    let broker = broker(|limits| {
        limits.topics = 3;
        limits.cursors = 3;
        limits.subscriptions_per_session = 3;
    });
    let client = Client::attach(&broker, "c");
    let subscribe = |filter: &str| {
        client
            .try_subscribe(&broker, filter, (Start::New, Overflow::DropOldest, 0))
            .map(|(id, _)| id)
    };
    for filter in ["a", "a", "a"] {
        subscribe(filter).expect("within the limit");
    }
    assert!(matches!(
        subscribe("x.*"),
        Err(SubscribeError::TooManySubscriptions { limit: 3 })
    ));
    let other = Client::attach(&broker, "other");
    let ask = (Start::New, Overflow::DropOldest, 0);
    let refused = other.try_subscribe(&broker, "b", ask).map(|_| ());
    assert!(matches!(
        refused,
        Err(SubscribeError::TooManyCursors { .. })
    ));
    assert!(try_publish(&broker, "b", 0).is_ok());
    assert!(try_publish(&broker, "x.y", 0).is_ok());
    assert!(
        try_publish(&broker, "z", 0).is_ok(),
        "an idle topic makes room"
    );
    assert_eq!(broker.figures().topics, 3);
}

#[test]
fn publishing_to_reserved_topics_is_refused() {
    let broker = broker(|_| {});
    let refused = try_publish(&broker, "$SYS.figures", 0);
    assert!(matches!(refused, Err(PublishError::Reserved(_))));
    let mut outcome = Outcome::default();
    let mut batch = vec![publication("$SYS.figures", 0), publication("t", 0)];
    broker.publish_reserved(&mut batch, &mut outcome);
    assert!(outcome.results[0].is_ok());
    assert!(outcome.results[1].is_err());
}

#[test]
fn all_memory_is_released_when_all_sessions_leave() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    client.subscribe(&broker, "a", Start::New, Overflow::Latest);
    publish_all(&broker, &["a", "b", "c"]);
    client.read(1);
    publish_all(&broker, &["a", "b", "c"]);
    client.detach(&broker);
    for name in ["a", "b", "c"] {
        assert!(broker.clear(&as_name(name)));
    }
    let figures = broker.figures();
    assert_eq!((figures.topics, figures.sessions), (0, 0));
    assert_eq!(figures.subscriptions, 0);
    drop(client);
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn a_session_that_does_not_read_does_not_exhaust_the_shared_memory() {
    let broker = broker(|limits| {
        limits.memory_bytes = 2_000_000;
        limits.history_entries = 1;
    });
    let mut stuck = Client::attach(&broker, "stuck");
    stuck.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    let mut reading = Client::attach(&broker, "reading");
    reading.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    let mut got = 0;
    for round in 0..20_000 {
        let topic = format!("t{}", round % 8);
        try_publish(&broker, &topic, 200).expect("there is room");
        got += reading.read_all().len();
    }
    assert_eq!(got, 20_000);
    let late = stuck.read_all();
    let missed: u64 = late.iter().map(|one| missed_count(one.missed)).sum();
    assert_eq!(late.len() as u64 + missed, 20_000);
    assert!(missed > 0);
}

fn missed_count(missed: Option<Missed>) -> u64 {
    match missed {
        Some(Missed::Range { from, to }) => to - from + 1,
        Some(Missed::Unknown) => panic!("the number is known"),
        None => 0,
    }
}

#[test]
fn publications_after_a_refused_one_stay_in_the_batch() {
    // Refused: the first to its topic, one after others to it, and one without room.
    let table: [&[&str]; 3] = [
        &["a", "$x", "a", "b"],
        &["a", "$x", "$x", "$x", "a"],
        &["a", "a", "BIG", "a", "BIG", "b"],
    ];
    for topics in table {
        let broker = broker(|limits| limits.memory_bytes = 20_000);
        let mut batch: Vec<_> = topics
            .iter()
            .map(|topic| match *topic {
                "BIG" => publication("a", 30_000),
                topic => publication(topic, 0),
            })
            .collect();
        let mut outcome = Outcome::default();
        let mut taken = Vec::new();
        while !batch.is_empty() {
            let left = batch.len();
            broker.publish(&mut batch, &mut outcome);
            assert_eq!(batch.len() + outcome.results.len(), left, "{topics:?}");
            let (_, before) = outcome.results.split_last().expect("at least one result");
            assert!(before.iter().all(Result::is_ok), "{topics:?}");
            taken.extend(outcome.results.iter().map(Result::is_ok));
        }
        let expected = topics.iter().map(|topic| !matches!(*topic, "$x" | "BIG"));
        assert_eq!(taken, expected.collect::<Vec<_>>(), "{topics:?}");
    }
}

#[test]
fn the_brokers_own_messages_are_not_counted_as_traffic() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "$SYS.figures", Start::New, Overflow::DropOldest);
    let mut outcome = Outcome::default();
    broker.publish_reserved(&mut vec![publication("$SYS.figures", 0)], &mut outcome);
    assert_eq!(client.read_all().len(), 1);
    let figures = broker.figures();
    assert_eq!((figures.published, figures.delivered), (0, 0));
}
