//! Selective consumers with a small prefetch on separate threads: every consumer whose scan was
//! interrupted resumes it.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use broker::{
    Acknowledgement, Broker, Consume, DeliveryId, Outcome, Peer, Reader, Settlement, Verdict,
};
use simulation::Random;

use crate::{
    harness::broker,
    queue_harness::{message, queue, selector},
};

const PRODUCERS: u64 = 2;
const MESSAGES: u64 = 3_000;

/// A connection that is drained by its own thread, like that of a server.
struct Connection {
    reader: Mutex<Option<Reader>>,
    woken: Mutex<bool>,
    changed: Condvar,
    is_over: AtomicBool,
    accepted: Arc<AtomicU64>,
    broker: OnceLock<Arc<Broker>>,
}

impl Peer for Connection {
    fn deliver(&self) {
        self.wake();
    }

    fn wake(&self) {
        *self.woken.lock().expect("no panic elsewhere") = true;
        self.changed.notify_all();
    }
}

impl Connection {
    fn attach(broker: &Arc<Broker>, accepted: &Arc<AtomicU64>) -> Arc<Self> {
        let connection = Arc::new(Self {
            reader: Mutex::default(),
            woken: Mutex::default(),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
            accepted: Arc::clone(accepted),
            broker: OnceLock::from(Arc::clone(broker)),
        });
        let peer: Weak<dyn Peer> = Arc::downgrade(&(Arc::clone(&connection) as Arc<dyn Peer>));
        let reader = broker.attach("c".into(), peer);
        *connection.reader.lock().expect("no panic elsewhere") = Some(reader);
        connection
    }

    fn run(&self, seed: u64) {
        let broker = self.broker.get().expect("set at the beginning");
        let mut random = Random::new(seed);
        let mut reader = self.reader.lock().expect("no panic elsewhere").take();
        let reader = reader.as_mut().expect("set at the beginning");
        let session = Arc::clone(reader.session());
        let subscribe = |random: &mut Random| {
            let colour = ["red", "blue", "green"][random.below(3) as usize];
            let filter = ["q.a", "q.b", "q.*"][random.below(3) as usize];
            let chosen = (random.below(4) > 0)
                .then(|| selector(&format!("colour = '{colour}'")))
                .flatten();
            let consume = Consume {
                acknowledgement: Acknowledgement::Individual,
                prefetch: 1 + random.below(4) as usize,
                selector: chosen,
                ..queue(filter)
            };
            let mut outcome = Outcome::default();
            let id = broker.consume(&session, consume, &mut outcome);
            outcome.ready.deliver();
            id.expect("within the limits")
        };
        // A consumer without a selector, so that all messages can be consumed.
        let mut outcome = Outcome::default();
        let all = Consume {
            prefetch: 2,
            ..queue("q.*")
        };
        broker
            .consume(&session, all, &mut outcome)
            .expect("within the limits");
        outcome.ready.deliver();
        let mut ids: Vec<_> = (0..3).map(|_| subscribe(&mut random)).collect();
        while !self.is_over.load(Ordering::SeqCst) {
            session.begin_drain();
            let mut taken = Vec::new();
            let is_all = reader.drain(0, |delivery| {
                taken.push(delivery.id.expect("it is to be acknowledged"));
                ControlFlow::Continue(())
            });
            let is_idle = taken.is_empty();
            taken
                .drain(..)
                .for_each(|id| self.settle(&session, id, &mut random));
            if is_idle && random.below(10) == 0 {
                let gone = ids.remove(0);
                let mut outcome = Outcome::default();
                broker.unsubscribe(&session, gone, 0, &mut outcome);
                outcome.ready.deliver();
                ids.push(subscribe(&mut random));
            }
            let mut woken = self.woken.lock().expect("no panic elsewhere");
            if is_all && !session.is_scheduled() && !*woken {
                let waited = self.changed.wait_timeout(woken, Duration::from_secs(20));
                woken = waited.expect("no panic elsewhere").0;
            }
            *woken = false;
        }
        let mut outcome = Outcome::default();
        broker.detach(&session, 0, &mut outcome);
        outcome.ready.deliver();
    }

    fn settle(&self, session: &broker::Session, delivery: DeliveryId, random: &mut Random) {
        let verdict = match random.below(20) {
            0 => Verdict::Return,
            _ => Verdict::Accept,
        };
        let settlement = Settlement { delivery, verdict };
        let mut outcome = Outcome::default();
        let broker = self.broker.get().expect("set at the beginning");
        let settled = broker.settle(session, settlement, 0, &mut outcome);
        outcome.ready.deliver();
        // A consumer that was unsubscribed has already returned the delivery.
        if settled.is_ok() && verdict == Verdict::Accept {
            self.accepted.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn produce(broker: &Broker, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..MESSAGES {
        let colour = ["red", "blue", "green", "red"][random.below(4) as usize];
        let name = ["q.a", "q.b"][random.below(2) as usize];
        let mut headers = vec![format!("colour:{colour}")];
        if random.below(10) == 0 {
            headers.push(format!("JMSXGroupID:{colour}"));
        }
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let mut outcome = Outcome::default();
        broker.publish(&mut vec![message(name, "", &headers)], &mut outcome);
        assert!(outcome.results.iter().all(Result::is_ok));
        outcome.ready.deliver();
    }
}

#[test]
fn every_message_is_accepted_once() {
    for seed in simulation::seeds(4) {
        let broker = Arc::new(broker(|limits| {
            limits.redelivery.maximum_redeliveries = u32::MAX
        }));
        // Messages that no selector matches.
        for number in 0..600 {
            let name = ["q.a", "q.b"][number % 2];
            let mut outcome = Outcome::default();
            broker.publish(&mut vec![message(name, "", &["colour:none"])], &mut outcome);
        }
        let accepted = Arc::new(AtomicU64::new(0));
        let connections: Vec<_> = (0..3)
            .map(|_| Connection::attach(&broker, &accepted))
            .collect();
        let wanted = 600 + PRODUCERS * MESSAGES;
        thread::scope(|scope| {
            for (index, connection) in connections.iter().enumerate() {
                scope.spawn(move || connection.run(seed * 10 + index as u64));
            }
            for producer in 0..PRODUCERS {
                let broker = &broker;
                scope.spawn(move || produce(broker, 100 + seed * 10 + producer));
            }
            let until = Instant::now() + Duration::from_secs(15);
            while accepted.load(Ordering::SeqCst) < wanted && Instant::now() < until {
                thread::yield_now();
            }
            for connection in &connections {
                connection.is_over.store(true, Ordering::SeqCst);
                connection.wake();
            }
        });
        assert_eq!(accepted.load(Ordering::SeqCst), wanted);
    }
}
