//! The life of a server, from start to stop.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{signal::unix::Signal, sync::watch};

use crate::{
    housekeeping::run_housekeeping,
    http::Access,
    http_port::HttpHandler,
    listener::ConnectionLimit,
    listeners::{Handlers, Listeners, Ports},
    mqtt::{MqttHandler, MqttOptions},
    server::{self, Server},
    stomp::{StompHandler, StompOptions},
    tls::{self, TlsOptions},
};

/// The options of `carillon serve`.
#[derive(Debug, Clone)]
pub struct Options {
    /// The ports.
    pub ports: Ports,
    /// The certificate, and the use of TLS.
    pub tls: TlsOptions,
    /// Origins whose pages may use the server; `*` allows all.
    pub allow_origins: Vec<String>,
    /// Host names of the server; `*` allows all.
    pub allow_hosts: Vec<String>,
    /// The options that all protocols share.
    pub shared: server::Options,
    /// Maximum number of connections.
    pub max_connections: usize,
    /// The options of STOMP.
    pub stomp: StompOptions,
    /// The options of MQTT.
    pub mqtt: MqttOptions,
    /// Maximum time for connections to end when the server stops.
    pub grace: Duration,
}

impl Handlers {
    /// Creates a server, and the handlers of its protocols.
    pub fn new(options: Options, stopping: watch::Receiver<bool>) -> Self {
        let access = Access::new(
            &options.allow_origins,
            &options.allow_hosts,
            options.ports.http.ip(),
        );
        let server = Server::new(options.shared, stopping);
        let stomp = StompHandler::new(&server, options.stomp);
        let mqtt = MqttHandler::new(&server, &options.mqtt);
        Self {
            http: HttpHandler::new(&server, access, &stomp, &mqtt),
            stomp,
            mqtt,
            server,
        }
    }
}

/// The signals that the server handles.
pub struct Signals {
    /// SIGINT stops the server.
    pub interrupt: Signal,
    /// SIGTERM stops the server.
    pub terminate: Signal,
    /// Reloads the certificate.
    pub hangup: Signal,
}

/// Runs a server until SIGINT or SIGTERM, and then closes its connections.
///
/// # Errors
/// A port cannot be bound, the certificate is invalid, or a listener failed.
pub async fn run(options: Options, mut signals: Signals) -> anyhow::Result<()> {
    // Rendering pages spawns tasks. The error means that an executor is set already.
    let _ = any_spawner::Executor::init_tokio();
    // Each connection is an open file, and the usual limit is 1,024.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let listeners = Listeners::bind(&options.ports, &options.tls).await?;
    let (stop_sender, stopping) = watch::channel(false);
    let connection_limit = ConnectionLimit::new(options.max_connections);
    let grace = options.grace;
    let handlers = Handlers::new(options, stopping);
    let server = Arc::clone(&handlers.server);
    let housekeeping = tokio::spawn(run_housekeeping(Arc::clone(&server), handlers.mqtt.clone()));
    let certificate = tokio::spawn(tls::reload_on_change(listeners.identity(), signals.hangup));
    listeners
        .announce()
        .context("cannot write to standard output")?;
    let mut accepting = listeners.open(&handlers, &connection_limit);

    tokio::select! {
        _ = signals.interrupt.recv() => {}
        _ = signals.terminate.recv() => {}
    }
    tracing::info!("stopping");
    // Closed first: a stopping connection delivers what is in the broker, so nothing may be added afterwards.
    server.gate.close();
    // Sending fails if there is no receiver; then there is no connection to notify.
    let _ = stop_sender.send(true);
    while let Some(ended) = accepting.join_next().await {
        ended.context("a listener failed")?;
    }
    if tokio::time::timeout(grace, connection_limit.wait_until_all_closed())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connection_limit.open_count(),
            "closing connections that did not end in time"
        );
    }
    housekeeping.abort();
    certificate.abort();
    Ok(())
}
