//! A transaction is executed as a whole, or changes nothing.

use broker::{CommitError, Consume, Limits, Overflow, PublishError, Start, Verdict};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{counts, event, message, publish_one, queue, send, topics},
};

#[test]
fn a_refused_transaction_changes_nothing() {
    type Change = fn(&mut Limits);
    let big = "x".repeat(3_000);
    let table: [(&str, Change, &[&str]); 8] = [
        ("a reserved name", |_| {}, &["queue a", "topic $SYS.x"]),
        (
            "queues",
            |limits| limits.queues = 2,
            &["queue a", "queue b"],
        ),
        (
            "topics",
            |limits| limits.topics = 2,
            &["topic a", "topic b"],
        ),
        (
            "cursors",
            |limits| limits.cursors = 4,
            &["topic a", "queue a", "queue b"],
        ),
        (
            "messages in a queue",
            |limits| limits.queue_entries = 2,
            &["queue old", "queue old"],
        ),
        (
            "bytes in a queue",
            |limits| limits.queue_bytes = 7_000,
            &["queue a", "queue a", "queue a"],
        ),
        (
            "bytes in all queues",
            |limits| limits.memory_bytes = 14_000,
            &["queue a", "queue b", "queue c"],
        ),
        (
            "bytes in all",
            |limits| limits.memory_bytes = 9_000,
            &["topic a", "topic b", "topic c"],
        ),
    ];
    for (bound, change, destinations) in table {
        let broker = broker(change);
        let mut client = Client::attach(&broker, "c");
        client.consume(
            &broker,
            Consume {
                tag: &[1],
                ..queue("old")
            },
        );
        client.consume(
            &broker,
            Consume {
                tag: &[2],
                ..queue("*")
            },
        );
        client.subscribe(&broker, "*", Start::New, Overflow::DropOldest);
        // So that the topic does not make room for others.
        let holder = Client::attach(&broker, "holder");
        holder.subscribe(&broker, "events", Start::New, Overflow::DropOldest);
        publish_one(&broker, event("events", "", &[])).expect("there is room");
        send(&broker, "old", &["1"]);
        let taken = client.take();
        let settlement = client.stage(&broker, &taken[1], Verdict::Accept);
        let before = broker.figures();
        let batch = destinations
            .iter()
            .map(
                |text| match text.split_once(' ').expect("a kind and a name") {
                    ("queue", name) => message(name, &big, &[]),
                    (_, name) => event(name, &big, &[]),
                },
            )
            .collect();
        let refused = client.commit(&broker, batch, &[settlement]);
        assert!(
            matches!(refused, Err(CommitError::Publish(_))),
            "{bound} {refused:?}"
        );
        let after = broker.figures();
        assert_eq!(after.refused, before.refused + 1, "{bound}");
        assert_eq!(
            (after.queues, after.topics),
            (before.queues, before.topics),
            "{bound}"
        );
        assert_eq!(after.published, before.published, "{bound}");
        assert_eq!(counts(&broker, "old"), (0, 1), "{bound}");
        assert_eq!(client.take(), [], "{bound}");
        // Cursors created for the transaction are released too.
        client
            .commit(&broker, vec![], &[settlement])
            .expect("it is still staged");
        assert_eq!(counts(&broker, "old"), (0, 0), "{bound}");
    }
}

#[test]
fn cursors_of_a_refused_transaction_are_released() {
    let broker = broker(|limits| {
        limits.cursors = 5;
        limits.queues = 2;
    });
    let client = Client::attach(&broker, "c");
    client.consume(&broker, queue("*"));
    client.subscribe(&broker, "VirtualTopic.*", Start::New, Overflow::DropOldest);
    client.consume(&broker, queue("keep"));
    for _ in 0..10 {
        let batch = vec![
            message("Consumer.c.VirtualTopic.t", "", &[]),
            message("one.too.many", "", &[]),
        ];
        let refused = client.commit(&broker, batch, &[]);
        assert!(matches!(
            refused,
            Err(CommitError::Publish(PublishError::TooManyQueues { .. }))
        ));
        assert_eq!(broker.figures().topics, 0);
        assert_eq!(broker.figures().queues, 1);
    }
    publish_one(&broker, message("Consumer.c.VirtualTopic.t", "", &[])).expect("there is room");
}

#[test]
fn queues_of_one_transaction_do_not_make_room_for_each_other() {
    let broker = broker(|limits| limits.queues = 1);
    let client = Client::attach(&broker, "c");
    let refused = client.commit(
        &broker,
        vec![message("a", "", &[]), message("b", "", &[])],
        &[],
    );
    assert!(refused.is_err());
    assert_eq!(broker.figures().published, 0);
    // An empty queue makes room, unless the transaction itself uses it.
    let mut other = Client::attach(&broker, "other");
    let id = other.consume(&broker, queue("a"));
    other.unsubscribe(&broker, id);
    let refused = client.commit(
        &broker,
        vec![message("a", "", &[]), message("b", "", &[])],
        &[],
    );
    assert!(refused.is_err());
    assert_eq!(broker.figures().published, 0);
    client
        .commit(&broker, vec![message("b", "", &[])], &[])
        .expect("a makes room");
    assert!(broker.queue(&as_name("a")).is_none());
    other.consume(&broker, queue("b"));
    assert_eq!(other.take_bodies(), [""]);
}

#[test]
fn a_transaction_makes_its_topics_drop_their_history() {
    let broker = broker(|limits| limits.memory_bytes = 20_000);
    let client = Client::attach(&broker, "c");
    let body = "x".repeat(1_000);
    for _ in 0..100 {
        publish_one(&broker, event("t", &body, &[])).expect("history makes room");
    }
    for _ in 0..10 {
        let batch = (0..8).map(|_| event("t", &body, &[])).collect();
        client
            .commit(&broker, batch, &[])
            .expect("history makes room");
    }
    assert!(broker.figures().held_bytes <= 20_000);
}

#[test]
fn messages_fed_to_a_queue_by_a_transaction_do_not_refuse_later_ones() {
    let broker = broker(|limits| limits.memory_bytes = 40_000);
    let client = Client::attach(&broker, "c");
    client.consume(&broker, topics("t", Start::New));
    let body = "x".repeat(5_000);
    // The topic's queue takes most of the memory of queues, which does not stop the transaction
    // half way.
    let batch = vec![
        event("t", &body, &[]),
        event("t", &body, &[]),
        message("q", &body, &[]),
        message("q", &body, &[]),
    ];
    let outcome = client.commit(&broker, batch, &[]).expect("checked before");
    assert!(outcome.results.iter().all(Result::is_ok));
    assert_eq!(counts(&broker, "q"), (2, 0));
}
