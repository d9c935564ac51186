//! The life of a server, from start to stop.

mod prepared;
mod qr_code;
mod reloads;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use broker::Policies;
use tokio::{signal::unix::Signal, sync::watch, task::block_in_place};

use crate::{
    access_control::UsersFile,
    http::{self, Access},
    http_port::HttpHandler,
    inherited_listeners::InheritedListeners,
    listeners::{Handlers, Listeners, Ports},
    mqtt::{MqttHandler, MqttOptions},
    public_url::PublicUrl,
    server::{self, Server},
    service_manager,
    stomp::{StompHandler, StompOptions},
    storage::StorageOptions,
    tls::TlsOptions,
    upgrade::Upgrade,
};
pub use prepared::{Prepared, Running, store_failure};
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
    /// The path below which another program serves the site: empty, or such as `/carillon`.
    pub path: String,
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
        let listen = self.ports.http_ip();
        let public_url = self.public_url.clone();
        Access::new(&self.allow_origins, &self.allow_hosts, public_url, listen).below(&self.path)
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
    // Each connection is an open file, and the usual limit is 1,024.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
    let inherited = InheritedListeners::from_environment()?;
    options.ports.use_inherited(&inherited);
    let (grace_sender, grace) = watch::channel(options.grace);
    let listen = options.ports.http_ip();
    let (public_url, shows_qr_code) = (options.public_url.clone(), options.shows_qr_code);
    let directory = options.storage.as_ref().map(|one| one.directory.clone());
    let mut prepared = Prepared::new(options, inherited).await?;
    let server = Arc::clone(&prepared.handlers.server);
    let mut failed = prepared.failed.take();
    let reloads = Reloads {
        listen,
        server: Arc::clone(&server),
        http_access: Arc::clone(&prepared.http_access),
        identity: prepared.listeners.identity(),
        users_file: prepared.users_file.take(),
        grace: grace_sender,
    };
    let reloads = reloads.spawn(signals.hangup, reload);
    let listeners = &prepared.listeners;
    listeners
        .announce(public_url.as_ref(), directory.as_deref())
        .context("cannot write to standard output")?;
    if shows_qr_code {
        qr_code::print(listeners, public_url.as_ref());
    }
    let upgrade = Upgrade::new(prepared.listeners.sockets_mut())?;
    let mut running = prepared.start();
    running.add_tasks(reloads);
    running.add_tasks(service_manager::spawn_watchdog(&server));
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
            error = store_failure(&mut failed) => {
                tracing::error!(%error, "the store failed; the server stops, and acknowledges nothing more");
                break false;
            }
        }
    };
    // Otherwise its copies of the sockets are closed now, so that new connections are refused; the files of Unix sockets are
    // removed.
    let upgrade = is_upgrade.then_some(upgrade);
    if upgrade.is_some() {
        service_manager::report_reloading();
        tracing::info!("stopping, to be replaced by the installed program");
    } else {
        service_manager::report_stopping();
        tracing::info!("stopping");
    }
    let grace = *grace.borrow();
    running.stop(grace).await?;
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
