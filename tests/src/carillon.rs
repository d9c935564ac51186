//! The real binary: as a server on a port of its own, and as a command that ends by itself.

use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

use tokio::process::{Child, Command};

use crate::deadline::{eventually, within};
use crate::process::{Transcript, first_match, spawn};

/// A running server. It is killed when the value is dropped.
pub struct Carillon {
    child: Child,
    address: SocketAddr,
    transcript: Transcript,
}

impl Carillon {
    /// A server with default options, on a port that the system chooses.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(options: &[&str]) -> Self {
        Self::listening(SocketAddr::from(([127, 0, 0, 1], 0)), options).await
    }

    /// On a port that is known to be free: the one that a stopped server had.
    pub async fn listening(address: SocketAddr, options: &[&str]) -> Self {
        let mut command = command();
        command.args(["serve", "--listen", &address.to_string()]);
        // Only one server at a time could have the protocols' own ports.
        let off = ["STOMP", "STOMP_TLS", "MQTT", "MQTT_TLS"];
        command.envs(off.map(|port| (format!("CARILLON_{port}"), "off")));
        command.args(options);
        let mut child = spawn(&mut command);
        let transcript = Transcript::default();
        let ready = first_match(&mut child, &transcript, printed_address);
        let Some(address) = within("the server's address", ready).await else {
            let status = within("the server's end", child.wait()).await;
            panic!("the server ended ({status:?}):\n{}", transcript.text());
        };
        Self {
            child,
            address,
            transcript,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The system's number for the server.
    pub fn process_id(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Where STOMP is spoken over TCP, by a server that was told to.
    pub async fn stomp_address(&self) -> SocketAddr {
        self.address_of("STOMP", "tcp://").await
    }

    /// Where STOMP is spoken over TLS, likewise.
    pub async fn stomp_tls_address(&self) -> SocketAddr {
        self.address_of("STOMP", "tls://").await
    }

    /// A server with a port for MQTT, and these options in addition.
    pub async fn with_mqtt(options: &[&str]) -> Self {
        Self::with(&[&["--mqtt", "127.0.0.1:0"], options].concat()).await
    }

    /// Where MQTT is spoken over TCP, by a server that was told to.
    pub async fn mqtt_address(&self) -> SocketAddr {
        self.address_of("MQTT", "tcp://").await
    }

    /// Where MQTT is spoken over TLS, likewise.
    pub async fn mqtt_tls_address(&self) -> SocketAddr {
        self.address_of("MQTT", "tls://").await
    }

    async fn address_of(&self, protocol: &str, scheme: &str) -> SocketAddr {
        let printed = || async { printed_address_of(&self.transcript(), protocol, scheme) };
        let what = format!("the address of {protocol}, {scheme}");
        let address = eventually(&what, printed, Option::is_some).await;
        address.expect("waited for it")
    }

    /// `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the server printed and logged so far.
    pub fn transcript(&self) -> String {
        self.transcript.text()
    }

    /// Waits until the server has printed or logged a text.
    pub async fn logged(&self, text: &str) {
        let logged = || async { self.transcript().contains(text) };
        eventually(text, logged, |logged| *logged).await;
    }

    /// Asks the server to end, as a service manager does.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Asks the server to read its certificate again, as a service manager does.
    pub async fn hang_up(&self) {
        self.signal("HUP").await;
    }

    async fn signal(&self, name: &str) {
        let id = self.process_id();
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -{name} {id}")])
            .status();
        assert!(within("kill", kill).await.expect("sh").success());
    }

    /// The server's end, after [`terminate`](Self::terminate).
    pub async fn ended(mut self) -> ExitStatus {
        let status = within("the server's end", self.child.wait()).await;
        status.unwrap_or_else(|error| panic!("{error}\n{}", self.transcript()))
    }

    pub async fn stop(self) -> ExitStatus {
        self.terminate().await;
        self.ended().await
    }
}

/// Runs `carillon` with these arguments to its end.
pub async fn run(arguments: &[&str]) -> Output {
    run_with_input(arguments, "").await
}

pub async fn run_with_input(arguments: &[&str], input: &str) -> Output {
    use tokio::io::AsyncWriteExt;

    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("carillon starts");
    let mut stdin = child.stdin.take().expect("spawned with a pipe");
    stdin.write_all(input.as_bytes()).await.expect("its input");
    drop(stdin);
    let output = within("carillon's end", child.wait_with_output()).await;
    output.expect("its output")
}

/// `carillon`, without the options that this environment may hold for it.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARILLON_")) {
        command.env_remove(name);
    }
    command
}

fn binary() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/carillon");
    let binary = env::var_os("CARILLON_BIN").map_or(built, PathBuf::from);
    assert!(
        binary.is_file(),
        "{} is missing: `cargo xtask test` builds it and runs these tests",
        binary.display()
    );
    binary
}

/// `  console  http://127.0.0.1:41234/console`, or `https://`
fn printed_address(line: &str) -> Option<SocketAddr> {
    let (scheme, rest) = line.split_once("://")?;
    if !scheme.ends_with("http") && !scheme.ends_with("https") {
        return None;
    }
    rest.split('/').next()?.trim().parse().ok()
}

/// `  STOMP     tcp://127.0.0.1:61613`, or `tls://`
fn printed_address_of(transcript: &str, protocol: &str, scheme: &str) -> Option<SocketAddr> {
    let mut lines = transcript.lines().map(str::split_whitespace);
    lines.find_map(|mut words| {
        let is_named = words.next() == Some(protocol);
        let address = words.next()?.strip_prefix(scheme)?;
        is_named.then(|| address.parse().ok())?
    })
}
