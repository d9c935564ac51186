//! Publishes, receives and counts messages.

use std::{ops::Range, time::Duration};

use super::{
    dialect::{Arrival, Protocol},
    latency::Latency,
    link::LinkError,
    net::{Handler, Net},
    plan::Plan,
    publisher::Publisher,
    subscriber::{Subscriber, disagreeing},
};

pub struct Traffic {
    plan: Plan,
    publishers: Vec<Publisher>,
    subscribers: Vec<Subscriber>,
    /// The index of each publisher at its subscribers.
    producer_indexes: Vec<usize>,
    /// The role of each connection.
    roles: Vec<Role>,
    current: Role,
    now_ns: u64,
    /// The measured time, in nanoseconds: the latency of messages due in it is recorded.
    measured: Range<u64>,
    pub latency: Latency,
    pub tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Publisher(usize),
    Subscriber(usize),
    /// A connection whose messages are not counted.
    Other,
}

/// Counters since the start of the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub published: u64,
    pub confirmed: u64,
    pub delivered: u64,
    /// Messages of another run.
    pub foreign: u64,
    pub disconnected: u64,
    /// Number of times that a publisher abandoned its messages in flight.
    pub stalls: u64,
}

/// The totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub expected: u64,
    pub received: u64,
    pub violations: u64,
    /// Messages without a confirmation, if confirmations are measured.
    pub unconfirmed: u64,
    /// See [`disagreeing`].
    pub disagreeing: Option<u64>,
}

impl Traffic {
    pub fn new(plan: Plan, publishers: Vec<Publisher>, roles: Vec<Role>) -> Self {
        let producer_indexes = (0..plan.publishers).map(|publisher| plan.producer_index(publisher));
        let producers = plan.producers_per_subscriber();
        let subscribers = (0..plan.subscribers).map(|_| Subscriber::new(producers));
        Self {
            publishers,
            subscribers: subscribers.collect(),
            producer_indexes: producer_indexes.collect(),
            plan,
            roles,
            current: Role::Other,
            now_ns: 0,
            measured: 0..0,
            latency: Latency::new(),
            tally: Tally::default(),
        }
    }

    /// Starts the schedules of all publishers.
    pub fn start_schedules(&mut self, now_ns: u64) {
        for publisher in &mut self.publishers {
            publisher.start_schedule(now_ns);
        }
    }

    /// Starts recording the latency of messages due in this time.
    pub fn measure(&mut self, during: Range<u64>) {
        self.latency = Latency::new();
        self.measured = during;
    }

    /// Publishes and receives until `end_ns`. Returns false if all publishers were lost before.
    pub fn run_until(&mut self, net: &mut Net, end_ns: u64) -> anyhow::Result<bool> {
        loop {
            let now_ns = net.now_ns();
            if now_ns >= end_ns || self.publishers.iter().all(|one| one.is_lost) {
                return Ok(now_ns >= end_ns);
            }
            self.publish(net, now_ns)?;
            net.poll_once(self.longest_wait(now_ns, end_ns), self)?;
        }
    }

    /// Receives the messages in flight, until all have arrived or `end_ns` has passed. Publishes
    /// nothing.
    pub fn drain_until(&mut self, net: &mut Net, end_ns: u64) -> anyhow::Result<()> {
        while net.now_ns() < end_ns && !self.is_complete() {
            for publisher in 0..self.publishers.len() {
                net.flush(self.publishers[publisher].link, self)?;
            }
            net.poll_once(Duration::from_millis(10), self)?;
        }
        Ok(())
    }

    /// Only answers the server, until `end_ns`.
    pub fn wait_until(&mut self, net: &mut Net, end_ns: u64) -> anyhow::Result<()> {
        while net.now_ns() < end_ns {
            net.poll_once(LONGEST_WAIT, self)?;
        }
        Ok(())
    }

    fn longest_wait(&self, now_ns: u64, end_ns: u64) -> Duration {
        let due = self.publishers.iter().filter_map(Publisher::next_ns).min();
        let until = due.unwrap_or(end_ns).min(end_ns);
        let wait = Duration::from_nanos(until.saturating_sub(now_ns));
        wait.min(LONGEST_WAIT)
    }

    fn publish(&mut self, net: &mut Net, now_ns: u64) -> anyhow::Result<()> {
        for number in 0..self.publishers.len() {
            let publisher = &mut self.publishers[number];
            self.tally.stalls += u64::from(publisher.abandon_stalled(now_ns));
            let Some(link) = net.link(publisher.link) else {
                continue;
            };
            let mut due = publisher.due(now_ns, link.unsent()).min(MAX_BATCH);
            let wrote = due > 0;
            while due > 0 && link.unsent() < MAX_UNSENT {
                link.write(|output| publisher.write(now_ns, output));
                self.tally.published += 1;
                due -= 1;
            }
            if wrote {
                let link = publisher.link;
                net.flush(link, self)?;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, subscriber: usize, payload: &[u8]) {
        let stamp = super::stamp::Stamp::read(payload).filter(|stamp| stamp.run == self.plan.run);
        let noted = stamp.and_then(|stamp| {
            let producer = stamp.producer as usize;
            let index = *self.producer_indexes.get(producer)?;
            let progress = self.subscribers[subscriber].record(index, stamp.sequence)?;
            self.publishers[producer].progress += progress;
            Some(stamp.sent_ns)
        });
        let Some(sent_ns) = noted else {
            self.tally.foreign += 1;
            return;
        };
        self.tally.delivered += 1;
        if self.measured.contains(&sent_ns) {
            self.latency.record(self.now_ns.saturating_sub(sent_ns));
        }
    }

    fn confirmed(&mut self) {
        let Role::Publisher(publisher) = self.current else {
            return;
        };
        self.tally.confirmed += 1;
        let sent_ns = self.publishers[publisher].confirm();
        if let Some(sent_ns) = sent_ns.filter(|sent_ns| self.measured.contains(sent_ns)) {
            self.latency.record(self.now_ns.saturating_sub(sent_ns));
        }
    }

    /// Removes a lost subscriber from the audience of its publishers, so that they do not wait for
    /// it.
    fn remove_subscriber(&mut self, subscriber: usize) {
        self.subscribers[subscriber].is_lost = true;
        for (number, publisher) in (0..).zip(&mut self.publishers) {
            if self.plan.receives(number, subscriber as u32) {
                let last =
                    self.subscribers[subscriber].last(self.producer_indexes[number as usize]);
                publisher.progress -= last;
                publisher.audience -= 1;
            }
        }
    }

    fn is_complete(&self) -> bool {
        let totals = self.totals();
        totals.received >= totals.expected && totals.unconfirmed == 0
    }

    fn totals(&self) -> Totals {
        let audience = |number: u32| self.plan.audience(number);
        let sent = (0..).zip(&self.publishers);
        Totals {
            expected: sent.map(|(number, one)| one.sent * audience(number)).sum(),
            received: self.subscribers.iter().map(|one| one.received).sum(),
            violations: self.subscribers.iter().map(|one| one.violations).sum(),
            unconfirmed: self.publishers.iter().map(Publisher::unconfirmed).sum(),
            disagreeing: None,
        }
    }

    /// Returns the totals since the start of the run, including the warm-up and the check of the
    /// total order.
    pub fn final_totals(&self) -> Totals {
        let topics = match self.plan.producers_per_subscriber() {
            0 | 1 => 0,
            _ => self.plan.topics.min(self.plan.subscribers),
        };
        let of_topic = |topic| {
            let subscribers = (0..).zip(&self.subscribers);
            let same = move |number: u32| self.plan.sees_same_as(number, topic);
            subscribers.filter_map(move |(number, one)| same(number).then_some(one))
        };
        let disagreeing = (0..topics).filter_map(|topic| disagreeing(of_topic(topic)));
        Totals {
            disagreeing: disagreeing.reduce(|one, other| one + other),
            ..self.totals()
        }
    }
}

impl Handler for Traffic {
    fn opened(&mut self, _link: usize) -> Vec<u8> {
        Vec::new()
    }

    fn reading(&mut self, link: usize, now_ns: u64) {
        self.current = self.roles.get(link).copied().unwrap_or(Role::Other);
        self.now_ns = now_ns;
    }

    fn arrived(&mut self, arrival: Arrival<'_>, replies: &mut Vec<u8>) {
        match arrival {
            Arrival::Message { payload, packet_id } => {
                if packet_id != 0 {
                    replies.extend_from_slice(&Protocol::acknowledgement(packet_id));
                }
                match self.current {
                    Role::Subscriber(subscriber) => self.deliver(subscriber, payload),
                    Role::Publisher(_) | Role::Other => self.tally.foreign += 1,
                }
            }
            Arrival::Confirmed => self.confirmed(),
            Arrival::Ping => replies.extend_from_slice(Protocol::pong()),
            Arrival::Nothing => {}
        }
    }

    fn lost(&mut self, link: usize, error: LinkError) -> anyhow::Result<()> {
        self.tally.disconnected += 1;
        if self.tally.disconnected == 1 {
            super::note(&format!("connection {} was lost: {error}", link + 1));
        }
        match self.roles.get(link) {
            Some(Role::Publisher(publisher)) => self.publishers[*publisher].is_lost = true,
            Some(Role::Subscriber(subscriber)) => self.remove_subscriber(*subscriber),
            Some(Role::Other) | None => {}
        }
        Ok(())
    }
}

/// Maximum number of messages that one publisher writes before the next one.
const MAX_BATCH: u64 = 4096;
/// Maximum number of unsent bytes at which a publisher still adds messages.
const MAX_UNSENT: usize = 1 << 20;
/// Maximum time between two checks of the clock.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
