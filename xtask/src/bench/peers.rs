//! `cargo xtask bench peers`: compares Carillon with other brokers in one run. Each round measures
//! one broker after another. The medians are written to `docs/src/measure/comparison.md`.

mod idle;
mod section;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::load::{Figures, report};
use super::options::Options;
use super::servers::{Broker, Endpoint, Server};
use super::{machine, table};
use crate::needs;
use crate::process::{root, stage};
use crate::profile::Profile;
use crate::server;

/// A column of the table.
struct Shape {
    key: &'static str,
    title: &'static str,
    arguments: &'static [&'static str],
}

/// The shapes measured at maximum speed.
const SHAPES: [Shape; 7] = [
    Shape {
        key: "100",
        title: "1 → 100",
        arguments: &["--subscribers", "100"],
    },
    Shape {
        key: "1000",
        title: "1 → 1000",
        arguments: &["--subscribers", "1000"],
    },
    Shape {
        key: "one",
        title: "1 → 100, one at a time",
        arguments: &["--subscribers", "100", "--window", "1"],
    },
    Shape {
        key: "fan-in",
        title: "100 → 1, wildcard",
        arguments: &["--shape", "fan-in"],
    },
    Shape {
        key: "pairs",
        title: "100 pairs",
        arguments: &["--shape", "pairs"],
    },
    Shape {
        key: "qos1",
        title: "QoS 1, 1 → 100",
        arguments: &["--subscribers", "100", "--qos", "1"],
    },
    Shape {
        key: "qos1-pairs",
        title: "QoS 1, 100 pairs",
        arguments: &["--shape", "pairs", "--qos", "1", "--window", "16"],
    },
];

/// The shape measured at a fixed rate, for its latencies.
const FIXED_RATE: Shape = Shape {
    key: "paced",
    title: "1 → 100 at 500 messages a second",
    arguments: &["--subscribers", "100", "--rate", "500"],
};

struct Plan {
    binary: PathBuf,
    brokers: Vec<Broker>,
    shapes: Vec<&'static Shape>,
    rounds: usize,
    seconds: String,
    /// Number of idle connections for measuring memory; 0 skips this measurement.
    connections: usize,
    target: PathBuf,
    command: String,
}

/// An endpoint of a server, and its results.
struct Participant {
    /// Index of the server.
    server: usize,
    /// Index of the endpoint among those of the server.
    endpoint_index: usize,
    endpoint: Endpoint,
    /// Results by shape and round.
    results: Vec<Vec<Figures>>,
    failures: u32,
}

pub use section::{DATA_HEADING, Sections};

pub fn run_all(arguments: &[String]) -> Result<()> {
    let plan = Plan::new(arguments)?;
    ensure_installed(&plan.brokers)?;
    let idle = stage("start and idle connections", || idle::measure(&plan))?;
    let rows = stage("traffic", || traffic(&plan))?;
    let text = document(&plan, rows, &idle);
    Sections::read(&plan.target)
        .with_main(&text)
        .write(&plan.target)?;
    println!("{text}\nxtask: written to {}", plan.target.display());
    Ok(())
}

impl Plan {
    fn new(arguments: &[String]) -> Result<Self> {
        let options = Options::new(
            arguments,
            &[
                "peers",
                "shapes",
                "rounds",
                "seconds",
                "connections",
                "binary",
                "to",
            ],
        )?;
        let mut brokers = vec![Broker::Carillon];
        match options.names("peers") {
            None => brokers = Broker::ALL.to_vec(),
            Some(names) => {
                for name in names {
                    let broker =
                        Broker::named(name).with_context(|| format!("unknown peer `{name}`"))?;
                    if !brokers.contains(&broker) {
                        brokers.push(broker);
                    }
                }
            }
        }
        Ok(Self {
            binary: match options.path("binary") {
                Some(binary) => binary,
                None => server::build(Profile::Release)?,
            },
            brokers,
            shapes: shapes(options.names("shapes"))?,
            rounds: options.number("rounds", 3.0)?.max(1.0) as usize,
            seconds: options.number("seconds", 1.0)?.to_string(),
            connections: options.number("connections", 10_000.0)? as usize,
            target: options
                .path("to")
                .unwrap_or_else(|| root().join("docs/src/measure/comparison.md")),
            command: format!("cargo xtask bench peers {}", arguments.join(" ")),
        })
    }
}

fn shapes(names: Option<Vec<&str>>) -> Result<Vec<&'static Shape>> {
    let Some(names) = names else {
        return Ok(SHAPES.iter().chain([&FIXED_RATE]).collect());
    };
    let shape = |name: &&str| {
        let mut all = SHAPES.iter().chain([&FIXED_RATE]);
        let keys: Vec<_> = all.clone().map(|shape| shape.key).collect();
        let found = all.find(|shape| shape.key == *name);
        found.with_context(|| format!("unknown shape `{name}`; the shapes are {}", keys.join(", ")))
    };
    names.iter().map(shape).collect()
}

/// Installs the packages of these brokers if they are missing and the system allows it.
pub fn ensure_installed(brokers: &[Broker]) -> Result<()> {
    let needs = brokers.iter().flat_map(|broker| broker.needs());
    let missing: Vec<_> = needs
        .filter(|(_, file)| !Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !needs::can_install() {
        bail!(
            "the peers need these Debian packages: {}",
            missing.join(" ")
        );
    }
    needs::install_packages(&missing)
}

fn traffic(plan: &Plan) -> Result<Vec<table::Row>> {
    let servers = plan.brokers.iter().map(|broker| broker.start(&plan.binary));
    let mut servers: Vec<_> = servers.collect::<Result<_>>()?;
    let endpoints = servers.iter().enumerate().flat_map(|(number, server)| {
        let endpoints = server.endpoints.iter().enumerate();
        endpoints.map(move |(endpoint_index, endpoint)| (number, endpoint_index, endpoint.clone()))
    });
    let mut participants: Vec<_> = endpoints
        .map(|(server, endpoint_index, endpoint)| Participant {
            server,
            endpoint_index,
            endpoint,
            results: vec![Vec::new(); plan.shapes.len()],
            failures: 0,
        })
        .collect();
    for round in 1..=plan.rounds {
        for (column, shape) in plan.shapes.iter().enumerate() {
            println!("xtask: round {round} of {}, {}", plan.rounds, shape.title);
            restart_carillon(plan, &mut servers)?;
            for participant in &mut participants {
                let server = &servers[participant.server];
                participant.endpoint = server.endpoints[participant.endpoint_index].clone();
                participant.measure(plan, server, column);
            }
        }
    }
    Ok(participants
        .into_iter()
        .filter(|participant| participant.results.iter().any(|rounds| !rounds.is_empty()))
        .map(|participant| participant.row(&servers))
        .collect())
}

/// Restarts Carillon. It keeps the messages of each topic, and each measurement uses new topics, so
/// its memory would be full after some dozens of measurements.
fn restart_carillon(plan: &Plan, servers: &mut [Server]) -> Result<()> {
    for server in servers {
        if server.broker == Broker::Carillon {
            *server = server.broker.start(&plan.binary)?;
        }
    }
    Ok(())
}

impl Participant {
    /// Measures a shape once. A failure is printed; after [`MAX_FAILURES`] the endpoint is skipped.
    fn measure(&mut self, plan: &Plan, server: &Server, column: usize) {
        let shape = plan.shapes[column];
        if self.failures >= MAX_FAILURES
            || (self.endpoint.protocol == "nats" && shape.arguments.contains(&"--qos"))
        {
            return;
        }
        let times = [
            "--seconds",
            &plan.seconds,
            "--warm-up",
            "0.5",
            "--drain",
            "20",
        ];
        let arguments = [shape.arguments, &times].concat();
        let figures = report(&plan.binary, server, &self.endpoint, &arguments)
            .and_then(|report| Figures::of(&report["traffic"]));
        let name = format!("{} {}", server.broker.name(), self.endpoint.name);
        match figures {
            Ok(figures) => {
                println!(
                    "  {name:<34} {:>8}/s  {:>7.3} µs  p99 {:>8.0} µs  lost {}",
                    table::count(figures.deliveries_per_second),
                    figures.cpu_us,
                    figures.p99_us,
                    figures.lost
                );
                self.results[column].push(figures);
            }
            Err(error) => {
                println!("  {name:<34} failed: {error:#}");
                self.failures += 1;
            }
        }
    }

    fn row(self, servers: &[Server]) -> table::Row {
        let broker = servers[self.server].broker;
        let cells = self.results.iter().map(|rounds| Figures::median(rounds));
        table::Row {
            name: format!("{} ({})", broker.name(), self.endpoint.name),
            protocol: self.endpoint.protocol,
            is_carillon: broker == Broker::Carillon,
            cells: cells.collect(),
        }
    }
}

/// Maximum number of failed measurements. Each one costs its time-outs.
const MAX_FAILURES: u32 = 3;

fn document(plan: &Plan, mut rows: Vec<table::Row>, idle: &str) -> String {
    let fixed_rate = plan
        .shapes
        .iter()
        .position(|shape| shape.key == FIXED_RATE.key);
    let fixed_rate = fixed_rate.map(|column| table::take_column(&mut rows, column));
    let rows = &*rows;
    let columns = plan
        .shapes
        .iter()
        .filter(|shape| shape.key != FIXED_RATE.key);
    let columns: Vec<_> = columns.map(|shape| shape.title).collect();
    let versions = plan
        .brokers
        .iter()
        .filter_map(|broker| broker.version(&plan.binary));
    let versions: Vec<_> = versions.collect();
    let command = plan.command.trim_end();
    let mut text = format!(
        "# Carillon compared with other brokers\n\n\
         {}, {}; load {:.1} at the end. `{command}`: {} of {} s, all servers in one run \
         on loopback.\nPayloads of 100 bytes, 64 messages in flight for each publisher (QoS 1 pairs: 16; one \
         at a time: 1); {}.\n\n\
         ## Deliveries per second (CPU of the server, µs per delivery)\n\n",
        machine::date(),
        machine::machine(),
        machine::load(),
        table::rounds(plan.rounds),
        plan.seconds,
        versions.join(", "),
    );
    text.push_str(&table::deliveries(&columns, rows));
    text.push_str(
        "\nQoS 1 is, in STOMP, a receipt for each SEND. Every message of every run was counted and its order \
         checked:\na figure is marked if messages were lost or out of order.\n",
    );
    text.push_str("\n## Multiples of the best other broker (share of its CPU)\n\n");
    text.push_str(&table::ratios(&columns, rows, None));
    for (protocol, name) in [("stomp", "STOMP"), ("mqtt", "MQTT")] {
        let has_rows = |carillon| {
            let mut those = rows.iter().filter(|row| row.is_carillon == carillon);
            those.any(|row| row.protocol == protocol)
        };
        if has_rows(true) && has_rows(false) {
            text.push_str(&format!("\nAmong the brokers with {name}:\n\n"));
            text.push_str(&table::ratios(&columns, rows, Some(protocol)));
        }
    }
    if let Some(rows) = fixed_rate {
        text.push_str(&format!("\n## Latency, {}\n\n", FIXED_RATE.title));
        text.push_str(&table::latencies(&rows));
        text.push_str("\nMeasured from the time at which a message was due, so that a delayed message counts as late.\n");
    }
    text.push_str(idle);
    text
}
