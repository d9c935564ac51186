//! Subscriptions shared by several sessions: each message goes to one of them.

use broker::{
    Acknowledgement, Broker, Consume, SharedName, Source, Start, SubscribeError, Verdict,
};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{
        bodies, counts, event, expire, figures, publish_events, publish_one, queue, selector, send,
        topics,
    },
    retained::retain,
};

pub fn shared(group: &str, filter: &str) -> Consume<'static> {
    Consume {
        source: Source::Shared(SharedName {
            group: group.into(),
            filter: as_filter(filter),
        }),
        ..topics(filter, Start::New)
    }
}

fn attach(broker: &Broker, count: usize) -> Vec<Client> {
    (0..count).map(|_| Client::attach(broker, "c")).collect()
}

#[test]
fn each_group_gets_every_message_once() {
    let broker = broker(|_| {});
    let mut clients = attach(&broker, 4);
    for (client, group) in clients.iter().zip(["a", "a", "b", "a"]) {
        client.consume(&broker, shared(group, "t.*"));
    }
    clients[3].consume(&broker, shared("a", "t.>"));
    let mut plain = Client::attach(&broker, "plain");
    plain.consume(&broker, topics("t.*", Start::New));
    publish_events(&broker, "t.1", &["1", "2", "3"]);
    publish_events(&broker, "t.new", &["4", "5", "6"]);
    let taken: Vec<_> = clients
        .iter_mut()
        .map(|client| client.take_bodies())
        .collect();
    let all = ["1", "2", "3", "4", "5", "6"];
    assert_eq!(taken[0], ["1", "4"]);
    assert_eq!(taken[1], ["2", "5"]);
    assert_eq!(taken[2], all);
    // Its share of the first group, and all messages of the second, which has another filter.
    assert_eq!(taken[3], ["1", "2", "3", "3", "4", "5", "6", "6"]);
    assert_eq!(plain.take_bodies(), all);
}

#[test]
fn a_group_begins_with_its_first_consumer_and_ends_with_its_last() {
    let broker = broker(|_| {});
    retain(&broker, "t", "0");
    let mut clients = attach(&broker, 2);
    let first = clients[0].consume(&broker, shared("g", "t"));
    publish_events(&broker, "t", &["1"]);
    let second = clients[1].consume(&broker, shared("g", "t"));
    publish_events(&broker, "t", &["2"]);
    // Retained messages are delivered only to subscriptions that are not shared.
    assert_eq!(clients[0].take_bodies(), ["1"]);
    assert_eq!(clients[1].take_bodies(), ["2"]);
    clients[0].unsubscribe(&broker, first);
    // The messages of the first consumer go to the second.
    assert_eq!(clients[1].take_bodies(), ["1"]);
    clients[1].unsubscribe(&broker, second);
    publish_events(&broker, "t", &["3"]);
    clients[0].consume(&broker, shared("g", "t"));
    publish_events(&broker, "t", &["4"]);
    assert_eq!(clients[0].take_bodies(), ["4"]);
    drop(clients.pop());
    clients[0].detach(&broker);
    broker.clear(&as_name("t"));
    let figures = broker.figures();
    assert_eq!((figures.topics, figures.subscriptions), (0, 0));
    assert_eq!(figures.held_bytes, 0);
}

#[test]
fn consumers_of_a_group_may_differ_in_acknowledgement() {
    let broker = broker(|_| {});
    let mut clients = attach(&broker, 2);
    clients[0].consume(&broker, shared("g", "t"));
    let auto = Consume {
        acknowledgement: Acknowledgement::Auto,
        ..shared("g", "t")
    };
    clients[1].consume(&broker, auto);
    publish_events(&broker, "t", &["1", "2"]);
    let held = clients[0].take();
    let done = clients[1].take();
    assert_eq!(
        (bodies(&held), bodies(&done)),
        (vec!["1".to_owned()], vec!["2".to_owned()])
    );
    assert!(held[0].id.is_some() && done[0].id.is_none());
    clients[0].settle(&broker, &held[0], Verdict::Return);
    // It is the other consumer's turn.
    assert_eq!(
        clients[0].take_bodies().len() + clients[1].take_bodies().len(),
        1
    );
}

#[test]
fn consumers_of_a_group_receive_selected_messages() {
    let broker = broker(|_| {});
    let mut clients = attach(&broker, 2);
    for (client, colour) in clients.iter().zip(["red", "blue"]) {
        let consume = Consume {
            selector: selector(&format!("colour = '{colour}'")),
            ..shared("g", "t")
        };
        client.consume(&broker, consume);
    }
    for (body, colour) in [("1", "blue"), ("2", "red"), ("3", "green"), ("4", "blue")] {
        let event = event("t", body, &[&format!("colour:{colour}")]);
        publish_one(&broker, event).expect("there is room");
    }
    assert_eq!(clients[0].take_bodies(), ["2"]);
    assert_eq!(clients[1].take_bodies(), ["1", "4"]);
}

#[test]
fn messages_of_a_group_expire() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let consume = Consume {
        selector: selector("colour = 'red'"),
        ..shared("g", "t")
    };
    client.consume(&broker, consume);
    publish_one(&broker, event("t", "1", &[]).expiring(10)).expect("there is room");
    broker.clear(&as_name("t"));
    assert!(broker.figures().held_bytes > 0);
    expire(&broker, 10);
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn a_group_of_a_virtual_topic_uses_the_queue_of_that_name() {
    let broker = broker(|_| {});
    let mut clients = attach(&broker, 2);
    clients[0].consume(&broker, shared("g", "VirtualTopic.x"));
    clients[1].consume(&broker, queue("Consumer.g.VirtualTopic.x"));
    publish_events(&broker, "VirtualTopic.x", &["1", "2"]);
    send(&broker, "Consumer.g.VirtualTopic.x", &["3"]);
    assert_eq!(clients[0].take_bodies(), ["1", "3"]);
    assert_eq!(clients[1].take_bodies(), ["2"]);
    assert_eq!(figures(&broker, "Consumer.g.VirtualTopic.x").consumers, 2);
    for client in &clients {
        client.detach(&broker);
    }
    // The queue is kept, like other named queues.
    assert_eq!(counts(&broker, "Consumer.g.VirtualTopic.x"), (3, 0));
}

#[test]
fn a_group_without_such_a_queue_has_its_own() {
    for (group, filter, topic) in [
        ("a.b", "VirtualTopic.x", "VirtualTopic.x"),
        ("a b*", "VirtualTopic.x", "VirtualTopic.x"),
        ("", "VirtualTopic.x", "VirtualTopic.x"),
        ("g", "VirtualTopic.*", "VirtualTopic.x"),
        ("g", "VirtualTopic", "VirtualTopic"),
    ] {
        let broker = broker(|_| {});
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, shared(group, filter));
        publish_events(&broker, topic, &["1"]);
        assert_eq!(client.take_bodies(), ["1"], "{group} {filter}");
        assert_eq!(broker.figures().queues, 0, "{group} {filter}");
    }
}

#[test]
fn a_refused_shared_subscription_changes_nothing() {
    let broker = broker(|limits| {
        limits.topics = 1;
        limits.cursors = 3;
    });
    publish_events(&broker, "t", &["1"]);
    let client = Client::attach(&broker, "c");
    for group in ["1", "2", "3"] {
        client.consume(&broker, shared(group, "t"));
    }
    let refused = client.try_consume(&broker, shared("g", "u"));
    assert!(
        matches!(refused, Err(SubscribeError::TooManyTopics { .. })),
        "{refused:?}"
    );
    let refused = client.try_consume(&broker, shared("4", "t"));
    assert!(
        matches!(refused, Err(SubscribeError::TooManyCursors { .. })),
        "{refused:?}"
    );
    // Joining a group needs no additional cursor.
    client.consume(&broker, shared("3", "t"));
    assert_eq!(broker.figures().subscriptions, 4);
}
