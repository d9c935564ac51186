//! Runs scripts with Python, for clients that exist only in Python.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::deadline::within;

/// Runs `tests/SCRIPT` with the packages of `tests/python` and returns its output.
///
/// # Panics
///
/// If the script fails; the message contains its errors.
pub async fn run(script: &str, arguments: &[&str]) -> String {
    let mut python = command(script);
    python.args(arguments);
    let output = within(script, python.output())
        .await
        .expect("python3 starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed:\n{text}{errors}");
    text
}

/// Returns the command that runs `tests/SCRIPT` with these packages.
pub fn command(script: &str) -> Command {
    let mut python = Command::new("python3");
    python
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Writes no compiled files into the folders of the scripts, which are part of the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", packages())
        .arg(script)
        .kill_on_drop(true);
    python
}

/// Returns the folder into which `cargo xtask test` installs the packages of
/// `tests/python/requirements.txt`.
fn packages() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    assert!(
        PACKAGES.iter().all(|name| packages.join(name).is_dir()),
        "{} is missing: `cargo xtask test` installs it",
        packages.display()
    );
    packages
}

/// The import names of the packages.
const PACKAGES: [&str; 3] = ["paho", "prometheus_client", "stomp"];
