//! A run, from its first connection to its report: connect, subscribe, warm up, measure, stop,
//! drain.

use std::{
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::bail;
use clap::ValueEnum;

use super::{
    dialect::Quality,
    latency::Percentiles,
    link::{Route, framed},
    net::Net,
    opening::{ConnectionSettings, Opened, open},
    options::{BenchOptions, Shape},
    plan::Plan,
    process::{Cpu, cpu, listening, resident_bytes},
    publisher::{Acknowledgement, ProducerId, Publisher, Schedule},
    report::{Check, Load, Measured, Others, Report, Stuck},
    storing,
    ticker::Ticker,
    traffic::{Role, Tally, Traffic},
    websocket,
};

pub struct Run {
    options: BenchOptions,
    plan: Plan,
    net: Net,
    settings: ConnectionSettings,
    server_pid: Option<u32>,
}

/// All counters at one time.
#[derive(Clone, Copy)]
struct Snapshot {
    at_ns: u64,
    tally: Tally,
    server: Option<Cpu>,
    own: Option<Cpu>,
}

impl Run {
    /// # Errors
    ///
    /// The options contradict each other, or the server's name cannot be resolved.
    pub fn new(options: BenchOptions) -> anyhow::Result<Self> {
        let address = options.address();
        let server = address.resolve()?;
        let plan = Plan::new(&options, run_number())?;
        let upgrade = address.path.as_ref().map(|path| {
            let subprotocol = options.protocol.websocket_subprotocol();
            websocket::request(address.authority(), path, subprotocol)
        });
        let route = Route {
            server,
            protocol: options.protocol,
            upgrade,
        };
        Ok(Self {
            server_pid: options.server_pid.or_else(|| listening(server)),
            net: Net::new()?,
            settings: ConnectionSettings {
                route,
                credentials: options.credentials(),
                quality: options.quality(),
                name: format!("bench-{:06x}", plan.run),
            },
            plan,
            options,
        })
    }

    /// # Errors
    ///
    /// The server cannot be reached, it refused a request, or no publisher is left.
    pub fn perform(mut self) -> anyhow::Result<Report> {
        if self.options.shape != Shape::Persistent {
            return self.connect_and_measure();
        }
        storing::create(&self.settings, &self.plan.filter_of_all())?;
        let report = self.connect_and_measure();
        let removed = storing::remove(&self.settings);
        // The first error is the cause of the second one.
        let report = report?;
        removed?;
        Ok(report)
    }

    fn connect_and_measure(&mut self) -> anyhow::Result<Report> {
        let resident_before = self.resident();
        let opened = self.open()?;
        if self.options.shape == Shape::Idle {
            self.hold_idle()?;
        }
        let resident_open = self.resident();
        let mut report = self.report(opened);
        report.resident_before = resident_before;
        report.resident_open = resident_open;
        report.bytes_per_connection = growth(
            resident_before,
            resident_open,
            report.opened.connections as f64,
        );
        if self.options.shape == Shape::Idle {
            return Ok(report);
        }
        let mut traffic = Traffic::new(self.plan.clone(), self.publishers(), self.roles());
        let baseline = self.measure(&mut traffic)?;
        if self.options.others > 0 {
            report.others = Some(self.with_others(&mut traffic, &baseline)?);
        }
        if self.options.stuck > 0 {
            report.stuck = Some(self.with_stuck(&mut traffic, &baseline)?);
        }
        report.traffic = Some(baseline);
        Ok(report)
    }

    fn report(&self, opened: Opened) -> Report {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        let address = self.options.address();
        let server = match &address.path {
            None => format!("tcp://{}", address.authority()),
            Some(path) => format!("ws://{}{path}", address.authority()),
        };
        Report {
            shape: name(self.options.shape.to_possible_value()),
            protocol: name(self.options.protocol.to_possible_value()),
            server,
            publishers: self.plan.publishers,
            subscribers: self.plan.subscribers,
            topics: self.plan.topics,
            payload_bytes: self.options.payload,
            qos: match self.options.quality() {
                Quality::AtMostOnce => 0,
                Quality::AtLeastOnce => 1,
            },
            window: self.options.rate.is_none().then_some(self.options.window),
            rate: self.options.rate,
            opened,
            server_pid: self.server_pid,
            resident_before: None,
            resident_open: None,
            bytes_per_connection: None,
            traffic: None,
            others: None,
            stuck: None,
        }
    }

    /// Opens all connections. The subscribers are first, so that they miss no message.
    fn open(&mut self) -> anyhow::Result<Opened> {
        let subscribers = 0..self.plan.subscribers;
        let subscribers = subscribers.map(|number| vec![self.plan.filter_of_subscriber(number)]);
        let protocol = self.options.protocol;
        let publishers = (0..self.plan.publishers).map(|number| match self.options.shape {
            Shape::Persistent => {
                let filter = protocol.confirmation_filter(&self.publisher_name(number));
                filter.into_iter().collect()
            }
            _ => Vec::new(),
        });
        let filters: Vec<_> = subscribers.chain(publishers).collect();
        open(&mut self.net, &self.settings, &filters)
    }

    fn roles(&self) -> Vec<Role> {
        let subscribers = (0..self.plan.subscribers as usize).map(Role::Subscriber);
        let publishers = (0..self.plan.publishers as usize).map(Role::Publisher);
        subscribers.chain(publishers).collect()
    }

    fn publishers(&self) -> Vec<Publisher> {
        let payload = vec![b'.'; self.options.payload as usize];
        let protocol = self.options.protocol;
        let frame = |number: u32| {
            let topic = self.plan.topic_of_publisher(number);
            if self.options.shape == Shape::Persistent {
                let queue = protocol.encode_stored_name(&topic);
                return protocol.persistent_publication(
                    &queue,
                    &self.publisher_name(number),
                    &payload,
                );
            }
            let topic = protocol.encode_name(&topic);
            protocol.publication(&topic, &payload, self.options.quality())
        };
        let publisher = |number: u32| {
            let frame = framed(frame(number), &self.settings.route);
            let link = (self.plan.subscribers + number) as usize;
            let id = ProducerId {
                run: self.plan.run,
                number,
            };
            let audience = self.plan.audience(number);
            let mut publisher = Publisher::new(link, id, frame, self.schedule(number, audience));
            publisher.audience = audience;
            if self.options.shape == Shape::Persistent {
                publisher.measure_confirmations();
            }
            publisher
        };
        (0..self.plan.publishers).map(publisher).collect()
    }

    fn publisher_name(&self, number: u32) -> String {
        format!("{}-{number}", self.settings.name)
    }

    /// Returns the schedule of a publisher. At a fixed rate the publishers send in turn, at even
    /// intervals.
    fn schedule(&self, number: u32, audience: u64) -> Schedule {
        if let Some(rate) = self.options.rate {
            let between_ns = NANOS / u64::from(rate).max(1);
            let interval_ns = NANOS * u64::from(self.plan.publishers) / u64::from(rate);
            return Schedule::Rate {
                interval_ns: interval_ns.max(1),
                next_ns: between_ns * u64::from(number),
            };
        }
        let by = match (
            self.options.quality(),
            self.answers_publications(),
            audience,
        ) {
            _ if self.options.shape == Shape::Persistent => Acknowledgement::Answer,
            (Quality::AtLeastOnce, true, 0) => Acknowledgement::Answer,
            (Quality::AtLeastOnce, true, _) => Acknowledgement::AnswerAndDelivery,
            (_, _, 0) => Acknowledgement::Written,
            _ => Acknowledgement::Delivery,
        };
        Schedule::Window {
            messages: u64::from(self.options.window),
            by,
        }
    }

    const fn answers_publications(&self) -> bool {
        self.options.protocol.answers_publications()
    }

    fn measure(&mut self, traffic: &mut Traffic) -> anyhow::Result<Measured> {
        let _ticker = match self.options.rate {
            Some(rate) => {
                let period = Duration::from_nanos(NANOS / u64::from(rate).max(1));
                Some(Ticker::start(period, self.net.waker())?)
            }
            None => None,
        };
        traffic.start_schedules(self.net.now_ns());
        let warm_ns = self.net.now_ns() + nanos(self.options.warm_up);
        self.run_until(traffic, warm_ns)?;
        let begin = self.snapshot(traffic);
        let end_ns = begin.at_ns + nanos(self.options.seconds);
        traffic.measure(begin.at_ns..end_ns);
        self.run_with_progress(traffic, begin, end_ns)?;
        let end = self.snapshot(traffic);
        let drained_ns = end.at_ns + nanos(self.options.drain);
        traffic.drain_until(&mut self.net, drained_ns)?;
        Ok(self.measured(traffic, begin, end))
    }

    fn run_until(&mut self, traffic: &mut Traffic, end_ns: u64) -> anyhow::Result<()> {
        if !traffic.run_until(&mut self.net, end_ns)? {
            bail!("all publishers have lost their connections");
        }
        Ok(())
    }

    fn run_with_progress(
        &mut self,
        traffic: &mut Traffic,
        begin: Snapshot,
        end_ns: u64,
    ) -> anyhow::Result<()> {
        let mut before = begin;
        while before.at_ns < end_ns {
            self.run_until(traffic, end_ns.min(before.at_ns + NANOS))?;
            let now = self.snapshot(traffic);
            if !self.options.quiet {
                let second = (now.at_ns - begin.at_ns + NANOS / 2) / NANOS;
                super::note(&progress(
                    second,
                    before,
                    now,
                    traffic.latency.percentiles(),
                ));
            }
            before = now;
        }
        Ok(())
    }

    fn snapshot(&self, traffic: &Traffic) -> Snapshot {
        Snapshot {
            at_ns: self.net.now_ns(),
            tally: traffic.tally,
            server: self.server_pid.and_then(cpu),
            own: cpu(process::id()),
        }
    }

    fn measured(&self, traffic: &mut Traffic, begin: Snapshot, end: Snapshot) -> Measured {
        let seconds = (end.at_ns - begin.at_ns) as f64 / 1e9;
        let published = end.tally.published - begin.tally.published;
        let confirmed = end.tally.confirmed - begin.tally.confirmed;
        let delivered = end.tally.delivered - begin.tally.delivered;
        let per = if self.plan.subscribers > 0 {
            delivered
        } else {
            published
        };
        let load = |cpu: Cpu, pid| load(cpu, seconds, per, pid);
        let server = begin.server.zip(end.server).zip(self.server_pid);
        let own = begin.own.zip(end.own);
        Measured {
            seconds,
            published,
            published_per_second: published as f64 / seconds,
            confirmed,
            confirmed_per_second: confirmed as f64 / seconds,
            delivered,
            delivered_per_second: delivered as f64 / seconds,
            latency: traffic.latency.percentiles(),
            server: server.map(|((begin, end), pid)| load(end.since(begin), pid)),
            generator: own.map(|(begin, end)| load(end.since(begin), process::id())),
            check: check(traffic),
        }
    }

    fn with_others(
        &mut self,
        traffic: &mut Traffic,
        baseline: &Measured,
    ) -> anyhow::Result<Others> {
        let before = self.resident();
        let filters: Vec<_> = (0..self.options.others)
            .map(|number| self.plan.other(number))
            .collect();
        let filters: Vec<_> = filters.chunks(PER_CONNECTION).map(<[_]>::to_vec).collect();
        let opened = open(&mut self.net, &self.settings, &filters)?;
        let after = self.resident();
        let traffic = self.measure(traffic)?;
        Ok(Others {
            bytes_per_subscription: growth(before, after, opened.subscriptions as f64),
            opened,
            ratio: traffic.delivered_per_second / baseline.delivered_per_second.max(1.0),
            traffic,
        })
    }

    fn with_stuck(&mut self, traffic: &mut Traffic, baseline: &Measured) -> anyhow::Result<Stuck> {
        let first = self.net.next_link();
        let filters: Vec<_> = (0..self.options.stuck)
            .map(|number| vec![self.plan.filter_of_subscriber(number)])
            .collect();
        let opened = open(&mut self.net, &self.settings, &filters)?;
        self.net.stop_reading(first..self.net.next_link())?;
        let traffic = self.measure(traffic)?;
        Ok(Stuck {
            subscribers: opened.subscriptions,
            ratio: traffic.delivered_per_second / baseline.delivered_per_second.max(1.0),
            traffic,
        })
    }

    /// Keeps the connections idle for the duration of a measurement.
    fn hold_idle(&mut self) -> anyhow::Result<()> {
        let mut traffic = Traffic::new(self.plan.clone(), Vec::new(), self.roles());
        let end_ns = self.net.now_ns() + nanos(self.options.seconds);
        traffic.wait_until(&mut self.net, end_ns)
    }

    fn resident(&self) -> Option<u64> {
        self.server_pid.and_then(resident_bytes)
    }
}

fn check(traffic: &Traffic) -> Check {
    let totals = traffic.final_totals();
    Check {
        expected: totals.expected,
        received: totals.received,
        lost: totals.expected.saturating_sub(totals.received),
        order_violations: totals.violations,
        disagreeing: totals.disagreeing,
        confirmed: traffic.tally.confirmed,
        unconfirmed: totals.unconfirmed,
        foreign: traffic.tally.foreign,
        disconnected: traffic.tally.disconnected,
        stalls: traffic.tally.stalls,
    }
}

fn load(cpu: Cpu, seconds: f64, deliveries: u64, pid: u32) -> Load {
    Load {
        user_seconds: cpu.user_us as f64 / 1e6,
        system_seconds: cpu.system_us as f64 / 1e6,
        percent: cpu.total_us() as f64 / 1e4 / seconds,
        us_per_delivery: cpu.total_us() as f64 / (deliveries.max(1)) as f64,
        resident_bytes: resident_bytes(pid),
    }
}

fn growth(before: Option<u64>, after: Option<u64>, count: f64) -> Option<f64> {
    let (before, after) = before.zip(after)?;
    Some((after as f64 - before as f64) / count.max(1.0))
}

fn progress(second: u64, before: Snapshot, now: Snapshot, latency: Percentiles) -> String {
    let seconds = (now.at_ns - before.at_ns) as f64 / 1e9;
    let rate = |before, now| (now - before) as f64 / seconds;
    let published = rate(before.tally.published, now.tally.published);
    let delivered = rate(before.tally.delivered, now.tally.delivered);
    let server = match before.server.zip(now.server) {
        Some((before, now)) => {
            let percent = now.since(before).total_us() as f64 / 1e4 / seconds;
            format!("  server {percent:>4.0} %")
        }
        None => String::new(),
    };
    let p99_ms = latency.p99 / 1e3;
    format!(
        "{second:>4} s  published {published:>9.0}/s  delivered {delivered:>10.0}/s  p99 {p99_ms:>8.2} ms{server}"
    )
}

/// Returns a number that differs from those of earlier and of concurrent runs.
fn run_number() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = now.map_or(0, |now| now.as_millis());
    (millis as u32).wrapping_mul(31).wrapping_add(process::id())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const NANOS: u64 = 1_000_000_000;
/// Number of additional subscriptions per connection: Carillon's default limit.
const PER_CONNECTION: usize = 1_000;
