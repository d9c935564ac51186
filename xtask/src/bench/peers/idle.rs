//! What a server takes before it does anything: time to start, memory at rest, memory per connection.
//!
//! Each door is measured on a server of its own that was just started: one that has worked before has
//! memory to spare, and connections seem to cost nothing.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use super::Plan;
use crate::bench::load::{median, report};
use crate::bench::servers::{Kind, Server};
use crate::bench::table;

/// One door's figures.
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
    for kind in &plan.kinds {
        let mut server = kind.start(&plan.binary)?;
        for number in 0..server.doors.len() {
            if number > 0 {
                server = kind.start(&plan.binary)?;
            }
            found.extend(measure_door(plan, &server, number));
        }
    }
    Ok(text(&found))
}

/// One that fails is said to, and left out.
fn measure_door(plan: &Plan, server: &Server, number: usize) -> Option<Idle> {
    let door = server.doors.get(number)?;
    let kind = server.kind;
    let connections = match kind {
        // They take so much, and so long, that fewer tell as much.
        Kind::RabbitMq | Kind::ActiveMq => plan.connections.div_ceil(5),
        Kind::Carillon | Kind::Mosquitto | Kind::Nats => plan.connections,
    };
    let count = connections.to_string();
    let arguments = ["--shape", "idle", "--seconds", "1", "--connections", &count];
    let name = format!("{} ({})", kind.name(), door.name);
    let report = report(&plan.binary, server, door, &arguments);
    match &report {
        Ok(report) => println!(
            "  {name:<34} started in {:>6.0} ms, {:>7} bytes per connection, {:>6.0} connects/s",
            server.start.as_secs_f64() * 1e3,
            report["bytesPerConnection"].as_f64().unwrap_or_default() as i64,
            report["opened"]["connectionsPerSecond"]
                .as_f64()
                .unwrap_or_default(),
        ),
        Err(error) => println!("  {name:<34} is out: {error:#}"),
    }
    Some(Idle {
        name,
        start: server.start,
        connections,
        report: report.ok()?,
    })
}

fn text(found: &[Idle]) -> String {
    let mut text = "\n## Start, and connections that do nothing\n\n".to_owned();
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
    // All servers of a kind are the same program: their start is told as one.
    let kind = idle.name.split(" (").next();
    let same = all.iter().filter(|one| one.name.split(" (").next() == kind);
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
