//! The producers of this page: a run over connections of their own, from its start to its end.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use leptos::prelude::*;
use simulation::Random;

use super::{
    live::destination,
    message::{Run, Sent, TOPIC},
    settings::{MOST, Settings},
};
use crate::{
    browser::{self, Appointment},
    connection::{Connection, NotSent, Outcome, State},
};

/// The progress of the producers of this page.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Ready,
    Starting,
    Running(Count),
    Done(Count),
    Stopped(Count),
    /// The run has ended early, for this reason; `None` if the connection was missing or lost.
    Failed(Option<String>),
}

/// Messages that the server has accepted, of all of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub accepted: usize,
    pub total: usize,
}

impl Progress {
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Starting | Self::Running(_))
    }
}

pub struct Producers {
    me: Weak<Self>,
    progress: RwSignal<Progress>,
    connections: [Connection; MOST],
    /// `None` unless a run is going on.
    production: RefCell<Option<Production>>,
    /// Closes the connections after a run.
    closing: RefCell<Option<Appointment>>,
}

struct Production {
    run: Run,
    delays_ms: [u32; MOST],
    started_ms: f64,
    accepted: usize,
    producers: Vec<Producer>,
}

struct Producer {
    sent: u32,
    random: Random,
    next: Option<Appointment>,
}

impl Producers {
    pub fn new(progress: RwSignal<Progress>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            progress,
            connections: [(); MOST].map(|()| Connection::new()),
            production: RefCell::default(),
            closing: RefCell::default(),
        })
    }

    /// Begins a run, unless one is going on.
    pub fn start(&self, settings: &Settings) {
        if self.production.borrow().is_some() {
            return;
        }
        self.closing.replace(None);
        for connection in &self.connections[..settings.producers] {
            connection.open();
        }
        let producer = |index: usize| Producer {
            sent: 0,
            random: Random::new(u64::from(settings.seed) << 8 | index as u64),
            next: None,
        };
        self.production.replace(Some(Production {
            run: Run {
                id: browser::random_id(),
                producers: settings.producers,
                messages: settings.messages,
            },
            delays_ms: settings.delays_ms,
            started_ms: browser::now_ms(),
            accepted: 0,
            producers: (0..settings.producers).map(producer).collect(),
        }));
        self.progress.set(Progress::Starting);
        for index in 0..settings.producers {
            self.schedule(index, 0);
        }
    }

    pub fn stop(&self) {
        self.end(Progress::Stopped(self.count()));
    }

    /// Shows the progress, and ends a run whose messages have all been accepted. Called several times in a second.
    pub fn step(&self) {
        let count = self.count();
        if count.accepted > 0 && count.accepted >= count.total {
            self.end(Progress::Done(count));
        } else if count.accepted > 0 {
            self.progress.set(Progress::Running(count));
        }
    }

    fn schedule(&self, index: usize, pause_ms: u32) {
        let me = self.me.clone();
        let next = Appointment::after(pause_ms, move || with(&me, |own| own.produce(index)));
        self.with_producer(index, |producer, _| producer.next = Some(next));
    }

    /// Publishes the next message of a producer, when all producers are connected.
    fn produce(&self, index: usize) {
        let Some((sent, is_late)) = self.next_message(index) else {
            return;
        };
        let connections = &self.connections[..sent.run.producers];
        if sent.number == 1 && !connections.iter().all(|own| untrack(|| own.is_live())) {
            return match is_late {
                true => self.end(Progress::Failed(self.refusal())),
                false => self.schedule(index, RETRY_MS),
            };
        }
        let (me, run) = (self.me.clone(), sent.run.id.clone());
        let told = move |outcome| with(&me, |own| own.told(&run, outcome));
        match self.connections[index].publish(&destination(TOPIC), &sent.write(), told) {
            Ok(()) => self.sent(index),
            Err(NotSent::Backlog) => self.schedule(index, RETRY_MS),
            Err(NotSent::Offline) => self.end(Progress::Failed(self.refusal())),
        }
    }

    /// Returns the next message of a producer, and whether the producers have been connecting for too long.
    fn next_message(&self, index: usize) -> Option<(Sent, bool)> {
        let production = self.production.borrow();
        let production = production.as_ref()?;
        let sent = Sent {
            run: production.run.clone(),
            producer: index as u8,
            number: production.producers.get(index)?.sent + 1,
        };
        let is_late = browser::now_ms() - production.started_ms > CONNECT_MS;
        (sent.number <= sent.run.messages).then_some((sent, is_late))
    }

    /// Notes that a producer has sent a message, and schedules its next one after half to one and a half times its delay.
    fn sent(&self, index: usize) {
        let pause_ms = self.with_producer(index, |producer, delay_ms| {
            producer.sent += 1;
            delay_ms * (50 + producer.random.below(101) as u32) / 100
        });
        if let Some(pause_ms) = pause_ms {
            self.schedule(index, pause_ms);
        }
    }

    fn with_producer<T>(
        &self,
        index: usize,
        act: impl FnOnce(&mut Producer, u32) -> T,
    ) -> Option<T> {
        let mut production = self.production.borrow_mut();
        let production = production.as_mut()?;
        let producer = production.producers.get_mut(index)?;
        Some(act(producer, production.delays_ms[index]))
    }

    fn told(&self, run: &str, outcome: Outcome) {
        {
            let mut production = self.production.borrow_mut();
            let Some(production) = production.as_mut().filter(|own| own.run.id == run) else {
                return;
            };
            production.accepted += usize::from(outcome == Outcome::Accepted);
        }
        match outcome {
            Outcome::Accepted => {}
            Outcome::Refused(reason) => self.end(Progress::Failed(Some(reason))),
            Outcome::Unknown => self.end(Progress::Failed(self.refusal())),
        }
    }

    fn end(&self, progress: Progress) {
        if self.production.take().is_none() {
            return;
        }
        self.progress.set(progress);
        // Later, because this may be a call from one of these connections, which then handles its own end.
        let me = self.me.clone();
        let close = move || {
            with(&me, |own| {
                own.connections.iter().for_each(|one| one.close())
            })
        };
        self.closing.replace(Some(Appointment::after(0, close)));
    }

    fn count(&self) -> Count {
        let production = self.production.borrow();
        let count = |own: &Production| Count {
            accepted: own.accepted,
            total: own.run.total(),
        };
        production.as_ref().map(count).unwrap_or_default()
    }

    /// Returns the reason why a producer is not connected, if the server has given one.
    fn refusal(&self) -> Option<String> {
        let mut reasons = self.connections.iter().filter_map(|connection| {
            untrack(|| match (connection.refusal(), connection.state()) {
                (refusal, _) if !refusal.is_empty() => Some(refusal),
                (_, State::Lost { reason, .. }) => Some(reason),
                _ => None,
            })
        });
        reasons.find(|reason| !reason.is_empty())
    }
}

/// Calls `act`, unless the page has been left.
fn with(me: &Weak<Producers>, act: impl FnOnce(&Producers)) {
    if let Some(producers) = me.upgrade() {
        act(&producers);
    }
}

/// The pause of a producer that cannot publish now.
const RETRY_MS: u32 = 50;
/// The longest time for the connections of the producers.
const CONNECT_MS: f64 = 10_000.0;
