//! Publishers, readers and subscribers on separate threads. As in connections, a thread that has
//! published delivers, unless another thread is delivering.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use broker::{
    Broker, Delivery, Missed, Outcome, Peer, Publication, Reader, Session, Start, Subscribe,
};
use simulation::Random;

use crate::harness::{as_filter, as_name, broker};

const TOPICS: [&str; 4] = ["a", "a.b", "c", "c.d"];
const PRODUCERS: u64 = 3;
const BATCHES: u64 = 2_000;

#[test]
fn order_is_kept_and_no_wake_up_is_lost_among_threads() {
    let broker = broker(|limits| {
        limits.lag_entries = 50;
        limits.history_entries = 20;
    });
    let connections: Vec<_> = (0..6)
        .map(|number| {
            let drained_by = if number < 4 {
                DrainedBy::Publisher
            } else {
                DrainedBy::Itself
            };
            let connection = Connection::attach(&broker, drained_by);
            for filter in [">", "a.*", "c"] {
                connection.subscribe(&broker, filter, Start::New);
            }
            connection
        })
        .collect();
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        for connection in &connections {
            scope.spawn(|| connection.drain_when_woken());
        }
        let publishers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn({
                    let broker = &broker;
                    move || publish(broker, producer)
                })
            })
            .collect();
        scope.spawn(|| come_and_go(&broker, &finished));
        for publisher in publishers {
            publisher.join().expect("a publisher");
        }
        finished.store(true, Ordering::SeqCst);
        let newest = broker.figures().published;
        for connection in &connections {
            connection.await_position(newest);
            connection.stop();
        }
    });
    let newest: HashMap<_, _> = broker
        .topics(&as_filter(">"), TOPICS.len())
        .into_iter()
        .map(|topic| (topic.name.to_string(), topic.sequence))
        .collect();
    for connection in &connections {
        let log = lock(&connection.log);
        for ((filter, topic), sequence) in &log.next {
            assert_eq!(*sequence, newest[topic] + 1, "{filter} {topic}");
        }
        drop(log);
        broker.detach(connection.session(), 0, &mut Outcome::default());
    }
    TOPICS
        .iter()
        .for_each(|name| assert!(broker.clear(&as_name(name))));
    drop(connections);
    let figures = broker.figures();
    assert_eq!((figures.held_bytes, figures.sessions), (0, 0));
    assert_eq!((figures.topics, figures.subscriptions), (0, 0));
}

/// The thread that drains: the publisher's, or one of the connection.
#[derive(Clone, Copy, PartialEq)]
enum DrainedBy {
    Publisher,
    Itself,
}

struct Connection {
    drained_by: DrainedBy,
    session: OnceLock<Arc<Session>>,
    reader: Mutex<Option<Reader>>,
    log: Mutex<Log>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    woken: bool,
    stopped: bool,
    position: u64,
}

/// Checks and records deliveries.
#[derive(Default)]
struct Log {
    position: u64,
    /// The next sequence, by filter and topic.
    next: HashMap<(String, String), u64>,
    /// The newest number, by filter and producer.
    produced: HashMap<(String, u64), u64>,
}

impl Connection {
    fn attach(broker: &Broker, drained_by: DrainedBy) -> Arc<Self> {
        let connection = Arc::new(Self {
            drained_by,
            session: OnceLock::new(),
            reader: Mutex::default(),
            log: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let peer: Weak<dyn Peer> = Arc::downgrade(&(Arc::clone(&connection) as Arc<dyn Peer>));
        let reader = broker.attach("c".into(), peer);
        connection
            .session
            .get_or_init(|| Arc::clone(reader.session()));
        *lock(&connection.reader) = Some(reader);
        connection
    }

    fn session(&self) -> &Arc<Session> {
        self.session.get().expect("set when it was attached")
    }

    fn subscribe(&self, broker: &Broker, filter: &str, start: Start) -> broker::SubscriptionId {
        let covered = as_filter(filter);
        let subscribe = Subscribe {
            start,
            tag: filter.as_bytes(),
            ..Subscribe::to(&covered)
        };
        let mut outcome = Outcome::default();
        let id = broker
            .subscribe(self.session(), subscribe, &mut outcome)
            .expect("within the limits");
        outcome.ready.deliver();
        id
    }

    fn drain(&self) {
        loop {
            let Ok(mut reader) = self.reader.try_lock() else {
                return;
            };
            self.session().begin_drain();
            let mut log = lock(&self.log);
            if let Some(reader) = reader.as_mut() {
                let done = reader.drain(0, |delivery| {
                    log.check(&delivery);
                    ControlFlow::Continue(())
                });
                assert!(done);
            }
            lock(&self.state).position = log.position;
            self.changed.notify_all();
            drop(log);
            drop(reader);
            if !self.session().is_scheduled() {
                return;
            }
        }
    }

    fn drain_when_woken(&self) {
        loop {
            let mut state = lock(&self.state);
            while !state.woken && !state.stopped {
                state = self.changed.wait(state).expect("no panic elsewhere");
            }
            if state.stopped {
                return;
            }
            state.woken = false;
            drop(state);
            self.drain();
        }
    }

    fn await_position(&self, position: u64) {
        let state = lock(&self.state);
        let (state, timeout) = self
            .changed
            .wait_timeout_while(state, Duration::from_secs(20), |state| {
                state.position < position
            })
            .expect("no panic elsewhere");
        assert!(!timeout.timed_out(), "{} of {position}", state.position);
    }

    fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }
}

impl Peer for Connection {
    fn deliver(&self) {
        match self.drained_by {
            DrainedBy::Publisher => self.drain(),
            DrainedBy::Itself => self.wake(),
        }
    }

    fn wake(&self) {
        lock(&self.state).woken = true;
        self.changed.notify_all();
    }
}

impl Log {
    fn check(&mut self, delivery: &Delivery<'_>) {
        let entry = delivery.entry;
        let filter = String::from_utf8_lossy(delivery.tag).into_owned();
        assert!(entry.position() >= self.position, "one order");
        self.position = entry.position();
        let topic = entry.topic().to_string();
        let next = self.next.entry((filter.clone(), topic)).or_insert(0);
        match delivery.missed {
            Some(Missed::Range { from, to }) => {
                assert!(*next == 0 || from == *next);
                assert_eq!(to + 1, entry.sequence());
            }
            Some(Missed::Unknown) => {}
            None => assert!(
                *next == 0 || entry.sequence() == *next,
                "no loss, no double"
            ),
        }
        *next = entry.sequence() + 1;
        let number = |at: usize| -> u64 {
            let bytes = entry.body()[at..at + 8].try_into();
            u64::from_be_bytes(bytes.expect("eight bytes"))
        };
        let newest = self.produced.entry((filter, number(0))).or_insert(0);
        assert!(number(8) > *newest, "each producer's order");
        *newest = number(8);
    }
}

fn publish(broker: &Broker, producer: u64) {
    let mut random = Random::new(producer);
    let mut outcome = Outcome::default();
    let mut number = 0_u64;
    for _ in 0..BATCHES {
        let mut batch = Vec::new();
        for _ in 0..=random.below(4) {
            number += 1;
            let mut body = producer.to_be_bytes().to_vec();
            body.extend(number.to_be_bytes());
            let topic = TOPICS[random.below(4) as usize];
            batch.push(Publication::new(as_name(topic), "p".into(), 0, &body));
        }
        broker.publish(&mut batch, &mut outcome);
        std::mem::take(&mut outcome.ready).deliver();
    }
}

/// Attaches connections with history for a short time.
fn come_and_go(broker: &Broker, finished: &AtomicBool) {
    let mut random = Random::new(99);
    while !finished.load(Ordering::SeqCst) {
        let connection = Connection::attach(broker, DrainedBy::Publisher);
        let start = match random.below(3) {
            0 => Start::Last,
            1 => Start::AfterPosition(0),
            _ => Start::New,
        };
        let id = connection.subscribe(broker, ">", start);
        for _ in 0..random.below(2_000) {
            std::hint::spin_loop();
        }
        if random.below(2) == 0 {
            broker.unsubscribe(connection.session(), id, 0, &mut Outcome::default());
            let position = lock(&connection.log).position;
            connection.drain();
            assert_eq!(lock(&connection.log).position, position);
        }
        broker.detach(connection.session(), 0, &mut Outcome::default());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no panic elsewhere")
}
