//! `cargo xtask ci`: the checks that must pass before a change lands. Formatting, lints,
//! documentation and licences come first because they fail fast; then the tests, as `cargo xtask
//! test` runs them.

use anyhow::Result;

use crate::process::{ask, cargo, command, run, stage};
use crate::profile::Profile;
use crate::tools::tool;
use crate::{dist, layers, packages, pages, public_api, test, traces};

pub fn run_all() -> Result<()> {
    stage("lock file", || run(&mut cargo(&["fetch", "--locked"])))?;
    stage("formatting", || {
        run(&mut cargo(&["fmt", "--all", "--check"]))
    })?;
    stage("layers", || layers::check(&[]))?;
    stage("unused dependencies", unused_dependencies)?;
    stage("licences and sources", licences)?;
    pages::require_target()?;
    stage("dist", || dist::build(Profile::Release))?;
    stage("size of the pages", dist::check_budget)?;
    stage("lints, native", || {
        lint(&packages::native()?, &["--all-targets"])
    })?;
    stage("lints, browser", || {
        lint(&packages::BROWSER, &["--target", pages::TARGET])
    })?;
    stage("fuzz targets", fuzz_targets)?;
    stage("documentation", document)?;
    test::run_with(&[])
}

/// Runs the checks before a release, which take long or depend on the version of the compiler: the interface of the crate
/// `carillon`, and the feature `opentelemetry`, which no other task builds. Its tests replace the program of the other tests.
pub fn check_release() -> Result<()> {
    stage("interface of the crate carillon", || public_api::check(&[]))?;
    stage("lints, with OpenTelemetry", traces::lint)?;
    stage("dist", || dist::build(Profile::Test))?;
    stage("tests of the spans, with OpenTelemetry", traces::test)
}

/// Runs clippy with warnings denied.
pub fn lint<S: AsRef<str>>(packages: &[S], arguments: &[&str]) -> Result<()> {
    let mut clippy = cargo(&["clippy"]);
    packages::select(&mut clippy, packages).args(arguments);
    run(clippy.args(["--", "-D", "warnings"]))
}

/// Checks that the programs for libFuzzer compile; running them needs a nightly compiler. The tests of
/// `crates/fuzz` run the targets.
fn fuzz_targets() -> Result<()> {
    let mut check = cargo(&["check", "--locked", "--bins"]);
    check.args(["--manifest-path", "fuzz/Cargo.toml"]);
    run(check.env("RUSTFLAGS", "-D warnings"))
}

fn document() -> Result<()> {
    let mut doc = cargo(&["doc", "--no-deps", "--document-private-items"]);
    let packages = packages::native()?;
    run(packages::select(&mut doc, &packages).env("RUSTDOCFLAGS", "-D warnings"))
}

fn unused_dependencies() -> Result<()> {
    run(command(tool("cargo-machete")?).arg("--with-metadata"))
}

/// Checks licences, bans and sources, and known vulnerabilities if their database can be fetched.
fn licences() -> Result<()> {
    let deny = tool("cargo-deny")?;
    run(command(&deny).args(["check", "licenses", "bans", "sources"]))?;
    if ask(command(&deny).args(["fetch", "db"])).is_none() {
        println!("xtask: advisories are not checked: their database cannot be fetched");
        return Ok(());
    }
    run(command(&deny).args(["check", "--disable-fetch", "advisories"]))
}
