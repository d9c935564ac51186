//! Publishing against draining, in every order that threads and memory allow.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p carillon-broker --release --test loom`
#![cfg(loom)]

use std::{ops::ControlFlow, sync::Weak};

use broker::{Broker, Limits, Outcome, Peer, Publication, Reader, Session, Subscribe};
use broker::{TopicFilter, TopicName};
use bytes::Bytes;
use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A connection: whoever has published drains, unless somebody is at it.
struct Connection {
    session: std::sync::Arc<Session>,
    /// Taken by trying, and let go with no more order than a lock gives.
    taken: AtomicBool,
    reader: Mutex<Reader>,
    positions: Mutex<Vec<u64>>,
}

impl Connection {
    fn drain(&self) {
        loop {
            if self
                .taken
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
            {
                return;
            }
            self.session.begin();
            let mut positions = Vec::new();
            let done = self.reader.lock().expect("no panic").drain(0, |delivery| {
                positions.push(delivery.entry.position());
                ControlFlow::Continue(())
            });
            assert!(done);
            self.positions.lock().expect("no panic").extend(positions);
            self.taken.store(false, Ordering::Release);
            if !self.session.is_scheduled() {
                return;
            }
        }
    }
}

struct Nobody;

impl Peer for Nobody {
    fn deliver(&self) {}
    fn wake(&self) {}
}

fn connection(broker: &Broker, filters: &[&str]) -> Connection {
    let reader = broker.attach("c".into(), Weak::<Nobody>::new());
    for filter in filters {
        let filter = TopicFilter::new(filter).expect("a filter");
        broker
            .subscribe(
                reader.session(),
                Subscribe::to(&filter),
                &mut Outcome::default(),
            )
            .expect("within the limits");
    }
    Connection {
        session: std::sync::Arc::clone(reader.session()),
        taken: AtomicBool::new(false),
        reader: Mutex::new(reader),
        positions: Mutex::new(Vec::new()),
    }
}

fn publish(broker: &Broker, connection: &Connection, topics: &[&str]) {
    let mut batch = topics
        .iter()
        .map(|topic| {
            let topic = TopicName::new(topic).expect("a name");
            Publication::new(topic, "p".into(), 0, Bytes::new())
        })
        .collect();
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    if outcome.ready.drain().count() > 0 {
        connection.drain();
    }
}

/// Everything that is published has been delivered once all publishers have returned, in order.
fn check(threads: &'static [&'static [&'static str]]) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let broker = Arc::new(Broker::new(1, Limits::default()));
        let connection = Arc::new(connection(&broker, &["a", "b"]));
        let handles: Vec<_> = threads[1..]
            .iter()
            .map(|topics| {
                let broker = Arc::clone(&broker);
                let connection = Arc::clone(&connection);
                thread::spawn(move || publish(&broker, &connection, topics))
            })
            .collect();
        publish(&broker, &connection, threads[0]);
        for handle in handles {
            handle.join().expect("a publisher");
        }
        let positions = connection.positions.lock().expect("no panic").clone();
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
fn two_topics_come_in_one_order() {
    check(&[&["a", "b"], &["b", "a"]]);
}

#[test]
fn a_reader_that_retires_a_cursor_sees_what_was_appended() {
    check(&[&["a"], &["b", "a"]]);
}
