//! `cargo xtask bench`: runs the benches of the pure crates, then those of the release binary. Each
//! bench describes what it measures.
//!
//! `bench peers` and `bench growth` measure whole servers with `carillon bench`: [`peers`] compares
//! Carillon with other brokers, `bench peers --data` ([`data`]) does so with messages on disk, and
//! [`growth`] measures Carillon under increasing load. Two benches need
//! minutes and run only if they are named: `bench page` measures the pages in a browser, and `bench
//! bystander` measures one client while others attack the server.

mod data;
mod folder;
mod growth;
mod load;
mod machine;
mod options;
mod peers;
mod plot;
mod servers;
mod table;

use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::profile::Profile;
use crate::server;

const PURE: [&str; 6] = [
    "-p",
    "carillon-wire",
    "-p",
    "carillon-broker",
    "-p",
    "carillon-store",
];
const BINARY: [&str; 2] = ["-p", "carillon-tests"];
/// Benches that run only if they are named.
const BY_NAME: [&str; 2] = ["page", "bystander"];

/// Runs the benches whose names match `arguments`. Arguments after `peers`, `growth` or one of
/// [`BY_NAME`] are options of that bench.
pub fn run_all(arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        Some((what, rest)) if what == "peers" => {
            return match rest.split_first() {
                Some((data, rest)) if data == "--data" => data::run_all(rest),
                _ => peers::run_all(rest),
            };
        }
        Some((what, rest)) if what == "growth" => return growth::run_all(rest),
        Some((what, _)) if BY_NAME.contains(&what.as_str()) => return of_binary(what, arguments),
        _ => {}
    }
    run(&mut bench("*", &PURE, arguments))?;
    of_binary("*", arguments)
}

fn of_binary(name: &str, arguments: &[String]) -> Result<()> {
    let binary = server::build(Profile::Release)?;
    run(bench(name, &BINARY, arguments).env("CARILLON_BIN", binary))
}

fn bench(name: &str, packages: &[&str], arguments: &[String]) -> Command {
    let mut bench = cargo(&["bench", "--bench", name]);
    bench.args(packages);
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    bench
}
