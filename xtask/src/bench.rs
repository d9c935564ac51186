//! `cargo xtask bench`: the benches of the pure crates, then those of the release binary. What they
//! measure is said beside them.
//!
//! `bench peers` and `bench growth` measure whole servers with `carillon bench`: [`peers`] other
//! brokers beside Carillon, [`growth`] Carillon under more and more of something. That of the pages takes
//! minutes and a browser, so it runs only by its name: `cargo xtask bench page --rate 5000 --seconds 600`.

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
use crate::server;

const PURE: [&str; 4] = ["-p", "carillon-wire", "-p", "carillon-broker"];
const BINARY: [&str; 2] = ["-p", "carillon-tests"];
const PAGE: &str = "page";

/// `arguments` choose among the benches by name; after `page` they are that bench's own.
pub fn run_all(arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        Some((what, rest)) if what == "peers" => return peers::run_all(rest),
        Some((what, rest)) if what == "growth" => return growth::run_all(rest),
        Some((what, _)) if what == PAGE => return of_binary(PAGE, arguments),
        _ => {}
    }
    run(&mut bench("*", &PURE, arguments))?;
    of_binary("*", arguments)
}

fn of_binary(name: &str, arguments: &[String]) -> Result<()> {
    let binary = server::build()?;
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
