//! The files that are read again while the server runs: the configuration file at SIGHUP, the certificate and the users file
//! also when they change. SIGHUP also opens the audit log again.

use std::{net::IpAddr, sync::Arc, time::Duration};

use broker::Broker;
use tokio::{
    signal::unix::Signal,
    sync::watch,
    task::{JoinSet, block_in_place},
};

use super::{Options, ReloadOptions};
use crate::{
    access_control::{self, UsersFile, UsersPath},
    http::Access,
    server::Server,
    service_manager,
    tls::{self, Identity},
};

/// The parts of a server that change when files are read again.
pub(super) struct Reloads {
    /// The address of the HTTP port, which does not change.
    pub(super) listen: IpAddr,
    pub(super) server: Arc<Server>,
    pub(super) http_access: Arc<Access>,
    /// `None` without TLS.
    pub(super) identity: Option<Arc<Identity>>,
    /// `None` if everything is allowed.
    pub(super) users_file: Option<UsersFile>,
    /// The maximum time for connections to end when the server stops.
    pub(super) grace: watch::Sender<Duration>,
}

impl Reloads {
    /// Starts the tasks. They end when the result is dropped.
    pub(super) fn spawn(self, mut hangup: Signal, mut reload: ReloadOptions) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let (hangup_sender, hangups) = watch::channel(());
        let replaceable = ReplaceableOptions {
            listen: self.listen,
            http_access: self.http_access,
            identity: self.identity.clone(),
            users_path: self.users_file.as_ref().map(UsersFile::path),
            grace: self.grace,
            broker: Arc::clone(&self.server.broker),
        };
        let (identity, users_file) = (self.identity, self.users_file);
        watch_files(&self.server, identity, users_file, &hangups, &mut tasks);
        drop(hangups);
        let access = Arc::clone(&self.server.access);
        tasks.spawn(async move {
            while hangup.recv().await.is_some() {
                service_manager::report_reloading();
                access.audit().reopen();
                // First, because it may name other files.
                let options = block_in_place(&mut reload);
                if let Some(options) = &options {
                    replaceable.replace(options);
                }
                if hangup_sender.send(()).is_err() && options.is_none() {
                    tracing::info!(
                        "SIGHUP: there is no certificate file to read again, and no users file"
                    );
                }
                service_manager::report_ready();
            }
        });
        tasks
    }
}

/// Starts the tasks that read the certificate and the users file again when they change, and at each of `hangups`.
pub(super) fn watch_files(
    server: &Server,
    identity: Option<Arc<Identity>>,
    users_file: Option<UsersFile>,
    hangups: &watch::Receiver<()>,
    tasks: &mut JoinSet<()>,
) {
    let Server { access, broker, .. } = server;
    if let Some(identity) = identity {
        access.replace_client_trust(identity.current().client_trust);
        let access = Arc::clone(access);
        let measurements = Arc::clone(&server.measurements);
        measurements.set_certificate_expiry(identity.expires_s().unwrap_or(0));
        tasks.spawn(tls::reload_on_change(
            identity,
            access,
            measurements,
            hangups.clone(),
        ));
    }
    if let Some(file) = users_file {
        let (access, broker) = (Arc::clone(access), Arc::clone(broker));
        tasks.spawn(access_control::reload_on_change(
            file,
            access,
            broker,
            hangups.clone(),
        ));
    }
}

/// The parts of a server that follow its options.
struct ReplaceableOptions {
    listen: IpAddr,
    http_access: Arc<Access>,
    identity: Option<Arc<Identity>>,
    users_path: Option<UsersPath>,
    grace: watch::Sender<Duration>,
    broker: Arc<Broker>,
}

impl ReplaceableOptions {
    fn replace(&self, options: &Options) {
        let (origins, hosts) = (&options.allow_origins, &options.allow_hosts);
        self.http_access.replace(origins, hosts, self.listen);
        if let Some(identity) = &self.identity {
            identity.replace_files(&options.tls);
        }
        if let (Some(path), Some(new)) = (&self.users_path, &options.users) {
            path.replace(new);
        }
        self.grace.send_replace(options.grace);
        if *self.broker.policies() != options.policies {
            self.broker.set_policies(options.policies.clone());
        }
    }
}
