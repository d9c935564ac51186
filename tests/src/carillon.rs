//! The real binary, as a server on its own port and as a command that ends by itself.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

use tokio::process::{Child, Command};

use crate::deadline::{eventually, within};
use crate::process::{Transcript, first_match, spawn_with_input};

/// A running server. It is killed when the value is dropped.
pub struct Carillon {
    child: Child,
    address: SocketAddr,
    transcript: Transcript,
}

impl Carillon {
    /// Starts a server with default options, on a port that the system chooses.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(options: &[&str]) -> Self {
        Self::listening(SocketAddr::from(([127, 0, 0, 1], 0)), options).await
    }

    /// Starts a server whose system calls fail as the option `inject` of strace says, such as
    /// `fdatasync:error=EIO:when=3`. Its process is that of strace, which ends with the server's status.
    pub async fn with_fault(fault: &str, options: &[&str]) -> Self {
        let (call, _) = fault.split_once(':').expect("a system call");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null"]);
        command.args([
            "-e",
            &format!("trace={call}"),
            "-e",
            &format!("inject={fault}"),
        ]);
        command.arg(binary());
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::of(without_options(command), address, options).await
    }

    /// Starts a server on a port that is known to be free, such as that of a stopped server.
    pub async fn listening(address: SocketAddr, options: &[&str]) -> Self {
        Self::of(command(), address, options).await
    }

    /// Starts a server whose HTTP port is a Unix socket, such as `unix:/tmp/http.sock`. [`address`](Self::address) is that of its
    /// metrics.
    pub async fn at_unix_socket(listen: &str, options: &[&str]) -> Self {
        let options = [&["--metrics", "127.0.0.1:0"], options].concat();
        Self::with_input(command(), Stdio::null(), listen, &options).await
    }

    /// Starts a server that inherits a listening socket with this name, as from a service manager.
    pub async fn inheriting(socket: impl Into<OwnedFd>, name: &str, options: &[&str]) -> Self {
        let input = Stdio::from(socket.into());
        Self::with_input(inheriting(name), input, "127.0.0.1:0", options).await
    }

    /// Starts a server with these variables in its environment.
    pub async fn with_environment(variables: &[(&str, &str)], options: &[&str]) -> Self {
        let mut command = command();
        command.envs(variables.iter().copied());
        Self::of(command, SocketAddr::from(([127, 0, 0, 1], 0)), options).await
    }

    /// Starts a server from another file than the one that is tested.
    pub async fn of_program(program: &Path, options: &[&str]) -> Self {
        let command = without_options(Command::new(program));
        Self::of(command, SocketAddr::from(([127, 0, 0, 1], 0)), options).await
    }

    async fn of(command: Command, address: SocketAddr, options: &[&str]) -> Self {
        Self::with_input(command, Stdio::null(), &address.to_string(), options).await
    }

    async fn with_input(
        mut command: Command,
        input: Stdio,
        listen: &str,
        options: &[&str],
    ) -> Self {
        command.args(["serve", "--listen", listen]);
        // Only one server at a time can use the protocols' default ports.
        let off = ["STOMP", "STOMP_TLS", "MQTT", "MQTT_TLS"];
        command.envs(off.map(|port| (format!("CARILLON_{port}"), "off")));
        command.args(options);
        let mut child = spawn_with_input(&mut command, input);
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

    /// Returns the server's process id.
    pub fn process_id(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Returns the address of STOMP over TCP; the server must have been started with this port.
    pub async fn stomp_address(&self) -> SocketAddr {
        self.address_of("STOMP", "tcp://").await
    }

    /// Returns the address of STOMP over TLS; the server must have been started with this port.
    pub async fn stomp_tls_address(&self) -> SocketAddr {
        self.address_of("STOMP", "tls://").await
    }

    /// Starts a server with a port for MQTT and additional options.
    pub async fn with_mqtt(options: &[&str]) -> Self {
        Self::with(&[&["--mqtt", "127.0.0.1:0"], options].concat()).await
    }

    /// Returns the address of MQTT over TCP; the server must have been started with this port.
    pub async fn mqtt_address(&self) -> SocketAddr {
        self.address_of("MQTT", "tcp://").await
    }

    /// Returns the address of MQTT over TLS; the server must have been started with this port.
    pub async fn mqtt_tls_address(&self) -> SocketAddr {
        self.address_of("MQTT", "tls://").await
    }

    async fn address_of(&self, protocol: &str, scheme: &str) -> SocketAddr {
        let printed = || async { printed_address_of(&self.transcript(), protocol, scheme) };
        let what = format!("the address of {protocol}, {scheme}");
        let address = eventually(&what, printed, Option::is_some).await;
        address.expect("waited for it")
    }

    /// Returns `http://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the output and the log of the server so far.
    pub fn transcript(&self) -> String {
        self.transcript.text()
    }

    /// Waits until the server has printed or logged a text.
    pub async fn logged(&self, text: &str) {
        let logged = || async { self.transcript().contains(text) };
        eventually(text, logged, |logged| *logged).await;
    }

    /// Sends SIGTERM, as a service manager does to stop a server.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends SIGHUP, on which the server reads its certificate again.
    pub async fn hang_up(&self) {
        self.signal("HUP").await;
    }

    /// Sends a signal, such as `KILL`.
    pub async fn signal(&self, name: &str) {
        let id = self.process_id();
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -{name} {id}")])
            .status();
        assert!(within("kill", kill).await.expect("sh").success());
    }

    /// Kills the server with SIGKILL, as a crash, and waits for its end.
    pub async fn kill(mut self) {
        within("the server's end", self.child.kill())
            .await
            .expect("it was running");
    }

    /// Waits for the server's end, after [`terminate`](Self::terminate).
    pub async fn ended(mut self) -> ExitStatus {
        let status = within("the server's end", self.child.wait()).await;
        status.unwrap_or_else(|error| panic!("{error}\n{}", self.transcript()))
    }

    pub async fn stop(self) -> ExitStatus {
        self.terminate().await;
        self.ended().await
    }
}

/// Runs `carillon` with these arguments and waits for its end.
pub async fn run(arguments: &[&str]) -> Output {
    run_with_input(arguments, "").await
}

/// Runs `carillon` with an inherited listening socket that has this name, and waits for its end.
pub async fn run_inheriting(socket: TcpListener, name: &str, arguments: &[&str]) -> Output {
    let mut command = inheriting(name);
    command.args(arguments).stdin(OwnedFd::from(socket));
    let output = within("carillon's end", command.output()).await;
    output.expect("carillon starts")
}

/// Returns the command `carillon` with its standard input as an inherited socket.
fn inheriting(name: &str) -> Command {
    // The first inherited descriptor is the one after the three standard ones (sd_listen_fds(3)).
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ exec \"$0\" \"$@\"";
    let mut command = without_options(Command::new("sh"));
    command.args(["-c", script]).arg(binary());
    command.envs([("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", name)]);
    command
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

/// Returns the command `carillon`, without options from the environment of the test.
pub fn command() -> Command {
    without_options(Command::new(binary()))
}

fn without_options(mut command: Command) -> Command {
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARILLON_")) {
        command.env_remove(name);
    }
    command
}

/// Returns the path of the binary under test.
pub fn binary() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/carillon");
    let binary = env::var_os("CARILLON_BIN").map_or(built, PathBuf::from);
    assert!(
        binary.is_file(),
        "{} is missing: `cargo xtask test` builds it and runs these tests",
        binary.display()
    );
    binary
}

/// Reads the address from a line such as `  console  http://127.0.0.1:41234/console`, or with
/// `https://`.
fn printed_address(line: &str) -> Option<SocketAddr> {
    let (scheme, rest) = line.split_once("://")?;
    if !scheme.ends_with("http") && !scheme.ends_with("https") {
        return None;
    }
    rest.split('/').next()?.trim().parse().ok()
}

/// Reads the address from a line such as `  STOMP     tcp://127.0.0.1:61613`, or with `tls://`.
fn printed_address_of(transcript: &str, protocol: &str, scheme: &str) -> Option<SocketAddr> {
    let mut lines = transcript.lines().map(str::split_whitespace);
    lines.find_map(|mut words| {
        let is_named = words.next() == Some(protocol);
        let address = words.next()?.strip_prefix(scheme)?;
        is_named.then(|| address.parse().ok())?
    })
}
