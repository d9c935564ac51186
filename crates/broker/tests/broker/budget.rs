//! Each call examines a bounded number of entries that do not match, and resumes later without
//! missing any.

use broker::{Consume, Outcome, Overflow, Start, Subscribe, Verdict};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{
        Taken, bodies, browser, counts, event, message, publish_one, queue, selector, send,
    },
};

/// Far more entries than one call examines.
const MANY: usize = 2_000;
/// The minimum and maximum number of calls for `MANY` entries.
const CALLS: std::ops::RangeInclusive<usize> = 5..=40;

/// Sends messages to queue `q`, numbered from 0, all blue except the given ones.
fn paint(broker: &broker::Broker, count: usize, red: &[usize]) {
    for number in 0..count {
        let colour = if red.contains(&number) { "red" } else { "blue" };
        let header = format!("colour:{colour}");
        publish_one(broker, message("q", &number.to_string(), &[&header])).expect("there is room");
    }
}

fn red() -> Consume<'static> {
    Consume {
        selector: selector("colour = 'red'"),
        ..queue("q")
    }
}

impl Client {
    /// Reads to the end; returns the messages and the number of calls.
    fn take_in_calls(&mut self) -> (Vec<Taken>, usize) {
        let mut taken = Vec::new();
        let mut calls = 1;
        self.reader.session().begin_drain();
        while !self.take_some(0, usize::MAX, &mut taken) {
            calls += 1;
            assert!(calls < 100_000, "it comes to an end");
        }
        (taken, calls)
    }
}

#[test]
fn a_selector_scans_a_queue_in_parts() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[700, MANY - 1]);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, red());
    assert_eq!(counts(&broker, "q"), (MANY as u64, 0), "not all at once");
    let (taken, calls) = client.take_in_calls();
    assert_eq!(bodies(&taken), ["700", "1999"]);
    assert!(CALLS.contains(&calls), "{calls}");
    // The consumer has examined everything, and receives new messages at once.
    publish_one(&broker, message("q", "x", &["colour:red"])).expect("there is room");
    assert_eq!(counts(&broker, "q"), (MANY as u64 - 2, 3));
    assert_eq!(client.take_in_calls().1, 1);
}

#[test]
fn messages_sent_during_a_scan_are_delivered() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[]);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, red());
    let mut taken = Vec::new();
    assert!(!client.take_some(0, usize::MAX, &mut taken));
    publish_one(&broker, message("q", "x", &["colour:red"])).expect("there is room");
    assert_eq!(bodies(&client.take_in_calls().0), ["x"]);
}

#[test]
fn a_consumer_can_end_during_its_scan() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[]);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, red());
    let mut taken = Vec::new();
    assert!(!client.take_some(0, usize::MAX, &mut taken));
    client.unsubscribe(&broker, id);
    assert!(client.take_some(0, usize::MAX, &mut taken));
    assert_eq!(taken, []);
}

#[test]
fn other_subscriptions_of_the_session_are_read_during_a_scan() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[]);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, red());
    client.consume(&broker, queue("other"));
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let mut taken = Vec::new();
    assert!(!client.take_some(0, usize::MAX, &mut taken));
    send(&broker, "other", &["1"]);
    publish_one(&broker, event("t", "2", &[])).expect("there is room");
    assert!(!client.take_some(0, usize::MAX, &mut taken));
    assert_eq!(bodies(&taken), ["1", "2"]);
}

#[test]
fn returned_messages_are_scanned_by_many_consumers_in_parts() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[]);
    let mut holder = Client::attach(&broker, "holder");
    holder.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    let first = holder.take();
    let mut clients: Vec<_> = (0..3).map(|_| Client::attach(&broker, "c")).collect();
    for client in &mut clients {
        for _ in 0..40 {
            client.consume(&broker, red());
        }
        let (taken, calls) = client.take_in_calls();
        assert_eq!(taken, []);
        assert!(calls > 300, "{calls}");
    }
    let id = holder.consume(
        &broker,
        Consume {
            exclusive: true,
            ..red()
        },
    );
    assert_eq!(holder.take_in_calls().0, []);
    publish_one(&broker, message("q", "x", &["colour:red"])).expect("there is room");
    assert_eq!(holder.take_bodies(), ["x"]);
    // Now every consumer has to examine everything again.
    let mut outcome = holder.settle(&broker, &first[0], Verdict::Return);
    broker.unsubscribe(holder.reader.session(), id, 0, &mut outcome);
    assert!(outcome.ready.drain().count() >= 3);
    let mut found = Vec::new();
    for client in &mut clients {
        let (taken, calls) = client.take_in_calls();
        assert!(calls > 100, "{calls}");
        found.extend(bodies(&taken));
    }
    assert_eq!(found, ["x"]);
    assert_eq!(holder.take_bodies(), ["0"]);
    assert_eq!(counts(&broker, "q").1, 2);
}

#[test]
fn consumers_that_end_together_return_messages_in_order() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    for _ in 0..200 {
        client.consume(
            &broker,
            Consume {
                prefetch: 5,
                ..queue("q")
            },
        );
    }
    let mut heir = Client::attach(&broker, "heir");
    heir.consume(
        &broker,
        Consume {
            prefetch: 2_000,
            exclusive: true,
            ..queue("other")
        },
    );
    paint(&broker, 1_000, &[]);
    assert_eq!(client.take_in_calls().0.len(), 1_000);
    heir.consume(
        &broker,
        Consume {
            prefetch: 2_000,
            ..queue("q")
        },
    );
    client.detach(&broker);
    let taken = heir.take();
    assert!(taken.iter().map(|one| one.position).eq(1..=1_000));
    assert!(taken.iter().all(|one| one.count == 2));
    assert_eq!(broker.figures().subscriptions, 2);
}

#[test]
fn a_wildcard_consumer_finds_messages_in_many_queues() {
    let broker = broker(|_| {});
    for number in 0..500 {
        send(&broker, &format!("q.{number}"), &["1", "2"]);
    }
    for colour in [None, selector("colour = 'red' OR 1 = 1")] {
        let mut client = Client::attach(&broker, "c");
        client.consume(
            &broker,
            Consume {
                prefetch: 3,
                selector: colour,
                ..queue("q.*")
            },
        );
        let mut seen = std::collections::HashMap::new();
        for _ in 0..490 {
            let taken = client.take();
            let last = taken.last().expect("there is one more");
            *seen.entry(last.queue.clone()).or_insert(0) += 1;
            client.accept(&broker, last);
        }
        assert!(seen.len() > 400, "in turns: {}", seen.len());
        client.detach(&broker);
    }
    assert_eq!(broker.queues(&as_filter("q.*"), 1_000).0.len(), 500);
    let waiting = broker.queues(&as_filter("q.*"), 1_000).0;
    assert_eq!(waiting.iter().map(|one| one.waiting).sum::<u64>(), 20);
}

fn subscribe(broker: &broker::Broker, client: &Client, overflow: Overflow, start: Start) {
    let filter = as_filter("t.>");
    let subscribe = Subscribe {
        overflow,
        start,
        selector: selector("colour = 'red'"),
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    broker
        .subscribe(client.reader.session(), subscribe, &mut Outcome::default())
        .expect("within the limits");
}

fn publish_events(broker: &broker::Broker, topic: &str, red: &[usize]) {
    for number in 0..MANY {
        let colour = if red.contains(&number) { "red" } else { "blue" };
        let header = format!("colour:{colour}");
        publish_one(broker, event(topic, &number.to_string(), &[&header])).expect("there is room");
    }
}

#[test]
fn a_selector_scans_history_in_parts() {
    let broker = broker(|limits| limits.history_entries = 1_000_000);
    publish_events(&broker, "t.a", &[300]);
    publish_events(&broker, "t.b", &[0, 1_999]);
    let mut client = Client::attach(&broker, "c");
    let start = Start::AfterPosition(0);
    subscribe(&broker, &client, Overflow::DropOldest, start);
    let (taken, calls) = client.take_in_calls();
    assert_eq!(bodies(&taken), ["300", "0", "1999"]);
    assert!((20..=50).contains(&calls), "{calls}");
}

#[test]
fn a_latest_subscription_gets_only_the_newest_entry_after_many_calls() {
    let broker = broker(|limits| {
        limits.history_entries = 1_000_000;
        limits.lag_entries = 1_000_000;
    });
    let mut client = Client::attach(&broker, "c");
    subscribe(&broker, &client, Overflow::Latest, Start::New);
    publish_events(&broker, "t.a", &[0, 100, 300, 700]);
    let (taken, calls) = client.take_in_calls();
    assert_eq!(bodies(&taken), ["700"]);
    assert!(CALLS.contains(&calls), "{calls}");
    publish_events(&broker, "t.a", &[]);
    let (taken, calls) = client.take_in_calls();
    assert_eq!(taken, []);
    assert!(CALLS.contains(&calls), "{calls}");
    let topic = broker.topic(&as_name("t.a")).expect("a topic");
    assert_eq!((topic.delivered, topic.greatest_lag), (1, 0));
}

#[test]
fn a_browser_scans_in_parts_with_little_memory() {
    let broker = broker(|_| {});
    paint(&broker, MANY, &[1_999]);
    let mut holder = Client::attach(&broker, "holder");
    holder.consume(
        &broker,
        Consume {
            prefetch: 1_000,
            ..queue("q")
        },
    );
    holder.take();
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            selector: red().selector,
            ..browser("q")
        },
    );
    let (taken, calls) = client.take_in_calls();
    assert_eq!(bodies(&taken), ["1999", ""]);
    assert!(CALLS.contains(&calls), "{calls}");
    let before = broker.figures().held_bytes;
    client.consume(&broker, browser("q"));
    broker.purge(&as_name("q"));
    holder.detach(&broker);
    broker.purge(&as_name("q"));
    let kept = broker.figures().held_bytes;
    assert!(kept > 0 && kept < before / 50, "{kept} of {before}");
    let (taken, _) = client.take_in_calls();
    assert_eq!(taken.len(), 17, "what it had fetched, and the end");
}

#[test]
fn a_message_reaches_the_only_one_of_many_consumers_that_selects_it() {
    let broker = broker(|_| {});
    let mut clients: Vec<_> = (0..3).map(|_| Client::attach(&broker, "c")).collect();
    for number in 0..600 {
        let selector = selector(&format!("number = {number}"));
        let consume = Consume {
            selector,
            ..queue("q")
        };
        clients[number % 3].consume(&broker, consume);
    }
    for number in (0..600).rev() {
        let header = format!("number:{number}");
        let outcome = publish_one(&broker, message("q", &number.to_string(), &[&header]));
        drop(outcome.expect("there is room"));
    }
    let taken = clients.iter_mut().map(Client::take_in_calls);
    assert_eq!(taken.map(|(taken, _)| taken.len()).sum::<usize>(), 600);
    // A consumer that has examined everything receives a new message at once, if it is its turn
    // soon.
    publish_one(&broker, message("q", "x", &["number:7"])).expect("there is room");
    let found: Vec<_> = clients.iter_mut().flat_map(Client::take_bodies).collect();
    assert_eq!(found, ["x"]);
}

/// The bytes that a selector may read in a body count like messages.
#[test]
fn a_selector_scans_long_bodies_in_shorter_parts() {
    let broker = broker(|_| {});
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(16 << 10));
    for number in 0..50 {
        let body = if number == 49 { "{\"a\":1}" } else { &long };
        publish_one(&broker, message("q", body, &[])).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    let consume = Consume {
        selector: selector("body.a = 1"),
        ..queue("q")
    };
    client.consume(&broker, consume);
    let (taken, calls) = client.take_in_calls();
    assert_eq!(bodies(&taken), ["{\"a\":1}"]);
    assert!(
        calls >= 20,
        "{calls} calls for 49 bodies of 16 KiB, each read twice"
    );
}
