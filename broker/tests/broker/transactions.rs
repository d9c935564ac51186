//! Publications and settlements that are carried out together, or not at all.

use broker::{Acknowledgement, CommitError, Consume, PublishError, Source, Verdict};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{bodies, counts, event, figures, message, publish_one, queue, send},
};

#[test]
fn what_is_staged_makes_room_and_is_nobody_elses_to_settle() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let prefetch = Consume {
        prefetch: 2,
        ..queue("q")
    };
    client.consume(&broker, prefetch);
    send(&broker, "q", &["1", "2", "3", "4"]);
    let first = client.take();
    assert_eq!(bodies(&first), ["1", "2"]);
    client.stage(&broker, &first[0], Verdict::Accept);
    assert_eq!(client.take_bodies(), ["3"]);
    assert_eq!(counts(&broker, "q"), (1, 3));
    assert!(
        client
            .try_settle(&broker, first[0].id(), Verdict::Accept)
            .is_err()
    );
    assert!(
        client
            .try_settle(&broker, first[1].id(), Verdict::Accept)
            .is_ok()
    );
}

#[test]
fn what_is_staged_waits_again_after_an_abort() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3"]);
    let first = client.take();
    let settlement = client.stage(&broker, &first[0], Verdict::Accept);
    let second = client.take();
    broker.unstage(client.reader.session(), &[settlement]);
    client.accept(&broker, &second[0]);
    assert_eq!(
        client.take_bodies(),
        [""; 0],
        "one more than the prefetch is held"
    );
    client.accept(&broker, &first[0]);
    assert_eq!(client.take_bodies(), ["3"]);
}

#[test]
fn two_transactions_of_a_cumulative_consumer_do_not_meet() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            acknowledgement: Acknowledgement::Cumulative,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3", "4", "5"]);
    let taken = client.take();
    let one = client.stage(&broker, &taken[1], Verdict::Accept);
    let other = client.stage(&broker, &taken[3], Verdict::Accept);
    client
        .commit(&broker, vec![], &[other])
        .expect("all is there");
    assert_eq!(figures(&broker, "q").acknowledged, 2);
    broker.unstage(client.reader.session(), &[other]);
    assert_eq!(counts(&broker, "q"), (0, 3));
    client
        .commit(&broker, vec![], &[one])
        .expect("all is there");
    assert_eq!(figures(&broker, "q").acknowledged, 4);
    client.accept(&broker, &taken[4]);
    assert_eq!(counts(&broker, "q"), (0, 0));
}

#[test]
fn what_was_staged_goes_back_when_the_connection_ends() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1", "2"]);
    let taken = client.take();
    let settlement = client.stage(&broker, &taken[0], Verdict::Accept);
    client.detach(&broker);
    assert!(client.commit(&broker, vec![], &[settlement]).is_err());
    assert_eq!(counts(&broker, "q"), (2, 0));
}

#[test]
fn a_commit_publishes_and_settles_in_its_order() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("in"));
    send(&broker, "in", &["1", "2", "3"]);
    let taken = client.take();
    let settlements: Vec<_> = [Verdict::Accept, Verdict::Reject, Verdict::Return]
        .into_iter()
        .zip(&taken)
        .map(|(verdict, one)| client.stage(&broker, one, verdict))
        .collect();
    let batch = vec![
        message("out", "a", &[]),
        event("told", "b", &[]),
        message("out", "c", &[]),
    ];
    let outcome = client
        .commit(&broker, batch, &settlements)
        .expect("there is room");
    let positions: Vec<_> = outcome
        .results
        .iter()
        .map(|one| one.as_ref().expect("published").id.position)
        .collect();
    assert_eq!(positions, [4, 5, 6]);
    assert_eq!(counts(&broker, "out"), (2, 0));
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
    assert_eq!(client.take()[0].count, 2);
    let figures = figures(&broker, "in");
    assert_eq!((figures.acknowledged, figures.dead_lettered), (1, 1));
}

#[test]
fn a_refused_transaction_leaves_no_trace() {
    type Change = fn(&mut broker::Limits);
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
            &["queue a", "topic a", "topic b"],
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
        client.subscribe(
            &broker,
            "*",
            broker::Start::New,
            broker::Overflow::DropOldest,
        );
        publish_one(&broker, event("told", "", &[])).expect("there is room");
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
        // Nor do the cursors of what was made for it stay.
        client
            .commit(&broker, vec![], &[settlement])
            .expect("it is still staged");
        assert_eq!(counts(&broker, "old"), (0, 0), "{bound}");
    }
}

#[test]
fn cursors_of_a_refused_transaction_are_free_again() {
    let broker = broker(|limits| {
        limits.cursors = 5;
        limits.queues = 2;
    });
    let client = Client::attach(&broker, "c");
    client.consume(&broker, queue("*"));
    client.subscribe(
        &broker,
        "VirtualTopic.*",
        broker::Start::New,
        broker::Overflow::DropOldest,
    );
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
    // One that is empty makes room, unless it is meant itself.
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
fn a_transaction_makes_its_topics_let_go_of_their_history() {
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
fn what_a_transaction_feeds_a_queue_with_does_not_refuse_what_follows() {
    let broker = broker(|limits| limits.memory_bytes = 40_000);
    let client = Client::attach(&broker, "c");
    let source = Source::Topics {
        filter: as_filter("t"),
        start: broker::Start::New,
    };
    client.consume(
        &broker,
        Consume {
            source,
            ..queue("q")
        },
    );
    let body = "x".repeat(5_000);
    // The topic's queue takes most of what queues may hold, but that is no reason to stop half way.
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
