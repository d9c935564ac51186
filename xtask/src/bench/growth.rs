//! `cargo xtask bench growth`: measures Carillon under increasing load, and draws the curves in
//! `docs/src/images/growth-*.svg`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::load::{median, report};
use super::options::Options;
use super::plot::{Line, Plot};
use super::servers::{Broker, Endpoint, Server};
use crate::process::{root, stage};
use crate::profile::Profile;
use crate::server;

/// The definition of one plot.
struct Curve {
    key: &'static str,
    title: &'static str,
    x_title: &'static str,
    y_title: &'static str,
    /// Arguments of `carillon bench`. `{}` stands for the increasing number.
    arguments: &'static [&'static str],
    steps: &'static [u32],
    /// JSON pointer to the plotted value in the report. With one subscriber, there is one delivery
    /// per publication.
    pointer: &'static str,
}

const CURVES: [Curve; 6] = [
    Curve {
        key: "subscriptions",
        title: "One topic, beside subscriptions to others",
        x_title: "other subscriptions, one in ten a wildcard",
        y_title: "CPU of the server, µs per publication",
        arguments: &["--subscribers", "1", "--others", "{}"],
        steps: &[100, 1_000, 10_000, 100_000],
        pointer: "/others/traffic/server/usPerDelivery",
    },
    Curve {
        key: "wildcards",
        title: "A topic of ten levels, beside wildcards that nearly match",
        x_title: "wildcards that differ in the last level",
        y_title: "CPU of the server, µs per publication",
        arguments: &[
            "--subscribers",
            "1",
            "--depth",
            "7",
            "--other-kind",
            "deep",
            "--others",
            "{}",
        ],
        steps: &[100, 1_000, 10_000, 100_000],
        pointer: "/others/traffic/server/usPerDelivery",
    },
    Curve {
        key: "levels",
        title: "Topics of more and more levels, beside 1,000 wildcards",
        x_title: "levels below the first three",
        y_title: "CPU of the server, µs per publication",
        arguments: &[
            "--subscribers",
            "1",
            "--other-kind",
            "deep",
            "--others",
            "1000",
            "--depth",
            "{}",
        ],
        steps: &[1, 2, 4, 8, 16],
        pointer: "/others/traffic/server/usPerDelivery",
    },
    Curve {
        key: "payload",
        title: "Payload, 1 → 10",
        x_title: "bytes",
        y_title: "deliveries per second",
        arguments: &["--subscribers", "10", "--payload", "{}"],
        steps: &[100, 1_024, 16_384, 262_144],
        pointer: "/traffic/deliveredPerSecond",
    },
    Curve {
        key: "memory",
        title: "Connections that do nothing, with a subscription each",
        x_title: "connections",
        y_title: "bytes per connection",
        arguments: &["--shape", "idle", "--connections", "{}"],
        steps: &[500, 1_000, 2_000, 5_000, 10_000],
        pointer: "/bytesPerConnection",
    },
    Curve {
        key: "connects",
        title: "Connections that come",
        x_title: "connections",
        y_title: "connects per second",
        arguments: &["--shape", "idle", "--connections", "{}"],
        steps: &[500, 1_000, 2_000, 5_000, 10_000],
        pointer: "/opened/connectionsPerSecond",
    },
];

struct GrowthPlan {
    binary: PathBuf,
    rounds: usize,
    seconds: String,
    folder: PathBuf,
}

pub fn run_all(arguments: &[String]) -> Result<()> {
    let known = ["curves", "rounds", "seconds", "binary", "to"];
    let options = Options::new(arguments, &known)?;
    let plan = GrowthPlan {
        binary: match options.path("binary") {
            Some(binary) => binary,
            None => server::build(Profile::Release)?,
        },
        rounds: options.number("rounds", 3.0)?.max(1.0) as usize,
        seconds: options.number("seconds", 1.0)?.to_string(),
        folder: options
            .path("to")
            .unwrap_or_else(|| root().join("docs/src/images")),
    };
    let selected = options.names("curves");
    let is_selected = |curve: &&Curve| {
        let names = selected.as_ref();
        names.is_none_or(|names| names.contains(&curve.key))
    };
    for curve in CURVES.iter().filter(is_selected) {
        stage(curve.key, || curve.measure(&plan))?;
    }
    Ok(())
}

impl Curve {
    fn measure(&self, plan: &GrowthPlan) -> Result<()> {
        let mut lines = Vec::new();
        for name in endpoints(plan)? {
            let mut points = Vec::new();
            for step in self.steps {
                let rounds = (0..plan.rounds).map(|_| self.point(plan, name, *step));
                let rounds: Vec<_> = rounds.collect::<Result<_>>()?;
                let value = median(rounds.into_iter()).context("no round was measured")?;
                println!("  {name:<20} {step:>8}  {value:>12.2}");
                points.push((f64::from(*step), value));
            }
            lines.push(Line {
                name: name.to_owned(),
                points,
            });
        }
        let plot = Plot {
            title: self.title,
            x_title: self.x_title,
            y_title: self.y_title,
            lines,
        };
        plot.write(&plan.folder.join(format!("growth-{}.svg", self.key)))
    }

    /// Measures one point on a new server, which holds no data of earlier points.
    fn point(&self, plan: &GrowthPlan, name: &str, step: u32) -> Result<f64> {
        let server = Broker::Carillon.start(&plan.binary)?;
        let endpoint = endpoint(&server, name).context("the server does not have this endpoint")?;
        let step = step.to_string();
        let arguments = self.arguments.iter().map(|argument| match *argument {
            "{}" => step.as_str(),
            other => other,
        });
        let times = ["--seconds", &plan.seconds, "--warm-up", "0.5"];
        let arguments: Vec<_> = arguments.chain(times).collect();
        let report = report(&plan.binary, &server, endpoint, &arguments)?;
        let value = report.pointer(self.pointer).and_then(Value::as_f64);
        value.with_context(|| format!("the report has no {}", self.pointer))
    }
}

/// Returns the names of the TCP endpoints. WebSocket differs only in a few bytes of framing.
fn endpoints(plan: &GrowthPlan) -> Result<Vec<&'static str>> {
    let server = Broker::Carillon.start(&plan.binary)?;
    let endpoints = server.endpoints.iter();
    let tcp = endpoints.filter(|endpoint| endpoint.address.starts_with("tcp://"));
    Ok(tcp.map(|endpoint| endpoint.name).collect())
}

fn endpoint<'a>(server: &'a Server, name: &str) -> Option<&'a Endpoint> {
    server
        .endpoints
        .iter()
        .find(|endpoint| endpoint.name == name)
}
