//! Producers and consumers of queues on separate threads. As in connections, a thread that makes a
//! session ready drains it, unless another thread is draining it.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::{
    Acknowledgement, Broker, Consume, Delivery, DeliveryId, Limits, Outcome, Peer, QueueFigures,
    Reader, Session, Settlement, SubscriptionId, Verdict,
};
use simulation::Random;

use crate::{
    harness::{as_filter, as_name, broker},
    journal_harness::MemoryJournal,
    queue_harness::{message, queue},
};

const PRODUCERS: u64 = 2;
const MESSAGES: u64 = 20_000;
/// The number of concurrent groups, and the number of messages per producer before new groups
/// start.
const GROUPS: u64 = 7;
const LASTING: u64 = 50;
const QUEUES: [&str; 3] = ["q.a", "q.b", "grouped"];

#[test]
fn every_message_is_accounted_for_among_threads() {
    let broker = broker(|limits| limits.redelivery.maximum_redeliveries = 3);
    run_threads(broker, None);
}

/// The same with a thread that loads messages, which leave memory soon.
#[test]
fn every_paged_message_is_accounted_for_among_threads() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits {
        redelivery: broker::Redelivery {
            maximum_redeliveries: 3,
            ..broker::Redelivery::default()
        },
        page_out_bytes: Some(200_000),
        ..Limits::default()
    });
    run_threads(broker, Some(journal));
}

fn run_threads(broker: Broker, journal: Option<Arc<MemoryJournal>>) {
    let run = Run {
        broker,
        journal,
        is_read: AtomicBool::new(false),
        ledger: Arc::new(Ledger::new(PRODUCERS * MESSAGES)),
        is_over: AtomicBool::new(false),
    };
    let steady = [
        run.connect(
            Behaviour::DrainedByOthers,
            Consume {
                prefetch: 7,
                ..queue("q.*")
            },
        ),
        run.connect(
            Behaviour::DrainedByOthers,
            in_mode(Acknowledgement::Cumulative, "q.a"),
        ),
        run.connect(
            Behaviour::DrainedByOthers,
            in_mode(Acknowledgement::Auto, "q.b"),
        ),
        run.connect(
            Behaviour::DrainedByItself,
            Consume {
                prefetch: 5,
                ..queue("grouped")
            },
        ),
        run.connect(
            Behaviour::DrainedByItself,
            Consume {
                prefetch: 1,
                ..queue("grouped")
            },
        ),
    ];
    thread::scope(|scope| {
        let _stop = StopOnDrop(&run, &steady);
        for connection in &steady {
            scope.spawn(|| connection.work(&run));
        }
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn({
                    let run = &run;
                    move || run.publish(producer)
                })
            })
            .collect();
        scope.spawn(|| run.load());
        scope.spawn(|| run.come_and_go());
        scope.spawn(|| run.browse_and_remove());
        for producer in producers {
            producer.join().expect("a producer");
        }
        run.is_over.store(true, Ordering::SeqCst);
        run.await_emptiness();
        run.is_read.store(true, Ordering::SeqCst);
    });
    for connection in &steady {
        run.broker
            .detach(connection.session(), 0, &mut Outcome::default());
    }
    run.check();
}

fn in_mode(acknowledgement: Acknowledgement, name: &str) -> Consume<'static> {
    Consume {
        acknowledgement,
        prefetch: 10,
        ..queue(name)
    }
}

struct Run {
    broker: Broker,
    /// Present if messages are persistent.
    journal: Option<Arc<MemoryJournal>>,
    /// All messages were read.
    is_read: AtomicBool,
    ledger: Arc<Ledger>,
    is_over: AtomicBool,
}

/// Stops all threads when dropped, also after a panic.
struct StopOnDrop<'a>(&'a Run, &'a [Arc<Connection>]);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
        self.0.is_read.store(true, Ordering::SeqCst);
        self.1.iter().for_each(|connection| connection.stop());
    }
}

/// The state of each message, by its number.
struct Ledger {
    done: Vec<AtomicU32>,
    /// One bit for each delivery count.
    delivered: Vec<AtomicU64>,
    /// The newest message delivered for the first time, by group.
    newest: Mutex<HashMap<u64, u64>>,
    changed: Condvar,
}

/// The behaviour of a connection.
#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    /// Drained by the thread that made it ready; returns and rejects some messages.
    DrainedByOthers,
    /// Drained only by its own thread; accepts all messages.
    DrainedByItself,
}

struct Connection {
    behaviour: Behaviour,
    ledger: Arc<Ledger>,
    session: OnceLock<Arc<Session>>,
    reader: Mutex<Option<Reader>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: Vec<Taken>,
    is_woken: bool,
    is_stopped: bool,
}

struct Taken {
    id: DeliveryId,
    number: usize,
}

impl Run {
    fn connect(&self, behaviour: Behaviour, consume: Consume<'_>) -> Arc<Connection> {
        let connection = Connection::attach(self, behaviour);
        self.consume(&connection, consume);
        connection
    }

    fn consume(&self, connection: &Connection, consume: Consume<'_>) -> SubscriptionId {
        let mut outcome = Outcome::default();
        let id = self
            .broker
            .consume(connection.session(), consume, &mut outcome)
            .expect("within the limits");
        outcome.ready.drain().for_each(|session| session.wake());
        id
    }

    fn publish(&self, producer: u64) {
        let mut random = Random::new(producer);
        let mut outcome = Outcome::default();
        let mut numbers = producer * MESSAGES..(producer + 1) * MESSAGES;
        while !numbers.is_empty() {
            let size = 1 + random.below(5) as usize;
            let mut batch: Vec<_> = numbers
                .by_ref()
                .take(size)
                .map(|number| {
                    let name = QUEUES[random.below(3) as usize];
                    // Each producer has its own groups, so that numbers ascend in a group. New
                    // groups start over time, for newly attached consumers.
                    let group = number / LASTING * GROUPS + random.below(GROUPS);
                    let header = format!("JMSXGroupID:{group}");
                    let headers: &[&str] = if name == "grouped" { &[&header] } else { &[] };
                    let message = message(name, &number.to_string(), headers);
                    match self.journal {
                        Some(_) => message.persistent(),
                        None => message,
                    }
                })
                .collect();
            self.broker.publish(&mut batch, &mut outcome);
            assert!(outcome.results.iter().all(Result::is_ok));
            std::mem::take(&mut outcome.ready).deliver();
        }
    }

    /// Does the work of the journal until everything is read.
    fn load(&self) {
        let Some(journal) = &self.journal else {
            return;
        };
        while !self.is_read.load(Ordering::SeqCst) {
            journal.complete(&self.broker);
            match journal.open_requests() {
                0 => thread::yield_now(),
                _ => journal.answer(&self.broker, 0, 1),
            }
        }
    }

    /// Attaches connections for a short time; their held messages are returned.
    fn come_and_go(&self) {
        let mut random = Random::new(99);
        while !self.is_over.load(Ordering::SeqCst) {
            let connection = Connection::attach(self, Behaviour::DrainedByItself);
            let acknowledgement = match random.below(3) {
                0 => Acknowledgement::Cumulative,
                _ => Acknowledgement::Individual,
            };
            let name = ["q.a", "*.b", "grouped", "q.*"][random.below(4) as usize];
            let prefetch = 1 + random.below(20) as usize;
            let consume = Consume {
                acknowledgement,
                prefetch,
                exclusive: random.below(10) == 0 && name != "grouped",
                ..queue(name)
            };
            let id = self.consume(&connection, consume);
            connection.drain();
            for taken in connection.take().into_iter().take(random.below(5) as usize) {
                self.settle(&connection, &taken, Verdict::Accept);
            }
            self.come_and_go_with_queues(&connection, &mut random);
            if random.below(2) == 0 {
                self.go_and_come_back(&connection);
            }
            let mut outcome = Outcome::default();
            if random.below(2) == 0 {
                self.broker
                    .unsubscribe(connection.session(), id, 0, &mut outcome);
            }
            self.broker.detach(connection.session(), 0, &mut outcome);
            outcome.ready.deliver();
        }
    }

    /// Pauses and resumes a client; its held messages are returned.
    fn go_and_come_back(&self, connection: &Connection) {
        connection.drain();
        let held = connection.take();
        let mut outcome = Outcome::default();
        self.broker.pause(connection.session(), 0, &mut outcome);
        std::mem::take(&mut outcome.ready).deliver();
        for Taken { id, .. } in held {
            let settlement = Settlement {
                delivery: id,
                verdict: Verdict::Accept,
            };
            let late = self
                .broker
                .settle(connection.session(), settlement, 0, &mut outcome);
            assert!(late.is_err(), "{id}");
        }
        self.broker.resume(connection.session(), &mut outcome);
        outcome.ready.deliver();
        connection.drain();
        for taken in connection.take() {
            self.settle(connection, &taken, Verdict::Accept);
        }
    }

    /// Creates and removes queues that other consumers cover.
    fn come_and_go_with_queues(&self, connection: &Connection, random: &mut Random) {
        let acknowledgement = Acknowledgement::Auto;
        self.consume(
            connection,
            Consume {
                acknowledgement,
                ..queue("passing.*")
            },
        );
        let name = as_name(&format!("passing.{}", random.below(4)));
        let mut batch = vec![message(name.as_str(), "0", &[])];
        let mut outcome = Outcome::default();
        let id = self.consume(connection, queue(name.as_str()));
        self.broker
            .unsubscribe(connection.session(), id, 0, &mut outcome);
        self.broker
            .commit(connection.session(), &mut batch, &[], 0, &mut outcome)
            .expect("there is room");
        outcome.ready.deliver();
    }

    /// Browses all queues meanwhile, and removes unused ones.
    fn browse_and_remove(&self) {
        let mut at = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            at = (at + 1) % 4;
            self.broker.remove_queue(&as_name(&format!("passing.{at}")));
            for figures in self.broker.queues(&as_filter(">"), 10).0 {
                assert!(figures.acknowledged <= figures.enqueued);
                let found = self
                    .broker
                    .browse(&figures.name, 0, 100)
                    .map_or_else(Vec::new, |found| found.entries);
                assert!(found.is_sorted_by_key(|entry| entry.position()));
            }
            let mut outcome = Outcome::default();
            self.broker.expire(1, &mut outcome);
            outcome.ready.deliver();
        }
    }

    fn settle(&self, connection: &Connection, taken: &Taken, verdict: Verdict) {
        let Taken { id, number } = *taken;
        let settlement = Settlement {
            delivery: id,
            verdict,
        };
        let mut outcome = Outcome::default();
        let settled = self
            .broker
            .settle(connection.session(), settlement, 0, &mut outcome);
        // A cumulative settlement may have covered it.
        if settled.is_ok() && verdict == Verdict::Accept {
            let before = self.ledger.done[number].fetch_add(1, Ordering::SeqCst);
            assert_eq!(before, 0, "{number} is done with");
        }
        outcome.ready.deliver();
        self.ledger.changed.notify_all();
    }

    fn is_empty(&self) -> bool {
        QUEUES.iter().all(|name| {
            let figures = self.broker.queue(&as_name(name)).expect("a queue");
            figures.waiting + figures.unacknowledged == 0
        })
    }

    fn await_emptiness(&self) {
        const DEADLINE: Duration = Duration::from_secs(60);
        const EACH: Duration = Duration::from_millis(100);
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            if self.is_empty() {
                return;
            }
            let newest = lock(&self.ledger.newest);
            // The notification may come before the wait, so the wait has a timeout.
            let _ = self.ledger.changed.wait_timeout(newest, EACH);
        }
        let (figures, _) = self.broker.queues(&as_filter(">"), 10);
        panic!("what is left is not delivered: {figures:?}");
    }

    fn check(&self) {
        let name = "ActiveMQ.DLQ";
        let dead = match &self.journal {
            Some(journal) => journal.browse(&self.broker, name, 1),
            None => {
                let found = self.broker.browse(&as_name(name), 0, usize::MAX);
                found.map(|found| found.entries)
            }
        };
        let dead = dead.unwrap_or_default();
        let mut died = vec![0; self.ledger.done.len()];
        for letter in &dead {
            died[number_of(letter.body())] += 1;
        }
        for (number, count) in died.iter().enumerate() {
            let done = self.ledger.done[number].load(Ordering::SeqCst);
            // A message covered by a later cumulative settlement is done without a settlement of
            // its own.
            assert!(*count + done <= 1, "{number} {count} {done}");
            assert_ne!(
                self.ledger.delivered[number].load(Ordering::SeqCst),
                0,
                "{number}"
            );
        }
        let (figures, _) = self.broker.queues(&as_filter(">"), 20);
        let own: Vec<_> = figures
            .iter()
            .filter(|one| QUEUES.contains(&one.name.as_str()))
            .collect();
        let sum = |of: fn(&QueueFigures) -> u64| own.iter().map(|one| of(one)).sum::<u64>();
        assert_eq!(PRODUCERS * MESSAGES, sum(|one| one.enqueued));
        let done = sum(|one| one.acknowledged + one.dead_lettered);
        assert_eq!(PRODUCERS * MESSAGES, done);
        let died = sum(|one| one.dead_lettered);
        assert_eq!(dead.len() as u64, died);
        assert!(sum(|one| one.redelivered) > 100);
        drop(dead);
        for one in &figures {
            assert_eq!(one.consumers, 0, "{one:?}");
            self.broker.remove_queue(&one.name);
        }
        let figures = self.broker.figures();
        assert_eq!((figures.sessions, figures.subscriptions), (0, 0));
        assert_eq!((figures.queues, figures.held_bytes), (0, 0));
    }
}

impl Ledger {
    fn new(messages: u64) -> Self {
        Self {
            done: (0..messages).map(|_| AtomicU32::new(0)).collect(),
            delivered: (0..messages).map(|_| AtomicU64::new(0)).collect(),
            newest: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Checks and records a delivery.
    fn note(&self, delivery: &Delivery<'_>) -> usize {
        let number = number_of(delivery.entry.body());
        let bit = 1 << delivery.count;
        let before = self.delivered[number].fetch_or(bit, Ordering::SeqCst);
        assert_eq!(
            before & bit,
            0,
            "{number} was delivered as the {}. time again",
            delivery.count
        );
        if delivery.id.is_none() {
            let before = self.done[number].fetch_add(1, Ordering::SeqCst);
            assert_eq!(before, 0, "{number} is done with");
        }
        if let Some(group) = delivery.entry.header("JMSXGroupID")
            && delivery.count == 1
        {
            let group = group.parse().expect("groups are numbered");
            let newest = lock(&self.newest).insert(group, number as u64);
            assert!(
                newest.is_none_or(|newest| newest < number as u64),
                "{number} in its group"
            );
        }
        number
    }
}

impl Connection {
    fn attach(run: &Run, behaviour: Behaviour) -> Arc<Self> {
        let connection = Arc::new(Self {
            behaviour,
            ledger: Arc::clone(&run.ledger),
            session: OnceLock::new(),
            reader: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let peer: Weak<dyn Peer> = Arc::downgrade(&(Arc::clone(&connection) as Arc<dyn Peer>));
        let reader = run.broker.attach("c".into(), peer);
        connection
            .session
            .get_or_init(|| Arc::clone(reader.session()));
        *lock(&connection.reader) = Some(reader);
        connection
    }

    fn session(&self) -> &Arc<Session> {
        self.session.get().expect("set when it was attached")
    }

    fn drain(&self) {
        loop {
            let Ok(mut reader) = self.reader.try_lock() else {
                return;
            };
            self.session().begin_drain();
            let mut all = Vec::new();
            let mut is_all = true;
            if let Some(reader) = reader.as_mut() {
                is_all = reader.drain(0, |delivery| {
                    if delivery.entry.topic().as_str().starts_with("passing") {
                        return ControlFlow::Continue(());
                    }
                    let number = self.ledger.note(&delivery);
                    all.extend(delivery.id.map(|id| Taken { id, number }));
                    ControlFlow::Continue(())
                });
            }
            lock(&self.state).taken.append(&mut all);
            self.changed.notify_all();
            self.ledger.changed.notify_all();
            drop(reader);
            if is_all && !self.session().is_scheduled() {
                return;
            }
        }
    }

    fn take(&self) -> Vec<Taken> {
        std::mem::take(&mut lock(&self.state).taken)
    }

    /// Settles deliveries until it is stopped.
    fn work(&self, run: &Run) {
        let mut random = Random::new(7);
        loop {
            let mut state = lock(&self.state);
            while !state.is_woken && !state.is_stopped && state.taken.is_empty() {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
            if state.is_stopped {
                return;
            }
            if std::mem::take(&mut state.is_woken) {
                drop(state);
                self.drain();
                continue;
            }
            let taken = std::mem::take(&mut state.taken);
            drop(state);
            for one in taken {
                let verdict = match (self.behaviour, random.below(20)) {
                    (Behaviour::DrainedByOthers, 0..=2) => Verdict::Return,
                    (Behaviour::DrainedByOthers, 3) => Verdict::Reject,
                    _ => Verdict::Accept,
                };
                run.settle(self, &one, verdict);
            }
        }
    }

    fn stop(&self) {
        lock(&self.state).is_stopped = true;
        self.changed.notify_all();
    }
}

impl Peer for Connection {
    fn deliver(&self) {
        match self.behaviour {
            Behaviour::DrainedByOthers => self.drain(),
            Behaviour::DrainedByItself => self.wake(),
        }
    }

    fn wake(&self) {
        lock(&self.state).is_woken = true;
        self.changed.notify_all();
    }
}

fn number_of(body: &[u8]) -> usize {
    let text = std::str::from_utf8(body).expect("text");
    text.parse().expect("the messages are numbered")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
