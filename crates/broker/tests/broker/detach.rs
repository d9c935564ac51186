//! Sessions that are detached while others continue.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{DestinationKind, Outcome, Overflow, Start};

use crate::{
    harness::{Client, as_name, broker, publish, publish_all},
    queue_harness::{bodies, queue, send, topics},
};

#[test]
fn a_leaving_session_is_not_notified_and_is_finally_released() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let mut other = Client::attach(&broker, "o");
    for filter in ["a", "awaited", "*", ">", "a"] {
        client.subscribe(&broker, filter, Start::New, Overflow::Block);
    }
    other.subscribe(&broker, "a", Start::New, Overflow::DropOldest);
    let session = Arc::clone(client.reader.session());
    let temporary = as_name("$TEMP.c.t");
    let created = broker.create_temporary(&session, DestinationKind::Topic, &temporary);
    created.expect("within the limits");
    publish_all(&broker, &["a"]);
    let mut outcome = Outcome::default();
    let mut leaving = broker.begin_detach(&session);
    assert!(session.is_ended());
    assert_eq!(client.read_all(), []);
    // While the session leaves, others publish, also to its topics, and no publisher is blocked by
    // it.
    let mut rounds = 0;
    while broker.continue_detach(&mut leaving, 0, &mut outcome) {
        let blocked = publish(&broker, "a", 1);
        assert!(blocked.is_empty());
        publish(&broker, "awaited", 1);
        assert_eq!(client.read_all(), []);
        rounds += 1;
    }
    assert_eq!(rounds, 5, "one for each subscription");
    assert_eq!(other.read_all().len(), 1 + rounds);
    let figures = broker.figures();
    assert_eq!((figures.sessions, figures.subscriptions), (1, 1));
    assert!(broker.topic(&temporary).is_none());
    let weak = Arc::downgrade(&session);
    drop((leaving, client, session));
    assert!(weak.upgrade().is_none(), "nothing refers to it");
}

#[test]
fn messages_of_leaving_consumers_go_to_others_when_all_have_left() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    for _ in 0..3 {
        client.consume(&broker, queue("q"));
    }
    send(&broker, "q", &["1", "2", "3", "4", "5", "6"]);
    assert_eq!(client.take().len(), 6);
    let mut other = Client::attach(&broker, "o");
    other.consume(&broker, queue("q"));
    let mut outcome = Outcome::default();
    let mut leaving = broker.begin_detach(client.reader.session());
    // From now on it is given nothing.
    send(&broker, "q", &["7", "8"]);
    assert_eq!(bodies(&other.take()), ["7", "8"]);
    for _ in 0..3 {
        assert_eq!(other.take(), []);
        assert!(broker.continue_detach(&mut leaving, 0, &mut outcome));
    }
    while broker.continue_detach(&mut leaving, 0, &mut outcome) {}
    assert_eq!(bodies(&other.take()), ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(client.take(), []);
}

/// Returns the time until a session with this number of consumers of one topic has left.
fn time_to_leave(consumers: usize) -> Duration {
    let broker = broker(|limits| limits.subscriptions_per_session = consumers);
    let client = Client::attach(&broker, "c");
    for _ in 0..consumers {
        client.consume(&broker, topics("t", Start::New));
    }
    let begun = Instant::now();
    client.detach(&broker);
    begun.elapsed()
}

#[test]
fn the_time_to_leave_grows_with_the_consumers_and_not_with_their_square() {
    let best_of = |consumers| (0..5).map(|_| time_to_leave(consumers)).min();
    let (few, many) = (best_of(2_000), best_of(32_000));
    let ratio = many.zip(few).map(|(many, few)| many.div_duration_f64(few));
    // 16 times as many; their square would be 256 times as much.
    assert!(ratio.is_some_and(|ratio| ratio < 128.0), "{ratio:?}");
}
