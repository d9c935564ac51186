//! `cargo xtask test --quick`: the tests that need nothing but Rust, in the development profile and
//! with few seeds. It leaves out the loom model, the pages, and the end-to-end tests that use a
//! browser or a foreign client.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::xtask;
use crate::packages;
use crate::process::{cargo, cargo_build, root, run, stage};

pub fn run_all() -> Result<()> {
    stage("tests of xtask", xtask)?;
    stage("tests of the libraries", || test(&packages::libraries()?))?;
    stage("tests of server and app", || test(&packages::LEPTOS))?;
    stage(
        "end-to-end tests without browser and foreign clients",
        end_to_end,
    )
}

fn test<S: AsRef<str>>(packages: &[S]) -> Result<()> {
    let mut test = cargo(&["test"]);
    run(packages::select(&mut test, packages).env(simulation::SEEDS, SEEDS))
}

/// Runs the end-to-end tests with the development binary.
fn end_to_end() -> Result<()> {
    let binary = cargo_build("carillon-server", &[], &[])?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == "carillon"))
        .context("carillon-server built, but without its binary")?;
    let mut test = cargo(&["test", "-p", "carillon-tests", "--"]);
    for module in modules_left_out()? {
        test.arg("--skip").arg(format!("{module}::"));
    }
    run(test.env("CARILLON_BIN", binary))
}

/// Returns the modules of the end-to-end tests that need more than Rust: those that name a part of
/// the harness in [`FOREIGN`], and those in [`OTHERS`].
fn modules_left_out() -> Result<BTreeSet<String>> {
    let folder = root().join("tests/tests/e2e");
    let mut modules: BTreeSet<_> = OTHERS.iter().map(|&name| name.to_owned()).collect();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let text = text_of(&path)?;
        if FOREIGN.iter().any(|name| text.contains(name)) {
            let stem = path.file_stem().context("a file has a name")?;
            modules.insert(stem.to_string_lossy().into_owned());
        }
    }
    Ok(modules)
}

/// Returns the text of a module: a file, or the files of a folder.
fn text_of(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return Ok(fs::read_to_string(path)?);
    }
    let files = fs::read_dir(path)?.map(|entry| text_of(&entry?.path()));
    files.collect()
}

/// Parts of the harness that start a browser or a foreign client.
const FOREIGN: [&str; 5] = ["browser::", "site::", "node::", "python::", "mosquitto::"];

/// Modules that need the files of the pages or curl, or take long in the development profile.
const OTHERS: [&str; 3] = ["curl", "full_disk", "pages"];

/// Fewer than any simulation runs by default.
const SEEDS: &str = "3";
