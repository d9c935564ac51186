//! Notices about consumers, lost messages and slow subscriptions.

use broker::{Broker, Consume, Outcome, Overflow, Start, Subscribe, SubscriptionId, Verdict};

use crate::{
    harness::{Client, as_filter, broker, publication},
    queue_harness::{
        brief, briefs, browser, durable, event, expire, message, publish_events, publish_one,
        queue, send, topics,
    },
};

/// A session that subscribes to advisories.
fn watch(broker: &Broker) -> (Client, SubscriptionId) {
    let client = Client::attach(broker, "watcher");
    let id = client.subscribe(
        broker,
        "ActiveMQ.Advisory.>",
        Start::New,
        Overflow::DropOldest,
    );
    (client, id)
}

fn consume(
    broker: &Broker,
    client: &Client,
    consume: Consume<'_>,
) -> (SubscriptionId, Vec<String>) {
    let mut outcome = Outcome::default();
    let id = broker
        .consume(client.reader.session(), consume, &mut outcome)
        .expect("within the limits");
    (id, briefs(&outcome))
}

fn unsubscribe(broker: &Broker, client: &Client, id: SubscriptionId) -> Vec<String> {
    let mut outcome = Outcome::default();
    broker.unsubscribe(client.reader.session(), id, 0, &mut outcome);
    briefs(&outcome)
}

#[test]
fn notices_are_sent_only_while_a_session_subscribes_to_advisories() {
    let broker = broker(|_| {});
    let (watcher, id) = watch(&broker);
    unsubscribe(&broker, &watcher, id);
    // None of these subscriptions asks for advisories.
    watcher.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    watcher.subscribe(&broker, "ActiveMQ", Start::New, Overflow::DropOldest);
    watcher.consume(&broker, queue("ActiveMQ.Advisory.>"));
    watcher.consume(&broker, browser("ActiveMQ.Advisory.q"));
    let mut client = Client::attach(&broker, "c");
    assert_eq!(consume(&broker, &client, queue("q")).1, [""; 0]);
    send(&broker, "q", &["1"]);
    let taken = client.take();
    assert_eq!(
        briefs(&client.settle(&broker, &taken[0], Verdict::Reject)),
        [""; 0]
    );
}

#[test]
fn advisories_require_a_filter_that_names_them() {
    for (filter, watches) in [
        ("ActiveMQ.Advisory.>", true),
        ("ActiveMQ.>", true),
        ("ActiveMQ.*.Consumer.Queue.q", true),
        ("ActiveMQ.Advisory", true),
        ("ActiveMQ.Advisory.Connection", true),
        ("ActiveMQ.Other.>", false),
        ("*.Advisory.>", false),
    ] {
        for way in 0..3 {
            let broker = broker(|_| {});
            let watcher = Client::attach(&broker, "w");
            let id = match way {
                0 => watcher.subscribe(&broker, filter, Start::New, Overflow::DropOldest),
                1 => watcher.consume(&broker, topics(filter, Start::New)),
                _ => watcher.consume(&broker, durable("d", filter)),
            };
            let client = Client::attach(&broker, "c");
            let told = consume(&broker, &client, queue("q")).1.len();
            assert_eq!(told, usize::from(watches), "{filter} {way}");
            watcher.unsubscribe(&broker, id);
            assert_eq!(
                consume(&broker, &client, queue("q")).1.len(),
                0,
                "{filter} {way}"
            );
        }
    }
}

#[test]
fn notices_of_consumers_contain_their_number() {
    let broker = broker(|_| {});
    let _watcher = watch(&broker);
    let client = Client::attach(&broker, "c");
    let (one, told) = consume(&broker, &client, queue("q"));
    assert_eq!(told, ["added queue q c 1"]);
    assert_eq!(
        consume(&broker, &client, queue("q")).1,
        ["added queue q c 2"]
    );
    assert_eq!(
        consume(&broker, &client, queue("a.*")).1,
        ["added queue a.* c -"]
    );
    assert_eq!(
        consume(&broker, &client, topics("t", Start::New)).1,
        ["added topic t c 1"]
    );
    assert_eq!(unsubscribe(&broker, &client, one), ["removed queue q c 1"]);
    let filter = as_filter("t");
    let mut outcome = Outcome::default();
    broker
        .subscribe(
            client.reader.session(),
            Subscribe::to(&filter),
            &mut outcome,
        )
        .expect("within the limits");
    assert_eq!(briefs(&outcome), ["added topic t c 2"]);
    let mut outcome = Outcome::default();
    broker.detach(client.reader.session(), 0, &mut outcome);
    let mut told = briefs(&outcome);
    told.sort_unstable();
    let wanted = [
        "removed queue a.* c -",
        "removed queue q c 0",
        "removed topic t c 0",
        "removed topic t c 1",
    ];
    assert_eq!(told, wanted);
}

#[test]
fn notices_of_lost_messages_contain_the_cause() {
    let broker = broker(|limits| {
        limits.redelivery.maximum_redeliveries = 0;
        limits.queue_entries = 2;
    });
    let _watcher = watch(&broker);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1", "2"]);
    let taken = client.take();
    assert_eq!(
        briefs(&client.settle(&broker, &taken[0], Verdict::Reject)),
        ["dead queue q rejected"]
    );
    assert_eq!(
        briefs(&client.settle(&broker, &taken[1], Verdict::Return)),
        ["dead queue q delivered 1"]
    );
    send(&broker, "q", &["3"]);
    let taken = client.take();
    let told = briefs(&client.settle(&broker, &taken[0], Verdict::Reject));
    assert_eq!(
        told,
        ["discarded queue q rejected"],
        "the dead letter queue is full"
    );
    let late = message("late", "4", &[]).expiring(10);
    publish_one(&broker, late).expect("there is room");
    assert_eq!(briefs(&expire(&broker, 10)), ["expired queue late expired"]);
}

#[test]
fn messages_dropped_by_a_topics_queue_are_reported_to_the_publisher() {
    let broker = broker(|limits| limits.queue_entries = 1);
    let _watcher = watch(&broker);
    let client = Client::attach(&broker, "c");
    let (id, _) = consume(&broker, &client, durable("d", "t"));
    unsubscribe(&broker, &client, id);
    publish_events(&broker, "t", &["1"]);
    let outcome = publish_one(&broker, event("t", "2", &[])).expect("there is room");
    assert_eq!(briefs(&outcome), ["discarded topic t full"]);
}

#[test]
fn a_slow_subscription_is_reported_once() {
    let broker = broker(|limits| limits.lag_entries = 2);
    let _watcher = watch(&broker);
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let mut told = Vec::new();
    for _ in 0..10 {
        let mut outcome = Outcome::default();
        broker.publish(&mut vec![publication("t", 0)], &mut outcome);
        told.extend(outcome.notices.iter().map(brief));
    }
    assert_eq!(told, ["slow t c"]);
}
