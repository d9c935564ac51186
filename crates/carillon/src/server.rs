//! A running server, as the program that contains it sees it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use axum::Router;
use broker::DestinationKind;
use carillon_server::embedding::{Label as _, ListenerName};
use tokio::sync::oneshot;

use crate::{
    builder::Builder,
    consumer::Consumer,
    error::Error,
    publication::{Publication, Receipt},
    router,
    running::Core,
    subscription::{Start, Subscription},
    thread::Started,
};

/// The thread that runs a server.
pub(crate) type Thread = JoinHandle<Result<(), Error>>;

/// A running server. To share it between tasks, put it into an [`Arc`].
///
/// Names of topics and queues have levels that are separated by dots, as over STOMP and HTTP: `sensors.roof` is `sensors/roof`
/// over MQTT. In a filter, `*` stands for one level and `>` at the end for all further levels.
///
/// [`stop`](Self::stop) ends the server as the program `carillon` ends: what was accepted is delivered, and MQTT 5 clients get
/// the reason. Dropping it ends all connections at once, and blocks until the ports are free and the data directory is written,
/// which takes some milliseconds.
#[must_use = "dropping a server stops it"]
pub struct Server {
    core: Arc<Core>,
    grace: Duration,
    ending: Mutex<Ending>,
}

/// The parts with which the server ends; each is used once.
struct Ending {
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<Thread>,
}

impl Server {
    /// Returns the options of a server, to be completed and started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(started: Started, thread: Thread) -> Self {
        let Started { core, stop, grace } = started;
        let ending = Ending {
            stop: Some(stop),
            thread: Some(thread),
        };
        Self {
            core,
            grace,
            ending: Mutex::new(ending),
        }
    }

    /// Returns the address of the HTTP listener, with its port; `None` if there is none.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.address(ListenerName::Http)
    }

    /// Returns the address of the STOMP listener, with its port; `None` if there is none.
    #[must_use]
    pub fn stomp_address(&self) -> Option<SocketAddr> {
        self.address(ListenerName::Stomp)
    }

    /// Returns the address of the MQTT listener, with its port; `None` if there is none.
    #[must_use]
    pub fn mqtt_address(&self) -> Option<SocketAddr> {
        self.address(ListenerName::Mqtt)
    }

    fn address(&self, listener: ListenerName) -> Option<SocketAddr> {
        let mut addresses = self.core.addresses.iter();
        addresses.find_map(|(name, address)| (*name == listener).then_some(*address))
    }

    /// Returns the routes of the pages, the API, server-sent events and WebSockets, for another program with axum.
    ///
    /// With [`Builder::path`], all routes are below this path, and are merged with those of the program:
    /// `app.merge(server.router())`. Without it they begin at `/`, for `app.fallback_service(server.router())` or
    /// `app.nest_service("/carillon", server.router())`. [`axum::Router::nest`] does not serve `/carillon/`, so use the others.
    ///
    /// - Requests need a name of the own machine in the header `Host`, unless [`Builder::allow_host`] names others.
    /// - If the program serves with [`into_make_service_with_connect_info`](Router::into_make_service_with_connect_info) and
    ///   [`SocketAddr`], limits and bans hold for the address of each client; otherwise all clients count as one, `127.0.0.1`.
    /// - WebSockets need HTTP/1.1. Each one uses a pair of Unix sockets in addition.
    /// - Requests run on the threads of the server. After its stop they get the status 503.
    /// - The program's limits of its connections apply, and `--max-connections` to WebSockets.
    #[must_use = "the routes are served by another program"]
    pub fn router(&self) -> Router {
        router::router(&self.core)
    }

    /// Publishes a message to a topic. Waits until it is on disk, if it must survive a restart, and, with the overflow rule
    /// `block`, for slow subscribers, at most half a minute.
    ///
    /// The message is published when the future is polled first. If it is dropped later, the message stays published.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::Refused`] or [`Error::Stopped`].
    pub async fn publish(
        &self,
        topic: &str,
        publication: impl Into<Publication>,
    ) -> Result<Receipt, Error> {
        let publication = publication.into();
        self.core
            .publish(DestinationKind::Topic, topic, publication)
            .await
    }

    /// Sends a message to a queue, which is created if it does not exist. Waits until it is on disk, if it must survive a
    /// restart.
    ///
    /// # Errors
    ///
    /// As for [`publish`](Self::publish).
    pub async fn send(
        &self,
        queue: &str,
        publication: impl Into<Publication>,
    ) -> Result<Receipt, Error> {
        let publication = publication.into();
        self.core
            .publish(DestinationKind::Queue, queue, publication)
            .await
    }

    /// Subscribes to the topics of a filter, to messages published from now on.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::Refused`] or [`Error::Stopped`].
    pub fn subscribe(&self, filter: &str) -> Result<Subscription, Error> {
        self.subscribe_from(filter, Start::New)
    }

    /// Subscribes to the topics of a filter, with another start.
    ///
    /// # Errors
    ///
    /// As for [`subscribe`](Self::subscribe); [`Error::InvalidName`] also if [`Start::After`] has no message id.
    pub fn subscribe_from(&self, filter: &str, start: Start) -> Result<Subscription, Error> {
        Subscription::new(&self.core, filter, &start)
    }

    /// Consumes the messages of a queue, or of all queues that a filter covers.
    ///
    /// # Errors
    ///
    /// As for [`subscribe`](Self::subscribe).
    pub fn consume(&self, queues: &str) -> Result<Consumer, Error> {
        Consumer::new(&self.core, queues)
    }

    /// Stops the server: it accepts no more messages, ends the subscriptions and consumers of this process, waits for
    /// connections to end, at most five seconds (`--grace`), and writes the data directory. Afterwards its ports are free.
    /// Further calls wait for the same stop.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the disk failed, now or while the server ran. Only the first call to end reports it.
    pub async fn stop(&self) -> Result<(), Error> {
        let stop = self.ending().stop.take();
        if let Some(stop) = stop {
            // If the server has stopped by itself, there is no receiver.
            let _ = stop.send(self.grace);
        }
        // Ends with an error, because the sender is dropped.
        let _ = self.core.stopped.clone().changed().await;
        let thread = self.ending().thread.take();
        join(thread)
    }

    fn ending(&self) -> std::sync::MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of the thread of a server.
fn join(thread: Option<Thread>) -> Result<(), Error> {
    match thread.map(Thread::join) {
        // A panic was reported by the thread.
        None | Some(Err(_)) => Ok(()),
        Some(Ok(ended)) => ended,
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut ending = self.ending();
        // Dropping it stops the server.
        ending.stop = None;
        // An error has been logged, or is known from `stop`.
        let _ = join(ending.thread.take());
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Server");
        for (name, address) in &self.core.addresses {
            debug.field(name.name(), address);
        }
        debug.finish_non_exhaustive()
    }
}
