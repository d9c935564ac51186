//! Idle topics that make room for new ones, or are removed after a time.

use broker::{Broker, Overflow, PublishError, Start, SubscribeError};

use crate::{
    harness::{Client, as_name, broker, publish, publish_all, try_publish},
    queue_harness::{event, topics},
    retained::retain,
};

fn is_there(broker: &Broker, topic: &str) -> bool {
    broker.topic(&as_name(topic)).is_some()
}

#[test]
fn the_topic_that_was_not_published_to_for_longest_makes_room() {
    let broker = broker(|limits| limits.topics = 4);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    publish_all(&broker, &["a", "b", "c", "a", "d", "b"]);
    for (new, gone) in [("e", "c"), ("f", "a"), ("g", "d"), ("h", "b"), ("i", "e")] {
        try_publish(&broker, new, 0).expect("an idle topic makes room");
        assert!(is_there(&broker, new) && !is_there(&broker, gone), "{new}");
    }
    let figures = broker.figures();
    assert_eq!((figures.topics, figures.aged_out), (4, 5));
    assert_eq!((figures.refused, figures.dropped), (0, 0));
    // A reader that lags has what it has not read.
    assert_eq!(client.read_positions(), (1..=11).collect::<Vec<_>>());
    client.subscribe(&broker, "j", Start::New, Overflow::DropOldest);
    assert!(!is_there(&broker, "f"));
}

#[test]
fn topics_that_something_holds_stay() {
    let broker = broker(|limits| limits.topics = 5);
    let client = Client::attach(&broker, "c");
    retain(&broker, "retains", "x");
    client.subscribe(&broker, "named", Start::New, Overflow::DropOldest);
    client.consume(&broker, topics("fed", Start::New));
    client.consume(&broker, topics("*", Start::New));
    client.subscribe(&broker, "*", Start::New, Overflow::DropOldest);
    publish_all(&broker, &["named", "fed", "idle", "idle2"]);
    for number in 0..10 {
        publish(&broker, &format!("new.{number}"), 1);
    }
    for topic in ["retains", "named", "fed", "new.9", "new.8"] {
        assert!(is_there(&broker, topic), "{topic}");
    }
    for topic in ["new.8", "new.9"] {
        client.subscribe(&broker, topic, Start::New, Overflow::DropOldest);
    }
    let refused = try_publish(&broker, "new", 0);
    assert!(matches!(refused, Err(PublishError::TooManyTopics { .. })));
    let ask = (Start::New, Overflow::DropOldest, 0);
    let refused = client.try_subscribe(&broker, "new", ask).map(|_| ());
    assert!(matches!(refused, Err(SubscribeError::TooManyTopics { .. })));
    assert_eq!(broker.figures().aged_out, 10);
}

#[test]
fn topics_of_one_transaction_do_not_make_room_for_each_other() {
    let broker = broker(|limits| limits.topics = 2);
    let client = Client::attach(&broker, "c");
    publish_all(&broker, &["a", "b"]);
    let events = |topics: &[&str]| topics.iter().map(|topic| event(topic, "", &[])).collect();
    let made = client.commit(&broker, events(&["a", "c", "a"]), &[]);
    assert!(made.is_ok_and(|outcome| outcome.results.iter().all(Result::is_ok)));
    assert!(is_there(&broker, "a") && is_there(&broker, "c"));
    let refused = client.commit(&broker, events(&["a", "c", "d"]), &[]);
    assert!(refused.is_err());
    assert!(is_there(&broker, "a") && is_there(&broker, "c"));
    // They are not held any longer.
    publish_all(&broker, &["d", "e"]);
    assert!(is_there(&broker, "d") && is_there(&broker, "e"));
}

#[test]
fn topics_that_nothing_holds_are_found_behind_many_others() {
    let broker = broker(|limits| limits.topics = 1_001);
    let client = Client::attach(&broker, "c");
    for number in 0..1_000 {
        let topic = format!("named.{number}");
        client.subscribe(&broker, &topic, Start::New, Overflow::DropOldest);
        publish(&broker, &topic, 1);
    }
    publish(&broker, "idle", 1);
    // Each attempt looks at some of them.
    let attempts = (0..20).position(|_| try_publish(&broker, "new", 0).is_ok());
    assert!(
        attempts.is_some_and(|attempts| attempts < 10),
        "{attempts:?}"
    );
    assert!(!is_there(&broker, "idle"));
}

#[test]
fn topics_are_removed_after_an_idle_time() {
    let broker = broker(|limits| limits.topic_idle_ms = Some(10_000));
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    client.subscribe(&broker, "named", Start::New, Overflow::DropOldest);
    publish_all(&broker, &["named", "idle", "used"]);
    for second in 1..=30 {
        broker.tidy(second * 1_000);
        publish(&broker, "used", 1);
        assert_eq!(is_there(&broker, "idle"), second < 11, "{second}");
    }
    assert!(is_there(&broker, "used") && is_there(&broker, "named"));
    assert_eq!(broker.figures().aged_out, 1);
    for second in 31..=42 {
        broker.tidy(second * 1_000);
    }
    assert!(!is_there(&broker, "used") && is_there(&broker, "named"));
}

#[test]
fn many_idle_topics_are_removed_in_a_few_calls() {
    let broker = broker(|limits| limits.topic_idle_ms = Some(1_000));
    for number in 0..5_000 {
        publish(&broker, &format!("t.{number}"), 1);
    }
    let mut counts = Vec::new();
    for second in 1..=10 {
        broker.tidy(second * 1_000);
        counts.push(broker.figures().topics);
    }
    assert_eq!(counts.last(), Some(&0), "{counts:?}");
    assert!(counts.windows(2).all(|pair| pair[0] - pair[1] <= 1_024));
    assert_eq!(broker.figures().held_bytes, 0);
}
