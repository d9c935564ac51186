//! The server as a whole: what its parts share, and its life from start to stop.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use broker::{Broker, Client, Limits, Outcome, Overflow};
use tokio::{net::TcpStream, signal::unix::Signal, sync::watch};

use crate::{
    advisory::Advisories,
    clock::{self, Clock},
    connection::{self, ServerContext},
    figures::FiguresBoard,
    gate::Gate,
    housekeeping::keep_house,
    http::{Hosts, Origins, Refusals},
    listener::ConnectionLimit,
    listeners::{Listeners, Ports},
    mqtt::{MqttOptions, Reception},
    partial_input::{Share, Unfinished},
    stomp::StompOptions,
    tls::{self, TlsOptions},
};

pub use crate::listener::ConnectionPermit;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    pub ports: Ports,
    pub tls: TlsOptions,
    pub allow_origins: Vec<String>,
    pub allow_hosts: Vec<String>,
    pub limits: Limits,
    /// The rule for subscriptions that do not name one.
    pub overflow: Overflow,
    pub max_body_bytes: usize,
    pub max_connections: usize,
    pub stomp: StompOptions,
    pub mqtt: MqttOptions,
    /// How long peers may take to leave when the server stops.
    pub grace: Duration,
}

impl Options {
    /// The most bytes of messages that have not arrived whole: an eighth of the memory for messages, and in any
    /// case as much as a few of the largest take.
    fn unfinished_bytes(&self) -> usize {
        let share = usize::try_from(self.limits.memory_bytes / 8).unwrap_or(usize::MAX);
        share.max(self.max_body_bytes.saturating_mul(LARGEST_AT_ONCE))
    }
}

/// Shared by all parts.
pub struct Server {
    pub options: Options,
    pub broker: Arc<Broker>,
    pub advisories: Arc<Advisories>,
    pub clock: Clock,
    pub figures: FiguresBoard,
    /// What is published passes here.
    pub gate: Arc<Gate>,
    pub mqtt: Reception,
    pub origins: Origins,
    pub hosts: Hosts,
    pub refusals: Refusals,
    /// Memory for messages that arrive.
    pub unfinished: Arc<Unfinished>,
    /// The name that messages published over HTTP come from.
    pub http_name: Arc<str>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
    sessions: AtomicU64,
}

impl Server {
    /// A server without doors.
    pub fn new(options: Options, stopping: watch::Receiver<bool>) -> Arc<Self> {
        let broker = Arc::new(Broker::new(clock::unix_ms(), options.limits.clone()));
        Arc::new(Self {
            advisories: Arc::new(Advisories::new(&broker)),
            broker,
            clock: Clock::start(),
            figures: FiguresBoard::default(),
            gate: Arc::default(),
            mqtt: Reception::new(&options.mqtt),
            origins: Origins::new(&options.allow_origins),
            hosts: Hosts::new(
                &options.allow_hosts,
                &options.allow_origins,
                options.ports.http.ip(),
            ),
            refusals: Refusals::default(),
            unfinished: Unfinished::new(options.unfinished_bytes()),
            http_name: "http".into(),
            stopping,
            sessions: AtomicU64::new(0),
            options,
        })
    }

    /// What a connection needs of the server.
    pub fn context(&self, client: Arc<Client>) -> ServerContext {
        ServerContext {
            client,
            broker: Arc::clone(&self.broker),
            advisories: Arc::clone(&self.advisories),
            clock: self.clock,
            unfinished: Arc::clone(&self.unfinished),
            gate: Arc::clone(&self.gate),
            stopping: self.stopping.clone(),
        }
    }

    /// A connection's part of the memory for messages that arrive.
    pub fn share(&self) -> Share {
        Share::new(Arc::clone(&self.unfinished))
    }

    /// What needs the server without being a connection: it does what is left to do when one has ended.
    pub fn own_surroundings(&self) -> ServerContext {
        self.context(self.broker.pools().own_client())
    }

    /// The client at the other end of a socket. One whose address is not known is bounded as on loopback.
    pub fn client_of(&self, socket: &TcpStream) -> Arc<Client> {
        let address = socket.peer_addr().map(|address| address.ip());
        let unknown = || IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.broker
            .pools()
            .client(address.unwrap_or_else(|_| unknown()))
    }

    /// Does what the broker leaves to its callers, for what no session did.
    pub fn carry_out(&self, outcome: &mut Outcome) {
        connection::carry_out(outcome, &self.advisories, None);
    }

    /// A name that no other session of this run has.
    pub fn session_name(&self, listener: &str) -> Arc<str> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{listener}-{number}").into()
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// What the system asks of a running server.
pub struct Signals {
    pub interrupt: Signal,
    pub terminate: Signal,
    /// Read the certificate again.
    pub hangup: Signal,
}

/// Runs a server until it is interrupted or terminated, and takes leave of its peers.
pub async fn run(options: Options, mut signals: Signals) -> anyhow::Result<()> {
    // Rendering pages spawns tasks. Somebody may have said on what already: then that is what we want.
    let _ = any_spawner::Executor::init_tokio();
    // Each connection is a file; the usual limit of 1,024 is meant for programs of another kind.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let listeners = Listeners::bind(&options).await?;
    let (stop_sender, stopping) = watch::channel(false);
    let connection_limit = ConnectionLimit::new(options.max_connections);
    let grace = options.grace;
    let server = Server::new(options, stopping);
    let housekeeping = tokio::spawn(keep_house(Arc::clone(&server)));
    let certificate = tokio::spawn(tls::keep_fresh(listeners.identity(), signals.hangup));
    listeners
        .announce()
        .context("cannot write to standard output")?;
    let mut accepting = listeners.open(&server, &connection_limit);

    tokio::select! {
        _ = signals.interrupt.recv() => {}
        _ = signals.terminate.recv() => {}
    }
    tracing::info!("stopping");
    // First: connections that are told to stop go by what the broker has.
    server.gate.close();
    // Nobody to tell means nobody is left.
    let _ = stop_sender.send(true);
    while let Some(ended) = accepting.join_next().await {
        ended.context("a listener failed")?;
    }
    if tokio::time::timeout(grace, connection_limit.all_left())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connection_limit.present(),
            "closing connections that did not end in time"
        );
    }
    housekeeping.abort();
    certificate.abort();
    Ok(())
}

/// Of the largest messages, so many may arrive at once whatever the memory. A buffer has up to twice the room of
/// what is in it.
const LARGEST_AT_ONCE: usize = 8;
