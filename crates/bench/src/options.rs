//! What can be said on the command line of `carillon bench`.

use std::time::Duration;

use clap::ValueEnum;

use super::{
    address::Address,
    dialect::{Credentials, Protocol, Quality},
    stamp::Stamp,
};

#[derive(Clone, Debug, clap::Args)]
pub struct BenchOptions {
    /// What is measured
    #[arg(long, value_enum, default_value_t = Shape::FanOut, value_name = "SHAPE")]
    pub shape: Shape,

    /// What is spoken
    #[arg(long, value_enum, default_value_t = Protocol::Stomp, value_name = "PROTOCOL")]
    pub protocol: Protocol,

    /// The server, Carillon or another: tcp://HOST:PORT or ws://HOST:PORT/PATH
    /// [default: the protocol's port on 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", env = "CARILLON_BENCH_SERVER")]
    pub server: Option<Address>,

    /// Connections that publish [default: by shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub publishers: Option<u32>,

    /// Connections that subscribe [default: by shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub subscribers: Option<u32>,

    /// Topics that publishers and subscribers are dealt out to, in turn [default: by shape]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=MAX_LINKS))]
    pub topics: Option<u32>,

    /// Levels that each topic has below the first three
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=MAX_DEPTH))]
    pub depth: u32,

    /// Bytes of a payload
    #[arg(long, value_name = "BYTES", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(Stamp::BYTES as i64..=(16 << 20)))]
    pub payload: u32,

    /// 0, or 1: each publication is answered, by PUBACK or by RECEIPT
    #[arg(long, value_name = "QOS", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    pub qos: u8,

    /// Messages that each publisher has in flight: not yet with its subscribers, or, with QoS 1, not answered
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=32_768))]
    pub window: u32,

    /// Messages a second, of all publishers together, instead of as many as go; latency then counts from
    /// when a message was due
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "window", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub rate: Option<u32>,

    /// How long is measured, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub seconds: Duration,

    /// How long runs before that, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub warm_up: Duration,

    /// How long what is in flight at the end is waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub drain: Duration,

    /// Subscriptions to other topics; it is measured without and with them
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=2_000_000))]
    pub others: u32,

    /// What they are
    #[arg(long, value_enum, default_value_t = OtherKind::Mixed, value_name = "KIND")]
    pub other_kind: OtherKind,

    /// Subscribers to the same that stop reading once they have subscribed, in addition; it is measured without
    /// and with them, and what they miss does not count
    #[arg(long, value_name = "COUNT", default_value_t = 0, conflicts_with = "others", value_parser = clap::value_parser!(u32).range(0..=MAX_LINKS))]
    pub stuck: u32,

    /// Connections of the shape idle, each with a subscription
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=MAX_LINKS))]
    pub connections: u32,

    /// User name, where the server wants one
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Password, where the server wants one
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CARILLON_BENCH_PASSWORD",
        hide_env_values = true
    )]
    pub password: Option<String>,

    /// The server's process, if it is on this machine; found by its port otherwise
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,

    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,

    /// Say nothing while it runs
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// One publisher, 100 subscribers
    FanOut,
    /// 100 publishers with a topic each, one subscriber with a wildcard
    FanIn,
    /// 100 publishers, each with a topic and a subscriber of its own
    Pairs,
    /// Connections that subscribe and do nothing else: how fast they come, and what memory they take
    Idle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OtherKind {
    /// Plain names, and one wildcard in ten
    Mixed,
    /// Plain names
    Names,
    /// Wildcards that share all levels with the topics in use but the last
    Deep,
}

impl BenchOptions {
    pub fn address(&self) -> Address {
        let default = || Address::default_of(self.protocol);
        self.server.clone().unwrap_or_else(default)
    }

    pub const fn quality(&self) -> Quality {
        match self.qos {
            0 => Quality::AtMostOnce,
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
        _ => anyhow::bail!("it needs to be a number of seconds, up to a day"),
    }
}

const MAX_LINKS: i64 = 1_000_000;
const MAX_DEPTH: i64 = 24;
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
