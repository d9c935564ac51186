//! Measures publishing, matching and draining. Run it with `cargo bench -p carillon-broker`.

use std::{
    hint::black_box,
    ops::ControlFlow,
    sync::{Arc, Weak},
};

use broker::{
    Broker, LevelTree, Limits, Outcome, Peer, Publication, Reader, Subscribe, SubscriptionId,
    Subtree, TopicFilter, TopicName,
};
use divan::{Bencher, counter::ItemsCount};

fn main() {
    println!("{}", memory_of_subscriptions());
    divan::main();
}

const OTHERS: usize = 100_000;

#[divan::bench(args = [(0, 1), (0, 64), (1, 1), (1, 64), (100, 1), (100, 64), (1000, 1), (1000, 64)])]
fn publish_and_drain(bencher: Bencher<'_, '_>, (subscriptions, batch): (usize, usize)) {
    let broker = Broker::new(1, Limits::default());
    let readers = attach(&broker, &vec!["rect"; subscriptions]);
    run(bencher, &broker, readers, "rect", batch);
}

#[divan::bench(args = [1, 64])]
fn publish_and_drain_among_100_000_others(bencher: Bencher<'_, '_>, batch: usize) {
    let broker = Broker::new(1, Limits::default());
    let _others = others(&broker);
    let readers = attach(&broker, &["rect"]);
    run(bencher, &broker, readers, "rect", batch);
}

#[divan::bench(args = [1, 64])]
fn publish_and_drain_three_levels(bencher: Bencher<'_, '_>, batch: usize) {
    let broker = Broker::new(1, Limits::default());
    let readers = attach(&broker, &["finance.*.market"]);
    run(bencher, &broker, readers, "finance.stock.market", batch);
}

#[divan::bench(args = [1, 100])]
fn drain_topics(bencher: Bencher<'_, '_>, topics: usize) {
    let broker = Broker::new(1, Limits::default());
    let mut reader = attach(&broker, &[">"]).remove(0);
    let names: Vec<_> = (0..topics).map(|at| name(&format!("t.{at}"))).collect();
    let mut outcome = Outcome::default();
    bencher.counter(ItemsCount::new(topics)).bench_local(|| {
        let mut batch = names.iter().map(publication).collect();
        broker.publish(&mut batch, &mut outcome);
        drain(&mut reader)
    });
}

/// Measures how long the broker's lock is held for a subscription with a wildcard. No message can
/// be published then.
#[divan::bench(args = [100, 90_000], sample_count = 5, sample_size = 1)]
fn subscribe_and_unsubscribe_topics(bencher: Bencher<'_, '_>, topics: usize) {
    let broker = Broker::new(1, Limits::default());
    let mut outcome = Outcome::default();
    let mut batch = (0..topics)
        .map(|at| publication(&name(&format!("t.{at}"))))
        .collect();
    broker.publish(&mut batch, &mut outcome);
    let reader = attach(&broker, &["other"]).remove(0);
    let filter = TopicFilter::new("t.*").expect("a filter");
    bencher.bench_local(|| {
        let id = subscribe_to(&broker, &reader, &filter);
        broker.unsubscribe(reader.session(), id, 0, &mut Outcome::default());
    });
}

#[divan::bench]
fn match_one_of_100_000_filters(bencher: Bencher<'_, '_>) {
    let mut tree = LevelTree::new();
    for at in 0..OTHERS {
        let filter = match at % 4 {
            0 => format!("other.*.{at}"),
            1 => format!("other.{at}.>"),
            _ => format!("other.{at}.x"),
        };
        tree.find_or_insert_with(&filter, || at);
    }
    let name = name("other.17.x");
    bencher.bench_local(|| {
        let mut found = 0;
        tree.for_each_covering(&name, |_| found += 1);
        found
    });
}

fn run(
    bencher: Bencher<'_, '_>,
    broker: &Broker,
    mut readers: Vec<Reader>,
    topic: &str,
    batch_size: usize,
) {
    let name = name(topic);
    let mut outcome = Outcome::default();
    let mut batch = Vec::with_capacity(batch_size);
    bencher
        .counter(ItemsCount::new(batch_size * readers.len().max(1)))
        .bench_local(|| {
            batch.extend((0..batch_size).map(|_| publication(&name)));
            broker.publish(&mut batch, &mut outcome);
            outcome.ready.drain().for_each(drop);
            readers.iter_mut().map(drain).sum::<usize>()
        });
}

fn drain(reader: &mut Reader) -> usize {
    reader.session().begin_drain();
    let mut bytes = 0;
    reader.drain(0, |delivery| {
        bytes += black_box(delivery.entry.body().len());
        ControlFlow::Continue(())
    });
    bytes
}

/// The next 100 children of a node with 100,000 topics.
#[divan::bench]
fn page_of_children_of_100_000(bencher: Bencher<'_, '_>) {
    let broker = with_topics(OTHERS);
    bencher.bench_local(|| {
        let mut walk = Subtree::below(Some(&name("load"))).after("load.50000");
        broker.children(&mut walk, 100, |_| true)
    });
}

/// All children of a node with 100,000 topics, counted.
#[divan::bench]
fn count_100_000_children(bencher: Bencher<'_, '_>) {
    let broker = with_topics(OTHERS);
    bencher.bench_local(|| {
        let mut walk = Subtree::below(Some(&name("load")));
        let mut count = 0;
        while !walk.is_done() {
            count += broker.count_children(&mut walk, |_| true);
        }
        assert_eq!(count, OTHERS);
    });
}

/// The traffic of 100,000 topics, of which all are idle or all have a recent message.
#[divan::bench(args = [0, 1_000_000])]
fn traffic_of_100_000_topics(bencher: Bencher<'_, '_>, now_ms: u64) {
    let broker = with_topics(OTHERS);
    bencher.bench_local(|| {
        let mut walk = Subtree::below(Some(&name("load")));
        let mut count = 0;
        while !walk.is_done() {
            count += broker.traffic(&mut walk, now_ms, |_| true).len();
        }
        assert_eq!(count, OTHERS);
    });
}

/// Returns a broker with topics that have one message each.
fn with_topics(count: usize) -> Broker {
    let broker = Broker::new(1, Limits::default());
    for at in 0..count {
        let topic = name(&format!("load.{at:05}"));
        broker.publish(&mut vec![publication(&topic)], &mut Outcome::default());
    }
    broker
}

struct NoListener;

impl Peer for NoListener {
    fn deliver(&self) {}
    fn wake(&self) {}
}

fn attach(broker: &Broker, filters: &[&str]) -> Vec<Reader> {
    filters
        .iter()
        .map(|filter| {
            let reader = broker.attach("c".into(), Weak::<NoListener>::new());
            subscribe(broker, &reader, filter);
            reader
        })
        .collect()
}

fn subscribe(broker: &Broker, reader: &Reader, filter: &str) {
    subscribe_to(broker, reader, &TopicFilter::new(filter).expect("a filter"));
}

fn subscribe_to(broker: &Broker, reader: &Reader, filter: &TopicFilter) -> SubscriptionId {
    let subscribe = Subscribe {
        tag: b"17",
        ..Subscribe::to(filter)
    };
    broker
        .subscribe(reader.session(), subscribe, &mut Outcome::default())
        .expect("within the limits")
}

/// Adds [`OTHERS`] subscriptions over a hundred sessions, a quarter of them with wildcards. None
/// matches the published topics.
fn others(broker: &Broker) -> Vec<Reader> {
    let readers: Vec<_> = (0..100)
        .map(|_| broker.attach("other".into(), Weak::<NoListener>::new()))
        .collect();
    for at in 0..OTHERS {
        let filter = match at % 8 {
            0 => format!("other.{at}.*"),
            1 => format!("other.{at}.>"),
            _ => format!("other.{at}.x"),
        };
        subscribe(broker, &readers[at % 100], &filter);
    }
    readers
}

fn memory_of_subscriptions() -> String {
    let broker = Broker::new(
        1,
        Limits {
            topics: OTHERS,
            ..Limits::default()
        },
    );
    let before = resident_bytes();
    let others = others(&broker);
    let each = (resident_bytes() - before) / OTHERS;
    drop(others);
    format!("{OTHERS} other subscriptions: {each} bytes each")
}

/// Returns the resident memory of this process in bytes, or 0 if the system does not report it.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| {
            let resident = text.split(' ').nth(1)?;
            resident.parse::<usize>().ok()
        });
    pages.unwrap_or(0) * 4096
}

fn name(text: &str) -> TopicName {
    TopicName::new(text).expect("a name")
}

fn publication(topic: &TopicName) -> Publication {
    thread_local! {
        static PRODUCER: Arc<str> = "producer".into();
    }
    let producer = PRODUCER.with(Arc::clone);
    Publication::new(topic.clone(), producer, 0, &[0; 100])
}
