//! The feature `opentelemetry` of the server, which no other task builds: its lints, and its end-to-end tests with a program that
//! has the feature.

use anyhow::{Context, Result};

use crate::packages;
use crate::process::{cargo, cargo_build, run};
use crate::profile::Profile;

pub fn lint() -> Result<()> {
    let mut clippy = cargo(&["clippy"]);
    packages::select(&mut clippy, &packages::native()?);
    run(clippy.args(["--all-targets", FEATURES, "--", "-D", "warnings"]))
}

/// Builds the program and runs the tests. The pages must be in `dist/`.
pub fn test() -> Result<()> {
    let mut arguments = Profile::Test.of_server()?;
    arguments.push(FEATURES.to_owned());
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let binary = cargo_build("carillon-server", &arguments, &[])?
        .into_iter()
        .find(|file| file.file_stem().is_some_and(|stem| stem == "carillon"))
        .context("carillon-server built, but without its binary")?;
    let mut test = cargo(&["test"]);
    packages::select(&mut test, &packages::tested()?);
    test.args([FEATURES, "--test", "e2e", "--", "spans::"]);
    run(test.env("CARILLON_BIN", binary))
}

/// Of the program, and of the tests that need such a program.
const FEATURES: &str = "--features=carillon-server/opentelemetry,carillon-tests/opentelemetry";
