//! Measures idle servers: the time to start, the memory after the start, and the memory per
//! connection.
//!
//! Each endpoint is measured on a newly started server. A server that has worked before has free
//! memory in reserve, and connections would seem to cost nothing.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::Plan;
use crate::bench::load::{median, report};
use crate::bench::servers::{Broker, Server};
use crate::bench::table;

/// The figures of one endpoint.
struct Idle {
    name: String,
    start: Duration,
    connections: usize,
    report: Value,
}

pub fn measure(plan: &Plan) -> Result<String> {
    if plan.connections == 0 {
        return Ok(String::new());
    }
    let mut found = Vec::new();
    for broker in &plan.brokers {
        let mut server = broker.start(&plan.binary)?;
        for number in 0..server.endpoints.len() {
            if number > 0 {
                server = broker.start(&plan.binary)?;
            }
            found.extend(measure_endpoint(plan, &server, number));
        }
    }
    Ok(text(&found))
}

/// Measures one endpoint. A failure is printed, and returns None.
fn measure_endpoint(plan: &Plan, server: &Server, number: usize) -> Option<Idle> {
    let endpoint = server.endpoints.get(number)?;
    let broker = server.broker;
    let connections = match broker {
        // These servers need so much memory and time that fewer connections are enough.
        Broker::RabbitMq | Broker::ActiveMq => plan.connections.div_ceil(5),
        Broker::Carillon | Broker::Mosquitto | Broker::Nats => plan.connections,
    };
    let count = connections.to_string();
    let arguments = ["--shape", "idle", "--seconds", "1", "--connections", &count];
    let name = format!("{} ({})", broker.name(), endpoint.name);
    let report = report(&plan.binary, server, endpoint, &arguments);
    match &report {
        Ok(report) => println!(
            "  {name:<34} started in {:>6.0} ms, {:>7} bytes per connection, {:>6.0} connects/s",
            server.start.as_secs_f64() * 1e3,
            report["bytesPerConnection"].as_f64().unwrap_or_default() as i64,
            report["opened"]["connectionsPerSecond"]
                .as_f64()
                .unwrap_or_default(),
        ),
        Err(error) => println!("  {name:<34} failed: {error:#}"),
    }
    Some(Idle {
        name,
        start: server.start,
        connections,
        report: report.ok()?,
    })
}

fn text(found: &[Idle]) -> String {
    let mut text = "\n## Start, and idle connections\n\n".to_owned();
    let columns = [
        "start",
        "memory at rest",
        "connections",
        "each",
        "connects/s",
    ];
    text.push_str(&table::head(&columns));
    for idle in found {
        text.push_str(&table::line(&idle.name, &cells(idle, found)));
    }
    text.push_str(
        "\nStart is the time to the first accepted connection; each connection has one subscription.\n",
    );
    text
}

fn cells(idle: &Idle, all: &[Idle]) -> Vec<String> {
    let number = |pointer: &str| idle.report.pointer(pointer).and_then(Value::as_f64);
    // All servers of a broker are the same program, so they share one start time.
    let broker = idle.name.split(" (").next();
    let same = all
        .iter()
        .filter(|one| one.name.split(" (").next() == broker);
    let start = median(same.map(|one| one.start.as_secs_f64() * 1e3)).unwrap_or_default();
    let memory = number("/residentBefore").unwrap_or_default() / f64::from(1 << 20);
    let each = number("/bytesPerConnection").unwrap_or_default() / 1e3;
    let connects = number("/opened/connectionsPerSecond").unwrap_or_default();
    vec![
        format!("{start:.0} ms"),
        format!("{memory:.1} MiB"),
        idle.connections.to_string(),
        format!("{each:.1} kB"),
        table::count(connects),
    ]
}
