//! Publishing concurrently with draining of topics.

use broker::{Broker, Limits, Outcome, Start, Subscribe, TopicFilter};
use loom::{sync::Arc, thread};

use crate::connection::{Connection, drain_ready, event, name, publish};

fn connect(broker: &Broker, topics: &[&str]) -> Connection<u64> {
    let connection = Connection::attach(broker, |delivery| delivery.entry.position());
    for topic in topics {
        let filter = name(topic).into();
        broker
            .subscribe(
                &connection.session,
                Subscribe::to(&filter),
                &mut Outcome::default(),
            )
            .expect("within the limits");
    }
    connection
}

fn publish_all(broker: &Broker, connection: &Connection<u64>, topics: &[&str]) {
    let batch = topics.iter().map(|topic| event(topic)).collect();
    publish(broker, &[connection], batch);
}

/// Checks that all messages have been delivered in order once all publishers have returned.
fn check(threads: &'static [&'static [&'static str]]) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connect(&broker, &["a", "b"]));
        let handles: Vec<_> = threads[1..]
            .iter()
            .map(|topics| {
                let broker = Arc::clone(&broker);
                let connection = Arc::clone(&connection);
                thread::spawn(move || publish_all(&broker, &connection, topics))
            })
            .collect();
        publish_all(&broker, &connection, threads[0]);
        for handle in handles {
            handle.join().expect("a publisher");
        }
        let positions = connection.take();
        let count: usize = threads.iter().map(|topics| topics.len()).sum();
        assert_eq!(positions, (1..=count as u64).collect::<Vec<_>>());
        broker.detach(&connection.session, 0, &mut Outcome::default());
    });
}

#[test]
fn two_publishers_to_one_topic_lose_no_wake_up() {
    check(&[&["a"], &["a"]]);
}

#[test]
fn two_topics_are_delivered_in_one_order() {
    check(&[&["a", "b"], &["b", "a"]]);
}

#[test]
fn a_reader_that_retires_a_cursor_sees_appended_entries() {
    check(&[&["a"], &["b", "a"]]);
}

fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(run);
}

fn subscribe_to_all(broker: &Broker, connection: &Connection<u64>, start: Start) {
    let filter = TopicFilter::new(">").expect("a filter");
    let subscribe = Subscribe {
        start,
        ..Subscribe::to(&filter)
    };
    let mut outcome = Outcome::default();
    broker
        .subscribe(&connection.session, subscribe, &mut outcome)
        .expect("within the limits");
    drain_ready(&mut outcome, &[connection]);
}

#[test]
fn a_cursor_that_is_taken_back_loses_no_message() {
    model(|| {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connect(&broker, &[]));
        subscribe_to_all(&broker, &connection, Start::New);
        let publisher = {
            let (broker, connection) = (Arc::clone(&broker), Arc::clone(&connection));
            thread::spawn(move || {
                publish_all(&broker, &connection, &["a"]);
                publish_all(&broker, &connection, &["a"]);
            })
        };
        broker.tidy(0);
        broker.tidy(0);
        publisher.join().expect("a publisher");
        assert_eq!(connection.take(), [1, 2]);
        broker.detach(&connection.session, 0, &mut Outcome::default());
    });
}

/// The model examines one topic in each step.
#[test]
fn a_subscription_that_begins_in_steps_gets_each_message_once() {
    model(|| {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connect(&broker, &[]));
        publish_all(&broker, &connection, &["a", "b"]);
        let publisher = {
            let (broker, connection) = (Arc::clone(&broker), Arc::clone(&connection));
            thread::spawn(move || publish_all(&broker, &connection, &["b"]))
        };
        subscribe_to_all(&broker, &connection, Start::Last);
        publisher.join().expect("a publisher");
        let positions = connection.take();
        // The second message to `b` replaces its last image if it is first.
        assert!(
            positions == [1, 2, 3] || positions == [1, 3],
            "{positions:?}"
        );
        broker.detach(&connection.session, 0, &mut Outcome::default());
    });
}
