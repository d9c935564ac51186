//! The server as a whole: what its parts share, and its life from start to stop.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use broker::{Broker, Limits, Outcome, Overflow};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    advisory::Advisories,
    clock::{self, Clock},
    connection::{self, Surroundings},
    figures::FiguresBoard,
    housekeeping::keep_house,
    http::{HttpDoor, Origins},
    listener::{self, Guests},
    mqtt::{self, MqttDoor, MqttOptions},
    port::{Port, bind},
    stomp::{StompDoor, StompOptions},
};

pub use crate::listener::Guest;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    pub listen: SocketAddr,
    pub stomp_port: Port,
    pub allow_origins: Vec<String>,
    pub limits: Limits,
    /// The rule for subscriptions that do not name one.
    pub overflow: Overflow,
    pub max_body_bytes: usize,
    pub max_connections: usize,
    pub stomp: StompOptions,
    pub mqtt_port: Port,
    pub mqtt: MqttOptions,
    /// How long peers may take to leave when the server stops.
    pub grace: Duration,
}

/// Shared by all parts.
pub struct Server {
    pub options: Options,
    pub broker: Arc<Broker>,
    pub advisories: Arc<Advisories>,
    pub clock: Clock,
    pub figures: FiguresBoard,
    /// By client id.
    pub mqtt_sessions: Arc<mqtt::Sessions>,
    pub origins: Origins,
    /// The name that messages published over HTTP come from.
    pub http_name: Arc<str>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
    sessions: AtomicU64,
}

impl Server {
    /// What a connection needs of the server.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            broker: Arc::clone(&self.broker),
            advisories: Arc::clone(&self.advisories),
            clock: self.clock,
            stopping: self.stopping.clone(),
        }
    }

    /// Does what the broker leaves to its callers, for what no session did.
    pub fn carry_out(&self, outcome: &mut Outcome) {
        connection::carry_out(outcome, &self.advisories, None);
    }

    /// A name that no other session of this run has.
    pub fn session_name(&self, door: &str) -> Arc<str> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{door}-{number}").into()
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }
}

/// Runs a server until `stop` says so, and takes leave of its peers.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    // Rendering pages spawns tasks. Somebody may have said on what already: then that is what we want.
    let _ = any_spawner::Executor::init_tokio();
    // Each connection is a file; the usual limit of 1,024 is meant for programs of another kind.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let listener = bind(options.listen, "--listen").await?;
    let stomp_listener = options.stomp_port.bind("--stomp", "STOMP over TCP").await?;
    let mqtt_listener = options.mqtt_port.bind("--mqtt", "MQTT over TCP").await?;
    let addresses = Addresses {
        http: listener.local_addr()?,
        stomp: address(&stomp_listener)?,
        mqtt: address(&mqtt_listener)?,
    };
    let (stop_sender, stopping) = watch::channel(false);
    let guests = Guests::new(options.max_connections);
    let grace = options.grace;
    let broker = Arc::new(Broker::new(clock::unix_ms(), options.limits.clone()));
    let server = Arc::new(Server {
        advisories: Arc::new(Advisories::new(&broker)),
        broker,
        clock: Clock::start(),
        figures: FiguresBoard::default(),
        mqtt_sessions: mqtt::Sessions::new(options.mqtt.sessions),
        origins: Origins::new(&options.allow_origins, options.listen.ip()),
        http_name: "http".into(),
        stopping: stopping.clone(),
        sessions: AtomicU64::new(0),
        options,
    });
    let housekeeping = tokio::spawn(keep_house(Arc::clone(&server)));
    let mut accepting = JoinSet::new();
    let door = HttpDoor::new(&server);
    accepting.spawn(listener::accept(
        listener,
        door,
        guests.clone(),
        stopping.clone(),
    ));
    if let Some(listener) = stomp_listener {
        let door = StompDoor::new(&server);
        accepting.spawn(listener::accept(
            listener,
            door,
            guests.clone(),
            stopping.clone(),
        ));
    }
    if let Some(listener) = mqtt_listener {
        let door = MqttDoor::new(&server);
        accepting.spawn(listener::accept(listener, door, guests.clone(), stopping));
    }
    addresses
        .announce()
        .context("cannot write to standard output")?;

    stop.await;
    tracing::info!("stopping");
    // Nobody to tell means nobody is left.
    let _ = stop_sender.send(true);
    while let Some(ended) = accepting.join_next().await {
        ended.context("a listener failed")?;
    }
    if tokio::time::timeout(grace, guests.all_left())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = guests.present(),
            "closing connections that did not end in time"
        );
    }
    housekeeping.abort();
    Ok(())
}

/// Where the doors are.
struct Addresses {
    http: SocketAddr,
    stomp: Option<SocketAddr>,
    mqtt: Option<SocketAddr>,
}

fn address(listener: &Option<TcpListener>) -> io::Result<Option<SocketAddr>> {
    listener.as_ref().map(TcpListener::local_addr).transpose()
}

impl Addresses {
    /// Tells people, and scripts, where to go.
    fn announce(&self) -> io::Result<()> {
        let Self { http, stomp, mqtt } = self;
        let mut out = io::stdout().lock();
        writeln!(out, "Carillon {} is ready", env!("CARGO_PKG_VERSION"))?;
        for (name, path) in [
            ("overview", "/"),
            ("console", "/console"),
            ("rect", "/rect"),
            ("chart", "/chart"),
            ("queues", "/queues"),
        ] {
            writeln!(out, "  {name:<10}http://{http}{path}")?;
        }
        writeln!(out, "  {:<10}ws://{http}/ws", "STOMP")?;
        if let Some(stomp) = stomp {
            writeln!(out, "  {:<10}tcp://{stomp}", "STOMP")?;
        }
        writeln!(out, "  {:<10}ws://{http}/mqtt", "MQTT")?;
        if let Some(mqtt) = mqtt {
            writeln!(out, "  {:<10}tcp://{mqtt}", "MQTT")?;
        }
        out.flush()
    }
}
