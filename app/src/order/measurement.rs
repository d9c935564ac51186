//! The measurement of what one order costs on this server (see `cost`), with connections of its own.
//!
//! A probe is published first, again and again, until every subscriber has received it: then all subscriptions are active,
//! because the server handles the requests of a connection in their order.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use leptos::prelude::*;

use super::{
    cost::{Cost, ROUNDS, Round, Way},
    settings::{MOST, Settings},
};
use crate::{
    browser::{self, Appointment},
    connection::{Connection, Delivery, Listening, Message, NotSent, Outcome, State, Wanted},
};

/// A handle to the measurement.
#[derive(Clone, Copy)]
pub struct Measurement {
    pub state: RwSignal<Measured>,
    /// `None` on the server.
    work: Option<StoredValue<Rc<Work>, LocalStorage>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    Not,
    /// The number of the round that runs, from 1; 0 while the connections are being opened.
    Running(usize),
    Result(Cost),
    Failed(Failure),
}

/// The reason why a measurement has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server has refused a request, for this reason.
    Refused(String),
    /// A connection was not opened or was lost.
    NoConnection,
    /// A round has taken longer than [`LONGEST_S`].
    TooSlow,
}

struct Work {
    me: Weak<Self>,
    state: RwSignal<Measured>,
    producers: [Connection; MOST],
    subscribers: [Connection; MOST],
    run: RefCell<Option<Measuring>>,
    /// The next call: a probe, the begin of a round, or the end of its time.
    next: RefCell<Option<Appointment>>,
    /// The end of the measurement, which closes the connections.
    closing: RefCell<Option<Appointment>>,
    started_ms: Cell<f64>,
}

struct Measuring {
    /// A random name; messages of other pages that measure have another one.
    id: String,
    producers: usize,
    subscribers: usize,
    rounds: Vec<Round>,
    phase: Phase,
    /// By producer: published messages of the round, and those that the server has not confirmed.
    published: [u32; MOST],
    unconfirmed: [u32; MOST],
    /// By subscriber: messages received in the round, or probes.
    received: [u32; MOST],
    _listening: Vec<Listening>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Probes are sent.
    Probes,
    /// Before a round.
    Pause,
    Round(Way),
}

impl Measurement {
    pub fn new() -> Self {
        let state = RwSignal::new(Measured::Not);
        let connections = || [(); MOST].map(|()| Connection::new());
        let work = || {
            Rc::new_cyclic(|me| Work {
                me: me.clone(),
                state,
                producers: connections(),
                subscribers: connections(),
                run: RefCell::default(),
                next: RefCell::default(),
                closing: RefCell::default(),
                started_ms: Cell::default(),
            })
        };
        Self {
            state,
            work: is_browser().then(|| StoredValue::new_local(work())),
        }
    }

    /// Starts a measurement, unless one is running.
    pub fn start(self, settings: &Settings) {
        if let Some(work) = self.work.and_then(|work| work.try_get_value()) {
            work.start(settings);
        }
    }
}

impl Work {
    fn start(&self, settings: &Settings) {
        if self.run.borrow().is_some() {
            return;
        }
        self.closing.replace(None);
        let (producers, subscribers) = (settings.producers, settings.subscribers);
        let mut listening = Vec::new();
        for (index, connection) in self.subscribers[..subscribers].iter().enumerate() {
            connection.open();
            let topics = (0..producers).map(apart);
            for topic in std::iter::once(TOGETHER.to_owned()).chain(topics) {
                let me = self.me.clone();
                let wanted = Wanted::new(&topic, Delivery::New);
                listening.push(connection.listen(wanted, None, move |messages| {
                    with(&me, |work| work.receive(index, messages));
                }));
            }
        }
        for connection in &self.producers[..producers] {
            connection.open();
        }
        self.run.replace(Some(Measuring {
            id: browser::random_id(),
            producers,
            subscribers,
            rounds: Vec::new(),
            phase: Phase::Probes,
            published: [0; MOST],
            unconfirmed: [0; MOST],
            received: [0; MOST],
            _listening: listening,
        }));
        self.started_ms.set(browser::now_ms());
        self.state.set(Measured::Running(0));
        self.probe();
    }

    /// Publishes a message to the last topic of the subscriptions, and does so again until every subscriber has one.
    fn probe(&self) {
        let Some((id, last)) = self.with_run(|run| (run.id.clone(), run.producers - 1)) else {
            return;
        };
        let connections = || self.producers.iter().chain(&self.subscribers);
        let reason = connections().find_map(|connection| reason(*connection));
        let is_late = browser::now_ms() - self.started_ms.get() > CONNECT_MS;
        match reason {
            Some(reason) if !reason.is_empty() => return self.fail(Failure::Refused(reason)),
            _ if is_late => return self.fail(Failure::NoConnection),
            _ => {}
        }
        // Not sent before the connection is open; then the next probe follows.
        let _ = self.publish(last, &apart(last), &probe(&id));
        self.after(PROBE_MS, Self::probe);
    }

    fn publish(&self, producer: usize, topic: &str, body: &str) -> Result<(), NotSent> {
        let me = self.me.clone();
        let told = move |outcome| with(&me, |work| work.told(producer, outcome));
        self.producers[producer].publish(&format!("/topic/{topic}"), body, told)
    }

    fn receive(&self, subscriber: usize, messages: &[Message]) {
        let is_complete = self.with_run(|run| {
            let (body, needed) = match run.phase {
                Phase::Probes => (probe(&run.id), 1),
                Phase::Round(_) => (body(&run.id, run.rounds.len()), run.total()),
                // Only late probes.
                Phase::Pause => return false,
            };
            let own = messages
                .iter()
                .filter(|message| message.body == body.as_bytes());
            run.received[subscriber] += own.count() as u32;
            let received = &run.received[..run.subscribers];
            received.iter().all(|received| *received >= needed)
        });
        if is_complete == Some(true) {
            self.end_round();
        }
    }

    /// Ends a round, or the probes, and begins the next round a little later.
    fn end_round(&self) {
        let elapsed_ms = browser::now_ms() - self.started_ms.get();
        let rounds = self.with_run(|run| {
            if let Phase::Round(way) = run.phase {
                let messages = run.total();
                run.rounds.push(Round {
                    way,
                    messages,
                    elapsed_ms,
                });
            }
            // Nothing is published or counted before the next round.
            run.phase = Phase::Pause;
            run.rounds.clone()
        });
        let Some(rounds) = rounds else { return };
        if rounds.len() < ROUNDS.len() {
            return self.after(PAUSE_MS, Self::begin_round);
        }
        match Cost::of(&rounds) {
            Some(cost) => self.end(Measured::Result(cost)),
            None => self.fail(Failure::NoConnection),
        }
    }

    fn begin_round(&self) {
        let begun = self.with_run(|run| {
            run.phase = Phase::Round(ROUNDS[run.rounds.len()]);
            run.published = [0; MOST];
            run.received = [0; MOST];
            (run.rounds.len() + 1, run.producers)
        });
        let Some((round, producers)) = begun else {
            return;
        };
        self.state.set(Measured::Running(round));
        self.started_ms.set(browser::now_ms());
        self.after(LONGEST_S * 1_000, |work| work.fail(Failure::TooSlow));
        for producer in 0..producers {
            self.pump(producer);
        }
    }

    /// Publishes while few messages of a producer are unconfirmed.
    fn pump(&self, producer: usize) {
        let next = |run: &mut Measuring| {
            let Phase::Round(way) = run.phase else {
                return None;
            };
            let is_open = run.published[producer] < run.each()
                && run.unconfirmed[producer] < MOST_UNCONFIRMED;
            let topic = match way {
                Way::Together => TOGETHER.to_owned(),
                Way::Apart => apart(producer),
            };
            is_open.then(|| (topic, body(&run.id, run.rounds.len())))
        };
        while let Some((topic, body)) = self.with_run(next).flatten() {
            match self.publish(producer, &topic, &body) {
                Ok(()) => {
                    self.with_run(|run| {
                        run.published[producer] += 1;
                        run.unconfirmed[producer] += 1;
                    });
                }
                // The next confirmation continues.
                Err(NotSent::Backlog) => break,
                Err(NotSent::Offline) => return self.fail(Failure::NoConnection),
            }
        }
    }

    fn told(&self, producer: usize, outcome: Outcome) {
        match outcome {
            Outcome::Accepted => {
                self.with_run(|run| {
                    run.unconfirmed[producer] = run.unconfirmed[producer].saturating_sub(1);
                });
                self.pump(producer);
            }
            Outcome::Refused(reason) => self.fail(Failure::Refused(reason)),
            Outcome::Unknown => self.fail(Failure::NoConnection),
        }
    }

    fn fail(&self, failure: Failure) {
        self.end(Measured::Failed(failure));
    }

    fn end(&self, state: Measured) {
        if self.run.borrow().is_none() {
            return;
        }
        self.state.set(state);
        // Later, because this may be a call from one of these connections or of `next`.
        let me = self.me.clone();
        let close = move || with(&me, Self::close);
        self.next.replace(None);
        self.closing.replace(Some(Appointment::after(0, close)));
    }

    fn close(&self) {
        // The listeners are removed before their connections are closed.
        self.run.replace(None);
        for connection in self.producers.iter().chain(&self.subscribers) {
            connection.close();
        }
    }

    fn after(&self, pause_ms: u32, call: impl Fn(&Self) + 'static) {
        let me = self.me.clone();
        let next = Appointment::after(pause_ms, move || with(&me, &call));
        self.next.replace(Some(next));
    }

    /// Does nothing after the end of the measurement.
    fn with_run<T>(&self, act: impl FnOnce(&mut Measuring) -> T) -> Option<T> {
        let is_running = self
            .state
            .with_untracked(|state| matches!(state, Measured::Running(_)));
        let mut run = self.run.borrow_mut();
        run.as_mut().filter(|_| is_running).map(act)
    }
}

impl Measuring {
    /// Returns the messages of each producer in a round.
    fn each(&self) -> u32 {
        ROUND_MESSAGES / self.producers as u32
    }

    fn total(&self) -> u32 {
        self.each() * self.producers as u32
    }
}

/// Returns the reason why a connection is lost.
fn reason(connection: Connection) -> Option<String> {
    untrack(|| match connection.state() {
        State::Lost { reason, .. } => Some(reason),
        _ => None,
    })
}

fn with(me: &Weak<Work>, act: impl FnOnce(&Work)) {
    if let Some(work) = me.upgrade() {
        act(&work);
    }
}

/// Returns the topic of one producer.
fn apart(producer: usize) -> String {
    format!("order.apart.{}", producer + 1)
}

fn body(id: &str, round: usize) -> String {
    format!(r#"{{"measurement":"{id}","round":{round}}}"#)
}

fn probe(id: &str) -> String {
    format!(r#"{{"measurement":"{id}","round":null}}"#)
}

/// The topic of all producers together.
pub const TOGETHER: &str = "order.together";
/// Messages of a round, of all producers; every number of producers divides it.
pub const ROUND_MESSAGES: u32 = 6_000;
/// The longest time of a round, in seconds.
pub const LONGEST_S: u32 = 10;
/// A tenth of what a connection may leave unconfirmed (`connection::receipts`).
const MOST_UNCONFIRMED: u32 = 100;
const PROBE_MS: u32 = 50;
/// The pause between two rounds, in which the page draws.
const PAUSE_MS: u32 = 100;
const CONNECT_MS: f64 = 10_000.0;

#[cfg(test)]
mod tests {
    use super::{super::rights::TOPICS, *};

    #[test]
    fn the_rights_are_those_of_all_topics() {
        for topic in (0..MOST).map(apart).chain([TOGETHER.to_owned()]) {
            assert!(TOPICS.contains(&topic.as_str()), "{topic}");
        }
    }

    #[test]
    fn every_number_of_producers_divides_a_round() {
        for producers in 2..=MOST as u32 {
            assert_eq!(ROUND_MESSAGES % producers, 0);
        }
    }
}
