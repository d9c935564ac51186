//! Allocations of steady publishing and delivery: none for a delivery, none for a publication to a
//! full topic, and occasionally a chunk of the log.
#![cfg(not(loom))]

use std::{ops::ControlFlow, sync::Weak};

use broker::{
    Broker, EncodingSlot, Limits, Outcome, Peer, Publication, Reader, Subscribe, TopicFilter,
    TopicName,
};

struct NoopPeer;

impl Peer for NoopPeer {
    fn deliver(&self) {}
    fn wake(&self) {}
}

/// A broker with subscribers of one topic, all of which have received some messages.
struct Fixture {
    broker: Broker,
    readers: Vec<Reader>,
    topic: TopicName,
    batch: Vec<Publication>,
    outcome: Outcome,
}

impl Fixture {
    fn with(subscribers: usize) -> Self {
        let broker = Broker::new(1, Limits::default());
        let filter = TopicFilter::new("rect").expect("a filter");
        let attach = |_| {
            let reader = broker.attach("subscriber".into(), Weak::<NoopPeer>::new());
            let subscribe = Subscribe::to(&filter);
            broker
                .subscribe(reader.session(), subscribe, &mut Outcome::default())
                .expect("within the limits");
            reader
        };
        let readers = (0..subscribers).map(attach).collect();
        let topic = TopicName::new("rect").expect("a name");
        let mut fixture = Self {
            broker,
            readers,
            topic,
            batch: Vec::new(),
            outcome: Outcome::default(),
        };
        // Until the history is full and every buffer has its final size.
        for _ in 0..100 {
            fixture.publish();
            fixture.deliver();
        }
        fixture
    }

    /// Publishes a batch.
    fn publish(&mut self) {
        let producer = self.readers[0].session().name();
        self.batch.extend(
            (0..BATCH)
                .map(|_| Publication::new(self.topic.clone(), producer.clone(), 0, &[0; 100])),
        );
        self.broker.publish(&mut self.batch, &mut self.outcome);
        self.outcome.ready.drain().for_each(drop);
    }

    /// Drains every reader like a listener: an encoding for several subscribers is created once and
    /// kept.
    fn deliver(&mut self) -> usize {
        let slot = EncodingSlot::new(0).expect("there is room for one");
        let mut delivered = 0;
        for reader in &mut self.readers {
            reader.session().begin_drain();
            reader.drain(0, |delivery| {
                if delivery.is_shared {
                    let encode = |entry: &broker::Entry| Box::from(entry.body());
                    delivered += delivery.entry.encoding(slot, encode).len() / 100;
                } else {
                    delivered += delivery.entry.body().len() / 100;
                }
                ControlFlow::Continue(())
            });
        }
        delivered
    }
}

fn allocations(act: impl FnOnce()) -> u64 {
    allocation_counter::measure(act).count_total
}

#[test]
fn a_publication_reuses_the_memory_of_an_old_one() {
    let mut fixture = Fixture::with(1);
    let allocated = allocations(|| {
        (0..ROUNDS).for_each(|_| {
            fixture.publish();
            assert_eq!(fixture.deliver(), BATCH);
        })
    });
    // Chunks of the log, and the list of dropped ones.
    let chunks = (ROUNDS * BATCH) as u64 / 16;
    assert!((1..=chunks).contains(&allocated), "{allocated} allocations");
}

#[test]
fn a_delivery_allocates_nothing() {
    let mut few = Fixture::with(2);
    let mut many = Fixture::with(100);
    for (fixture, readers) in [(&mut few, 2), (&mut many, 100)] {
        fixture.publish();
        let allocated = allocations(|| assert_eq!(fixture.deliver(), readers * BATCH));
        // An encoding is stored in two parts, for any number of subscribers.
        assert_eq!(allocated, 2 * BATCH as u64, "{readers} subscribers");
    }
}

/// Most subscriptions of a large system are to topics without messages.
#[test]
fn a_subscription_to_an_empty_topic_takes_little_memory() {
    const COUNT: usize = 100_000;
    /// Bytes requested from the allocator, without its overhead.
    const BYTES: i64 = 270;
    let broker = Broker::new(1, Limits::default());
    let readers: Vec<_> = (0..100)
        .map(|_| broker.attach("subscriber".into(), Weak::<NoopPeer>::new()))
        .collect();
    let taken = allocation_counter::measure(|| {
        for at in 0..COUNT {
            let filter = match at % 8 {
                0 => format!("other.{at}.*"),
                _ => format!("other.{at}.x"),
            };
            let filter = TopicFilter::new(&filter).expect("a filter");
            let session = readers[at % readers.len()].session();
            let subscribe = Subscribe::to(&filter);
            broker
                .subscribe(session, subscribe, &mut Outcome::default())
                .expect("within the limits");
        }
    });
    let each = taken.bytes_current / COUNT as i64;
    assert!(each <= BYTES, "{each} bytes each");
}

const BATCH: usize = 64;
const ROUNDS: usize = 100;
