//! `cargo xtask bench`: the benches of the pure crates, then those of the release binary. What they
//! measure is said beside them.
//!
//! `bench peers` and `bench growth` measure whole servers with `carillon bench`: [`peers`] other
//! brokers beside Carillon, [`growth`] Carillon under more and more of something.

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

/// `arguments` choose among the benches by name.
pub fn run_all(arguments: &[String]) -> Result<()> {
    match arguments.split_first() {
        Some((what, rest)) if what == "peers" => return peers::run_all(rest),
        Some((what, rest)) if what == "growth" => return growth::run_all(rest),
        _ => {}
    }
    run(&mut bench(&PURE, arguments))?;
    let binary = server::build()?;
    run(bench(&BINARY, arguments).env("CARILLON_BIN", binary))
}

fn bench(packages: &[&str], arguments: &[String]) -> Command {
    let mut bench = cargo(&["bench", "--bench", "*"]);
    bench.args(packages);
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    bench
}
