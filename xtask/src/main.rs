//! Carillon's chores behind `cargo xtask`: build the pages and the server, run them, test them,
//! check them as CI does, and measure them.
//!
//! This file owns the command line. What a chore does is its module's; how a program is started
//! and what is said about it is `process`'s.

mod assets;
mod bench;
mod ci;
mod dist;
mod needs;
mod pages;
mod process;
mod server;
mod test;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let rest = arguments.filter(|argument| argument != "--").collect();
    match perform(&chore, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: &str, arguments: Vec<String>) -> Result<()> {
    match chore {
        "run" => server::run(&arguments),
        "test" => test::run_all(&arguments),
        "ci" => ci::run_all(),
        "bench" => bench::run_all(&arguments),
        "dist" => dist::build(),
        "build" => server::build().map(drop),
        "" | "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => bail!("there is no chore `{unknown}`\n\n{USAGE}"),
    }
}

const USAGE: &str = "\
cargo xtask CHORE [ARGUMENTS]

  run [ARGUMENTS]    build everything and start Carillon; the arguments are the server's
  test [FILTER]      install what the tests need and run them; the filter chooses end-to-end tests
  ci                 what CI runs: formatting, lints, documentation, licences, then the tests
  bench [FILTER]     run the benches, of the crates and of the release binary
  bench peers [OPTIONS]
                     measure Carillon beside mosquitto, NATS, RabbitMQ and ActiveMQ, and write docs/bench.md:
                     --peers, --shapes (names, by commas), --rounds, --seconds, --connections, --binary, --to
  bench growth [OPTIONS]
                     measure Carillon under more and more of something, and draw docs/growth-*.svg:
                     --curves, --rounds, --seconds, --binary, --to
  bench page [--rate N] [--seconds N]
                     flood the pages in the browser: frames, long tasks, memory, and how soon one is live
  build              build dist/ and the release binary, target/release/carillon
  dist               build dist/ only: the pages' WASM, JavaScript and style";
