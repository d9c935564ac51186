//! Topic subscriptions that acknowledge, or outlive their connection: each has a queue.

use broker::{Acknowledgement, Consume, DeleteDurableError, Missed, SubscribeError};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{bodies, durable, durable_name, event, publish_events, publish_one, selector},
};

#[test]
fn a_durable_subscription_is_kept_and_continues() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let acknowledgement = Acknowledgement::Auto;
    client.consume(
        &broker,
        Consume {
            acknowledgement,
            ..durable("d", "t.*")
        },
    );
    publish_events(&broker, "t.a", &["1"]);
    assert_eq!(client.take_bodies(), ["1"]);
    client.detach(&broker);
    publish_events(&broker, "t.b", &["2"]);
    publish_events(&broker, "t.c", &["3"]);
    let mut again = Client::attach(&broker, "again");
    let id = again.consume(&broker, durable("d", "t.*"));
    assert_eq!(bodies(&again.take_at(0, 1)), ["2"]);
    again.unsubscribe(&broker, id);
    let mut last = Client::attach(&broker, "last");
    last.consume(&broker, durable("d", "t.*"));
    let taken = last.take();
    assert_eq!(bodies(&taken), ["2", "3"]);
    assert_eq!((taken[0].count, taken[1].count), (2, 1));
    assert_eq!(broker.figures().subscriptions, 1);
}

#[test]
fn a_durable_subscription_belongs_to_one_session_at_a_time() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    let other = Client::attach(&broker, "other");
    let refused = other.try_consume(&broker, durable("d", "t"));
    assert_eq!(
        refused,
        Err(SubscribeError::DurableInUse(durable_name("d")))
    );
    assert_eq!(
        broker.delete_durable(&durable_name("d")),
        Err(DeleteDurableError::InUse)
    );
    assert_eq!(
        broker.delete_durable(&durable_name("e")),
        Err(DeleteDurableError::Unknown)
    );
    client.unsubscribe(&broker, id);
    assert_eq!(broker.delete_durable(&durable_name("d")), Ok(()));
    assert_eq!(
        broker.delete_durable(&durable_name("d")),
        Err(DeleteDurableError::Unknown)
    );
    other.consume(&broker, durable("d", "t"));
}

#[test]
fn a_deleted_durable_subscription_leaves_nothing() {
    let broker = broker(|limits| limits.history_entries = 1);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t.*"));
    client.unsubscribe(&broker, id);
    for number in 0..100 {
        publish_events(&broker, "t.a", &[&number.to_string()]);
    }
    assert!(broker.delete_durable(&durable_name("d")).is_ok());
    broker.clear(&as_name("t.a"));
    let figures = broker.figures();
    assert_eq!(
        (figures.topics, figures.subscriptions, figures.held_bytes),
        (0, 0, 0)
    );
}

#[test]
fn a_durable_subscription_starts_anew_with_another_filter_or_selector() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    let others = [
        durable("d", "u"),
        Consume {
            selector: selector("a = 1"),
            ..durable("d", "u")
        },
        durable("d", "t"),
    ];
    for other in others {
        publish_events(&broker, "t", &["old"]);
        publish_events(&broker, "u", &["old"]);
        let mut client = Client::attach(&broker, "c");
        client.consume(&broker, other);
        assert_eq!(client.take(), []);
        client.detach(&broker);
    }
    // The old filter no longer feeds the queue.
    assert_eq!(
        broker.topic(&as_name("u")).expect("a topic").subscriptions,
        0
    );
    assert_eq!(
        broker.topic(&as_name("t")).expect("a topic").subscriptions,
        1
    );
}

#[test]
fn at_its_bound_the_oldest_messages_are_dropped_and_reported() {
    let broker = broker(|limits| limits.queue_entries = 3);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    publish_events(&broker, "t", &["1", "2", "3", "4", "5"]);
    let mut again = Client::attach(&broker, "again");
    again.consume(&broker, durable("d", "t"));
    let taken = again.take();
    assert_eq!(bodies(&taken), ["3", "4", "5"]);
    assert_eq!(taken[0].missed, Some(Missed::Unknown));
    assert!(taken[1..].iter().all(|one| one.missed.is_none()));
}

#[test]
fn a_message_that_can_never_fit_drops_no_other() {
    let broker = broker(|limits| limits.queue_bytes = 3_000);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    publish_events(&broker, "t", &["1", &"x".repeat(4_000), "2"]);
    let mut again = Client::attach(&broker, "again");
    again.consume(&broker, durable("d", "t"));
    let taken = again.take();
    assert_eq!(bodies(&taken), ["1", "2"]);
    assert_eq!(taken[1].missed, Some(Missed::Unknown));
}

#[test]
fn a_gap_is_reported_even_if_the_next_message_expires() {
    let broker = broker(|limits| limits.queue_entries = 2);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, durable("d", "t"));
    client.unsubscribe(&broker, id);
    for (body, at_ms) in [("1", 0), ("2", 10), ("3", 0)] {
        publish_one(&broker, event("t", body, &[]).expiring(at_ms)).expect("there is room");
    }
    crate::queue_harness::expire(&broker, 10);
    let mut again = Client::attach(&broker, "again");
    again.consume(&broker, durable("d", "t"));
    let taken = again.take();
    assert_eq!(
        (bodies(&taken), taken[0].missed),
        (vec!["3".to_owned()], Some(Missed::Unknown))
    );
}
