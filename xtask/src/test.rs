//! `cargo xtask test`: every test of Carillon, the cheapest first.
//!
//! Each cargo call names its packages. `--workspace` would compile `frontend` natively and turn on
//! both halves of Leptos at once; and the packages that share the Leptos stack are always named
//! together, since another selection of features compiles all of it again.

use std::path::Path;

use anyhow::Result;

use crate::process::{cargo, run, stage};
use crate::{needs, server};

const LIBRARIES: [&str; 6] = [
    "-p",
    "carillon-wire",
    "-p",
    "carillon-broker",
    "-p",
    "carillon-bench",
];
const LEPTOS: [&str; 4] = ["-p", "carillon-server", "-p", "carillon-app"];

/// `arguments` go to the end-to-end tests, to choose among them.
pub fn run_all(arguments: &[String]) -> Result<()> {
    stage("what the tests need", needs::ensure)?;
    if arguments.is_empty() {
        stage("tests of xtask", || {
            run(&mut cargo(&["test", "-p", "carillon-xtask"]))
        })?;
        stage("tests of wire, broker and bench", || {
            run(cargo(&["test"]).args(LIBRARIES))
        })?;
        stage("the broker's threads in every order", model)?;
    }
    let binary = stage("dist and the release binary", server::build)?;
    if arguments.is_empty() {
        stage("tests of server and app", || {
            run(cargo(&["test", "--release"]).args(LEPTOS))
        })?;
    }
    stage("end-to-end tests", || end_to_end(&binary, arguments))
}

/// The loom model, which replaces the broker's atomics and so needs a build of its own.
fn model() -> Result<()> {
    let mut test = cargo(&["test", "--release", "-p", "carillon-broker"]);
    test.args(["--test", "loom", "--target-dir", "target/loom"]);
    run(test.env("RUSTFLAGS", "--cfg loom"))
}

fn end_to_end(binary: &Path, arguments: &[String]) -> Result<()> {
    let mut test = cargo(&["test", "-p", "carillon-tests", "--"]);
    run(test.args(arguments).env("CARILLON_BIN", binary))
}
