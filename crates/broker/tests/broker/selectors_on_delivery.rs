//! Selectors of subscriptions to topics and to queues.

use broker::{Consume, Outcome, Overflow, Start, Subscribe};

use crate::{
    harness::{Client, as_filter, broker},
    queue_harness::{
        bodies, counts, durable, event, message, publish_one, queue, selector, topics,
    },
};

fn subscribe(broker: &broker::Broker, client: &Client, overflow: Overflow, text: &str) {
    let filter = as_filter("t");
    let subscribe = Subscribe {
        overflow,
        selector: selector(text),
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    broker
        .subscribe(client.reader.session(), subscribe, &mut Outcome::default())
        .expect("within the limits");
}

/// Publishes messages numbered from 1 with these colours.
fn paint(broker: &broker::Broker, colours: &[&str]) {
    for (index, colour) in colours.iter().enumerate() {
        let header = format!("colour:{colour}");
        let body = (index + 1).to_string();
        publish_one(broker, event("t", &body, &[&header])).expect("there is room");
    }
}

#[test]
fn a_subscription_receives_only_selected_messages() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe(&broker, &client, Overflow::DropOldest, "colour = 'red'");
    paint(&broker, &["red", "blue", "red", "green"]);
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "3"]);
    assert!(taken.iter().all(|one| one.missed.is_none()));
    assert_eq!(broker.figures().delivered, 2);
}

#[test]
fn unselected_messages_do_not_count_as_lag() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe(&broker, &client, Overflow::Block, "colour = 'red'");
    paint(&broker, &["blue"; 50]);
    assert_eq!(client.take(), []);
    assert_eq!(
        broker
            .topic(&crate::harness::as_name("t"))
            .expect("a topic")
            .greatest_lag,
        0
    );
}

#[test]
fn a_latest_subscription_gets_the_newest_selected_message() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe(&broker, &client, Overflow::Latest, "colour = 'red'");
    paint(&broker, &["red", "red", "blue", "red", "blue", "blue"]);
    assert_eq!(client.take_bodies(), ["4"]);
    paint(&broker, &["blue", "blue"]);
    assert_eq!(client.take(), []);
    paint(&broker, &["red", "blue"]);
    assert_eq!(client.take_bodies(), ["1"]);
}

#[test]
fn a_latest_subscription_gets_no_expired_message() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe(&broker, &client, Overflow::Latest, "");
    publish_one(&broker, event("t", "1", &[])).expect("there is room");
    publish_one(&broker, event("t", "2", &[]).expiring(10)).expect("there is room");
    assert_eq!(bodies(&client.take_at(10, 9)), ["1"]);
}

#[test]
fn a_topics_queue_contains_only_selected_messages() {
    let broker = broker(|limits| limits.queue_entries = 2);
    let mut client = Client::attach(&broker, "c");
    let red = || selector("colour = 'red'");
    client.consume(
        &broker,
        Consume {
            selector: red(),
            ..topics("t", Start::New)
        },
    );
    let id = client.consume(
        &broker,
        Consume {
            selector: red(),
            tag: &[1],
            ..durable("d", "t")
        },
    );
    client.unsubscribe(&broker, id);
    paint(&broker, &["red", "blue", "blue", "blue", "red"]);
    assert_eq!(client.take_bodies(), ["1", "5"]);
    client.consume(
        &broker,
        Consume {
            selector: red(),
            ..durable("d", "t")
        },
    );
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "5"]);
    assert!(taken.iter().all(|one| one.missed.is_none()));
}

#[test]
fn selectors_see_headers_of_queue_messages() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let text = "JMSDestination = 'q' AND JMSPriority > 4 AND size BETWEEN 10 AND 20";
    client.consume(
        &broker,
        Consume {
            selector: selector(text),
            ..queue("q")
        },
    );
    for (body, headers) in [
        ("1", ["priority:9", "size:15"]),
        ("2", ["priority:4", "size:15"]),
        ("3", ["priority:9", "size:21"]),
    ] {
        publish_one(&broker, message("q", body, &headers)).expect("there is room");
    }
    assert_eq!(client.take_bodies(), ["1"]);
    assert_eq!(counts(&broker, "q"), (2, 1));
}

#[test]
fn a_returned_message_goes_to_a_consumer_that_selects_it() {
    let broker = broker(|_| {});
    let mut any = Client::attach(&broker, "any");
    any.consume(&broker, queue("q"));
    publish_one(&broker, message("q", "1", &["colour:red"])).expect("there is room");
    publish_one(&broker, message("q", "2", &["colour:blue"])).expect("there is room");
    let mut red = Client::attach(&broker, "red");
    red.consume(
        &broker,
        Consume {
            selector: selector("colour = 'red'"),
            ..queue("q")
        },
    );
    assert_eq!(any.take().len(), 2);
    any.detach(&broker);
    let taken = red.take();
    assert_eq!((bodies(&taken), taken[0].count), (vec!["1".to_owned()], 2));
    assert_eq!(counts(&broker, "q"), (1, 1));
}
