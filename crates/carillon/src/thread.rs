//! The thread of a server, with a runtime of its own.
//!
//! The server does not use the runtime of the program: its tasks share their threads fairly among each other only, it needs
//! more than one thread, and the program may use another runtime or none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use carillon_server::embedding::{Options, Prepared, store_failure};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{oneshot, watch},
};

use crate::{error::Error, running::Core};

/// A server that has started.
pub(crate) struct Started {
    pub(crate) core: Arc<Core>,
    /// Stops the server, with the maximum time for connections to end. Dropping it stops the server without this time.
    pub(crate) stop: oneshot::Sender<Duration>,
    /// The time that the options name.
    pub(crate) grace: Duration,
}

/// Runs a server until it is stopped, and its sockets are closed. `report` gets the result of the start, and returns false if
/// the program does not want the server any more.
pub(crate) fn run(
    options: Options,
    threads: Option<usize>,
    report: impl FnOnce(Result<Started, Error>) -> bool,
) -> Result<(), Error> {
    let runtime = match runtime(threads) {
        Ok(runtime) => runtime,
        Err(error) => {
            report(Err(error));
            return Ok(());
        }
    };
    // Dropped last: then nothing of the server is left.
    let (_running, stopped) = watch::channel(());
    let ended = runtime.block_on(serve(options, stopped, report));
    // Connections that are still open end here.
    runtime.shutdown_timeout(MAX_SHUTDOWN_TIME);
    ended
}

fn runtime(threads: Option<usize>) -> Result<Runtime, Error> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    let built = builder.thread_name("carillon").enable_all().build();
    built.map_err(|error| Error::NotStarted(format!("cannot start threads: {error}")))
}

async fn serve(
    options: Options,
    stopped: watch::Receiver<()>,
    report: impl FnOnce(Result<Started, Error>) -> bool,
) -> Result<(), Error> {
    let (grace, path) = (options.grace, options.path.clone());
    let mut prepared = match Prepared::for_program(options).await {
        Ok(prepared) => prepared,
        Err(error) => {
            report(Err(Error::of_start(&error)));
            return Ok(());
        }
    };
    let mut failed = prepared.failed.take();
    let core = Arc::new(core(&prepared, path, stopped));
    let running = prepared.start_and_watch_files();
    let (stop, stopping) = oneshot::channel();
    let started = Started {
        core: Arc::clone(&core),
        stop,
        grace,
    };
    let mut failure = None;
    let grace = match report(Ok(started)) {
        true => tokio::select! {
            // The sender is dropped with the server.
            grace = stopping => grace.unwrap_or(Duration::ZERO),
            error = store_failure(&mut failed) => {
                tracing::error!(%error, "the store failed; the server stops, and acknowledges nothing more");
                failure = Some(Error::Storage(error.to_string()));
                grace
            }
        },
        false => Duration::ZERO,
    };
    // First: no session may be left when the store is closed.
    core.end_sessions();
    let closed = running.stop(grace).await;
    match failure {
        Some(failure) => Err(failure),
        None => closed.map_err(|error| Error::Storage(format!("{error:#}"))),
    }
}

fn core(prepared: &Prepared, path: String, stopped: watch::Receiver<()>) -> Core {
    Core {
        server: Arc::clone(&prepared.handlers.server),
        http: prepared.handlers.http.service().clone(),
        connection_limit: prepared.connection_limit.clone(),
        runtime: Handle::current(),
        addresses: prepared.listeners.addresses().collect(),
        path,
        sessions: Mutex::new(Some(HashMap::new())),
        stopped,
    }
}

/// Maximum time for work on blocking threads, such as the check of a password, after the stop.
const MAX_SHUTDOWN_TIME: Duration = Duration::from_secs(1);
