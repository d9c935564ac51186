//! The messages that a topic keeps, and its rate, from any place and without a subscription.

use broker::{
    Broker, HistoryPart, HistoryPlace, Outcome, Overflow, Publication, Start, Subtree, TopicTraffic,
};

use crate::harness::{Client, as_name, broker, publish};

use HistoryPlace::{Position, Sequence, Time};

/// Publishes a message at a time.
fn publish_at(broker: &Broker, topic: &str, time_ms: u64) {
    let publication = Publication::new(as_name(topic), "p".into(), time_ms, b"0123456789");
    broker.publish(&mut vec![publication], &mut Outcome::default());
}

fn part(broker: &Broker, place: HistoryPlace, most: usize) -> HistoryPart {
    let part = broker.history(&as_name("t"), place, most, u64::MAX);
    part.expect("a topic")
}

fn sequences(part: &HistoryPart) -> Vec<u64> {
    part.entries.iter().map(|entry| entry.sequence()).collect()
}

#[test]
fn a_part_begins_at_its_place_or_with_the_oldest_message() {
    let broker = broker(|limits| limits.history_entries = 200);
    // Position and time of message N: 2 N, and 10 N.
    for number in 1..=300 {
        publish(&broker, "other", 1);
        publish_at(&broker, "t", 10 * number);
    }
    for (place, first) in [
        (Sequence(0), 101),
        (Sequence(101), 101),
        (Sequence(150), 150),
        (Sequence(300), 300),
        (Sequence(301), 0),
        (Sequence(u64::MAX), 0),
        (Time(0), 101),
        (Time(1_500), 150),
        (Time(1_501), 151),
        (Time(3_001), 0),
        (Position(0), 101),
        (Position(300), 150),
        (Position(301), 151),
        (Position(u64::MAX), 0),
    ] {
        let part = part(&broker, place, 5);
        assert_eq!((part.first, part.end), (101, 301));
        let wanted: Vec<_> = (first..=300).take(if first == 0 { 0 } else { 5 }).collect();
        assert_eq!(sequences(&part), wanted, "{place:?}");
    }
    let all = part(&broker, Sequence(0), usize::MAX);
    assert_eq!(sequences(&all), (101..=300).collect::<Vec<_>>());
}

#[test]
fn a_part_has_a_maximum_number_of_bytes_and_at_least_one_message() {
    let broker = broker(|_| {});
    publish(&broker, "t", 10);
    let size = broker.topic(&as_name("t")).expect("a topic").bytes / 10;
    for (bytes, count) in [(1, 1), (size, 1), (size + 1, 2), (5 * size, 5)] {
        let part = broker.history(&as_name("t"), Sequence(1), 100, bytes);
        assert_eq!(part.expect("a topic").entries.len(), count, "{bytes}");
    }
    assert_eq!(part(&broker, Sequence(1), 0).entries.len(), 0);
}

#[test]
fn a_topic_without_messages_has_an_empty_history_and_an_unknown_one_has_none() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let dormant = part(&broker, Sequence(0), 5);
    assert_eq!((dormant.first, dormant.end), (1, 1));
    publish(&broker, "t", 3);
    broker.clear(&as_name("t"));
    let cleared = part(&broker, Sequence(0), 5);
    assert_eq!(
        (sequences(&cleared), cleared.first, cleared.end),
        (vec![], 4, 4)
    );
    let unknown = broker.history(&as_name("u"), Sequence(0), 5, u64::MAX);
    assert!(unknown.is_none());
}

fn traffic(broker: &Broker, topic: &str, now_ms: u64) -> TopicTraffic {
    let mut walk = Subtree::of(&as_name(topic));
    let found = broker.traffic(&mut walk, now_ms, |_| true);
    found.into_iter().next().expect("a topic")
}

#[test]
fn the_rate_counts_the_messages_of_the_last_seconds() {
    const SECOND: u64 = 1_000;
    let broker = broker(|limits| limits.history_entries = 1_000);
    for number in 0..200 {
        publish_at(&broker, "t", 100 * SECOND + number * 100);
    }
    // The last message is at 119.9 s.
    for (now_ms, rate) in [
        (119_900, 51.0 / 5.0),
        (120 * SECOND, 10.0),
        (122 * SECOND, 6.0),
        (124_900, 0.2),
        (124_901, 0.0),
        (500 * SECOND, 0.0),
        // A clock that was set back.
        (0, 40.0),
    ] {
        let traffic = traffic(&broker, "t", now_ms);
        assert_eq!(traffic.rate, Some(rate), "{now_ms}");
        assert_eq!((traffic.messages, traffic.last_ms), (200, Some(119_900)));
    }
}

#[test]
fn the_rate_of_a_short_history_is_that_of_its_age() {
    let broker = broker(|limits| limits.history_entries = 10);
    for number in 0..100 {
        publish_at(&broker, "t", 100_000 + number);
    }
    assert_eq!(traffic(&broker, "t", 100_099).rate, Some(10_000.0 / 9.0));
    assert_eq!(traffic(&broker, "t", 100_190).rate, Some(100.0));
    assert_eq!(traffic(&broker, "t", 200_000).rate, Some(0.0));
    let broker = crate::harness::broker(|limits| limits.history_entries = 1);
    publish_at(&broker, "t", 100_000);
    assert_eq!(
        traffic(&broker, "t", 100_001).rate,
        Some(0.2),
        "the first message"
    );
    publish_at(&broker, "t", 100_001);
    assert_eq!(
        traffic(&broker, "t", 100_002).rate,
        None,
        "one message does not tell"
    );
    assert_eq!(traffic(&broker, "t", 200_000).rate, Some(0.0));
}

#[test]
fn topics_and_children_are_examined_in_steps_that_together_are_complete() {
    let broker = broker(|_| {});
    for number in 0..3_000 {
        publish(&broker, &format!("t.{number:04}.x"), 1);
    }
    publish(&broker, "u", 2);
    let mut walk = Subtree::below(None);
    let mut messages = Vec::new();
    let mut steps = 0;
    while !walk.is_done() {
        let found = broker.traffic(&mut walk, 0, |_| true);
        assert!(found.len() <= 128);
        messages.extend(found.into_iter().map(|one| one.messages));
        steps += 1;
    }
    assert_eq!(
        (messages.len(), messages.iter().sum::<u64>()),
        (3_001, 3_002)
    );
    assert!(steps > 20, "{steps}");
    let mut walk = Subtree::below(Some(&as_name("t")));
    let mut children = Vec::new();
    while !walk.is_done() {
        children.extend(broker.children(&mut walk, 700, |name| name.as_str() > "t.1"));
    }
    assert_eq!(children.len(), 2_000);
    assert_eq!(children[0], as_name("t.1000"));
    let mut walk = Subtree::below(Some(&as_name("t")));
    let mut count = 0;
    while !walk.is_done() {
        count += broker.count_children(&mut walk, |_| true);
    }
    assert_eq!(count, 3_000);
}
