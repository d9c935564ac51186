//! The command-line options of `carillon bench`.

use std::time::Duration;

use clap::ValueEnum;

use super::{
    address::Address,
    dialect::{Credentials, Protocol, Quality},
    stamp::Stamp,
};

#[derive(Clone, Debug, clap::Args)]
pub struct BenchOptions {
    /// Shape of the load
    #[arg(long, value_enum, default_value_t = Shape::FanOut, value_name = "SHAPE")]
    pub shape: Shape,

    /// Protocol to use
    #[arg(long, value_enum, default_value_t = Protocol::Stomp, value_name = "PROTOCOL")]
    pub protocol: Protocol,

    /// Address of the server, Carillon or another: tcp://HOST:PORT or ws://HOST:PORT/PATH
    /// [default: the protocol's port on 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", env = "CARILLON_BENCH_SERVER")]
    pub server: Option<Address>,

    /// Number of publishing connections [default: depends on the shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub publishers: Option<u32>,

    /// Number of subscribing connections [default: depends on the shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub subscribers: Option<u32>,

    /// Number of topics; publishers and subscribers are assigned to them in turn [default: depends
    /// on the shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=MAX_LINKS))]
    pub topics: Option<u32>,

    /// Number of levels of each topic below the first three
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=MAX_DEPTH))]
    pub depth: u32,

    /// Size of a payload in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(Stamp::BYTES as i64..=(16 << 20)))]
    pub payload: u32,

    /// Quality of service: 0, or 1, with which the server confirms each publication by PUBACK or
    /// RECEIPT
    #[arg(long, value_name = "QOS", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub qos: u8,

    /// Maximum number of messages in flight for each publisher: not delivered to all subscribers
    /// or, with QoS 1, not confirmed
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=32_768))]
    pub window: u32,

    /// Messages per second of all publishers together, instead of as many as possible; latency is
    /// then measured from the time at which a message was due
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "window", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub rate: Option<u32>,

    /// Duration of the measurement in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub seconds: Duration,

    /// Duration of the warm-up before the measurement in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub warm_up: Duration,

    /// Maximum time to wait for messages in flight after the measurement in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub drain: Duration,

    /// Number of additional subscriptions to other topics; the load is measured first without and
    /// then with them
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2_000_000))]
    pub others: u32,

    /// Kind of the additional subscriptions
    #[arg(long, value_enum, default_value_t = OtherKind::Mixed, value_name = "KIND")]
    pub other_kind: OtherKind,

    /// Number of additional subscribers to the same topics that stop reading after subscribing; the
    /// load is measured first without and then with them, and the messages they miss do not count
    /// as lost
    #[arg(long, value_name = "COUNT", default_value_t = 0, conflicts_with = "others", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub stuck: u32,

    /// Number of connections for the shape idle, each with one subscription
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=MAX_LINKS))]
    pub connections: u32,

    /// User name, if the server requires one
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Password, if the server requires one
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CARILLON_BENCH_PASSWORD",
        hide_env_values = true
    )]
    pub password: Option<String>,

    /// Process id of a server on this machine; found by its port by default
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,

    /// Print no progress during the run
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// One publisher, 100 subscribers
    FanOut,
    /// 100 publishers with a topic each, one subscriber with a wildcard
    FanIn,
    /// 100 publishers, each with its own topic and subscriber
    Pairs,
    /// Connections that only subscribe, to measure their memory and the rate of opening them
    Idle,
    /// One publisher of messages that the server must store, each confirmed by the server: to a
    /// queue (STOMP), to a topic of a session that is not connected (MQTT), or to a stream (NATS).
    /// No subscriber; the latency is that of the confirmations. The messages stay in the queues
    Persistent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OtherKind {
    /// Topic names, and one wildcard in ten
    Mixed,
    /// Topic names only
    Names,
    /// Wildcards that match all levels of the topics in use except the last one
    Deep,
}

impl BenchOptions {
    pub fn address(&self) -> Address {
        let default = || Address::default_of(self.protocol);
        self.server.clone().unwrap_or_else(default)
    }

    pub const fn quality(&self) -> Quality {
        match (self.shape, self.qos) {
            (Shape::Persistent, _) => Quality::AtLeastOnce,
            (_, 0) => Quality::AtMostOnce,
            _ => Quality::AtLeastOnce,
        }
    }

    pub fn credentials(&self) -> Credentials {
        Credentials {
            user: self.user.clone(),
            password: self.password.clone(),
        }
    }
}

fn seconds(text: &str) -> anyhow::Result<Duration> {
    let duration = text.parse().map(Duration::try_from_secs_f64);
    match duration {
        Ok(Ok(duration)) if duration <= LONGEST => Ok(duration),
        _ => anyhow::bail!("the value must be a number of seconds, at most one day"),
    }
}

const MAX_LINKS: i64 = 1_000_000;
const MAX_DEPTH: i64 = 24;
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
