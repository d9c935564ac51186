//! Carillon's tasks for `cargo xtask`: build, run, test, check and measure the pages and the
//! server.
//!
//! This file owns the command line. Each task is in its module; `process` starts other programs.

mod assets;
mod bench;
mod book;
mod ci;
mod dist;
mod layers;
mod needs;
mod package;
mod packages;
mod pages;
mod process;
mod profile;
mod public_api;
mod server;
mod soak;
mod test;
mod tools;
mod traces;

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};

use profile::Profile;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest = arguments.filter(|argument| argument != "--").collect();
    match perform(&task, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: &str, arguments: Vec<String>) -> Result<()> {
    match task {
        "run" => server::run(&arguments),
        "test" => test::run_with(&arguments),
        "ci" => match &*arguments {
            [] => ci::run_all(),
            [one] if one == "--release" => ci::check_release(),
            _ => bail!("usage: cargo xtask ci [--release]"),
        },
        "bench" => bench::run_all(&arguments),
        "soak" => soak::run_all(&arguments),
        "book" => book::build(),
        "layers" => layers::check(&arguments),
        "public-api" => public_api::check(&arguments),
        "dist" => dist::build(Profile::Release),
        "build" => server::build(Profile::Release).map(drop),
        "package" => package::run_with(&arguments),
        "" | "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => bail!("unknown task `{unknown}`\n\n{USAGE}"),
    }
}

const USAGE: &str = "\
cargo xtask TASK [ARGUMENTS]

  run [ARGUMENTS]    build everything quickly, with little optimisation, and start Carillon with these
                     arguments
  run --release [ARGUMENTS]
                     the same with the release binary, as `build` makes it
  test [--no-install] [FILTER]
                     install the missing programs for the tests and run all tests; with a filter, only
                     matching end-to-end tests; with --no-install, report missing programs
  test --quick       run the tests that need nothing but Rust, with few seeds
  soak [MINUTES]     run the simulated tests with new seeds, for 10 minutes if not told otherwise
  soak crashes [OPTIONS]
                     kill the server again and again under load, and check what it has after each start:
                     --minutes (60), --every SECONDS (60), --rate (messages of each publisher in a second),
                     --data DIRECTORY
  public-api [--write]
                     compare the interface of the crate `carillon` with its record, or replace the record
  ci                 run the checks of CI: formatting, lints, documentation, licences, then the tests
  ci --release       run the checks before a release: the interface of the crate `carillon`, and the feature
                     `opentelemetry`
  bench [FILTER]     run the benches of the crates and of the release binary whose names match
  bench peers [OPTIONS]
                     compare Carillon with mosquitto, NATS, RabbitMQ and ActiveMQ, and write docs/src/measure/comparison.md:
                     --peers, --shapes (comma-separated), --rounds, --seconds, --connections, --binary, --to
  bench peers --data [OPTIONS]
                     compare Carillon with brokers that store messages on disk, and write that part of
                     docs/src/measure/comparison.md: --peers (comma-separated), --rounds, --seconds, --binary, --to;
                     CARILLON_BENCH_NATS_SERVER is the path of another nats-server than the system's
  bench growth [OPTIONS]
                     measure Carillon under increasing load, and draw docs/src/images/growth-*.svg:
                     --curves (comma-separated), --rounds, --seconds, --binary, --to
  bench page [--pages demo|tools|tree] [--rate N] [--seconds N]
                     measure the pages in a browser at a high message rate: frames, long tasks, memory,
                     load time; `tools` are the live tail of a topic and a board, `tree` is the tree of
                     100,000 topics
  bench bystander [--rounds N] [--only TEXT]
                     measure the latency of one client while others attack the server
  layers [--report]  check that modules import only from lower layers; with --report, print the modules that
                     import each other in a circle
  book               check the links of the documents, and build the book of docs/ with mdBook, into
                     target/book/html
  build              build dist/ and the release binary, target/release/carillon
  package            build the files of a release in target/package/: a static program for Linux, a Debian package,
                     the list of crates, checksums; needs musl-gcc
  package --try      install and use these files in a clean Debian root; needs root and debootstrap
  dist               build dist/ only: the pages' WASM, JavaScript and style";
