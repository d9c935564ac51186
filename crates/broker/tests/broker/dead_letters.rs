//! Undeliverable messages: their dead letter queues and their headers.

use broker::{Consume, DeadLetterQueue, Limits, Overflow, Source, Start, Verdict};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{
        Taken, bodies, briefs, counts, event, expire, figures, message, publish_one, queue, send,
    },
};

/// Returns the messages in a dead letter queue.
fn dead(broker: &broker::Broker, name: &str) -> Vec<Taken> {
    let mut client = Client::attach(broker, "collector");
    client.consume(broker, queue(name));
    client.take()
}

#[test]
fn a_message_is_dead_lettered_after_the_last_redelivery() {
    for most in [0, 1, 6] {
        let broker = broker(|limits| limits.redelivery.maximum_redeliveries = most);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue("q"));
        send(&broker, "q", &["1"]);
        for count in 1..=most + 1 {
            let taken = client.take();
            assert_eq!(taken[0].count, count);
            client.settle(&broker, &taken[0], Verdict::Return);
        }
        assert_eq!(client.take(), []);
        assert_eq!(counts(&broker, "q"), (0, 0));
        let letters = dead(&broker, "ActiveMQ.DLQ");
        assert_eq!(bodies(&letters), ["1"]);
        assert_eq!(letters[0].count, 1);
        let cause = format!("delivered {} times and never acknowledged", most + 1);
        assert_eq!(
            letters[0].header("dlqDeliveryFailureCause"),
            Some(cause.as_str())
        );
        assert_eq!(letters[0].header("original-destination"), Some("/queue/q"));
    }
}

#[test]
fn detaching_without_acknowledging_counts_as_a_delivery() {
    let broker = broker(|limits| limits.redelivery.maximum_redeliveries = 2);
    send(&broker, "q", &["read", "unread"]);
    for _ in 0..3 {
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue("q"));
        assert_eq!(client.take_at(0, 1).len(), 1);
        client.detach(&broker);
    }
    assert_eq!(bodies(&dead(&broker, "ActiveMQ.DLQ")), ["read"]);
    assert_eq!(counts(&broker, "q"), (1, 0));
}

#[test]
fn a_rejected_message_is_dead_lettered_at_once_with_its_headers() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("a.q"));
    let headers = [
        "colour:red",
        "expires:99",
        "original-destination:/queue/old",
        "persistent:true",
    ];
    let sent = message("a.q", "1", &headers).expiring(99);
    publish_one(&broker, sent).expect("there is room");
    let taken = client.take();
    client.settle(&broker, &taken[0], Verdict::Reject);
    let letters = dead(&broker, "ActiveMQ.DLQ");
    let expected = [
        ("colour", "red"),
        ("persistent", "true"),
        ("original-destination", "/queue/a.q"),
        ("dlqDeliveryFailureCause", "rejected by its consumer"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(letters[0].headers, expected);
    // A dead letter does not expire again.
    expire(&broker, 1_000);
    assert_eq!(figures(&broker, "ActiveMQ.DLQ").expired, 0);
}

#[test]
fn only_persistent_messages_are_dead_lettered_when_they_expire() {
    let broker = broker(|_| {});
    for (body, headers) in [
        ("kept", &["persistent:true"][..]),
        ("lost", &["persistent:false"]),
        ("lost", &[]),
    ] {
        publish_one(&broker, message("q", body, headers).expiring(10)).expect("there is room");
    }
    expire(&broker, 10);
    let letters = dead(&broker, "ActiveMQ.DLQ");
    assert_eq!(bodies(&letters), ["kept"]);
    let cause = letters[0].header("dlqDeliveryFailureCause");
    assert_eq!(cause, Some("expired before it was delivered"));
    let figures = figures(&broker, "q");
    assert_eq!((figures.expired, figures.dead_lettered), (3, 0));
}

#[test]
fn each_queue_can_have_its_own_dead_letter_queue() {
    let long = "x".repeat(broker::TopicName::MAX_BYTES);
    let deep = vec!["x"; broker::TopicName::MAX_LEVELS].join(".");
    let table = [
        ("a.q", "DLQ.a.q"),
        (long.as_str(), "ActiveMQ.DLQ"),
        (deep.as_str(), "ActiveMQ.DLQ"),
        // A dead letter queue of its own would outlive the temporary queue.
        ("$TEMP.c.q", "ActiveMQ.DLQ"),
    ];
    for (name, wanted) in table {
        let broker = broker(|limits| limits.dead_letters = DeadLetterQueue::Own);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue(name));
        send(&broker, name, &["1"]);
        let taken = client.take();
        client.settle(&broker, &taken[0], Verdict::Reject);
        assert_eq!(bodies(&dead(&broker, wanted)), ["1"], "{name}");
    }
}

#[test]
fn a_dead_letter_is_not_dead_lettered_again() {
    for (kind, name) in [
        (DeadLetterQueue::Shared, "ActiveMQ.DLQ"),
        (DeadLetterQueue::Own, "DLQ.q"),
    ] {
        let broker = broker(|limits| limits.dead_letters = kind);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue(name));
        send(&broker, name, &["1"]);
        let taken = client.take();
        client.settle(&broker, &taken[0], Verdict::Reject);
        assert_eq!(client.take(), []);
        let figures = figures(&broker, name);
        assert_eq!((figures.dead_lettered, figures.discarded), (0, 1));
        assert_eq!(broker.figures().queues, 1);
    }
}

#[test]
fn a_topic_named_like_a_dead_letter_queue_is_a_topic() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let source = Source::Topics {
        filter: as_filter("DLQ.t"),
        start: Start::New,
    };
    client.consume(
        &broker,
        Consume {
            source,
            ..queue("q")
        },
    );
    publish_one(&broker, event("DLQ.t", "1", &[])).expect("there is room");
    let taken = client.take();
    client.settle(&broker, &taken[0], Verdict::Reject);
    let letters = dead(&broker, "ActiveMQ.DLQ");
    assert_eq!(
        letters[0].header("original-destination"),
        Some("/topic/DLQ.t")
    );
}

#[test]
fn dead_letters_are_discarded_if_their_queue_is_full() {
    type Change = fn(&mut Limits);
    let table: [(Change, &[&str]); 3] = [
        (|limits| limits.queue_entries = 2, &["1", "2"]),
        (|limits| limits.queue_bytes = 1_000, &["1", "2"]),
        (|limits| limits.queues = 1, &[]),
    ];
    for (change, kept) in table {
        let broker = broker(change);
        let watcher = Client::attach(&broker, "watcher");
        let advisories = "ActiveMQ.Advisory.>";
        watcher.subscribe(&broker, advisories, Start::New, Overflow::DropOldest);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue("q"));
        let mut notices = Vec::new();
        for body in ["1", "2", "3"] {
            send(&broker, "q", &[body]);
            let taken = client.take();
            notices.extend(briefs(&client.settle(&broker, &taken[0], Verdict::Reject)));
        }
        let mut wanted = ["discarded queue q rejected"; 3];
        wanted[..kept.len()].fill("dead queue q rejected");
        assert_eq!(notices, wanted);
        let figures = figures(&broker, "q");
        let counted = (figures.dead_lettered, figures.discarded);
        assert_eq!(counted, (kept.len() as u64, 3 - kept.len() as u64));
        client.detach(&broker);
        broker.remove_queue(&as_name("q"));
        assert_eq!(bodies(&dead(&broker, "ActiveMQ.DLQ")), kept);
    }
}

#[test]
fn the_mode_determines_which_queues_are_dead_letter_queues() {
    let table = [
        (DeadLetterQueue::Shared, "DLQ.mine", "ActiveMQ.DLQ", true),
        (DeadLetterQueue::Own, "DLQ.mine", "DLQ.DLQ.mine", false),
        (DeadLetterQueue::Own, "DLQ", "DLQ.DLQ", true),
        (
            DeadLetterQueue::Own,
            "ActiveMQ.DLQ",
            "DLQ.ActiveMQ.DLQ",
            false,
        ),
    ];
    for (mode, name, letters, is_sent) in table {
        let broker = broker(|limits| limits.dead_letters = mode);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue(name));
        send(&broker, name, &["1"]);
        let taken = client.take();
        client.settle(&broker, &taken[0], Verdict::Reject);
        assert_eq!(dead(&broker, letters).len(), usize::from(is_sent), "{name}");
        assert_eq!(figures(&broker, name).dead_lettered, u64::from(is_sent));
    }
}

#[test]
fn a_dead_letter_wakes_its_consumer() {
    let broker = broker(|_| {});
    let mut collector = Client::attach(&broker, "collector");
    collector.consume(&broker, queue("ActiveMQ.DLQ"));
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1"]);
    let taken = client.take();
    let mut outcome = client.settle(&broker, &taken[0], Verdict::Reject);
    let ready: Vec<_> = outcome
        .ready
        .drain()
        .map(|one| one.name().to_string())
        .collect();
    assert_eq!(ready, ["collector"]);
    assert_eq!(collector.take_bodies(), ["1"]);
}
