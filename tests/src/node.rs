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

/// Returns the command that runs a script outside of `tests`, with the packages of the tests: Node.js looks for packages
/// in the folders above a script, so `folder` gets a copy of the script and a link to the packages.
pub fn command(script: &Path, folder: &Path) -> Command {
    std::fs::create_dir_all(folder).expect("a temporary folder");
    let name = script.file_name().expect("a script has a name");
    let files = [name, "package.json".as_ref()];
    for file in files {
        std::fs::copy(script.with_file_name(file), folder.join(file)).expect("a copy");
    }
    let packages = module("@stomp/stompjs/package.json");
    let packages = packages.ancestors().nth(3).expect("node_modules");
    std::os::unix::fs::symlink(packages, folder.join("node_modules")).expect("a link");
    let mut node = Command::new("node");
    node.current_dir(folder).arg(name).kill_on_drop(true);
    node
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
