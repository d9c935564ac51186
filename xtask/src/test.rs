//! `cargo xtask test`: runs the tests of Carillon, the cheapest first.
//!
//! Each cargo call names its packages. `--workspace` would compile `frontend` natively and enable
//! both the server's and the browser's features of Leptos.

mod options;
mod quick;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, run, stage};
use crate::profile::Profile;
use crate::{needs, packages, server};
use options::{Options, Scope};

/// Runs the tests that `arguments` select.
pub fn run_with(arguments: &[String]) -> Result<()> {
    let options = Options::parse(arguments)?;
    match options.scope {
        Scope::Quick => quick::run_all(),
        Scope::EndToEnd => {
            install(&options)?;
            end_to_end(&build()?, &options.filters)
        }
        Scope::All => {
            install(&options)?;
            run_all()
        }
    }
}

/// Runs all tests. The programs that they need must be installed.
fn run_all() -> Result<()> {
    stage("tests of xtask", xtask)?;
    stage("model of the broker's threads", model)?;
    let binary = build()?;
    stage(
        "tests of the libraries, app and server, and end to end",
        || run(cargo_test()?.env(BINARY, binary)),
    )
}

/// Returns `cargo test` with all packages but xtask. Always the same packages: another selection has
/// other features, and would compile many dependencies again.
fn cargo_test() -> Result<Command> {
    let mut test = cargo(&["test"]);
    packages::select(&mut test, &packages::tested()?);
    Ok(test)
}

fn install(options: &Options) -> Result<()> {
    stage("programs and packages for the tests", || {
        needs::ensure(options.missing_programs)
    })
}

/// Returns the binary that the end-to-end tests start: the one that the variable names, or a new one.
fn build() -> Result<PathBuf> {
    if let Some(binary) = env::var_os(BINARY) {
        return Ok(binary.into());
    }
    stage("dist and the binary with checks", || {
        server::build(Profile::Test)
    })
}

/// Runs the tests of this program in its own profile (`.cargo/config.toml`), so that its dependencies
/// are not compiled again.
fn xtask() -> Result<()> {
    run(&mut cargo(&[
        "test",
        "--profile",
        "quick",
        "-p",
        "carillon-xtask",
    ]))
}

/// Runs the loom model. It replaces the broker's atomics, so it needs a separate build.
fn model() -> Result<()> {
    let mut test = cargo(&["test", "--release", "-p", "carillon-broker"]);
    test.args(["--test", "loom", "--target-dir", "target/loom"]);
    run(test.env("RUSTFLAGS", "--cfg loom"))
}

fn end_to_end(binary: &Path, arguments: &[String]) -> Result<()> {
    stage("end-to-end tests", || {
        let mut test = cargo_test()?;
        test.args(["--test", "e2e", "--"]).args(arguments);
        run(test.env(BINARY, binary))
    })
}

/// The variable with the path of the binary that the end-to-end tests start.
const BINARY: &str = "CARILLON_BIN";
