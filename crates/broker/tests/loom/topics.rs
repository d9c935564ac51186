//! Publishing concurrently with draining of topics.

use broker::{Broker, Limits, Outcome, Subscribe};
use loom::{sync::Arc, thread};

use crate::connection::{Connection, event, name, publish};

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
