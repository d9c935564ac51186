//! `cargo xtask bench`: the benches of the pure crates, then those of the release binary. What they
//! measure is said beside them. That of the pages takes minutes and a browser, so it runs only by its
//! name: `cargo xtask bench page --rate 5000 --seconds 600`.

use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::server;

const PURE: [&str; 4] = ["-p", "carillon-wire", "-p", "carillon-broker"];
const BINARY: [&str; 2] = ["-p", "carillon-tests"];
const PAGE: &str = "page";

/// `arguments` choose among the benches by name; after `page` they are that bench's own.
pub fn run_all(arguments: &[String]) -> Result<()> {
    if arguments.first().is_some_and(|name| name == PAGE) {
        return of_binary(PAGE, arguments);
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
