//! Scripts run by Node.js, for clients that only exist in JavaScript.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::deadline::within;

/// Runs `tests/SCRIPT`; answers with what it printed.
///
/// # Panics
/// When the script fails; its errors are shown.
pub async fn run(script: &str, arguments: &[&str]) -> String {
    let mut node = Command::new("node");
    node.current_dir(package())
        .arg(script)
        .args(arguments)
        .kill_on_drop(true);
    let output = within(script, node.output()).await.expect("node starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed:\n{text}{errors}");
    text
}

/// A file of an npm package that the tests use.
pub fn module(path: &str) -> PathBuf {
    let file = package().join("node_modules").join(path);
    assert!(
        file.is_file(),
        "{} is missing: `cargo xtask test` installs it",
        file.display()
    );
    file
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
