//! `cargo xtask bench`: the benches of the pure crates. What they measure is said beside them.

use anyhow::Result;

use crate::process::{cargo, run};

/// `arguments` choose among the benches by name.
pub fn run_all(arguments: &[String]) -> Result<()> {
    let mut bench = cargo(&[
        "bench",
        "-p",
        "carillon-wire",
        "-p",
        "carillon-broker",
        "--bench",
        "*",
    ]);
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    run(&mut bench)
}
