//! The report of a run, as a table for people and as JSON for programs.

use serde::Serialize;

use super::{latency::Percentiles, opening::Opened};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub shape: String,
    pub protocol: String,
    pub server: String,
    pub publishers: u32,
    pub subscribers: u32,
    pub topics: u32,
    pub payload_bytes: u32,
    pub qos: u8,
    /// Maximum number of messages in flight per publisher, or None at a fixed rate.
    pub window: Option<u32>,
    /// Messages per second of all publishers, or None with a window.
    pub rate: Option<u32>,
    pub opened: Opened,
    pub server_pid: Option<u32>,
    /// The server's resident memory before the first connection, in bytes.
    pub resident_before: Option<u64>,
    /// The server's resident memory with all connections open, in bytes.
    pub resident_open: Option<u64>,
    pub bytes_per_connection: Option<f64>,
    /// The measured traffic, or None in the shape idle.
    pub traffic: Option<Measured>,
    pub others: Option<Others>,
    pub stuck: Option<Stuck>,
}

/// The second measurement, with additional subscriptions to other topics.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Others {
    pub opened: Opened,
    pub bytes_per_subscription: Option<f64>,
    pub traffic: Measured,
    /// Deliveries per second, divided by those of the first measurement.
    pub ratio: f64,
}

/// The second measurement, with additional subscribers that do not read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stuck {
    pub subscribers: usize,
    pub traffic: Measured,
    /// Deliveries per second, divided by those of the first measurement.
    pub ratio: f64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    pub seconds: f64,
    pub published: u64,
    pub published_per_second: f64,
    pub confirmed: u64,
    pub confirmed_per_second: f64,
    pub delivered: u64,
    pub delivered_per_second: f64,
    /// Latency of the messages due in the measured time, in microseconds: of their deliveries, in
    /// the shape persistent of their confirmations.
    pub latency: Percentiles,
    pub server: Option<Load>,
    pub generator: Option<Load>,
    pub check: Check,
}

/// The CPU time and memory that a process used.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    pub user_seconds: f64,
    pub system_seconds: f64,
    /// CPU time in per cent of one core.
    pub percent: f64,
    /// User and system CPU time per delivery, or per publication without subscribers, in
    /// microseconds.
    pub us_per_delivery: f64,
    pub resident_bytes: Option<u64>,
}

/// The check of all deliveries since the start of the run, including the warm-up.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub expected: u64,
    pub received: u64,
    pub lost: u64,
    pub order_violations: u64,
    /// Number of subscribers that received the messages in another total order than others of their
    /// topic. None with only one producer, or without two subscribers to compare.
    pub disagreeing: Option<u64>,
    /// Messages that the server confirmed.
    pub confirmed: u64,
    /// Messages whose confirmation did not arrive; only in the shape persistent.
    pub unconfirmed: u64,
    /// Messages of another run.
    pub foreign: u64,
    /// Connections lost.
    pub disconnected: u64,
    /// Number of times that a publisher abandoned its messages in flight.
    pub stalls: u64,
}

impl Report {
    pub fn table(&self) -> String {
        let mut rows = Rows::default();
        rows.add("server", format!("{}, {}", self.server, self.protocol));
        rows.add("shape", self.shape_text());
        rows.opened(&self.opened);
        if let (Some(before), Some(open)) = (self.resident_before, self.resident_open) {
            let each = self.bytes_per_connection.unwrap_or_default();
            let (before, open) = (mib(before), mib(open));
            rows.add(
                "memory",
                format!("{before} before, {open} with connections: {each:.0} bytes each"),
            );
        }
        if let Some(traffic) = &self.traffic {
            rows.traffic(traffic);
        }
        if let Some(others) = &self.others {
            rows.add("", String::new());
            let count = others.opened.subscriptions;
            let each = others.bytes_per_subscription;
            let each = each.map_or_else(String::new, |bytes| format!(", {bytes:.0} bytes each"));
            rows.add("with others", format!("{count} subscriptions{each}"));
            rows.traffic(&others.traffic);
            rows.add("ratio", format!("{:.3}", others.ratio));
        }
        if let Some(stuck) = &self.stuck {
            rows.add("", String::new());
            let count = stuck.subscribers;
            rows.add(
                "with stuck",
                format!("{count} subscribers that do not read"),
            );
            rows.traffic(&stuck.traffic);
            rows.add("ratio", format!("{:.3}", stuck.ratio));
        }
        rows.text
    }

    fn shape_text(&self) -> String {
        if self.traffic.is_none() {
            return self.shape.clone();
        }
        let pace = match (self.rate, self.window) {
            (Some(rate), _) => format!("{rate} messages/s"),
            (None, window) => format!("{} in flight each", window.unwrap_or_default()),
        };
        format!(
            "{}: {} -> {} over {} topics, {} bytes, QoS {}, {pace}",
            self.shape,
            self.publishers,
            self.subscribers,
            self.topics,
            self.payload_bytes,
            self.qos
        )
    }
}

#[derive(Default)]
struct Rows {
    text: String,
}

impl Rows {
    fn add(&mut self, name: &str, value: String) {
        let line = format!("{name:<12} {value}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn opened(&mut self, opened: &Opened) {
        let Opened {
            connections,
            seconds,
            connections_per_second,
            ..
        } = opened;
        self.add(
            "connections",
            format!("{connections} in {seconds:.2} s, {connections_per_second:.0}/s"),
        );
    }

    fn traffic(&mut self, traffic: &Measured) {
        let rate = |count, rate| format!("{count} in {:.1} s, {rate:.0}/s", traffic.seconds);
        self.add(
            "published",
            rate(traffic.published, traffic.published_per_second),
        );
        if traffic.confirmed > 0 {
            self.add(
                "confirmed",
                rate(traffic.confirmed, traffic.confirmed_per_second),
            );
        }
        self.add(
            "delivered",
            rate(traffic.delivered, traffic.delivered_per_second),
        );
        let Percentiles {
            p50,
            p90,
            p99,
            p999,
            max,
            ..
        } = traffic.latency;
        self.add(
            "latency µs",
            format!("p50 {p50:.0}, p90 {p90:.0}, p99 {p99:.0}, p99.9 {p999:.0}, max {max:.0}"),
        );
        self.load("server CPU", traffic.server.as_ref());
        self.load("own CPU", traffic.generator.as_ref());
        self.check(&traffic.check);
    }

    fn load(&mut self, name: &str, load: Option<&Load>) {
        let Some(load) = load else {
            return self.add(
                name,
                "unknown: the process is not on this machine".to_owned(),
            );
        };
        let memory = load.resident_bytes.map_or_else(String::new, mib);
        self.add(
            name,
            format!(
                "{:.3} µs per delivery, {:.0} % of a core (user {:.2} s, system {:.2} s), {memory}",
                load.us_per_delivery, load.percent, load.user_seconds, load.system_seconds
            ),
        );
    }

    fn check(&mut self, check: &Check) {
        let order = match (check.order_violations, check.disagreeing) {
            (0, None) => "in order".to_owned(),
            (0, Some(0)) => "in order, the same for all".to_owned(),
            (violations, None) => format!("{violations} out of order"),
            (violations, Some(disagreeing)) => {
                format!("{violations} out of order, {disagreeing} subscribers saw another order")
            }
        };
        let Check {
            expected,
            received,
            lost,
            ..
        } = check;
        let mut text = format!("{received} of {expected} received, {lost} lost, {order}");
        let rare = [
            (check.unconfirmed, "not confirmed"),
            (check.foreign, "not of this run"),
            (check.disconnected, "disconnected"),
            (check.stalls, "stalls"),
        ];
        for (count, what) in rare {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        self.add("check", text);
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
