//! `cargo xtask bench`: the benches of the pure crates, then those of the release binary. What they
//! measure is said beside them.

use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::server;

const PURE: [&str; 4] = ["-p", "carillon-wire", "-p", "carillon-broker"];
const BINARY: [&str; 2] = ["-p", "carillon-tests"];

/// `arguments` choose among the benches by name.
pub fn run_all(arguments: &[String]) -> Result<()> {
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
