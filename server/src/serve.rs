//! The life of a server, from start to stop.

mod qr_code;
mod reloads;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use broker::{Broker, Policies};
use store::StoreError;
use tokio::{
    signal::unix::Signal,
    sync::{oneshot, watch},
    task::block_in_place,
};

use crate::{
    access_control::{AccessControl, UsersFile},
    audit::{AuditLog, Event},
    clock,
    housekeeping::run_housekeeping,
    http::{self, Access},
    http_port::HttpHandler,
    inherited_listeners::InheritedListeners,
    listener::ConnectionLimit,
    listeners::{Handlers, Listeners, Ports},
    measurements::measure_event_loop,
    mqtt::{MqttHandler, MqttOptions},
    public_url::PublicUrl,
    scheduler::run_scheduler,
    server::{self, Server},
    service_manager,
    stomp::{StompHandler, StompOptions},
    storage::{Restored, Storage, StorageOptions},
    tls::TlsOptions,
    upgrade::Upgrade,
};
use reloads::Reloads;

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
    /// The address at which browsers reach the server behind a proxy.
    pub public_url: Option<PublicUrl>,
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
    /// The rules of topics and queues.
    pub policies: Policies,
    /// The store on disk; `None` if everything is in memory.
    pub storage: Option<StorageOptions>,
    /// The users file; `None` if everything is allowed.
    pub users: Option<PathBuf>,
    /// The file of the audit log, if there is one.
    pub audit: Option<PathBuf>,
    /// True if clients of other machines may do everything without a users file.
    pub allows_anonymous: bool,
    /// True if a terminal shows the QR code of an address that other machines can reach.
    pub shows_qr_code: bool,
}

impl Options {
    /// Returns the reasons why a server cannot start with these options, as far as they show without a start.
    pub fn faults(&self) -> Vec<anyhow::Error> {
        let users = match &self.users {
            Some(path) => UsersFile::open(path).map(drop).map_err(Into::into),
            None => Ok(()),
        };
        let certificate = Listeners::check(&self.ports, &self.tls);
        let checks = [check_exposure(self), users, certificate];
        checks.into_iter().filter_map(Result::err).collect()
    }

    fn access(&self) -> Access {
        let listen = self.ports.http.ip();
        let public_url = self.public_url.clone();
        Access::new(&self.allow_origins, &self.allow_hosts, public_url, listen)
    }
}

impl Handlers {
    /// Creates a server with an empty broker, and the handlers of its protocols.
    #[cfg(test)]
    pub fn new(options: Options, stopping: watch::Receiver<bool>) -> Self {
        let server = Server::new(options.shared.clone(), stopping);
        let access = Arc::new(options.access());
        Self::of(server, access, options)
    }

    /// Creates the handlers of a server's protocols.
    pub fn of(server: Arc<Server>, access: Arc<Access>, options: Options) -> Self {
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
    /// Reads the configuration file, the files of TLS and the users file again, and opens the audit log again.
    pub hangup: Signal,
    /// SIGUSR2 replaces the server by the program that is installed now.
    pub user_defined2: Signal,
}

/// Reads the options again. Returns `None` if they stay as they are.
pub type ReloadOptions = Box<dyn FnMut() -> Option<Options> + Send>;

/// Runs a server until SIGINT, SIGTERM or SIGUSR2, and then closes its connections. `reload` is called at SIGHUP. Returns the
/// upgrade to perform after SIGUSR2.
///
/// # Errors
/// A port cannot be bound, the certificate is invalid, or a listener failed.
pub async fn run(
    mut options: Options,
    mut signals: Signals,
    reload: ReloadOptions,
) -> anyhow::Result<Option<Upgrade>> {
    // Rendering pages spawns tasks. The error means that an executor is set already.
    let _ = any_spawner::Executor::init_tokio();
    // Each connection is an open file, and the usual limit is 1,024.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let inherited = InheritedListeners::from_environment()?;
    options.ports.use_inherited(&inherited);
    check_exposure(&options)?;
    let (users_file, users) = match &options.users {
        Some(path) => {
            let (file, users) = UsersFile::open(path)?;
            (Some(file), Some(users))
        }
        None => (None, None),
    };
    let audit = match &options.audit {
        Some(path) => AuditLog::open(path)?,
        None => AuditLog::none(),
    };
    let access = AccessControl::new(users, audit);
    let listeners = Listeners::bind(&options.ports, inherited, &options.tls).await?;
    let (stop_sender, stopping) = watch::channel(false);
    let (grace_sender, grace) = watch::channel(options.grace);
    let stored = match &options.storage {
        Some(storage) => Some(block_in_place(|| {
            Storage::open(storage, options.shared.limits.clone())
        })?),
        None => None,
    };
    let (server, storage, sessions, mut failed) = match stored {
        Some(Restored {
            broker,
            mut storage,
            sessions,
            failed,
        }) => {
            let shared = options.shared.clone();
            let server = Server::with_broker(shared, broker, Some(&storage), access, stopping);
            storage.start_loading(&server.broker, &server.advisories)?;
            (server, Some(storage), sessions, Some(failed))
        }
        None => {
            let broker = Broker::new(clock::unix_ms(), options.shared.limits.clone());
            let (shared, broker) = (options.shared.clone(), Arc::new(broker));
            let server = Server::with_broker(shared, broker, None, access, stopping);
            (server, None, Vec::new(), None)
        }
    };
    let listen = options.ports.http.ip();
    let (public_url, shows_qr_code) = (options.public_url.clone(), options.shows_qr_code);
    let connection_limit = ConnectionLimit::new(options.max_connections, &server.measurements);
    server.broker.set_policies(options.policies.clone());
    let directory = options.storage.as_ref().map(|one| one.directory.clone());
    let http_access = Arc::new(options.access());
    let handlers = Handlers::of(Arc::clone(&server), Arc::clone(&http_access), options);
    handlers.mqtt.restore_sessions(sessions);
    server.broker.end_restoration();
    let housekeeping = tokio::spawn(run_housekeeping(Arc::clone(&server), handlers.mqtt.clone()));
    let measuring = tokio::spawn(measure_event_loop(Arc::clone(&server.measurements)));
    let scheduler = tokio::spawn(run_scheduler(Arc::clone(&server)));
    let reloads = Reloads {
        listen,
        server: Arc::clone(&server),
        http_access,
        identity: listeners.identity(),
        users_file,
        grace: grace_sender,
    };
    let reloads = reloads.spawn(signals.hangup, reload);
    listeners
        .announce(public_url.as_ref(), directory.as_deref())
        .context("cannot write to standard output")?;
    if shows_qr_code {
        qr_code::print(&listeners, public_url.as_ref());
    }
    server.access.audit().record(&Event::Started {
        version: env!("CARGO_PKG_VERSION"),
    });
    let upgrade = Upgrade::new(listeners.sockets())?;
    let mut accepting = listeners.open(&handlers, &connection_limit);
    let watchdog = service_manager::spawn_watchdog(&server);
    service_manager::report_ready();

    let is_upgrade = loop {
        tokio::select! {
            _ = signals.interrupt.recv() => break false,
            _ = signals.terminate.recv() => break false,
            _ = signals.user_defined2.recv() => match block_in_place(|| upgrade.check()) {
                Ok(()) => break true,
                Err(error) => tracing::error!(
                    error = format!("{error:#}"),
                    "SIGUSR2: the server is not replaced, and goes on"
                ),
            },
            error = failure(&mut failed) => {
                tracing::error!(%error, "the store failed; the server stops, and acknowledges nothing more");
                break false;
            }
        }
    };
    // Otherwise its copies of the sockets are closed now, so that new connections are refused.
    let upgrade = is_upgrade.then_some(upgrade);
    if upgrade.is_some() {
        service_manager::report_reloading();
        tracing::info!("stopping, to be replaced by the installed program");
    } else {
        service_manager::report_stopping();
        tracing::info!("stopping");
    }
    // Closed first: a stopping connection delivers what is in the broker, so nothing may be added afterwards.
    server.gate.close();
    // Sending fails if there is no receiver; then there is no connection to notify.
    let _ = stop_sender.send(true);
    while let Some(ended) = accepting.join_next().await {
        ended.context("a listener failed")?;
    }
    let grace = *grace.borrow();
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
    measuring.abort();
    scheduler.abort();
    drop(reloads);
    drop(watchdog);
    server.access.audit().record(&Event::Stopped);
    server.access.audit().close();
    if let Some(storage) = storage {
        block_in_place(|| storage.close(&server.broker))?;
    }
    Ok(upgrade)
}

/// Refuses to let other machines do everything, unless the operator wants it.
fn check_exposure(options: &Options) -> anyhow::Result<()> {
    if options.users.is_some() || options.allows_anonymous {
        return Ok(());
    }
    let port = options.ports.reachable_from_outside();
    let is_remote = |url: &&PublicUrl| !http::is_loopback(url.host());
    let public_url = options.public_url.as_ref().filter(is_remote);
    let port = port.map(|address| address.to_string());
    match port.or(public_url.map(PublicUrl::to_string)) {
        Some(address) => bail!(
            "{address} can be reached from other machines, and without users everything is allowed. Add a user with \
             `carillon user add NAME`, and start with --users users.toml; or allow everything with --anonymous all"
        ),
        None => Ok(()),
    }
}

/// Waits until the store fails.
async fn failure(failed: &mut Option<oneshot::Receiver<StoreError>>) -> StoreError {
    match failed {
        Some(failed) => match failed.await {
            Ok(error) => error,
            // The writer ends without an error only when it is stopped.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
