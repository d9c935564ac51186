//! Measures how long the server keeps a well-behaved client waiting while others attack it: `cargo xtask bench
//! bystander [--rounds 400] [--only TEXT]`
//!
//! Each row uses a new server. The bystander requests `/healthz` on a new connection and publishes with QoS 1,
//! alternately; each request is a sample. The first row is the control run, without an attack. Attackers, bystander and
//! server share the machine, so a row is meaningful only in comparison with the first.

mod attack;
mod options;
mod table;

use std::env;

use harness::Carillon;
use harness::bystander::Bystander;
use tokio::runtime::Builder;

use attack::Attack;
use options::Options;
use table::Row;

fn main() {
    // Cargo adds `--bench`. Running all benches does not include this one.
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    if arguments.next().is_none_or(|name| name != "bystander") {
        return;
    }
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}");
            std::process::exit(2);
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(measure(&options));
}

async fn measure(options: &Options) {
    print!("{}", table::HEAD);
    for attack in Attack::all().iter().filter(|one| options.wants(one)) {
        print!("{}", row(attack, options.rounds).await.line());
    }
}

async fn row(attack: &Attack, rounds: usize) -> Row {
    let server = Carillon::with(attack.server_options()).await;
    let mut bystander = Bystander::new(&server).await;
    let prepared = attack.prepare(&server).await;
    let running = attack.start(&server, prepared).await;
    let latencies = bystander.measure(rounds).await;
    let memory_bytes = table::resident_bytes(server.process_id());
    drop(running);
    Row {
        name: attack.to_string(),
        latencies,
        memory_bytes,
    }
}
