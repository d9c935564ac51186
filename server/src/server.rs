//! The server: the state that its parts share, and its life from start to stop.

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
    context::ServerContext,
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
    /// Maximum time for connections to end when the server stops.
    pub grace: Duration,
}

impl Options {
    /// Returns the maximum number of bytes of incomplete messages: an eighth of the memory for messages, and at least
    /// as much as a few of the largest messages take.
    fn unfinished_bytes(&self) -> usize {
        let share = usize::try_from(self.limits.memory_bytes / 8).unwrap_or(usize::MAX);
        share.max(self.max_body_bytes.saturating_mul(LARGEST_AT_ONCE))
    }
}

/// The state that all parts share.
pub struct Server {
    pub options: Options,
    pub broker: Arc<Broker>,
    pub advisories: Arc<Advisories>,
    pub clock: Clock,
    pub figures: FiguresBoard,
    /// All publications pass this gate.
    pub gate: Arc<Gate>,
    pub mqtt: Reception,
    pub origins: Origins,
    pub hosts: Hosts,
    pub refusals: Refusals,
    /// The budget for incomplete messages.
    pub unfinished: Arc<Unfinished>,
    /// The producer name of messages published over HTTP.
    pub http_name: Arc<str>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
    sessions: AtomicU64,
}

impl Server {
    /// Returns a server without listeners.
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

    /// Returns the context for a connection.
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

    /// Returns a connection's part of the budget for incomplete messages.
    pub fn share(&self) -> Share {
        Share::new(Arc::clone(&self.unfinished))
    }

    /// Returns a context that belongs to no connection, for work after a connection has ended.
    pub fn own_surroundings(&self) -> ServerContext {
        self.context(self.broker.pools().own_client())
    }

    /// Returns the client at the other end of a socket. A client without a known address has the bounds of loopback.
    pub fn client_of(&self, socket: &TcpStream) -> Arc<Client> {
        let address = socket.peer_addr().map(|address| address.ip());
        let unknown = || IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.broker
            .pools()
            .client(address.unwrap_or_else(|_| unknown()))
    }

    /// Carries out the effects of a call that belongs to no session.
    pub fn carry_out(&self, outcome: &mut Outcome) {
        self.advisories.carry_out(outcome, None);
    }

    /// Returns a session name that is unique in this run.
    pub fn session_name(&self, listener: &str) -> Arc<str> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{listener}-{number}").into()
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// The signals for a running server.
pub struct Signals {
    pub interrupt: Signal,
    pub terminate: Signal,
    /// Read the certificate again.
    pub hangup: Signal,
}

/// Runs a server until it is interrupted or terminated, then stops it.
pub async fn run(options: Options, mut signals: Signals) -> anyhow::Result<()> {
    // Rendering pages spawns tasks. If an executor has been set already, it is used.
    let _ = any_spawner::Executor::init_tokio();
    // Each connection needs a file descriptor; the usual limit of 1,024 is too low for a server.
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
    // First, because connections that stop deliver the content of the broker.
    server.gate.close();
    // Without receivers no connection is left.
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

/// Number of the largest messages that may arrive at the same time with any memory limit. A buffer's capacity is up to
/// twice the length of its content.
const LARGEST_AT_ONCE: usize = 8;
