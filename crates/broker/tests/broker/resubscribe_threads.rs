//! A subscription that is replaced repeatedly, while other threads publish and read.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use broker::{Broker, Outcome, Peer, Reader, Subscribe};
use simulation::Random;

use crate::harness::{as_filter, broker, publication};

const TOPICS: [&str; 4] = ["a", "a.b", "c", "c.d"];
const PRODUCERS: u64 = 2;
const BATCHES: usize = 3_000;

#[test]
fn each_message_is_delivered_once_while_the_subscription_is_replaced() {
    let broker = broker(|limits| limits.lag_entries = u64::MAX);
    let mut reader = broker.attach("c".into(), Weak::<NoopPeer>::new());
    let is_over = AtomicBool::new(false);
    // The next sequence, by topic.
    let mut next = HashMap::new();
    thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|seed| {
                let broker = &broker;
                scope.spawn(move || publish(broker, seed))
            })
            .collect();
        let session = reader.session().clone();
        let replacing = scope.spawn({
            let (broker, is_over) = (&broker, &is_over);
            move || {
                let filter = as_filter(">");
                let asked = || Subscribe::to(&filter);
                let outcome = &mut Outcome::default();
                let mut id = broker
                    .subscribe(&session, asked(), outcome)
                    .expect("within the limits");
                while !is_over.load(Ordering::SeqCst) {
                    id = broker
                        .resubscribe(&session, id, asked(), outcome)
                        .expect("there is one");
                    outcome.ready.drain().for_each(drop);
                }
            }
        });
        while !producers.iter().all(thread::ScopedJoinHandle::is_finished) {
            read(&mut reader, &mut next);
            thread::yield_now();
        }
        is_over.store(true, Ordering::SeqCst);
        replacing.join().expect("the one who replaces");
    });
    read(&mut reader, &mut next);
    for topic in broker.topics(&as_filter(">"), TOPICS.len()) {
        let name = topic.name.as_str();
        assert_eq!(next.get(name), Some(&(topic.sequence + 1)), "{name}");
    }
    assert_eq!(broker.figures().subscriptions, 1);
}

struct NoopPeer;

impl Peer for NoopPeer {
    fn deliver(&self) {}
    fn wake(&self) {}
}

fn publish(broker: &Broker, seed: u64) {
    let mut random = Random::new(seed);
    let mut outcome = Outcome::default();
    for _ in 0..BATCHES {
        let mut batch = (0..=random.below(4))
            .map(|_| publication(TOPICS[random.below(4) as usize], 0))
            .collect();
        broker.publish(&mut batch, &mut outcome);
        outcome.ready.drain().for_each(drop);
    }
}

/// Reads everything; after the first read, each topic's sequences are contiguous.
fn read(reader: &mut Reader, next: &mut HashMap<String, u64>) {
    reader.session().begin_drain();
    reader.drain(0, |delivery| {
        let sequence = delivery.entry.sequence();
        let topic = delivery.entry.topic().to_string();
        let expected = next.insert(topic, sequence + 1);
        assert!(expected.is_none_or(|expected| expected == sequence));
        assert_eq!(delivery.missed, None);
        ControlFlow::Continue(())
    });
}
