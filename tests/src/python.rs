//! Scripts run by Python, for clients that only exist there.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::deadline::within;

/// Runs `tests/SCRIPT` with the packages of `tests/python` at hand; answers with what it printed.
///
/// # Panics
/// When the script fails; its errors are shown.
pub async fn run(script: &str, arguments: &[&str]) -> String {
    let mut python = Command::new("python3");
    python
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // The scripts' folders are part of the sources: nothing is compiled into them.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", packages())
        .arg(script)
        .args(arguments)
        .kill_on_drop(true);
    let output = within(script, python.output())
        .await
        .expect("python3 starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed:\n{text}{errors}");
    text
}

/// Where `cargo xtask test` puts the packages of `tests/python/requirements.txt`.
fn packages() -> PathBuf {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    assert!(
        PACKAGES.iter().all(|name| packages.join(name).is_dir()),
        "{} is missing: `cargo xtask test` installs it",
        packages.display()
    );
    packages
}

/// By the names under which they are imported.
const PACKAGES: [&str; 2] = ["paho", "stomp"];
