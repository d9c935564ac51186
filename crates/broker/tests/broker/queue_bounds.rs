//! The behaviour at each bound of queues.

use broker::{Broker, Consume, Limits, Overflow, PublishError, Start, SubscribeError};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{
        counts, durable, event, message, publish_events, publish_one, queue, send, topics,
    },
};

#[test]
fn a_full_queue_refuses_with_the_exceeded_bound() {
    type Change = fn(&mut Limits);
    let table: [(Change, &str, u64); 3] = [
        (
            |limits| limits.queue_entries = 2,
            "messages in one queue",
            2,
        ),
        (
            |limits| limits.queue_bytes = 3_000,
            "bytes in one queue",
            3_000,
        ),
        (
            |limits| limits.memory_bytes = 6_000,
            "bytes in all queues",
            3_000,
        ),
    ];
    for (change, of, limit) in table {
        let broker = broker(change);
        let body = "x".repeat(1_000);
        send(&broker, "q", &[&body, &body]);
        let refused = publish_one(&broker, message("q", &body, &[]));
        let wanted = PublishError::QueueFull {
            name: as_name("q"),
            of,
            limit,
        };
        assert_eq!(refused.err(), Some(wanted));
        assert_eq!(counts(&broker, "q"), (2, 0));
        assert_eq!(broker.figures().refused, 1);
        if of == "bytes in all queues" {
            continue;
        }
        // Held messages count until they are acknowledged.
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, queue("q"));
        let taken = client.take();
        assert!(publish_one(&broker, message("q", &body, &[])).is_err());
        client.accept(&broker, &taken[0]);
        send(&broker, "q", &[&body]);
    }
}

#[test]
fn one_full_queue_leaves_room_in_others() {
    let broker = broker(|limits| limits.queue_entries = 1);
    send(&broker, "a", &["1"]);
    assert!(publish_one(&broker, message("a", "2", &[])).is_err());
    send(&broker, "b", &["1"]);
}

#[test]
fn a_queue_is_not_created_if_its_first_message_is_refused() {
    for change in [
        |limits: &mut Limits| limits.queue_entries = 0,
        |limits: &mut Limits| limits.queue_bytes = 100,
        |limits: &mut Limits| limits.memory_bytes = 100,
        |limits: &mut Limits| limits.cursors = 1,
    ] {
        let broker = broker(change);
        let client = Client::attach(&broker, "c");
        client.consume(&broker, queue("*.*.*.*"));
        client.consume(&broker, queue(">"));
        let name = "Consumer.a.VirtualTopic.t";
        assert!(publish_one(&broker, message(name, "", &[])).is_err());
        let figures = broker.figures();
        assert_eq!((figures.queues, figures.topics), (0, 0));
    }
}

#[test]
fn at_the_maximum_number_of_queues_empty_unused_ones_make_room() {
    let broker = broker(|limits| limits.queues = 3);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, queue("used"));
    send(&broker, "full", &["1"]);
    send(&broker, "Consumer.a.VirtualTopic.t", &[]);
    client.consume(&broker, queue("Consumer.a.VirtualTopic.t"));
    let refused = publish_one(&broker, message("new", "", &[])).err();
    let wanted = PublishError::TooManyQueues {
        name: as_name("new"),
        limit: 3,
    };
    assert_eq!(refused, Some(wanted));
    let refused = client.try_consume(&broker, queue("new"));
    assert!(matches!(
        refused,
        Err(SubscribeError::TooManyQueues { limit: 3, .. })
    ));
    client.unsubscribe(&broker, id);
    client.take();
    send(&broker, "new", &["1"]);
    assert!(broker.queue(&as_name("used")).is_none());
    assert_eq!(broker.figures().queues, 3);
}

#[test]
fn durable_subscriptions_beyond_the_maximum_are_refused() {
    let broker = broker(|limits| limits.durables = 1);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    let refused = client.try_consume(&broker, durable("e", "t"));
    assert_eq!(refused, Err(SubscribeError::TooManyDurables { limit: 1 }));
    client.consume(&broker, durable("d", "u"));
}

/// Creates subscriptions until one is refused; returns their number.
fn count_until_refused(broker: &Broker, ask: impl Fn(&Client, usize) -> bool) -> usize {
    let client = Client::attach(broker, "c");
    (0..100).take_while(|number| ask(&client, *number)).count()
}

#[test]
fn consumers_and_their_queues_count_towards_the_bound() {
    let few: fn(&mut Limits) = |limits| limits.cursors_per_session = 5;
    let few_in_all: fn(&mut Limits) = |limits| limits.cursors = 5;
    for change in [few, few_in_all] {
        let broker = broker(change);
        send(&broker, "a.1", &["1"]);
        send(&broker, "a.2", &["1"]);
        let ask = |client: &Client, _| client.try_consume(&broker, queue("a.*")).is_ok();
        assert_eq!(count_until_refused(&broker, ask), 2);
    }
    let broker = broker(|limits| limits.subscriptions_per_session = 7);
    let ask = |client: &Client, number| match number % 3 {
        0 => client.try_consume(&broker, queue("q")).is_ok(),
        1 => client.try_consume(&broker, topics("t", Start::New)).is_ok(),
        _ => client
            .try_subscribe(&broker, "t", (Start::New, Overflow::DropOldest, 0))
            .is_ok(),
    };
    assert_eq!(count_until_refused(&broker, ask), 7);
}

#[test]
fn all_cursors_are_released_when_all_sessions_leave() {
    // As many cursors as one round needs: the next round fails if one is not released.
    let broker = broker(|limits| {
        limits.cursors = 11;
        limits.cursors_per_session = 6;
    });
    for round in 0..20 {
        let client = Client::attach(&broker, "c");
        let other = Client::attach(&broker, "other");
        let ids = [
            client.consume(&broker, queue("a.*")),
            client.consume(&broker, queue("a.1")),
            client.consume(&broker, topics("t.*", Start::New)),
        ];
        other.consume(&broker, queue(">"));
        send(&broker, "a.2", &["1"]);
        publish_events(&broker, "t.1", &["1"]);
        other.consume(&broker, durable("d", "t.1"));
        other.consume(&broker, queue("Consumer.a.VirtualTopic.t"));
        match round % 3 {
            0 => ids
                .iter()
                .rev()
                .for_each(|id| client.unsubscribe(&broker, *id)),
            1 => ids.iter().for_each(|id| client.unsubscribe(&broker, *id)),
            _ => {}
        }
        let (first, second) = if round % 2 == 0 {
            (&client, &other)
        } else {
            (&other, &client)
        };
        first.detach(&broker);
        second.detach(&broker);
        second.detach(&broker);
        for name in ["a.1", "a.2", "Consumer.a.VirtualTopic.t"] {
            assert!(
                broker.remove_queue(&as_name(name)).is_some(),
                "{round} {name}"
            );
        }
        assert!(
            broker
                .delete_durable(&crate::queue_harness::durable_name("d"))
                .is_ok()
        );
        broker.clear(&as_name("t.1"));
        drop((client, other));
        let figures = broker.figures();
        assert_eq!(
            (figures.queues, figures.topics, figures.subscriptions),
            (0, 0, 0),
            "{round}"
        );
        assert_eq!((figures.sessions, figures.held_bytes), (0, 0), "{round}");
    }
}

#[test]
fn a_queue_in_use_counts_once_for_several_consumers() {
    let broker = broker(|limits| limits.cursors = 3);
    let client = Client::attach(&broker, "c");
    client.consume(&broker, queue("*"));
    client.consume(&broker, queue("q"));
    client.consume(&broker, queue("q"));
    let refused = client.try_consume(&broker, queue("q"));
    assert!(matches!(
        refused,
        Err(SubscribeError::TooManyCursors { limit: 3, .. })
    ));
}

#[test]
fn queues_are_refused_memory_until_messages_are_acknowledged() {
    let broker = broker(|limits| {
        limits.memory_bytes = 20_000;
        limits.history_entries = 1;
    });
    let body = "x".repeat(1_000);
    let mut client = Client::attach(&broker, "c");
    let acknowledgement = broker::Acknowledgement::Auto;
    client.consume(
        &broker,
        Consume {
            acknowledgement,
            ..queue("q")
        },
    );
    for _ in 0..200 {
        send(&broker, "q", &[&body]);
        assert_eq!(client.take().len(), 1);
    }
    assert_eq!(broker.figures().held_bytes, 0);
    // A last image would make room; a retained message does not.
    let retained = event("t", &"x".repeat(19_000), &[]).retained();
    publish_one(&broker, retained).expect("there is room");
    let refused = publish_one(&broker, message("q", &body, &[])).err();
    assert!(matches!(
        refused,
        Some(PublishError::MemoryFull { limit: 20_000, .. })
    ));
}
