//! Queues fed by topics: those of acknowledging subscriptions, and those of virtual topics.

use broker::{Consume, Missed, Start, Verdict};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{
        bodies, counts, event, figures, message, publish_events, publish_one, queue, selector,
        topics,
    },
};

#[test]
fn a_subscription_to_topics_can_acknowledge() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(
        &broker,
        Consume {
            prefetch: 2,
            ..topics("a.*", Start::New)
        },
    );
    for (topic, body) in [("a.x", "1"), ("b.x", "2"), ("a.y", "3"), ("a.x", "4")] {
        publish_events(&broker, topic, &[body]);
    }
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "3"]);
    assert!(taken.iter().all(|one| one.queue.is_none()));
    assert_eq!(taken[1].topic, "a.y");
    client.settle(&broker, &taken[0], Verdict::Return);
    let again = client.take();
    assert_eq!((again[0].body.as_str(), again[0].count), ("1", 2));
    client.accept(&broker, &taken[1]);
    assert_eq!(client.take_bodies(), ["4"]);
    client.unsubscribe(&broker, id);
    for name in ["a.x", "a.y", "b.x"] {
        assert!(broker.clear(&as_name(name)));
    }
    let figures = broker.figures();
    assert_eq!(
        (figures.topics, figures.queues, figures.subscriptions),
        (0, 0, 0)
    );
    assert_eq!(figures.held_bytes, 0);
}

#[test]
fn an_acknowledging_subscription_starts_at_the_requested_entry_with_gap_report() {
    let range = |from, to| Some(Missed::Range { from, to });
    let unknown = Some(Missed::Unknown);
    // Five of ten entries are kept.
    let table: [(Start, &[&str], _); 7] = [
        (Start::New, &["11"], None),
        (Start::Last, &["10", "11"], None),
        (
            Start::AfterSequence(3),
            &["6", "7", "8", "9", "10", "11"],
            range(4, 5),
        ),
        (Start::AfterSequence(8), &["9", "10", "11"], None),
        (Start::AfterSequence(99), &["11"], unknown),
        (Start::AfterPosition(9), &["10", "11"], None),
        (Start::Lost, &["6", "7", "8", "9", "10", "11"], unknown),
    ];
    for (start, wanted, missed) in table {
        let broker = broker(|limits| limits.history_entries = 5);
        for number in 1..=10 {
            publish_events(&broker, "t", &[&number.to_string()]);
        }
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, topics("t", start));
        publish_events(&broker, "t", &["11"]);
        let taken = client.take();
        assert_eq!(bodies(&taken), wanted, "{start:?}");
        assert_eq!(taken[0].missed, missed, "{start:?}");
        assert!(
            taken[1..].iter().all(|one| one.missed.is_none()),
            "{start:?}"
        );
    }
}

#[test]
fn a_gap_is_reported_even_if_the_first_message_is_not_selected() {
    let broker = broker(|limits| limits.history_entries = 2);
    for colour in ["red", "red", "blue", "red"] {
        let header = format!("colour:{colour}");
        publish_one(&broker, event("t", colour, &[&header])).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    let red = selector("colour = 'red'");
    client.consume(
        &broker,
        Consume {
            selector: red,
            ..topics("t", Start::AfterSequence(1))
        },
    );
    let taken = client.take();
    assert_eq!(bodies(&taken), ["red"]);
    assert_eq!(taken[0].missed, Some(Missed::Range { from: 2, to: 2 }));
}

#[test]
fn history_of_several_topics_is_delivered_in_one_order() {
    let broker = broker(|_| {});
    for (topic, body) in [("b", "1"), ("a", "2"), ("b", "3"), ("c", "4"), ("a", "5")] {
        publish_events(&broker, topic, &[body]);
    }
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, topics("*", Start::AfterPosition(1)));
    assert_eq!(client.take_bodies(), ["2", "3", "4", "5"]);
}

#[test]
fn the_new_message_is_dropped_if_no_older_one_waits() {
    let broker = broker(|limits| limits.queue_entries = 3);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, topics("t", Start::New));
    publish_events(&broker, "t", &["1", "2", "3", "4", "5"]);
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "2", "3"]);
    client.accept(&broker, &taken[0]);
    publish_events(&broker, "t", &["6", "7"]);
    let next = client.take();
    assert_eq!(bodies(&next), ["6"]);
    assert_eq!(next[0].missed, Some(Missed::Unknown));
}

#[test]
fn dropped_messages_are_released_at_once() {
    let broker = broker(|limits| {
        limits.queue_entries = 10;
        limits.history_entries = 1;
    });
    let client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..topics("t", Start::New)
        },
    );
    for _ in 0..1_000 {
        publish_events(&broker, "t", &[&"x".repeat(1_000)]);
    }
    assert!(broker.figures().held_bytes < 100_000);
}

#[test]
fn the_queue_of_a_virtual_topic_is_fed_and_shared() {
    let broker = broker(|_| {});
    let name = "Consumer.a.VirtualTopic.t.x";
    publish_events(&broker, "VirtualTopic.t.x", &["before"]);
    let mut one = Client::attach(&broker, "one");
    let id = one.consume(&broker, queue(name));
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue(name));
    publish_one(&broker, message("Consumer.b.VirtualTopic.t.x", "own", &[]))
        .expect("there is room");
    publish_events(&broker, "VirtualTopic.t.x", &["1", "2"]);
    let taken = one.take();
    assert_eq!(bodies(&taken), ["1"]);
    assert_eq!(taken[0].queue.as_deref(), Some(name));
    assert_eq!(other.take_bodies(), ["2"]);
    assert_eq!(counts(&broker, "Consumer.b.VirtualTopic.t.x"), (3, 0));
    one.unsubscribe(&broker, id);
    other.detach(&broker);
    publish_events(&broker, "VirtualTopic.t.x", &["3"]);
    assert_eq!(counts(&broker, name), (3, 0));
    assert_eq!(figures(&broker, name).enqueued, 3);
    // The queue does not make room for others; it exists until it is removed.
    broker.purge(&as_name(name));
    assert_eq!(broker.remove_queue(&as_name(name)), Some(0));
    publish_events(&broker, "VirtualTopic.t.x", &["4"]);
    assert!(broker.queue(&as_name(name)).is_none());
}

#[test]
fn only_well_formed_names_are_virtual_topic_queues() {
    for name in [
        "Consumer.a",
        "Consumer.a.b",
        "Consumer.VirtualTopic.x",
        "consumer.a.VirtualTopic.x",
        "Consumer.a.VirtualTopic",
    ] {
        let broker = broker(|_| {});
        let client = Client::attach(&broker, "c");
        client.consume(&broker, queue(name));
        assert_eq!(broker.figures().topics, 0, "{name}");
    }
}

#[test]
fn a_topic_with_a_queue_counts_it_as_a_subscriber() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    client.consume(&broker, topics("t", Start::New));
    assert!(broker.has_subscribers(&as_name("t")));
    assert_eq!(
        broker.topic(&as_name("t")).expect("a topic").subscriptions,
        1
    );
}
