//! Measures the cost and the rate of deliveries of the real binary, over TCP and WebSocket. Run it
//! with `cargo xtask bench`, or, if the release binary is built, with `cargo bench -p
//! carillon-tests`.
//!
//! Clients and server share the machine. So the server's CPU time per delivery, which hardly
//! depends on other processes, is more meaningful than the rates. In a stream one write holds many
//! messages; one by one, each delivery is a separate write.

mod client;
mod load;
mod processor;

use std::env;
use std::time::Duration;

use harness::Carillon;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

use client::Door;
use load::{Acknowledgement, Load, Pace, Sharing};

const LOADS: [Load; 4] = [
    Load {
        name: "topic 1 to 100, one by one",
        destination: "/topic/rect",
        receivers: 100,
        sharing: Sharing::EachGetsAll,
        acknowledgement: Acknowledgement::Auto,
        pace: Pace::ONE_BY_ONE,
    },
    Load {
        name: "topic 1 to 100",
        destination: "/topic/rect",
        receivers: 100,
        sharing: Sharing::EachGetsAll,
        acknowledgement: Acknowledgement::Auto,
        pace: Pace::STREAM,
    },
    Load {
        name: "queue 1 to 4, auto",
        destination: "/queue/work",
        receivers: 4,
        sharing: Sharing::EachGetsAPart,
        acknowledgement: Acknowledgement::Auto,
        pace: Pace::STREAM,
    },
    Load {
        name: "queue 1 to 4, client-individual",
        destination: "/queue/work",
        receivers: 4,
        sharing: Sharing::EachGetsAPart,
        acknowledgement: Acknowledgement::Individual,
        pace: Pace::STREAM,
    },
];

/// The result of a load.
pub struct Measurement {
    sent: u64,
    deliveries: u64,
    elapsed: Duration,
    /// CPU time of the server, or None if the system does not report it.
    processor_time: Option<Duration>,
}

fn main() {
    // Cargo adds `--bench`.
    let filters: Vec<_> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    println!(
        "{:<45}{:>13}{:>15}{:>18}",
        "stomp", "messages/s", "deliveries/s", "CPU per delivery"
    );
    for load in LOADS {
        for door in [Door::Tcp, Door::WebSocket] {
            let name = format!("stomp: {}, {door:?}", load.name);
            if filters.iter().all(|filter| name.contains(filter)) {
                println!("{}", row(&name, &measure(load, door)));
            }
        }
    }
}

/// Measures a load on a new server, on a port that the system chooses.
fn measure(load: Load, door: Door) -> Measurement {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let server = Carillon::start().await;
        let (address, process) = (server.address(), server.process_id());
        let running = spawn_blocking(move || load.run(door, address, process));
        running.await.expect("the load does not panic")
    })
}

fn row(name: &str, measurement: &Measurement) -> String {
    let seconds = measurement.elapsed.as_secs_f64();
    let rate = |count: u64| format!("{:.0}", count as f64 / seconds);
    let cost = measurement.processor_time.map_or("-".to_owned(), |time| {
        let nanoseconds = time.as_nanos() as f64 / measurement.deliveries as f64;
        format!("{:.2} µs", nanoseconds / 1_000.0)
    });
    format!(
        "{name:<45}{:>13}{:>15}{cost:>18}",
        rate(measurement.sent),
        rate(measurement.deliveries)
    )
}
