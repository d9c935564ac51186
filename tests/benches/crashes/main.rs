//! Kills the server again and again under load, and checks after each restart that nothing acknowledged is lost, nothing
//! is invented, and the order holds: `cargo xtask soak crashes [--minutes 60] [--every 60] [--rate 100] [--data DIRECTORY]`
//!
//! A round starts the server on the same directory, lets all clients publish and consume for `--every` seconds, kills the
//! server with SIGKILL, starts it again, and reads everything that is left. Each flow of messages has its own
//! destinations, and its own promise: [`Promise`](ledger::Promise).

mod consume;
mod exactly_once;
mod flows;
mod ledger;
mod options;
mod publish;
mod report;

use std::env;
use std::fs;
use std::time::{Duration, Instant};

use harness::Carillon;
use harness::deadline::set_deadline_s;
use tokio::runtime::Builder;
use tokio::time::sleep;

use flows::Flows;
use options::Options;
use report::Report;

fn main() {
    // Cargo adds `--bench`. Running all benches does not include this one.
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    if arguments.next().is_none_or(|name| name != "crashes") {
        return;
    }
    let options = match Options::read(arguments) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("{reason}");
            std::process::exit(2);
        }
    };
    // The machine may be busy with other work.
    set_deadline_s(120);
    let runtime = Builder::new_current_thread().enable_all().build();
    let result = runtime.expect("a runtime").block_on(run(&options));
    if let Err(reason) = result {
        eprintln!("{reason}\nthe store is in {}", options.data.display());
        std::process::exit(1);
    }
}

/// Runs all rounds, and reads the rest at the end.
async fn run(options: &Options) -> Result<(), String> {
    let mut report = Report::default();
    let mut flows = Flows::new(options.rate);
    let end = Instant::now() + options.time;
    while report.kills == 0 || Instant::now() < end {
        let server = start(options, &mut report).await;
        flows.prepare(&server).await?;
        load_until_kill(&mut flows, server, options.every).await?;
        report.kills += 1;
        let server = start(options, &mut report).await;
        flows.verify(&server).await?;
        // A kill without load.
        server.kill().await;
        report.kills += 1;
        report.print_progress(&flows);
    }
    let server = start(options, &mut report).await;
    flows.verify_backlog(&server).await?;
    let status = server.stop().await;
    if !status.success() {
        return Err(format!("the server did not stop in order: {status}"));
    }
    report.print(&flows);
    if options.is_temporary {
        let removed = fs::remove_dir_all(&options.data);
        removed.map_err(|error| format!("cannot remove the store: {error}"))?;
    }
    Ok(())
}

async fn load_until_kill(
    flows: &mut Flows,
    server: Carillon,
    time: Duration,
) -> Result<(), String> {
    let clients = flows.load(&server);
    let kill = async {
        sleep(time).await;
        server.signal("KILL").await;
        Ok(())
    };
    // The clients end with their connections.
    tokio::try_join!(clients, kill)?;
    server.ended().await;
    Ok(())
}

async fn start(options: &Options, report: &mut Report) -> Carillon {
    let began = Instant::now();
    let data = options.data.to_str().expect("a path in UTF-8");
    let server = Carillon::with(&["--data", data, "--mqtt", "127.0.0.1:0"]).await;
    report.starts.push(began.elapsed());
    server
}
