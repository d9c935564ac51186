//! Message expiry.

use broker::{Overflow, Start, Verdict};

use crate::{
    harness::{Client, broker},
    queue_harness::{
        bodies, counts, durable, event, expire, figures, message, publish_one, queue, send, topics,
    },
};

#[test]
fn a_message_is_delivered_until_it_expires() {
    for (now_ms, delivered) in [(0, true), (9, true), (10, false), (11, false)] {
        let broker = broker(|_| {});
        let mut client = Client::attach(&broker, "c");
        client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
        client.consume(&broker, queue("q"));
        client.consume(&broker, topics("t", Start::New));
        publish_one(&broker, event("t", "1", &[]).expiring(10)).expect("there is room");
        publish_one(&broker, message("q", "2", &[]).expiring(10)).expect("there is room");
        publish_lasting(&broker);
        let mut bodies = bodies(&client.take_at(now_ms, usize::MAX));
        bodies.sort_unstable();
        let all = ["1", "1", "2", "3", "3", "4"];
        let lasting = ["3", "3", "4"];
        assert_eq!(
            bodies,
            if delivered { &all[..] } else { &lasting[..] },
            "{now_ms}"
        );
    }
}

/// Publishes messages that never expire.
fn publish_lasting(broker: &broker::Broker) {
    publish_one(broker, event("t", "3", &[]).expiring(0)).expect("there is room");
    publish_one(broker, message("q", "4", &[]).expiring(0)).expect("there is room");
}

#[test]
fn waiting_messages_are_removed_when_they_expire() {
    let broker = broker(|_| {});
    for (body, at_ms) in [("1", 10), ("2", 0), ("3", 30), ("4", 20)] {
        publish_one(&broker, message("q", body, &[]).expiring(at_ms)).expect("there is room");
    }
    for (now_ms, waiting) in [(9, 4), (10, 3), (25, 2), (30, 1), (1_000, 1)] {
        expire(&broker, now_ms);
        assert_eq!(counts(&broker, "q"), (waiting, 0), "{now_ms}");
    }
    assert_eq!(figures(&broker, "q").expired, 3);
}

#[test]
fn many_messages_expire_at_once() {
    let broker = broker(|_| {});
    for _ in 0..3_500 {
        publish_one(&broker, message("q", "", &[]).expiring(10)).expect("there is room");
    }
    expire(&broker, 10);
    assert_eq!(figures(&broker, "q").expired, 3_500);
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn held_messages_expire_only_when_they_are_returned() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    publish_one(&broker, message("q", "1", &[]).expiring(10)).expect("there is room");
    let taken = client.take();
    expire(&broker, 10);
    assert_eq!(counts(&broker, "q"), (0, 1));
    client.settle(&broker, &taken[0], Verdict::Return);
    assert_eq!(client.take_at(10, 9), []);
    assert_eq!(counts(&broker, "q"), (0, 0));
    assert_eq!(figures(&broker, "q").expired, 1);
}

#[test]
fn expired_unread_messages_make_room_for_more() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        broker::Consume {
            prefetch: 2,
            ..queue("q")
        },
    );
    for _ in 0..5 {
        publish_one(&broker, message("q", "late", &[]).expiring(10)).expect("there is room");
    }
    send(&broker, "q", &["1"]);
    assert_eq!(bodies(&client.take_at(10, usize::MAX)), ["1"]);
    assert_eq!(figures(&broker, "q").expired, 5);
}

#[test]
fn messages_in_queues_of_topic_subscriptions_expire() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let mut consumes = vec![
        topics("t", Start::New),
        topics("*", Start::New),
        durable("d", "t"),
    ];
    for consume in &mut consumes {
        consume.prefetch = 1;
    }
    for consume in consumes {
        client.consume(&broker, consume);
    }
    publish_one(&broker, event("t", "1", &[])).expect("there is room");
    let held = client.take();
    assert_eq!(held.len(), 3);
    for _ in 0..100 {
        publish_one(&broker, event("t", &"x".repeat(1_000), &[]).expiring(10))
            .expect("there is room");
    }
    broker.clear(&crate::harness::as_name("t"));
    assert!(broker.figures().held_bytes > 100_000);
    expire(&broker, 10);
    assert!(broker.figures().held_bytes < 2_000);
    assert!(held.iter().all(|one| one.body == "1"));
}
