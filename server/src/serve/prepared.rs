//! A server from its preparation to its stop, without what belongs to the process: signals, output, limits, and the service
//! manager. The program `carillon` and programs that contain a server share it.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use broker::Broker;
use store::StoreError;
use tokio::{
    sync::{oneshot, watch},
    task::{JoinSet, block_in_place},
};

use super::{Options, check_exposure, reloads};
use crate::{
    access_control::{AccessControl, UsersFile},
    audit::{AuditLog, Event},
    clock,
    connection_limit::ConnectionLimit,
    housekeeping::run_housekeeping,
    http::Access,
    inherited_listeners::InheritedListeners,
    listeners::{Handlers, Listeners},
    measurements::measure_event_loop,
    scheduler::run_scheduler,
    server::Server,
    storage::{Restored, Storage},
};

/// A server whose ports are bound and whose messages are restored. It accepts no connection yet.
pub struct Prepared {
    /// The bound ports.
    pub listeners: Listeners,
    /// The server with the handlers of its protocols.
    pub handlers: Handlers,
    /// The hosts and origins that may use the server.
    pub http_access: Arc<Access>,
    /// The limit of open connections.
    pub connection_limit: ConnectionLimit,
    /// The users file, to be read again when it changes; `None` if everything is allowed.
    pub users_file: Option<UsersFile>,
    /// Gets the error of a store that fails; `None` if everything is in memory.
    pub failed: Option<oneshot::Receiver<StoreError>>,
    storage: Option<Storage>,
    stop: watch::Sender<bool>,
    background: JoinSet<()>,
}

/// A server that accepts connections.
pub struct Running {
    server: Arc<Server>,
    accepting: JoinSet<()>,
    connection_limit: ConnectionLimit,
    storage: Option<Storage>,
    stop: watch::Sender<bool>,
    /// Tasks that end after the connections.
    background: Vec<JoinSet<()>>,
    /// Its receivers never get a signal. `None` for the program, which handles signals.
    _hangups: Option<watch::Sender<()>>,
}

impl Prepared {
    /// Prepares a server. The ports have the addresses of the inherited sockets
    /// (`Ports::use_inherited`). Needs a runtime with several threads.
    ///
    /// # Errors
    /// A port cannot be bound, a file is not valid, the store cannot be opened, or everything would be allowed to other
    /// machines.
    pub async fn new(options: Options, inherited: InheritedListeners) -> anyhow::Result<Self> {
        // Rendering pages spawns tasks. The error means that an executor is set already.
        let _ = any_spawner::Executor::init_tokio();
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
        let (stop, stopping) = watch::channel(false);
        let stored = match &options.storage {
            Some(storage) => Some(block_in_place(|| {
                Storage::open(storage, options.shared.limits.clone())
            })?),
            None => None,
        };
        let (server, storage, sessions, failed) = match stored {
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
        let connection_limit = ConnectionLimit::new(options.max_connections, &server.measurements);
        server.broker.set_policies(options.policies.clone());
        let http_access = Arc::new(options.access());
        let handlers = Handlers::of(Arc::clone(&server), Arc::clone(&http_access), options);
        handlers.mqtt.restore_sessions(sessions);
        server.broker.end_restoration();
        let mut background = JoinSet::new();
        background.spawn(run_housekeeping(Arc::clone(&server), handlers.mqtt.clone()));
        background.spawn(measure_event_loop(Arc::clone(&server.measurements)));
        background.spawn(run_scheduler(server));
        Ok(Self {
            listeners,
            handlers,
            http_access,
            connection_limit,
            users_file,
            failed,
            storage,
            stop,
            background,
        })
    }

    /// Prepares a server within another program, which passes no sockets.
    ///
    /// # Errors
    /// As for [`Prepared::new`].
    pub async fn for_program(options: Options) -> anyhow::Result<Self> {
        Self::new(options, InheritedListeners::default()).await
    }

    /// Accepts connections from now on.
    pub fn start(self) -> Running {
        let server = Arc::clone(&self.handlers.server);
        server.access.audit().record(&Event::Started {
            version: env!("CARGO_PKG_VERSION"),
        });
        let accepting = self.listeners.open(&self.handlers, &self.connection_limit);
        Running {
            server,
            accepting,
            connection_limit: self.connection_limit,
            storage: self.storage,
            stop: self.stop,
            background: vec![self.background],
            _hangups: None,
        }
    }

    /// Does the same as [`Prepared::start`], and reads the certificate and the users file again when they change, without a
    /// signal.
    pub fn start_and_watch_files(mut self) -> Running {
        let (hangups, hangup) = watch::channel(());
        let identity = self.listeners.identity();
        let users_file = self.users_file.take();
        let server = Arc::clone(&self.handlers.server);
        let mut watching = JoinSet::new();
        reloads::watch_files(&server, identity, users_file, &hangup, &mut watching);
        let mut running = self.start();
        running.add_tasks(watching);
        running._hangups = Some(hangups);
        running
    }
}

impl Running {
    /// Adds tasks that end after the connections.
    pub fn add_tasks(&mut self, tasks: JoinSet<()>) {
        self.background.push(tasks);
    }

    /// Stops the server: accepts no more messages and connections, waits at most `grace` for connections to end, and closes the
    /// store.
    ///
    /// # Errors
    /// A listener failed, or the store cannot be written.
    pub async fn stop(mut self, grace: Duration) -> anyhow::Result<()> {
        let server = self.server;
        // Closed first: a stopping connection delivers what is in the broker, so nothing may be added afterwards.
        server.gate.close();
        // Sending fails if there is no receiver; then there is no connection to notify.
        let _ = self.stop.send(true);
        while let Some(ended) = self.accepting.join_next().await {
            ended.context("a listener failed")?;
        }
        let closed = self.connection_limit.wait_until_all_closed();
        if tokio::time::timeout(grace, closed).await.is_err() {
            tracing::warn!(
                connections = self.connection_limit.open_count(),
                "closing connections that did not end in time"
            );
        }
        drop(self.background);
        server.access.audit().record(&Event::Stopped);
        server.access.audit().close();
        if let Some(storage) = self.storage {
            block_in_place(|| storage.close(&server.broker))?;
        }
        Ok(())
    }
}

/// Waits until the store fails.
pub async fn store_failure(failed: &mut Option<oneshot::Receiver<StoreError>>) -> StoreError {
    match failed {
        Some(failed) => match failed.await {
            Ok(error) => error,
            // The writer ends without an error only when it is stopped.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
