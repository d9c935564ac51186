//! Measures sending to queues, delivering and acknowledging. Run it with
//! `cargo bench -p carillon-broker --bench queue`.

use std::{
    cell::Cell,
    hint::black_box,
    ops::ControlFlow,
    sync::{Arc, Weak},
};

use broker::{
    Acknowledgement, Broker, Consume, DeliveryId, Fields, Header, HeaderIndex, Limits, MessageId,
    Outcome, Peer, Publication, Reader, Selector, Settlement, Source, Subscribe, TopicFilter,
    TopicName, Verdict,
};
use divan::{Bencher, counter::ItemsCount};

fn main() {
    divan::main();
}

const AUTO: Acknowledgement = Acknowledgement::Auto;
const INDIVIDUAL: Acknowledgement = Acknowledgement::Individual;
const CUMULATIVE: Acknowledgement = Acknowledgement::Cumulative;
const MILLION: usize = 1_000_000;

/// The cost of the same messages on a topic, for comparison.
#[divan::bench(args = [1, 64])]
fn topic(bencher: Bencher<'_, '_>, batch: usize) {
    let bench = Bench::new();
    let reader = bench.attach();
    let filter = filter("q");
    bench
        .broker
        .subscribe(
            reader.session(),
            Subscribe::to(&filter),
            &mut Outcome::default(),
        )
        .expect("within the limits");
    bench.run(bencher, vec![reader], batch, event);
}

#[divan::bench(args = [(1, AUTO, 1), (1, AUTO, 64), (4, AUTO, 1), (4, AUTO, 64), (1, INDIVIDUAL, 1), (1, INDIVIDUAL, 64), (4, INDIVIDUAL, 1), (4, INDIVIDUAL, 64), (1, CUMULATIVE, 64)])]
fn deliver(bencher: Bencher<'_, '_>, (consumers, mode, batch): (usize, Acknowledgement, usize)) {
    let bench = Bench::new();
    let readers = bench.consumers(consumers, || Consume {
        acknowledgement: mode,
        ..consume("q")
    });
    bench.run(bencher, readers, batch, message);
}

/// Delivers from a topic to a subscription with acknowledgements.
#[divan::bench(args = [1, 64])]
fn deliver_from_topic(bencher: Bencher<'_, '_>, batch: usize) {
    let bench = Bench::new();
    let source = || Source::Topics {
        filter: filter("q"),
        start: Default::default(),
    };
    let readers = bench.consumers(1, || Consume {
        source: source(),
        ..consume("q")
    });
    bench.run(bencher, readers, batch, event);
}

#[divan::bench(args = [(4, 1), (4, 64), (1_000, 1_000)])]
fn deliver_groups(bencher: Bencher<'_, '_>, (consumers, batch): (usize, usize)) {
    let bench = Bench::new();
    let readers = bench.consumers(consumers, || consume("q"));
    bench.run(bencher, readers, batch, grouped);
}

#[divan::bench(args = [1, 64])]
fn deliver_to_4_that_select(bencher: Bencher<'_, '_>, batch: usize) {
    let bench = Bench::new();
    let selector = || Selector::new("JMSXGroupID LIKE 'group-%'").ok();
    let readers = bench.consumers(4, || Consume {
        selector: selector(),
        ..consume("q")
    });
    bench.run(bencher, readers, batch, grouped);
}

/// Sends 64 messages to a queue in which `waiting` messages wait and no consumer takes any.
#[divan::bench(args = [0, MILLION])]
fn push_64_to_waiting(bencher: Bencher<'_, '_>, waiting: usize) {
    let bench = Bench::new();
    bench.send(waiting);
    bencher
        .counter(ItemsCount::new(64_usize))
        .bench_local(|| bench.send(64));
}

/// Sends and takes 64 messages on a queue in which `waiting` messages wait.
#[divan::bench(args = [1_000, MILLION])]
fn pass_64_through_waiting(bencher: Bencher<'_, '_>, waiting: usize) {
    let bench = Bench::new();
    bench.send(waiting);
    let mut reader = bench
        .consumers(1, || Consume {
            prefetch: 64,
            ..consume("q")
        })
        .remove(0);
    let mut held = bench.take(&mut reader, 64);
    bencher.counter(ItemsCount::new(64_usize)).bench_local(|| {
        bench.send(64);
        for id in held.drain(..) {
            bench.accept(&reader, id);
        }
        held = bench.take(&mut reader, 64);
    });
}

/// Accepts the oldest or the newest of 10,000 messages in flight, and takes one more.
#[divan::bench(args = ["oldest", "newest"])]
fn settle_one_of_10_000(bencher: Bencher<'_, '_>, which: &str) {
    let bench = Bench::new();
    bench.send(2 * MILLION);
    let mut reader = bench
        .consumers(1, || Consume {
            prefetch: 10_000,
            ..consume("q")
        })
        .remove(0);
    let mut held: std::collections::VecDeque<_> = bench.take(&mut reader, 10_000).into();
    bencher.bench_local(|| {
        let id = if which == "oldest" {
            held.pop_front()
        } else {
            held.pop_back()
        };
        bench.accept(&reader, id.expect("10,000 messages are in flight"));
        held.extend(bench.take(&mut reader, 1));
    });
}

/// Finds a delivery among 10,000 in flight by its message id, as STOMP 1.1 needs it.
#[divan::bench(args = [0, 5_000, 9_999])]
fn find_one_of_10_000(bencher: Bencher<'_, '_>, at: u64) {
    let bench = Bench::new();
    bench.send(10_000);
    let mut reader = bench
        .consumers(1, || Consume {
            prefetch: 10_000,
            ..consume("q")
        })
        .remove(0);
    bench.take(&mut reader, 10_000);
    let message = MessageId {
        epoch: 1,
        position: at + 1,
    };
    bencher.bench_local(|| bench.broker.find_delivery(reader.session(), None, message));
}

/// Returns a message to a queue on which all consumers but one have no free prefetch.
#[divan::bench(args = [1, 10, 1_000])]
fn return_delivery_among(bencher: Bencher<'_, '_>, consumers: usize) {
    let bench = Bench::new();
    let mut readers = bench.consumers(consumers, || Consume {
        prefetch: 1,
        ..consume("q")
    });
    bench.send(consumers + 1);
    let mut held: Vec<_> = readers
        .iter_mut()
        .map(|one| bench.take(one, 1)[0])
        .collect();
    bencher.bench_local(|| {
        bench.settle(&readers[0], held[0], Verdict::Return);
        let next = bench.take(&mut readers[0], 1);
        held.splice(..1, next);
    });
}

/// Delivers a message of one of many queues that one consumer is subscribed to.
#[divan::bench(args = [1, 100, 10_000])]
fn deliver_one_of_queues(bencher: Bencher<'_, '_>, queues: usize) {
    let bench = Bench::new();
    let names: Vec<_> = (0..queues).map(|at| name(&format!("many.{at}"))).collect();
    let send = |at: usize| bench.publish(vec![message(&names[at % queues])]);
    let mut reader = bench.consumers(1, || consume("many.*")).remove(0);
    for at in 0..queues {
        send(at);
    }
    for id in bench.take(&mut reader, queues) {
        bench.accept(&reader, id);
    }
    let mut at = 0;
    bencher.bench_local(|| {
        at += 1;
        send(at);
        for id in bench.take(&mut reader, usize::MAX) {
            bench.accept(&reader, id);
        }
    });
}

#[divan::bench(args = [100, 10_000])]
fn figures_of_queues(bencher: Bencher<'_, '_>, queues: usize) {
    let bench = Bench::new();
    for at in 0..queues {
        bench.publish(vec![message(&name(&format!("many.{at}")))]);
    }
    let all = filter(">");
    bencher.bench_local(|| bench.broker.queues(&all, 200));
}

/// The work that the server does once per second.
#[divan::bench(args = [100, 10_000])]
fn expire_queues(bencher: Bencher<'_, '_>, queues: usize) {
    let bench = Bench::new();
    for at in 0..queues {
        bench.publish(vec![message(&name(&format!("many.{at}")))]);
    }
    bencher.bench_local(|| bench.broker.expire(1, &mut Outcome::default()));
}

struct Bench {
    broker: Broker,
}

struct NoListener;

impl Peer for NoListener {
    fn deliver(&self) {}
    fn wake(&self) {}
}

impl Bench {
    fn new() -> Self {
        let limits = Limits {
            queue_entries: u64::MAX / 2,
            queue_bytes: u64::MAX / 2,
            memory_bytes: u64::MAX / 2,
            queues: 100_000,
            redelivery: broker::Redelivery {
                maximum_redeliveries: u32::MAX,
                ..broker::Redelivery::default()
            },
            ..Limits::default()
        };
        Self {
            broker: Broker::new(1, limits),
        }
    }

    fn attach(&self) -> Reader {
        self.broker.attach("c".into(), Weak::<NoListener>::new())
    }

    fn consumers(&self, count: usize, consume: impl Fn() -> Consume<'static>) -> Vec<Reader> {
        let attach = |_| {
            let reader = self.attach();
            self.broker
                .consume(reader.session(), consume(), &mut Outcome::default())
                .expect("within the limits");
            reader
        };
        (0..count).map(attach).collect()
    }

    fn publish(&self, mut batch: Vec<Publication>) {
        self.broker.publish(&mut batch, &mut Outcome::default());
    }

    fn send(&self, count: usize) {
        let name = name("q");
        let mut outcome = Outcome::default();
        let mut left = count;
        while left > 0 {
            let size = left.min(64);
            let mut batch = (0..size).map(|_| message(&name)).collect();
            self.broker.publish(&mut batch, &mut outcome);
            outcome.ready.drain().for_each(drop);
            left -= size;
        }
    }

    fn take(&self, reader: &mut Reader, most: usize) -> Vec<DeliveryId> {
        let mut held = Vec::new();
        drain(reader, most, |id| held.extend(id));
        held
    }

    fn accept(&self, reader: &Reader, id: DeliveryId) {
        self.settle(reader, id, Verdict::Accept);
    }

    fn settle(&self, reader: &Reader, delivery: DeliveryId, verdict: Verdict) {
        let settlement = Settlement { delivery, verdict };
        self.broker
            .settle(reader.session(), settlement, 0, &mut Outcome::default())
            .expect("it is held");
    }

    /// Publishes, drains, and settles the deliveries.
    fn run(
        &self,
        bencher: Bencher<'_, '_>,
        mut readers: Vec<Reader>,
        batch_size: usize,
        make: fn(&TopicName) -> Publication,
    ) {
        let name = name("q");
        let mut outcome = Outcome::default();
        let mut batch = Vec::with_capacity(batch_size);
        let mut held = Vec::new();
        bencher
            .counter(ItemsCount::new(batch_size))
            .bench_local(|| {
                batch.extend((0..batch_size).map(|_| make(&name)));
                self.broker.publish(&mut batch, &mut outcome);
                outcome.ready.drain().for_each(drop);
                for reader in &mut readers {
                    drain(reader, usize::MAX, |id| held.extend(id));
                    for delivery in held.drain(..) {
                        let verdict = Verdict::Accept;
                        let settlement = Settlement { delivery, verdict };
                        // A cumulative acknowledgement settles the deliveries before it, too.
                        let _ = self
                            .broker
                            .settle(reader.session(), settlement, 0, &mut outcome);
                    }
                }
            });
    }
}

fn drain(reader: &mut Reader, most: usize, mut take: impl FnMut(Option<DeliveryId>)) {
    reader.session().begin_drain();
    let mut count = 0;
    reader.drain(0, |delivery| {
        black_box(delivery.entry.body().len());
        take(delivery.id);
        count += 1;
        if count < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
}

fn consume(queues: &str) -> Consume<'static> {
    Consume {
        source: Source::Queues(filter(queues)),
        acknowledgement: INDIVIDUAL,
        prefetch: 1_000,
        exclusive: false,
        selector: None,
        tag: b"17",
    }
}

fn name(text: &str) -> TopicName {
    TopicName::new(text).expect("a name")
}

fn filter(text: &str) -> TopicFilter {
    TopicFilter::new(text).expect("a filter")
}

fn producer() -> Arc<str> {
    thread_local! {
        static PRODUCER: Arc<str> = "producer".into();
    }
    PRODUCER.with(Arc::clone)
}

const BODY: &[u8] = &[0; 100];

fn event(topic: &TopicName) -> Publication {
    Publication::new(topic.clone(), producer(), 0, BODY)
}

fn message(queue: &TopicName) -> Publication {
    Publication::to_queue(queue.clone(), producer(), 0, BODY)
}

fn grouped(queue: &TopicName) -> Publication {
    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(0) };
    }
    // As many groups as the largest number of consumers.
    let number = NUMBER.replace((NUMBER.get() + 1) % 1_000);
    let header = Header {
        name: "JMSXGroupID".into(),
        value: format!("group-{number}").into(),
    };
    let fields = Fields {
        group: HeaderIndex::of(0),
        ..Fields::default()
    };
    message(queue)
        .with_headers(None, Box::new([header]))
        .with_fields(fields)
}
