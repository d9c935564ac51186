//! Runs scripts with Node.js, for clients that exist only in JavaScript.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::deadline::within;

/// Runs `tests/SCRIPT` and returns its output.
///
/// # Panics
///
/// If the script fails; the message contains its errors.
pub async fn run(script: &str, arguments: &[&str]) -> String {
    run_command(Command::new("node"), script, arguments).await
}

/// Runs `tests/SCRIPT` with an additional certificate that Node.js trusts.
pub async fn run_trusting(certificate: &Path, script: &str, arguments: &[&str]) -> String {
    let mut node = Command::new("node");
    node.env("NODE_EXTRA_CA_CERTS", certificate);
    run_command(node, script, arguments).await
}

async fn run_command(mut node: Command, script: &str, arguments: &[&str]) -> String {
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

/// Returns the path of a file in an npm package.
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
