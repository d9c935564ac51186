//! Full memory: new messages take the place of what other topics keep, the oldest first.

use broker::{Broker, PublishError};

use crate::{
    harness::{Client, as_name, broker, try_publish},
    queue_harness::{event, message, publish_one},
};

const MEMORY: u64 = 200_000;

/// A broker whose memory is full of last images; returns the number of topics `t.0`, `t.1` and so on.
fn full_of_images(broker: &Broker) -> usize {
    let mut count = 0;
    while broker.figures().emptied == 0 {
        try_publish(broker, &format!("t.{count}"), 1_000).expect("an older one makes room");
        count += 1;
    }
    count
}

fn small_broker() -> Broker {
    broker(|limits| limits.memory_bytes = MEMORY)
}

fn has_image(broker: &Broker, topic: &str) -> bool {
    broker.last_image(&as_name(topic)).is_some()
}

#[test]
fn a_message_of_any_size_takes_the_place_of_the_oldest_last_images() {
    let broker = small_broker();
    let count = full_of_images(&broker);
    assert!(!has_image(&broker, "t.0"));
    assert!(has_image(&broker, "t.1"));
    let mut left = count - 1;
    for size in [0, 10, 1_000, 20_000, 50_000, 190_000] {
        try_publish(&broker, &format!("new.{size}"), size).expect("older ones make room");
        let images = (0..count).map(|number| has_image(&broker, &format!("t.{number}")));
        let images: Vec<_> = images.collect();
        assert!(images.is_sorted(), "the oldest go first");
        let now = images.iter().filter(|one| **one).count();
        assert!(
            left - now <= size / 1_000 + 2,
            "no more than needed: {left} {now}"
        );
        left = now;
        assert!(broker.figures().held_bytes <= MEMORY);
    }
    assert_eq!(left, 0);
    assert_eq!(broker.figures().refused, 0);
    let too_large = try_publish(&broker, "new.0", MEMORY as usize);
    assert!(matches!(too_large, Err(PublishError::MemoryFull { .. })));
}

#[test]
fn a_topic_that_is_published_to_is_not_the_oldest() {
    let broker = small_broker();
    let count = full_of_images(&broker);
    try_publish(&broker, "t.1", 1_000).expect("older ones make room");
    try_publish(&broker, "t.3", 1_000).expect("older ones make room");
    try_publish(&broker, "new", 20_000).expect("older ones make room");
    for (topic, is_kept) in [("t.1", true), ("t.2", false), ("t.3", true), ("t.4", false)] {
        assert_eq!(has_image(&broker, topic), is_kept, "{topic}");
    }
    assert!(has_image(&broker, &format!("t.{}", count - 1)));
}

#[test]
fn retained_messages_stay_and_the_topics_without_images_are_gone() {
    let broker = small_broker();
    let retained = event("kept", &"x".repeat(1_000), &[]).retained();
    publish_one(&broker, retained).expect("there is room");
    let count = full_of_images(&broker);
    try_publish(&broker, "new", 198_000).expect("older ones make room");
    assert!(broker.retained(&as_name("kept")).is_some());
    assert!(has_image(&broker, "kept"));
    assert_eq!(broker.figures().topics, 2);
    assert_eq!(broker.figures().emptied, count as u64);
    let refused = try_publish(&broker, "other", 199_000);
    assert!(refused.is_err(), "the retained message is not given up");
}

#[test]
fn histories_go_before_last_images() {
    let broker = small_broker();
    try_publish(&broker, "image", 1_000).expect("there is room");
    for _ in 0..50 {
        try_publish(&broker, "history", 1_000).expect("there is room");
    }
    full_of_images(&broker);
    let figures = broker.topic(&as_name("history")).expect("it is there");
    assert_eq!(figures.history_entries, 1);
    assert!(!has_image(&broker, "image"), "then the oldest image");
    assert!(has_image(&broker, "history"));
}

#[test]
fn messages_to_queues_and_in_transactions_find_room_too() {
    let broker = small_broker();
    full_of_images(&broker);
    for _ in 0..10 {
        publish_one(&broker, message("q", &"x".repeat(1_000), &[])).expect("older ones make room");
    }
    let client = Client::attach(&broker, "c");
    let batch = (0..20).map(|number| match number % 2 {
        0 => message("q", &"x".repeat(1_000), &[]),
        _ => event("in-transaction", &"x".repeat(1_000), &[]),
    });
    client
        .commit(&broker, batch.collect(), &[])
        .expect("older ones make room");
    assert_eq!(broker.figures().refused, 0);
    assert!(broker.figures().held_bytes <= MEMORY);
}

#[test]
fn index_entries_of_topics_are_removed_with_them() {
    let broker = small_broker();
    for round in 0..1_000 {
        let topic = format!("t.{round}");
        try_publish(&broker, &topic, 100).expect("there is room");
        try_publish(&broker, &topic, 100).expect("there is room");
        broker.clear(&as_name(&topic));
    }
    assert_eq!(
        (broker.figures().topics, broker.figures().held_bytes),
        (0, 0)
    );
    full_of_images(&broker);
    assert_eq!(broker.figures().emptied, 1);
}
