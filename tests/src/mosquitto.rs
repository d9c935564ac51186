//! Mosquitto's clients for the command line.

use std::net::SocketAddr;
use std::process::Output;

use tokio::process::{Child, Command};

use crate::Carillon;
use crate::deadline::within;
use crate::process::{Transcript, first_match, spawn};

/// Their names for the versions.
pub const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

/// Runs `mosquitto_pub` to its end.
///
/// # Panics
/// When it fails; its errors are shown.
pub async fn publish(server: &Carillon, version: &str, options: &[&str]) {
    publish_at(server.mqtt_address().await, version, options).await;
}

/// Likewise, at another of its ports.
pub async fn publish_at(address: SocketAddr, version: &str, options: &[&str]) {
    run(address, "mosquitto_pub", version, options).await;
}

/// Runs `mosquitto_sub` to its end, which the options have to bring about; the lines it printed.
///
/// # Panics
/// When it fails; its errors are shown.
pub async fn subscribe(server: &Carillon, version: &str, options: &[&str]) -> Vec<String> {
    subscribe_at(server.mqtt_address().await, version, options).await
}

/// Likewise, at another of its ports.
pub async fn subscribe_at(address: SocketAddr, version: &str, options: &[&str]) -> Vec<String> {
    let output = run(address, "mosquitto_sub", version, options).await;
    let text = String::from_utf8(output.stdout).expect("lines in UTF-8");
    text.lines().map(str::to_owned).collect()
}

async fn run(address: SocketAddr, program: &str, version: &str, options: &[&str]) -> Output {
    let mut command = command(address, program, version, options);
    let output = within(program, command.kill_on_drop(true).output()).await;
    let output = output.expect("it is installed: `cargo xtask test` does that");
    assert!(output.status.success(), "{options:?}: {output:?}");
    output
}

/// `mosquitto_sub` that goes on, once it has printed its first line.
pub struct Listener {
    // Killed with it.
    _child: Child,
    transcript: Transcript,
}

impl Listener {
    pub async fn start(server: &Carillon, version: &str, options: &[&str]) -> Self {
        let address = server.mqtt_address().await;
        let mut child = spawn(&mut command(address, "mosquitto_sub", version, options));
        let transcript = Transcript::default();
        let first = first_match(&mut child, &transcript, |_| Some(()));
        let first = within("a first line", first).await;
        assert!(first.is_some(), "{}", transcript.text());
        Self {
            _child: child,
            transcript,
        }
    }

    /// What it printed so far.
    pub fn lines(&self) -> Vec<String> {
        let text = self.transcript.text();
        text.lines().map(str::to_owned).collect()
    }
}

fn command(address: SocketAddr, program: &str, version: &str, options: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-h", &address.ip().to_string()])
        .args(["-p", &address.port().to_string()])
        .args(["-V", version])
        .args(options);
    command
}
