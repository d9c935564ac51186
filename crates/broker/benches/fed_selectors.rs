//! Measures what the selectors of durable subscriptions cost others: they are evaluated with the broker's lock held, when a
//! message enters the queues that its topic feeds. One thread publishes long messages to a topic with such subscriptions,
//! another one publishes short messages to another topic. Run it with `cargo bench -p carillon-broker --bench fed_selectors`.

use std::{
    sync::{
        Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::{
    Acknowledgement, Broker, Consume, DurableName, Limits, Outcome, Peer, Publication, Selector,
    Source, Start, TopicFilter, TopicName,
};

struct NoListener;

impl Peer for NoListener {
    fn deliver(&self) {}

    fn wake(&self) {}
}

fn main() {
    println!(
        "subscriptions  selector                          p50 of the other topic       p99     slowest"
    );
    let body_searches = ["body REGEXP '(a|aa)+b'"; Selector::MAX_BODY_SEARCHES].join(" OR ");
    let selectors = [
        ("a header", "colour = 'blue'".to_owned()),
        ("a field of the body", "body.b = 'x'".to_owned()),
        ("the costliest of the body", body_searches),
    ];
    run(0, "none", "x = 1");
    for (name, selector) in &selectors {
        for count in [1, 10, 100] {
            run(count, name, selector);
        }
    }
}

fn run(count: usize, name: &str, selector: &str) {
    let broker = Broker::new(1, Limits::default());
    let reader = broker.attach("durable".into(), Weak::<NoListener>::new());
    for number in 0..count {
        let consume = Consume {
            source: Source::Durable {
                name: DurableName {
                    client: "client".into(),
                    subscription: number.to_string().into(),
                },
                filter: TopicFilter::new("long").expect("a filter"),
                start: Start::New,
            },
            acknowledgement: Acknowledgement::Individual,
            prefetch: 1,
            exclusive: false,
            selector: Some(Selector::new(selector).expect("a selector")),
            tag: &[0],
        };
        broker
            .consume(reader.session(), consume, &mut Outcome::default())
            .expect("within the limits");
    }
    let letters = "a".repeat(Selector::MAX_BODY_BYTES - 10);
    let long = format!("{{\"b\":\"{letters}\"}}");
    let ends = AtomicBool::new(false);
    let mut times = thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                publish(&broker, "long", long.as_bytes());
            }
        });
        let times = measure(&broker);
        ends.store(true, Ordering::Relaxed);
        times
    });
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 1_000];
    println!(
        "{count:>13}  {name:<32} {:>24.1?} {:>9.1?} {:>11.1?}",
        at(500),
        at(990),
        at(1_000)
    );
}

/// Publishes to another topic once in a millisecond, and returns how long each publication took.
fn measure(broker: &Broker) -> Vec<Duration> {
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < Duration::from_secs(2) {
        let begin = Instant::now();
        publish(broker, "short", b"1");
        times.push(begin.elapsed());
        // Nothing unparks the thread.
        thread::park_timeout(Duration::from_millis(1));
    }
    times
}

fn publish(broker: &Broker, topic: &str, body: &[u8]) {
    let name = TopicName::new(topic).expect("a name");
    let publication = Publication::new(name, "p".into(), 0, body);
    let mut outcome = Outcome::default();
    broker.publish(&mut vec![publication], &mut outcome);
    outcome.ready.drain().for_each(drop);
}
