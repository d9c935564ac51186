//! Consumers that are unsubscribed while they hold deliveries: they can settle them, and receive no
//! more.

use broker::{Acknowledgement, Broker, Consume, Outcome, SubscriptionId, Verdict};

use crate::{
    harness::{Client, broker},
    queue_harness::{
        Taken, bodies, counts, figures, message, publish_events, publish_one, queue, selector,
        send, topics,
    },
};

fn unsubscribe(broker: &Broker, client: &Client, id: SubscriptionId) {
    let mut outcome = Outcome::default();
    broker.unsubscribe_when_settled(client.reader.session(), id, 0, &mut outcome);
}

/// Returns a client whose consumer of `q` has read "1" and "2", was assigned "3" without reading it,
/// and is then unsubscribed.
fn unsubscribed(broker: &Broker, consume: Consume<'_>) -> (Client, Vec<Taken>) {
    let mut client = Client::attach(broker, "leaving");
    let id = client.consume(broker, consume);
    send(broker, "q", &["1", "2", "3"]);
    let taken = client.take_at(0, 2);
    assert_eq!(bodies(&taken), ["1", "2"]);
    unsubscribe(broker, &client, id);
    (client, taken)
}

#[test]
fn deliveries_can_be_settled_and_go_to_no_other_consumer() {
    for acknowledgement in [Acknowledgement::Individual, Acknowledgement::Cumulative] {
        let broker = broker(|_| {});
        let consume = Consume {
            acknowledgement,
            ..queue("q")
        };
        let (mut client, taken) = unsubscribed(&broker, consume);
        let mut other = Client::attach(&broker, "other");
        other.consume(&broker, queue("q"));
        send(&broker, "q", &["4"]);
        assert_eq!(client.take(), []);
        assert_eq!(other.take_bodies(), ["3", "4"]);
        assert_eq!(figures(&broker, "q").consumers, 2);
        assert_eq!(broker.figures().subscriptions, 2);
        if acknowledgement == Acknowledgement::Individual {
            client.accept(&broker, &taken[0]);
            assert_eq!(counts(&broker, "q"), (0, 3));
            assert_eq!(figures(&broker, "q").consumers, 2);
        }
        client.accept(&broker, &taken[1]);
        // The consumer ends with its last delivery.
        assert_eq!(counts(&broker, "q"), (0, 2));
        assert_eq!(figures(&broker, "q").consumers, 1);
        assert_eq!(broker.figures().subscriptions, 1);
        let late = client.try_settle(&broker, taken[1].id(), Verdict::Accept);
        assert!(late.is_err());
        assert_eq!(figures(&broker, "q").acknowledged, 2);
    }
}

#[test]
fn returned_deliveries_go_to_other_consumers() {
    let broker = broker(|_| {});
    let (mut client, taken) = unsubscribed(&broker, queue("q"));
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue("q"));
    assert_eq!(other.take_bodies(), ["3"]);
    client.settle(&broker, &taken[0], Verdict::Return);
    client.settle(&broker, &taken[1], Verdict::Reject);
    assert_eq!(client.take(), []);
    assert_eq!(other.take_bodies(), ["1"]);
    assert_eq!(figures(&broker, "q").dead_lettered, 1);
    assert_eq!(figures(&broker, "q").consumers, 1);
}

#[test]
fn unsettled_deliveries_go_to_others_when_the_session_ends_or_is_paused() {
    for is_paused in [false, true] {
        let broker = broker(|_| {});
        let (mut client, taken) = unsubscribed(&broker, queue("q"));
        client.accept(&broker, &taken[1]);
        let mut other = Client::attach(&broker, "other");
        other.consume(&broker, queue("q"));
        assert_eq!(other.take_bodies(), ["3"]);
        if is_paused {
            let session = client.reader.session();
            broker.pause(session, 0, &mut Outcome::default());
            broker.resume(session, &mut Outcome::default());
        } else {
            client.detach(&broker);
        }
        let again = other.take();
        assert_eq!((&*again[0].body, again[0].count), ("1", 2));
        assert_eq!(figures(&broker, "q").consumers, 1);
        assert_eq!(broker.figures().subscriptions, 1);
        assert_eq!(client.take(), []);
    }
}

#[test]
fn without_deliveries_a_consumer_ends_at_once() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let automatic = Consume {
        acknowledgement: Acknowledgement::Auto,
        ..queue("q")
    };
    for consume in [automatic, queue("other")] {
        let id = client.consume(&broker, consume);
        send(&broker, "q", &["1"]);
        client.take();
        unsubscribe(&broker, &client, id);
        assert_eq!(broker.figures().subscriptions, 0);
    }
    // The messages of a topic subscription end with it, since no other consumer could receive them.
    let id = client.consume(&broker, topics("t", broker::Start::New));
    publish_events(&broker, "t", &["1"]);
    let taken = client.take();
    unsubscribe(&broker, &client, id);
    assert_eq!(broker.figures().subscriptions, 0);
    let late = client.try_settle(&broker, taken[0].id(), Verdict::Accept);
    assert!(late.is_err());
}

#[test]
fn groups_and_exclusive_queues_go_to_other_consumers() {
    let broker = broker(|_| {});
    let mut only = Client::attach(&broker, "only");
    let id = only.consume(
        &broker,
        Consume {
            exclusive: true,
            selector: selector("JMSXGroupID = 'a'"),
            ..queue("q")
        },
    );
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue("q"));
    for (group, body) in [("a", "1"), ("b", "2")] {
        let group = format!("JMSXGroupID:{group}");
        publish_one(&broker, message("q", body, &[&group])).expect("there is room");
    }
    let taken = only.take();
    assert_eq!(bodies(&taken), ["1"]);
    assert_eq!(other.take(), []);
    unsubscribe(&broker, &only, id);
    assert_eq!(other.take_bodies(), ["2"]);
    publish_one(&broker, message("q", "3", &["JMSXGroupID:a"])).expect("there is room");
    assert_eq!(other.take_bodies(), ["3"]);
    only.accept(&broker, &taken[0]);
    assert_eq!(figures(&broker, "q").consumers, 1);
}

#[test]
fn deliveries_can_be_settled_in_a_transaction() {
    let broker = broker(|_| {});
    let (client, taken) = unsubscribed(&broker, queue("q"));
    let staged = client.stage(&broker, &taken[0], Verdict::Accept);
    client.accept(&broker, &taken[1]);
    assert_eq!(figures(&broker, "q").consumers, 1);
    broker.unstage(client.reader.session(), &[staged]);
    let staged = client.stage(&broker, &taken[0], Verdict::Accept);
    let committed = client.commit(&broker, Vec::new(), &[staged]);
    committed.expect("it was staged");
    assert_eq!(figures(&broker, "q").consumers, 0);
    assert_eq!(counts(&broker, "q"), (1, 0));
}

#[test]
fn the_consumer_counts_as_a_subscription_until_all_is_settled() {
    let broker = broker(|limits| limits.subscriptions_per_session = 1);
    let (client, taken) = unsubscribed(&broker, queue("q"));
    assert!(client.try_consume(&broker, queue("q")).is_err());
    taken.iter().for_each(|one| client.accept(&broker, one));
    assert!(client.try_consume(&broker, queue("q")).is_ok());
}
