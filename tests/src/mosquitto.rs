//! Mosquitto's command-line clients, and the Mosquitto broker as a bridge.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Carillon;
use crate::deadline::{eventually, within};
use crate::process::{Transcript, first_match, spawn};

/// The clients' names of the MQTT versions.
pub const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

/// Runs `mosquitto_pub` and waits for its end.
///
/// # Panics
///
/// If it fails; the message contains its errors.
pub async fn publish(server: &Carillon, version: &str, options: &[&str]) {
    publish_at(server.mqtt_address().await, version, options).await;
}

/// Runs `mosquitto_pub` for another port of the server.
pub async fn publish_at(address: SocketAddr, version: &str, options: &[&str]) {
    run(address, "mosquitto_pub", version, options).await;
}

/// Runs `mosquitto_sub` and waits for its end, which the options must cause. Returns the printed lines.
///
/// # Panics
///
/// If it fails; the message contains its errors.
pub async fn subscribe(server: &Carillon, version: &str, options: &[&str]) -> Vec<String> {
    subscribe_at(server.mqtt_address().await, version, options).await
}

/// Runs `mosquitto_sub` for another port of the server, like [`subscribe`].
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

/// A running `mosquitto_sub` that has printed its first line.
pub struct Listener {
    // Dropping the child kills the process.
    _child: Child,
    transcript: Transcript,
}

impl Listener {
    pub async fn start(server: &Carillon, version: &str, options: &[&str]) -> Self {
        Self::start_at(server.mqtt_address().await, version, options).await
    }

    /// Starts `mosquitto_sub` for another address.
    pub async fn start_at(address: SocketAddr, version: &str, options: &[&str]) -> Self {
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

    /// Returns the lines printed so far.
    pub fn lines(&self) -> Vec<String> {
        let text = self.transcript.text();
        text.lines().map(str::to_owned).collect()
    }
}

/// The Mosquitto broker with a bridge to Carillon; all other options have their defaults. Dropping the value kills it.
pub struct Bridge {
    _child: Child,
    address: SocketAddr,
    configuration: PathBuf,
}

impl Bridge {
    /// `version` is the version of the bridge's connection, `topic` the value of `topic` in the configuration.
    pub fn start(carillon: SocketAddr, version: &str, topic: &str) -> Self {
        // Mosquitto cannot choose a free port itself.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let text = format!(
            "user root\n\
             listener {} 127.0.0.1\n\
             allow_anonymous true\n\
             connection carillon\n\
             address {carillon}\n\
             bridge_protocol_version {version}\n\
             topic {topic}\n",
            address.port()
        );
        let configuration = std::env::temp_dir().join(format!("carillon-{}.conf", address.port()));
        std::fs::write(&configuration, text).expect("a configuration");
        let child = Command::new(broker())
            .arg("-c")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it is installed: `cargo xtask test` does that");
        Self {
            _child: child,
            address,
            configuration,
        }
    }

    /// Returns the address for Mosquitto's own clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until Mosquitto listens.
    pub async fn listens(&self) {
        let connect = || async { TcpStream::connect(self.address).await.is_ok() };
        eventually("mosquitto to listen", connect, |connected| *connected).await;
    }
}

/// Returns the path of Debian's binary, whose folder is not in every `PATH`.
fn broker() -> &'static str {
    let of_debian = "/usr/sbin/mosquitto";
    if Path::new(of_debian).is_file() {
        of_debian
    } else {
        "mosquitto"
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // A failure is ignored: the system cleans its temporary folder.
        let _ = std::fs::remove_file(&self.configuration);
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
