//! Starts brokers for a measurement: on free ports of loopback, with their files in a temporary
//! folder. Each one is ended by its process id.

mod activemq;
mod carillon;
mod mosquitto;
mod nats;
mod rabbitmq;

use std::env;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::folder::Folder;
use crate::process::{ask, command, find};

/// A kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    Carillon,
    Mosquitto,
    Nats,
    RabbitMq,
    ActiveMq,
}

/// The place in which a broker keeps messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Memory only.
    Memory,
    /// A folder, with the syncs that the broker makes by default; ActiveMQ without its shortcut for
    /// messages that are consumed at once.
    Disk,
    /// A folder, with a sync for each confirmation, if the broker has such a setting.
    SyncedDisk,
}

/// A running broker. It is ended when the value is dropped.
pub struct Server {
    pub broker: Broker,
    pub endpoints: Vec<Endpoint>,
    /// Time from the start to the first accepted connection.
    pub start: Duration,
    child: Child,
    /// A command that ends helper processes of the broker.
    cleanup: Option<Command>,
    folder: Folder,
}

/// An address of a broker, with its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name in the tables.
    pub name: &'static str,
    pub protocol: &'static str,
    /// `tcp://…` or `ws://…`.
    pub address: String,
    /// The port. The server is ready when it accepts connections.
    port: u16,
}

/// The command to start a broker, with its endpoints.
struct StartPlan {
    command: Command,
    endpoints: Vec<Endpoint>,
    cleanup: Option<Command>,
    folder: Folder,
}

impl Broker {
    pub const ALL: [Self; 5] = [
        Self::Carillon,
        Self::Mosquitto,
        Self::Nats,
        Self::RabbitMq,
        Self::ActiveMq,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Carillon => "Carillon",
            Self::Mosquitto => "mosquitto",
            Self::Nats => "NATS",
            Self::RabbitMq => "RabbitMQ",
            Self::ActiveMq => "ActiveMQ",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|broker| broker.name().eq_ignore_ascii_case(name))
    }

    /// Returns the Debian packages that the broker needs, each with a file that shows that it is
    /// installed.
    pub const fn needs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Carillon => &[],
            Self::Mosquitto => &[("mosquitto", "/usr/sbin/mosquitto")],
            Self::Nats => &[("nats-server", "/usr/sbin/nats-server")],
            Self::RabbitMq => &[("rabbitmq-server", "/usr/lib/rabbitmq/bin/rabbitmq-server")],
            Self::ActiveMq => &activemq::NEEDS,
        }
    }

    pub fn version(self, binary: &Path) -> Option<String> {
        match self {
            Self::Carillon => ask(command(binary).arg("--version")),
            Self::Nats if env::var_os(nats::PROGRAM).is_some() => {
                ask(nats::program_of_nats().arg("--version"))
            }
            other => {
                let (package, _) = other.needs().first()?;
                ask(command("dpkg-query").args(["-W", "-f", "${Package} ${Version}", package]))
            }
        }
    }

    /// Starts the broker without storage, and waits until it accepts connections.
    pub fn start(self, binary: &Path) -> Result<Server> {
        self.start_with(binary, Storage::Memory, None)
    }

    /// Starts the broker, and waits until it accepts connections. `binary` is Carillon's program.
    /// With `trace`, strace writes the broker's syncs of files to this file.
    pub fn start_with(
        self,
        binary: &Path,
        storage: Storage,
        trace: Option<&Path>,
    ) -> Result<Server> {
        let start = match self {
            Self::Carillon => carillon::start(binary, storage),
            Self::Mosquitto => mosquitto::start(storage),
            Self::Nats => nats::start(storage),
            Self::RabbitMq => rabbitmq::start(),
            Self::ActiveMq => activemq::start(storage),
        };
        let start = start.map(|start| match trace {
            Some(file) => start.traced(file),
            None => start,
        });
        start
            .and_then(|start| Server::of(self, start))
            .with_context(|| format!("{} does not start", self.name()))
    }
}

impl StartPlan {
    /// Starts the same program under strace, which is not its parent, so the process id is that of
    /// the program.
    fn traced(self, file: &Path) -> Self {
        let mut strace = command("strace");
        strace
            .args(["-D", "-f", "--seccomp-bpf", "-qq", "-e"])
            .arg(format!("trace={SYNCS}"))
            .arg("-o")
            .arg(file)
            .arg("--")
            .arg(self.command.get_program())
            .args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => strace.env(name, value),
                None => strace.env_remove(name),
            };
        }
        Self {
            command: strace,
            ..self
        }
    }
}

/// The system calls that wait until data of a file is on the medium.
const SYNCS: &str = "fsync,fdatasync,msync,sync,syncfs";

impl Server {
    fn of(broker: Broker, mut start: StartPlan) -> Result<Self> {
        let log = File::create(start.folder.path().join("log"))?;
        let command = start
            .command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let start_time = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{:?} cannot be run", command.get_program()))?;
        // From here on, `Drop` ends the process even after an error.
        let mut server = Self {
            broker,
            endpoints: start.endpoints,
            start: Duration::ZERO,
            child,
            cleanup: start.cleanup,
            folder: start.folder,
        };
        server.wait_for_first_endpoint(start_time)?;
        server.start = start_time.elapsed();
        server.wait_for_other_endpoints(start_time)?;
        Ok(server)
    }

    fn wait_for_first_endpoint(&mut self, start_time: Instant) -> Result<()> {
        let port = self.endpoints.first().context("it has no endpoint")?.port;
        while !is_open(port) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status}): {}", self.log_tail());
            }
            if start_time.elapsed() > START_TIMEOUT {
                bail!(
                    "it does not accept connections within {} s",
                    START_TIMEOUT.as_secs()
                );
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Waits for the other endpoints, which open one after another. Endpoints that stay closed do
    /// not exist in this version, and are removed.
    fn wait_for_other_endpoints(&mut self, start_time: Instant) -> Result<()> {
        let deadline = start_time.elapsed() + ENDPOINT_TIMEOUT;
        while !self.endpoints.iter().all(|endpoint| is_open(endpoint.port))
            && start_time.elapsed() < deadline
        {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended ({status}): {}", self.log_tail());
            }
            thread::park_timeout(Duration::from_millis(20));
        }
        for endpoint in self
            .endpoints
            .extract_if(.., |endpoint| !is_open(endpoint.port))
        {
            println!("xtask: {} has no {}", self.broker.name(), endpoint.name);
        }
        Ok(())
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        log.lines().rev().take(3).collect::<Vec<_>>().join(" | ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(cleanup) = &mut self.cleanup {
            let _ = cleanup.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

impl Endpoint {
    fn tcp(name: &'static str, protocol: &'static str, port: u16) -> Self {
        Self {
            name,
            protocol,
            address: format!("tcp://127.0.0.1:{port}"),
            port,
        }
    }

    fn websocket(name: &'static str, protocol: &'static str, port: u16, path: &str) -> Self {
        Self {
            name,
            protocol,
            address: format!("ws://127.0.0.1:{port}{path}"),
            port,
        }
    }
}

fn is_open(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok()
}

/// Returns different free ports. The listeners are kept until all ports are chosen.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Returns a program of the system, which may be outside the user's `PATH`.
fn program(name: &str) -> Command {
    let sbin = Path::new("/usr/sbin").join(name);
    command(find(name).unwrap_or(sbin))
}

const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Maximum time after the first endpoint in which the others may open.
const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_found_by_name() {
        for broker in Broker::ALL {
            assert_eq!(Broker::named(broker.name()), Some(broker));
        }
        assert_eq!(Broker::named("rabbitmq"), Some(Broker::RabbitMq));
        assert_eq!(Broker::named("kafka"), None);
    }

    #[test]
    fn free_ports_differ() {
        let ports = free_ports::<8>().unwrap();
        let different: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
    }
}
