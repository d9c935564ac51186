//! `cargo xtask ci`: the checks that must pass before a change lands. Formatting, lints,
//! documentation and licences come first because they fail fast; then the tests, as `cargo xtask
//! test` runs them.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{ask, cargo, command, find, root, run, stage};
use crate::{dist, layers, pages, test};

const NATIVE: [&str; 11] = [
    "carillon-wire",
    "carillon-broker",
    "carillon-store",
    "carillon-destination",
    "carillon-printable",
    "carillon-client",
    "carillon-bench",
    "carillon-app",
    "carillon-server",
    "carillon-tests",
    "carillon-xtask",
];

/// The packages that run in browsers. Named together with `frontend`, `app` is built for the
/// browser instead of the server.
const BROWSER: [&str; 5] = [
    "carillon-wire",
    "carillon-broker",
    "carillon-store",
    "carillon-app",
    "carillon-frontend",
];

pub fn run_all() -> Result<()> {
    stage("lock file", || run(&mut cargo(&["fetch", "--locked"])))?;
    stage("formatting", || {
        run(&mut cargo(&["fmt", "--all", "--check"]))
    })?;
    stage("layers", || layers::check(&[]))?;
    stage("unused dependencies", unused_dependencies)?;
    stage("licences and sources", licences)?;
    pages::require_target()?;
    stage("dist", dist::build)?;
    stage("size of the pages", dist::check_budget)?;
    stage("lints, native", || lint(&NATIVE, &["--all-targets"]))?;
    stage("lints, browser", || {
        lint(&BROWSER, &["--target", pages::TARGET])
    })?;
    stage("fuzz targets", fuzz_targets)?;
    stage("documentation", document)?;
    test::run_all(&[])
}

fn lint(packages: &[&str], arguments: &[&str]) -> Result<()> {
    let mut clippy = cargo(&["clippy"]);
    name_packages(&mut clippy, packages).args(arguments);
    run(clippy.args(["--", "-D", "warnings"]))
}

/// They are run by hand, with a nightly compiler; that they compile is checked here. Checking needs no nightly.
fn fuzz_targets() -> Result<()> {
    let mut check = cargo(&["check", "--locked", "--bins"]);
    check.args(["--manifest-path", "fuzz/Cargo.toml"]);
    run(check.env("RUSTFLAGS", "-D warnings"))
}

fn document() -> Result<()> {
    let mut doc = cargo(&["doc", "--no-deps", "--document-private-items"]);
    run(name_packages(&mut doc, &NATIVE).env("RUSTDOCFLAGS", "-D warnings"))
}

fn name_packages<'a>(command: &'a mut Command, packages: &[&str]) -> &'a mut Command {
    for package in packages {
        command.args(["-p", package]);
    }
    command
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

/// Returns a cargo tool from the `PATH`, else builds it once in `target/`.
fn tool(name: &str) -> Result<PathBuf> {
    if let Some(program) = find(name) {
        return Ok(program);
    }
    let tools = root().join("target/tools");
    let program = tools
        .join("bin")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    if !program.exists() {
        let mut install = cargo(&["install", "--locked", "--root"]);
        run(install.arg(&tools).arg(name))?;
    }
    Ok(program)
}
