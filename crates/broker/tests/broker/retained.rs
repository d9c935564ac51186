//! Retained messages and their delivery to new subscriptions.

use broker::{Broker, Outcome, Overflow, Publication, Retained, Start, Subscribe, SubscriptionId};

use crate::{
    harness::{Client, Got, as_filter, as_name, broker, publish},
    queue_harness::{event, expire, message, publish_one, queue, selector},
};

pub fn retain(broker: &Broker, topic: &str, body: &str) {
    retain_until(broker, topic, body, 0);
}

fn retain_until(broker: &Broker, topic: &str, body: &str, at_ms: u64) {
    let publication = event(topic, body, &[]).expiring(at_ms).retained();
    publish_one(broker, publication).expect("there is room");
}

pub fn subscribe(
    broker: &Broker,
    client: &Client,
    subscribe: Subscribe<'_>,
) -> (SubscriptionId, usize) {
    let mut outcome = Outcome::default();
    let id = broker
        .subscribe(client.reader.session(), subscribe, &mut outcome)
        .expect("within the limits");
    (id, outcome.ready.drain().count())
}

fn with_retained(broker: &Broker, client: &Client, filter: &str, start: Start) -> usize {
    let filter = as_filter(filter);
    let asked = Subscribe {
        start,
        retained: Retained::First,
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    subscribe(broker, client, asked).1
}

/// Positions, negative if the message is marked as retained.
fn marked(got: &[Got]) -> Vec<i64> {
    let marked = got.iter().map(|one| {
        let position = i64::try_from(one.position).expect("a small number");
        if one.is_retained { -position } else { position }
    });
    marked.collect()
}

fn retained_body(broker: &Broker, topic: &str) -> Option<String> {
    let entry = broker.retained(&as_name(topic))?;
    Some(String::from_utf8_lossy(entry.body()).into_owned())
}

#[test]
fn a_retained_message_is_replaced_or_removed_by_an_empty_one() {
    let broker = broker(|limits| limits.history_entries = 1);
    let mut now = Client::attach(&broker, "now");
    now.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let steps: [(bool, &str, Option<&str>); 6] = [
        (false, "plain", None),
        (true, "1", Some("1")),
        (false, "", Some("1")),
        (true, "2", Some("2")),
        (true, "", None),
        (true, "", None),
    ];
    for (is_retained, body, expected) in steps {
        let publication = event("t", body, &[]);
        let publication = if is_retained {
            publication.retained()
        } else {
            publication
        };
        publish_one(&broker, publication).expect("there is room");
        assert_eq!(retained_body(&broker, "t").as_deref(), expected);
        assert_eq!(broker.figures().retained, usize::from(expected.is_some()));
    }
    // An existing subscriber receives all messages as they are published.
    assert_eq!(marked(&now.read_all()), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn retained_messages_are_delivered_first_in_order_and_marked() {
    let broker = broker(|limits| limits.history_entries = 1);
    for topic in ["a.2", "a.1", "b", "a.3"] {
        retain(&broker, topic, "x");
    }
    // The retained message is no longer in the log.
    publish(&broker, "a.1", 10);
    retain(&broker, "a.3", "y");
    let mut client = Client::attach(&broker, "c");
    assert_eq!(with_retained(&broker, &client, "a.*", Start::New), 1);
    publish(&broker, "a.2", 1);
    retain(&broker, "a.new", "x");
    retain(&broker, "a.3", "z");
    assert_eq!(marked(&client.read_all()), [-1, -2, -15, 16, 17, 18]);
    assert_eq!(broker.figures().delivered, 6);
}

#[test]
fn retained_messages_are_delivered_only_on_request() {
    let broker = broker(|_| {});
    retain(&broker, "t", "x");
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    client.consume(&broker, crate::queue_harness::topics("t", Start::New));
    assert_eq!(client.read_all(), []);
}

#[test]
fn a_retained_message_within_the_history_is_delivered_once() {
    // Positions 1 to 4; the third message is retained.
    let table: [(Start, &[i64]); 5] = [
        (Start::New, &[-3, 5]),
        (Start::Last, &[-3, 4, 5]),
        (Start::AfterPosition(3), &[-3, 4, 5]),
        (Start::AfterPosition(2), &[3, 4, 5]),
        (Start::Lost, &[1, 2, 3, 4, 5]),
    ];
    for (start, expected) in table {
        let broker = broker(|_| {});
        publish(&broker, "t", 2);
        retain(&broker, "t", "x");
        publish(&broker, "t", 1);
        let mut client = Client::attach(&broker, "c");
        with_retained(&broker, &client, "t", start);
        publish(&broker, "t", 1);
        assert_eq!(marked(&client.read_all()), expected, "{start:?}");
    }
}

#[test]
fn reading_can_stop_at_any_retained_message() {
    let broker = broker(|_| {});
    for topic in ["a", "b", "c"] {
        retain(&broker, topic, "x");
    }
    let mut client = Client::attach(&broker, "c");
    with_retained(&broker, &client, "*", Start::New);
    publish(&broker, "b", 2);
    for expected in [-1, -2, -3, 4] {
        let (got, is_done) = client.read(1);
        assert_eq!(marked(&got), [expected]);
        assert!(!is_done);
    }
    assert_eq!(marked(&client.read_all()), [5]);
}

#[test]
fn slow_and_latest_subscriptions_get_all_retained_messages() {
    for (overflow, expected) in [
        (Overflow::DropOldest, vec![-1, 9, 10, 11]),
        (Overflow::Latest, vec![-1, 11]),
    ] {
        let broker = broker(|limits| limits.lag_entries = 3);
        retain(&broker, "t", "x");
        let mut client = Client::attach(&broker, "c");
        let filter = as_filter("t");
        let asked = Subscribe {
            overflow,
            retained: Retained::First,
            tag: &[0],
            ..Subscribe::to(&filter)
        };
        subscribe(&broker, &client, asked);
        publish(&broker, "t", 10);
        let got = client.read_all();
        assert_eq!(marked(&got), expected);
        assert_eq!(got[0].missed, None);
    }
}

#[test]
fn selectors_apply_to_retained_messages() {
    let broker = broker(|_| {});
    for (topic, colour) in [("a", "red"), ("b", "blue")] {
        let publication = event(topic, "x", &[&format!("colour:{colour}")]).retained();
        publish_one(&broker, publication).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    let filter = as_filter("*");
    let asked = Subscribe {
        retained: Retained::First,
        selector: selector("colour = 'blue'"),
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    subscribe(&broker, &client, asked);
    assert_eq!(marked(&client.read_all()), [-2]);
}

#[test]
fn expired_retained_messages_are_neither_delivered_nor_kept() {
    let broker = broker(|_| {});
    retain_until(&broker, "a", "x", 10);
    retain_until(&broker, "b", "x", 20);
    retain_until(&broker, "c", "x", 5);
    // The replacing message does not expire.
    retain(&broker, "c", "y");
    let mut client = Client::attach(&broker, "c");
    with_retained(&broker, &client, "*", Start::New);
    let taken = client.take_at(10, usize::MAX);
    assert_eq!(crate::queue_harness::bodies(&taken), ["x", "y"]);
    for (now_ms, left) in [(9, 3), (10, 2), (1_000, 1)] {
        expire(&broker, now_ms);
        assert_eq!(broker.figures().retained, left, "{now_ms}");
    }
    assert_eq!(retained_body(&broker, "a"), None);
    assert_eq!(retained_body(&broker, "c").as_deref(), Some("y"));
}

#[test]
fn many_retained_messages_expire_in_several_calls() {
    let broker = broker(|_| {});
    for topic in 0..2_500 {
        retain_until(&broker, &format!("t.{topic}"), "x", 10);
    }
    for left in [1_500, 500, 0, 0] {
        expire(&broker, 10);
        assert_eq!(broker.figures().retained, left);
    }
}

#[test]
fn clearing_a_topic_clears_its_retained_message() {
    let broker = broker(|_| {});
    retain(&broker, "t", "x");
    let client = Client::attach(&broker, "c");
    with_retained(&broker, &client, "t", Start::New);
    assert!(broker.clear(&as_name("t")));
    assert_eq!(retained_body(&broker, "t"), None);
    assert!(
        broker.figures().held_bytes > 0,
        "the subscriber still has it"
    );
    client.detach(&broker);
    let figures = broker.figures();
    assert_eq!(
        (figures.retained, figures.topics, figures.held_bytes),
        (0, 0, 0)
    );
}

#[test]
fn a_retained_message_is_kept_when_memory_is_full() {
    let broker = broker(|limits| limits.memory_bytes = 10_000);
    retain(&broker, "t", &"x".repeat(5_000));
    let publication = || event("t", &"y".repeat(3_000), &[]);
    assert!(publish_one(&broker, publication()).is_ok());
    // A message takes the place of the last image, but not of the retained message.
    assert!(publish_one(&broker, publication()).is_ok());
    let large = event("t", &"y".repeat(6_000), &[]);
    assert!(publish_one(&broker, large).is_err());
    assert_eq!(
        retained_body(&broker, "t").map_or(0, |body| body.len()),
        5_000
    );
    assert!(broker.clear(&as_name("t")));
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn the_retain_flag_has_no_effect_on_queues() {
    let broker = broker(|_| {});
    publish_one(&broker, message("q", "x", &[]).retained()).expect("there is room");
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let taken = client.take();
    client.accept(&broker, &taken[0]);
    assert_eq!(broker.figures().retained, 0);
}

#[test]
fn marks_and_the_retain_flag_are_kept_with_the_message() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let publications: [fn(Publication) -> Publication; 3] = [
        |plain| plain,
        Publication::retained,
        |plain| plain.with_marks(0b1010_0001),
    ];
    for make in publications {
        publish_one(&broker, make(event("t", "x", &[]))).expect("there is room");
    }
    let mut found = Vec::new();
    client.reader.drain(0, |delivery| {
        let entry = delivery.entry;
        found.push((entry.is_retained_publication(), entry.marks()));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(found, [(false, 0), (true, 0), (false, 0b1010_0001)]);
}
