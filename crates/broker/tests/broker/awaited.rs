//! Topics that have subscribers but no messages yet behave like other topics.

use broker::{Missed, Outcome, Overflow, Retained, Start, Subscribe, SubscribeError};

use crate::harness::{Client, as_filter, as_name, broker, publish_all, try_publish};

#[test]
fn a_topic_with_only_subscribers_is_listed_with_their_number() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let first = client.subscribe(&broker, "a.b", Start::New, Overflow::DropOldest);
    client.subscribe(&broker, "a.b", Start::New, Overflow::DropOldest);
    let wildcard = client.subscribe(&broker, "a.*", Start::New, Overflow::DropOldest);
    let subscriptions = || {
        let listed = broker.topics(&as_filter(">"), 9);
        let listed: Vec<_> = listed.into_iter().map(|one| one.subscriptions).collect();
        assert_eq!(broker.figures().topics, listed.len());
        listed
    };
    assert_eq!(subscriptions(), [3]);
    assert!(broker.clear(&as_name("a.b")) && broker.has_subscribers(&as_name("a.b")));
    client.unsubscribe(&broker, wildcard);
    client.unsubscribe(&broker, first);
    assert_eq!(subscriptions(), [1]);
    publish_all(&broker, &["a.b"]);
    assert_eq!(subscriptions(), [1]);
}

#[test]
fn every_waiting_subscription_gets_the_first_entry_in_order() {
    let broker = broker(|_| {});
    let mut clients: Vec<_> = (0..20)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.subscribe(&broker, "t", Start::Last, Overflow::DropOldest);
            client
        })
        .collect();
    let left = clients.remove(3);
    left.detach(&broker);
    publish_all(&broker, &["t", "other", "t"]);
    for client in &mut clients {
        let sequences: Vec<_> = client.read_all().iter().map(|got| got.sequence).collect();
        assert_eq!(sequences, [1, 2]);
    }
}

#[test]
fn an_unknown_gap_is_reported_although_others_wait_for_the_topic() {
    for filter in ["t", "*"] {
        for (start, told) in [
            (Start::New, None),
            (Start::AfterPosition(0), None),
            (Start::Lost, Some(Missed::Unknown)),
            (Start::AfterSequence(7), Some(Missed::Unknown)),
        ] {
            let broker = broker(|_| {});
            let first = Client::attach(&broker, "first");
            first.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
            let mut second = Client::attach(&broker, "second");
            second.subscribe(&broker, filter, start, Overflow::DropOldest);
            publish_all(&broker, &["t"]);
            let missed: Vec<_> = second.read_all().iter().map(|got| got.missed).collect();
            assert_eq!(missed, [told], "{filter} {start:?}");
        }
    }
}

#[test]
fn a_waiting_subscription_can_be_replaced() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let old = client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let filter = as_filter("t");
    let asked = Subscribe {
        retained: Retained::First,
        tag: &[2],
        ..Subscribe::to(&filter)
    };
    let session = client.reader.session();
    let replaced = broker.resubscribe(session, old, asked, &mut Outcome::default());
    assert!(replaced.is_ok());
    publish_all(&broker, &["t"]);
    assert_eq!(client.read_all().len(), 1, "not for both");
}

#[test]
fn cursors_of_topics_without_messages_count_towards_the_bound() {
    let broker = broker(|limits| limits.cursors = 4);
    let client = Client::attach(&broker, "c");
    let subscribe = |filter: &str| {
        client
            .try_subscribe(&broker, filter, (Start::New, Overflow::DropOldest, 0))
            .map(|(id, _)| id)
    };
    let first = subscribe("a").expect("one");
    for filter in ["b", "b", "c"] {
        subscribe(filter).expect("within the limit");
    }
    for filter in ["b", "d"] {
        let refused = subscribe(filter);
        assert!(matches!(
            refused,
            Err(SubscribeError::TooManyCursors { .. })
        ));
    }
    subscribe("*").expect("it has no cursor yet");
    assert!(try_publish(&broker, "b", 0).is_ok(), "it was counted");
    client.unsubscribe(&broker, first);
    assert!(subscribe("d").is_ok());
    assert!(subscribe("b").is_err());
}
