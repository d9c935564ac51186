//! `cargo xtask test --quick`: the tests that need nothing but Rust, in the development profile and
//! with few seeds. It leaves out the loom model, the pages, and the end-to-end tests that use a
//! browser or a foreign client.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result};

use super::{BINARY, cargo_test, xtask};
use crate::process::{root, run, stage};
use crate::profile::Profile;
use crate::server;

pub fn run_all() -> Result<()> {
    stage("tests of xtask", xtask)?;
    stage(
        "tests of the libraries, app and server",
        sources_and_libraries,
    )?;
    stage(
        "end-to-end tests without browser and foreign clients",
        end_to_end,
    )
}

/// Runs the tests in the sources, and those in the folders `tests` of the libraries.
fn sources_and_libraries() -> Result<()> {
    let mut test = cargo_test()?;
    test.args(["--lib", "--bins"]);
    for library in entries(&root().join("crates"))? {
        let tests = library.join("tests");
        if !tests.is_dir() {
            continue;
        }
        for name in entries(&tests)?.iter().filter_map(|path| target_name(path)) {
            test.args(["--test", &name]);
        }
    }
    run(test.env(simulation::SEEDS, SEEDS))
}

/// Returns the name of the test target of an entry in a folder `tests`: a file, or a folder with a
/// `main.rs`.
fn target_name(path: &Path) -> Option<String> {
    let is_target = match path.is_dir() {
        true => path.join("main.rs").is_file(),
        false => path.extension().is_some_and(|extension| extension == "rs"),
    };
    let stem = path.file_stem().filter(|_| is_target)?;
    Some(stem.to_string_lossy().into_owned())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Runs the end-to-end tests with the development binary.
fn end_to_end() -> Result<()> {
    let binary = server::compile(Profile::Test, &[])?;
    let mut test = cargo_test()?;
    test.args(["--test", "e2e", "--"]);
    // These tests mostly wait: for replies, for restarts, for the disk.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    test.arg(format!("--test-threads={}", 2 * cores));
    for module in modules_left_out()? {
        test.arg("--skip").arg(format!("{module}::"));
    }
    run(test.env(BINARY, binary))
}

/// Returns the modules of the end-to-end tests that need more than Rust: those that name a part of
/// the harness in [`FOREIGN`], and those in [`OTHERS`].
fn modules_left_out() -> Result<BTreeSet<String>> {
    let folder = root().join("tests/tests/e2e");
    let mut modules: BTreeSet<_> = OTHERS.iter().map(|&name| name.to_owned()).collect();
    for path in entries(&folder)? {
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
    entries(path)?.iter().map(|file| text_of(file)).collect()
}

/// Parts of the harness that start a browser or a foreign client.
const FOREIGN: [&str; 5] = ["browser::", "site::", "node::", "python::", "mosquitto::"];

/// Modules that need the files of the pages, curl or Mosquitto, or take long in the development profile.
const OTHERS: [&str; 4] = ["curl", "documents", "full_disk", "pages"];

/// Fewer than any simulation runs by default.
const SEEDS: &str = "3";
