//! `cargo xtask test`: runs all tests of Carillon, the cheapest first.
//!
//! Each cargo call names its packages. `--workspace` would compile `frontend` natively and enable
//! both the server's and the browser's features of Leptos. The packages that use Leptos are always
//! named together, because another selection of features would compile all of Leptos again.

use std::path::Path;

use anyhow::Result;

use crate::process::{cargo, run, stage};
use crate::{needs, server};

const LIBRARIES: [&str; 14] = [
    "-p",
    "carillon-wire",
    "-p",
    "carillon-broker",
    "-p",
    "carillon-store",
    "-p",
    "carillon-destination",
    "-p",
    "carillon-printable",
    "-p",
    "carillon-client",
    "-p",
    "carillon-bench",
];
const LEPTOS: [&str; 4] = ["-p", "carillon-server", "-p", "carillon-app"];

/// Runs all tests. With `arguments`, runs only the end-to-end tests that they select.
pub fn run_all(arguments: &[String]) -> Result<()> {
    stage("programs and packages for the tests", needs::ensure)?;
    if arguments.is_empty() {
        stage("tests of xtask", || {
            run(&mut cargo(&["test", "-p", "carillon-xtask"]))
        })?;
        stage("tests of the libraries", || {
            run(cargo(&["test"]).args(LIBRARIES))
        })?;
        stage("model of the broker's threads", model)?;
    }
    let binary = stage("dist and the release binary", server::build)?;
    if arguments.is_empty() {
        stage("tests of server and app", || {
            run(cargo(&["test", "--release"]).args(LEPTOS))
        })?;
    }
    stage("end-to-end tests", || end_to_end(&binary, arguments))
}

/// Runs the loom model. It replaces the broker's atomics, so it needs a separate build.
fn model() -> Result<()> {
    let mut test = cargo(&["test", "--release", "-p", "carillon-broker"]);
    test.args(["--test", "loom", "--target-dir", "target/loom"]);
    run(test.env("RUSTFLAGS", "--cfg loom"))
}

fn end_to_end(binary: &Path, arguments: &[String]) -> Result<()> {
    let mut test = cargo(&["test", "-p", "carillon-tests", "--"]);
    run(test.args(arguments).env("CARILLON_BIN", binary))
}
