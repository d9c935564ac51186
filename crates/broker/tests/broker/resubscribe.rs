//! Replacing a subscription by another that continues at the same position.

use broker::{
    Broker, Missed, Outcome, Overflow, OwnMessages, Retained, Start, Subscribe, SubscribeError,
    SubscriptionId,
};

use crate::{
    harness::{Client, Got, as_filter, broker, publish},
    queue_harness::{queue, selector},
    retained::{retain, subscribe},
};

fn resubscribe(
    broker: &Broker,
    client: &Client,
    old: SubscriptionId,
    subscribe: Subscribe<'_>,
) -> Result<SubscriptionId, SubscribeError> {
    let session = client.reader.session();
    broker.resubscribe(session, old, subscribe, &mut Outcome::default())
}

/// Tag, position, and true if the message is marked as retained.
fn brief(got: &[Got]) -> Vec<(u8, u64, bool)> {
    let brief = got
        .iter()
        .map(|one| (one.tag, one.position, one.is_retained));
    brief.collect()
}

#[test]
fn a_replacing_subscription_continues_at_the_old_position() {
    for filter in ["t", "*"] {
        let broker = broker(|_| {});
        let mut client = Client::attach(&broker, "c");
        let old = client.subscribe(&broker, filter, Start::New, Overflow::DropOldest);
        publish(&broker, "t", 3);
        let (got, _) = client.read(2);
        assert_eq!(brief(&got), [(0, 1, false), (0, 2, false)]);
        let filter = as_filter(filter);
        let subscribe = Subscribe {
            tag: &[1],
            ..Subscribe::to(&filter)
        };
        let new = resubscribe(&broker, &client, old, subscribe).expect("there is one");
        publish(&broker, "t", 1);
        publish(&broker, "u", 1);
        let mut expected = vec![(1, 3, false), (1, 4, false)];
        if filter.exact().is_none() {
            expected.push((1, 5, false));
        }
        assert_eq!(brief(&client.read_all()), expected);
        assert_eq!(broker.figures().subscriptions, 1);
        client.unsubscribe(&broker, new);
        publish(&broker, "t", 1);
        assert_eq!(client.read_all(), []);
        broker.clear(&crate::harness::as_name("t"));
        broker.clear(&crate::harness::as_name("u"));
        let figures = broker.figures();
        assert_eq!((figures.topics, figures.held_bytes), (0, 0));
    }
}

#[test]
fn a_replacing_subscription_reports_the_old_ones_gap() {
    let broker = broker(|limits| limits.lag_entries = 2);
    let mut client = Client::attach(&broker, "c");
    let old = client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 5);
    let filter = as_filter("t");
    let subscribe = Subscribe {
        tag: &[1],
        ..Subscribe::to(&filter)
    };
    resubscribe(&broker, &client, old, subscribe).expect("there is one");
    publish(&broker, "t", 1);
    let got = client.read_all();
    assert_eq!(brief(&got), [(1, 5, false), (1, 6, false)]);
    assert_eq!(got[0].missed, Some(Missed::Range { from: 1, to: 4 }));
}

#[test]
fn retained_messages_are_delivered_again_on_request() {
    for (retained, expected) in [
        (Retained::First, vec![(1, 1, true), (1, 3, false)]),
        (Retained::Omitted, vec![(1, 3, false)]),
    ] {
        let broker = broker(|_| {});
        retain(&broker, "t", "x");
        let mut client = Client::attach(&broker, "c");
        let filter = as_filter("*");
        let asked = |tag| Subscribe {
            retained,
            tag,
            ..Subscribe::to(&filter)
        };
        let (old, _) = subscribe(&broker, &client, asked(&[0]));
        publish(&broker, "t", 1);
        client.read_all();
        resubscribe(&broker, &client, old, asked(&[1])).expect("there is one");
        publish(&broker, "t", 1);
        assert_eq!(brief(&client.read_all()), expected);
    }
}

#[test]
fn unread_retained_messages_are_delivered_once() {
    for retained in [Retained::First, Retained::Omitted] {
        let broker = broker(|_| {});
        retain(&broker, "t", "x");
        let mut client = Client::attach(&broker, "c");
        let filter = as_filter("t");
        let asked = |retained, tag| Subscribe {
            retained,
            tag,
            ..Subscribe::to(&filter)
        };
        let (old, _) = subscribe(&broker, &client, asked(Retained::First, &[0]));
        // This message replaces the retained one.
        retain(&broker, "t", "y");
        resubscribe(&broker, &client, old, asked(retained, &[1])).expect("there is one");
        assert_eq!(brief(&client.read_all()), [(1, 1, true), (1, 2, false)]);
    }
}

#[test]
fn a_latest_subscription_with_a_new_selector_scans_again() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let filter = as_filter("t");
    let asked = |text: &str, tag| Subscribe {
        overflow: Overflow::Latest,
        selector: selector(text),
        tag,
        ..Subscribe::to(&filter)
    };
    let (old, _) = subscribe(&broker, &client, asked("colour = 'red'", &[0]));
    for colour in ["red", "blue"] {
        let event = crate::queue_harness::event("t", "x", &[&format!("colour:{colour}")]);
        crate::queue_harness::publish_one(&broker, event).expect("there is room");
    }
    let session = client.reader.session();
    // The reader finds the red message, but does not deliver it.
    session.begin_drain();
    client.reader.drain(0, |_| std::ops::ControlFlow::Break(()));
    resubscribe(&broker, &client, old, asked("colour = 'blue'", &[1])).expect("there is one");
    assert_eq!(brief(&client.read_all()), [(1, 2, false)]);
}

#[test]
fn replacing_a_missing_subscription_is_an_error() {
    let broker = broker(|limits| limits.lag_entries = 2);
    let client = Client::attach(&broker, "c");
    let other = Client::attach(&broker, "other");
    let old = client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let consumer = client.consume(&broker, queue("t"));
    let filter = as_filter("t");
    let nothing = Err(SubscribeError::NothingToReplace);
    let same = || Subscribe::to(&filter);
    assert_eq!(
        resubscribe(&broker, &client, old, Subscribe::to(&as_filter("u"))),
        nothing
    );
    assert_eq!(resubscribe(&broker, &client, consumer, same()), nothing);
    assert_eq!(resubscribe(&broker, &other, old, same()), nothing);
    client.unsubscribe(&broker, old);
    assert_eq!(resubscribe(&broker, &client, old, same()), nothing);
    let old = client.subscribe(&broker, "t", Start::New, Overflow::Disconnect);
    publish(&broker, "t", 3);
    let ended = Err(SubscribeError::SessionEnded);
    assert_eq!(resubscribe(&broker, &client, old, same()), ended);
    client.detach(&broker);
    assert_eq!(resubscribe(&broker, &client, old, same()), ended);
}

#[test]
fn messages_of_the_own_session_are_skipped_on_request() {
    let broker = broker(|limits| limits.lag_entries = 50);
    let mut client = Client::attach(&broker, "c");
    let other = Client::attach(&broker, "c");
    let filter = as_filter("t");
    let asked = |own_messages, tag| Subscribe {
        own_messages,
        retained: Retained::First,
        overflow: Overflow::Block,
        tag,
        ..Subscribe::to(&filter)
    };
    let by = |client: &Client| {
        let name = client.reader.session().name();
        let body = b"x";
        broker::Publication::new(crate::harness::as_name("t"), name.clone(), 0, body)
    };
    let publish = |publication| {
        crate::queue_harness::publish_one(&broker, publication).expect("there is room");
    };
    publish(by(&client).retained());
    subscribe(&broker, &client, asked(OwnMessages::Skipped, &[0]));
    subscribe(&broker, &client, asked(OwnMessages::Delivered, &[1]));
    publish(by(&client));
    publish(by(&other));
    let mut got = client.read_all();
    // Deliveries of one position have no fixed order.
    got.sort_by_key(|one| (one.position, one.tag));
    assert_eq!(
        brief(&got),
        [(1, 1, true), (1, 2, false), (0, 3, false), (1, 3, false)]
    );
    assert!(got.iter().all(|one| one.missed.is_none()));
    // Messages that the subscription does not want do not count as its lag.
    for _ in 0..50 {
        publish(by(&client));
    }
    client.read_all();
    let topic = broker
        .topic(&crate::harness::as_name("t"))
        .expect("a topic");
    assert_eq!(
        (topic.greatest_lag, topic.dropped, topic.delivered),
        (0, 0, 54)
    );
}
