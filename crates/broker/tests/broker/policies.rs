//! Policies: the rules of the topics and queues that a filter matches, and their change while messages wait.

use broker::{
    Broker, DeadLetterQueue, DestinationKind, Overflow, Policies, Policy, PublishError,
    QueueOverflow, Redelivery, Start, Verdict,
};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{counts, durable, event, expire, figures, message, publish_one, queue, send},
};

fn policy(kind: DestinationKind, filter: &str, set: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::new(kind, as_filter(filter));
    set(&mut policy);
    policy
}

fn of_queues(filter: &str, set: impl FnOnce(&mut Policy)) -> Policy {
    policy(DestinationKind::Queue, filter, set)
}

fn set(broker: &Broker, policies: Vec<Policy>) {
    broker.set_policies(Policies::new(policies).expect("different filters"));
}

#[test]
fn a_policy_bounds_the_queues_of_its_filter_and_no_others() {
    let broker = broker(|_| {});
    let short = of_queues("orders.>", |policy| policy.entries = Some(2));
    set(&broker, vec![short]);
    send(&broker, "orders.a", &["1", "2"]);
    let refused = publish_one(&broker, message("orders.a", "3", &[])).expect_err("it is full");
    assert!(
        matches!(refused, PublishError::QueueFull { limit: 2, .. }),
        "{refused}"
    );
    send(&broker, "others", &["1", "2", "3"]);
    let rules = broker.queue_rules(&as_name("orders.a")).expect("a queue");
    assert_eq!(rules.policy, Some(as_filter("orders.>")));
    let rules = broker.queue_rules(&as_name("others")).expect("a queue");
    assert_eq!(
        (rules.policy.clone(), rules.entries),
        (None, broker.limits().queue_entries)
    );
}

#[test]
fn a_change_holds_for_queues_that_exist_and_keeps_their_messages() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2", "3"]);
    set(
        &broker,
        vec![of_queues("q", |policy| policy.entries = Some(1))],
    );
    assert_eq!(counts(&broker, "q"), (3, 0));
    publish_one(&broker, message("q", "4", &[])).expect_err("it is full");
    set(&broker, Vec::new());
    send(&broker, "q", &["4"]);
    assert!(broker.policies().is_empty());
}

#[test]
fn a_full_queue_may_drop_its_oldest_messages() {
    let broker = broker(|_| {});
    let ring = of_queues("ring", |policy| {
        policy.entries = Some(2);
        policy.overflow = QueueOverflow::DropOldest;
    });
    set(&broker, vec![ring]);
    send(&broker, "ring", &["1", "2", "3", "4"]);
    assert_eq!(figures(&broker, "ring").discarded, 2);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("ring"));
    assert_eq!(client.take_bodies(), ["3", "4"]);
    // Messages that a consumer has are not dropped.
    publish_one(&broker, message("ring", "5", &[])).expect_err("it is full");
}

#[test]
fn the_bytes_of_a_queue_have_their_own_bound() {
    let broker = broker(|_| {});
    let ring = of_queues("ring", |policy| {
        policy.bytes = Some(5_000);
        policy.overflow = QueueOverflow::DropOldest;
    });
    set(&broker, vec![ring]);
    let body = "x".repeat(1_000);
    send(&broker, "ring", &[&*body; 20]);
    let left = figures(&broker, "ring");
    assert!(left.bytes <= 5_000 && left.waiting >= 3, "{left:?}");
    let large = "x".repeat(6_000);
    publish_one(&broker, message("ring", &large, &[])).expect_err("larger than the queue");
    assert_eq!(figures(&broker, "ring").waiting, left.waiting);
}

#[test]
fn a_time_to_live_shortens_that_of_the_publisher() {
    let broker = broker(|_| {});
    let kinds = [DestinationKind::Queue, DestinationKind::Topic];
    let short = |kind| policy(kind, "short", |policy| policy.time_to_live_ms = Some(100));
    set(&broker, kinds.map(short).to_vec());
    send(&broker, "short", &["1"]);
    publish_one(&broker, message("short", "2", &[]).expiring(50)).expect("room");
    publish_one(&broker, message("short", "3", &[]).expiring(500)).expect("room");
    expire(&broker, 50);
    assert_eq!(counts(&broker, "short"), (2, 0));
    expire(&broker, 100);
    assert_eq!(counts(&broker, "short"), (0, 0));
    publish_one(&broker, event("short", "1", &[])).expect("room");
    let last = broker.last_image(&as_name("short")).expect("a message");
    assert_eq!(last.expires_ms(), Some(100));
}

#[test]
fn dead_letters_go_to_the_queue_of_the_policy() {
    for (dead_letters, expected) in [
        (DeadLetterQueue::Named(as_name("failed")), Some("failed")),
        (DeadLetterQueue::Own, Some("DLQ.q")),
        (DeadLetterQueue::Shared, Some("ActiveMQ.DLQ")),
        (DeadLetterQueue::Discard, None),
    ] {
        let broker = broker(|_| {});
        let own = of_queues("q", |policy| policy.dead_letters = Some(dead_letters));
        set(&broker, vec![own]);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue("q"));
        send(&broker, "q", &["m"]);
        let taken = client.take();
        client.settle(&broker, &taken[0], Verdict::Reject);
        for name in ["failed", "DLQ.q", "ActiveMQ.DLQ"] {
            let is_there = broker.queue(&as_name(name)).is_some();
            assert_eq!(is_there, expected == Some(name), "{name}");
        }
        assert_eq!(
            figures(&broker, "q").discarded,
            u64::from(expected.is_none())
        );
    }
}

#[test]
fn a_queue_and_a_durable_subscription_have_the_redelivery_of_their_policy() {
    let broker = broker(|_| {});
    let once = Some(Redelivery {
        maximum_redeliveries: 0,
        ..Redelivery::default()
    });
    let kinds = [DestinationKind::Queue, DestinationKind::Topic];
    let policies = kinds.map(|kind| policy(kind, "once.>", |policy| policy.redelivery = once));
    set(&broker, policies.to_vec());
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("once.q"));
    client.consume(&broker, durable("d", "once.t"));
    client.consume(&broker, queue("often"));
    send(&broker, "once.q", &["1"]);
    publish_one(&broker, event("once.t", "2", &[])).expect("room");
    send(&broker, "often", &["3"]);
    for taken in client.take() {
        client.settle(&broker, &taken, Verdict::Return);
    }
    assert_eq!(client.take_bodies(), ["3"]);
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (2, 0));
}

#[test]
fn a_topic_keeps_as_much_history_as_its_policy_says() {
    let broker = broker(|_| {});
    let short = policy(DestinationKind::Topic, "short", |policy| {
        policy.entries = Some(2)
    });
    set(&broker, vec![short]);
    let count = |name: &str| {
        broker
            .topic(&as_name(name))
            .expect("a topic")
            .history_entries
    };
    for number in 0..5 {
        for topic in ["short", "long"] {
            publish_one(&broker, event(topic, &number.to_string(), &[])).expect("room");
        }
    }
    assert_eq!((count("short"), count("long")), (2, 5));
    let long = policy(DestinationKind::Topic, "long", |policy| {
        policy.entries = Some(1)
    });
    set(&broker, vec![long]);
    for topic in ["short", "long"] {
        publish_one(&broker, event(topic, "next", &[])).expect("room");
    }
    assert_eq!((count("short"), count("long")), (3, 1));
    let mut reader = Client::attach(&broker, "r");
    reader.subscribe(
        &broker,
        "short",
        Start::AfterSequence(0),
        Overflow::DropOldest,
    );
    assert_eq!(reader.read(9).0.len(), 3);
}
