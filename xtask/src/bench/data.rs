//! `cargo xtask bench peers --data`: compares Carillon with brokers that store messages on disk.
//! Publishers send persistent messages and wait for confirmations; nothing consumes them.
//!
//! A broker may confirm before the message is on the medium. Therefore a separate pass counts the
//! syncs of each broker, and the rate of syncs of the device is measured in the same rounds.

mod device;
mod document;
mod figures;
mod peer;

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::options::Options;
use super::peers::{Sections, ensure_installed};
use super::table;
use crate::process::{root, stage};
use crate::profile::Profile;
use crate::server;

use device::{Answer, SyncRate, round_trips, sync_rate};
use document::document;
use figures::Figures;
use peer::{PEERS, Peer, RunningPeer};

/// A column of the tables.
struct Shape {
    title: &'static str,
    publishers: usize,
    window: usize,
}

const SHAPES: [Shape; 4] = [
    Shape {
        title: "1 publisher, 1 in flight",
        publishers: 1,
        window: 1,
    },
    Shape {
        title: "1 publisher, 16 in flight",
        publishers: 1,
        window: 16,
    },
    Shape {
        title: "100 publishers, 1 in flight",
        publishers: 100,
        window: 1,
    },
    Shape {
        title: "100 publishers, 16 in flight",
        publishers: 100,
        window: 16,
    },
];

struct Plan {
    binary: PathBuf,
    rounds: usize,
    seconds: f64,
    target: PathBuf,
    command: String,
}

/// An endpoint of a peer, and its results.
struct Participant {
    /// The index of the peer.
    peer: usize,
    /// The index of the endpoint among those of the peer's server.
    endpoint: usize,
    name: String,
    /// By shape and round.
    results: [Vec<Figures>; SHAPES.len()],
    /// Syncs per confirmed message, by shape.
    syncs: [Option<f64>; SHAPES.len()],
}

/// The rates measured without a broker.
#[derive(Default)]
struct Limits {
    /// By shape and round: with as many messages in each write as are in flight.
    in_flight: [Vec<SyncRate>; SHAPES.len()],
    /// By shape and round: with as many messages in each write as Carillon writes with one sync.
    as_carillon: [Vec<SyncRate>; SHAPES.len()],
    /// Answered requests per second without a sync, and with one.
    round_trips: Vec<f64>,
    synced_round_trips: Vec<f64>,
}

pub fn run_all(arguments: &[String]) -> Result<()> {
    let known = ["peers", "rounds", "seconds", "binary", "to"];
    let options = Options::new(arguments, &known)?;
    let selected = selected(options.names("peers"))?;
    let plan = Plan {
        binary: match options.path("binary") {
            Some(binary) => binary,
            None => server::build(Profile::Release)?,
        },
        rounds: options.number("rounds", 3.0)?.max(1.0) as usize,
        seconds: options.number("seconds", 2.0)?.max(0.1),
        target: options
            .path("to")
            .unwrap_or_else(|| root().join("docs/src/measure/comparison.md")),
        command: format!("cargo xtask bench peers --data {}", arguments.join(" ")),
    };
    let mut missing = Vec::new();
    let mut peers = Vec::new();
    for peer in selected {
        let started =
            ensure_installed(&[peer.broker]).and_then(|()| RunningPeer::start(peer, &plan));
        match started {
            Ok(peer) => peers.push(peer),
            Err(error) => {
                println!("xtask: {} is missing: {error:#}", peer.name);
                missing.push(format!("{}: {error:#}", peer.name));
            }
        }
    }
    let mut participants = participants(&peers);
    stage("syncs", || count_syncs(&plan, &peers, &mut participants))?;
    let limits = stage("traffic", || traffic(&plan, &mut peers, &mut participants))?;
    let text = document(&plan, &peers, &participants, &limits, &missing);
    Sections::read(&plan.target)
        .with_data(&text)
        .write(&plan.target)?;
    println!("{text}\nxtask: written to {}", plan.target.display());
    Ok(())
}

/// Returns the peers with these names, always with Carillon.
fn selected(names: Option<Vec<&str>>) -> Result<Vec<&'static Peer>> {
    let Some(names) = names else {
        return Ok(PEERS.iter().collect());
    };
    for name in &names {
        let known = || PEERS.map(|peer| peer.key).join(", ");
        let is_known = PEERS.iter().any(|peer| peer.key == *name);
        is_known
            .then_some(())
            .with_context(|| format!("unknown peer `{name}`; the peers are {}", known()))?;
    }
    let is_selected = |peer: &&Peer| peer.key == "carillon" || names.contains(&peer.key);
    Ok(PEERS.iter().filter(is_selected).collect())
}

fn participants(peers: &[RunningPeer]) -> Vec<Participant> {
    let endpoints = peers.iter().enumerate().flat_map(|(number, peer)| {
        let endpoints = peer.server.endpoints.iter().enumerate();
        let tcp = endpoints.filter(|(_, endpoint)| endpoint.address.starts_with("tcp://"));
        tcp.map(move |(endpoint, found)| Participant {
            peer: number,
            endpoint,
            name: format!("{} ({})", peer.peer.name, found.name),
            results: Default::default(),
            syncs: [None; SHAPES.len()],
        })
    });
    endpoints.collect()
}

/// Counts the syncs of each peer in a short run of each shape, on a server of its own.
fn count_syncs(plan: &Plan, peers: &[RunningPeer], participants: &mut [Participant]) -> Result<()> {
    for (number, peer) in peers.iter().enumerate() {
        let of_peer = participants.iter_mut().filter(|one| one.peer == number);
        let mut of_peer: Vec<_> = of_peer.collect();
        let traced = match peer.traced(plan) {
            Ok(traced) => traced,
            Err(error) => {
                println!("xtask: {} cannot be traced: {error:#}", peer.peer.name);
                continue;
            }
        };
        for (column, shape) in SHAPES.iter().enumerate() {
            for participant in &mut of_peer {
                let found = traced.syncs_per_message(plan, shape, participant.endpoint);
                match found {
                    Ok(syncs) => {
                        println!(
                            "  {:<34} {:<30} {syncs:.4} syncs per message",
                            participant.name, shape.title
                        );
                        participant.syncs[column] = Some(syncs);
                    }
                    Err(error) => println!("  {} failed: {error:#}", participant.name),
                }
            }
        }
    }
    Ok(())
}

fn traffic(
    plan: &Plan,
    peers: &mut [RunningPeer],
    participants: &mut [Participant],
) -> Result<Limits> {
    let mut limits = Limits::default();
    for round in 1..=plan.rounds {
        limits
            .round_trips
            .push(round_trips(Answer::AtOnce, plan.seconds / 2.0)?);
        limits
            .synced_round_trips
            .push(round_trips(Answer::AfterSync, plan.seconds / 2.0)?);
        for (column, shape) in SHAPES.iter().enumerate() {
            println!("xtask: round {round} of {}, {}", plan.rounds, shape.title);
            let in_flight = shape.publishers * shape.window;
            let rate = sync_rate(in_flight, plan.seconds / 2.0)?;
            println!(
                "  {in_flight} messages and a sync: {:.0}/s",
                rate.syncs_per_second
            );
            limits.in_flight[column].push(rate);
            if let Some(group) = group_of_carillon(participants, column) {
                let rate = sync_rate(group, plan.seconds / 2.0)?;
                println!(
                    "  {group} messages and a sync: {:.0}/s",
                    rate.syncs_per_second
                );
                limits.as_carillon[column].push(rate);
            }
            for peer in &mut *peers {
                peer.renew(plan)?;
            }
            for participant in &mut *participants {
                participant.measure(plan, &peers[participant.peer], column);
            }
        }
    }
    Ok(limits)
}

/// Returns the number of messages that Carillon writes with one sync, the mean of its endpoints.
/// Carillon is the first peer.
fn group_of_carillon(participants: &[Participant], column: usize) -> Option<usize> {
    let carillon = participants.iter().filter(|one| one.peer == 0);
    let syncs: Vec<_> = carillon.filter_map(|one| one.syncs[column]).collect();
    let mean = syncs.iter().sum::<f64>() / syncs.len() as f64;
    (mean > 0.0).then(|| (1.0 / mean).round().max(1.0) as usize)
}

impl Participant {
    /// Measures a shape once. A failure is printed, and its figure is missing.
    fn measure(&mut self, plan: &Plan, peer: &RunningPeer, column: usize) {
        match peer.publish(plan, &SHAPES[column], self.endpoint, plan.seconds) {
            Ok(figures) => {
                println!(
                    "  {:<34} {:>8}/s  {:>7.2} µs  p50 {:>8.0} µs  p99 {:>8.0} µs",
                    self.name,
                    table::count(figures.per_second),
                    figures.cpu_us,
                    figures.p50_us,
                    figures.p99_us,
                );
                self.results[column].push(figures);
            }
            Err(error) => println!("  {:<34} failed: {error:#}", self.name),
        }
    }
}
