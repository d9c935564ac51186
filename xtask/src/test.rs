//! `cargo xtask test`: runs the tests of Carillon, the cheapest first.
//!
//! Each cargo call names its packages. `--workspace` would compile `frontend` natively and enable
//! both the server's and the browser's features of Leptos. The packages that use Leptos are always
//! named together, because another selection of features would compile all of Leptos again.

mod options;
mod quick;

use std::path::Path;

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
    stage("tests of the libraries", || {
        let libraries = packages::libraries()?;
        run(packages::select(&mut cargo(&["test"]), &libraries))
    })?;
    stage("model of the broker's threads", model)?;
    let binary = build()?;
    stage("tests of server and app", || {
        let mut test = cargo(&["test", "--release"]);
        run(packages::select(&mut test, &packages::LEPTOS))
    })?;
    end_to_end(&binary, &[])
}

fn install(options: &Options) -> Result<()> {
    stage("programs and packages for the tests", || {
        needs::ensure(options.missing_programs)
    })
}

fn build() -> Result<std::path::PathBuf> {
    stage("dist and the release binary", || {
        server::build(Profile::Release)
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
        let mut test = cargo(&["test", "-p", "carillon-tests", "--"]);
        run(test.args(arguments).env("CARILLON_BIN", binary))
    })
}
