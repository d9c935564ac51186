//! A connection: a thread that makes the session ready drains it, unless another thread is draining
//! it.

use std::{ops::ControlFlow, sync::Weak};

use broker::{Broker, Delivery, Outcome, Peer, Publication, Reader, Session, TopicName};
use loom::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

pub struct Connection<T> {
    pub session: std::sync::Arc<Session>,
    /// Acquired with `try`, and released with no stronger ordering than that of a lock.
    taken: AtomicBool,
    reader: Mutex<Reader>,
    note: fn(&Delivery<'_>) -> T,
    /// The deliveries.
    pub delivered: Mutex<Vec<T>>,
}

struct NoopPeer;

impl Peer for NoopPeer {
    fn deliver(&self) {}
    fn wake(&self) {}
}

impl<T> Connection<T> {
    pub fn attach(broker: &Broker, note: fn(&Delivery<'_>) -> T) -> Self {
        let reader = broker.attach("c".into(), Weak::<NoopPeer>::new());
        Self {
            session: std::sync::Arc::clone(reader.session()),
            taken: AtomicBool::new(false),
            reader: Mutex::new(reader),
            note,
            delivered: Mutex::new(Vec::new()),
        }
    }

    pub fn drain(&self) {
        loop {
            if self
                .taken
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
            {
                return;
            }
            self.session.begin_drain();
            let mut delivered = Vec::new();
            let mut reader = self.reader.lock().expect("no panic");
            // A subscription begins in several calls.
            while !reader.drain(0, |delivery| {
                delivered.push((self.note)(&delivery));
                ControlFlow::Continue(())
            }) {}
            drop(reader);
            self.delivered.lock().expect("no panic").extend(delivered);
            self.taken.store(false, Ordering::Release);
            if !self.session.is_scheduled() {
                return;
            }
        }
    }

    /// Removes and returns the deliveries.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.delivered.lock().expect("no panic"))
    }
}

/// Publishes a batch, and drains the connections that it made ready.
pub fn publish<T>(broker: &Broker, connections: &[&Connection<T>], mut batch: Vec<Publication>) {
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    drain_ready(&mut outcome, connections);
}

pub fn drain_ready<T>(outcome: &mut Outcome, connections: &[&Connection<T>]) {
    let ready: Vec<_> = outcome.ready.drain().collect();
    for session in ready {
        let is_its = |one: &&&Connection<T>| std::sync::Arc::ptr_eq(&one.session, &session);
        connections
            .iter()
            .filter(is_its)
            .for_each(|one| one.drain());
    }
}

pub fn event(topic: &str) -> Publication {
    Publication::new(name(topic), "p".into(), 0, &[])
}

pub fn message(queue: &str) -> Publication {
    Publication::to_queue(name(queue), "p".into(), 0, &[])
}

pub fn name(text: &str) -> TopicName {
    TopicName::new(text).expect("a name")
}
