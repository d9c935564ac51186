//! The feature `opentelemetry` of the server, which no other task builds: its lints, and its end-to-end tests with a program that
//! has the feature.

use anyhow::Result;

use crate::process::{cargo, run};
use crate::profile::Profile;
use crate::{ci, packages, server};

pub fn lint() -> Result<()> {
    ci::lint(&packages::native()?, &["--all-targets", FEATURES])
}

/// Builds the program and runs the tests. The pages must be in `dist/`.
pub fn test() -> Result<()> {
    let mut arguments = Profile::Test.of_server()?;
    arguments.push(FEATURES.to_owned());
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let binary = server::binary(&arguments, &[])?;
    let mut test = cargo(&["test"]);
    packages::select(&mut test, &packages::tested()?);
    test.args([FEATURES, "--test", "e2e", "--", "spans::"]);
    run(test.env("CARILLON_BIN", binary))
}

/// Of the program, and of the tests that need such a program.
const FEATURES: &str = "--features=carillon-server/opentelemetry,carillon-tests/opentelemetry";
