//! Accepts the connections of a port: counts them, sets the options of their sockets, and passes them to the TLS acceptor.

use std::{io, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{net::TcpStream, sync::Semaphore};

use crate::{
    fairness,
    handler::{AcceptedConnection, ConnectionHandler, ConnectionPermit},
    log_rate::LineLimit,
    measurements::{ListenerName, Measurements, OpenPlace, RefusalReason},
    net::{ListeningSocket, StreamSocket},
    refused_connections::RefusedConnections,
    stopping::stopped,
    tls::ConnectionAcceptor,
};

/// The limit of open connections, which all ports share.
#[derive(Clone)]
pub struct ConnectionLimit {
    permits: Arc<Semaphore>,
    max: usize,
    /// Connections beyond the limit.
    refused: Arc<RefusedConnections>,
    measurements: Arc<Measurements>,
}

impl ConnectionLimit {
    /// Creates a limit of at least one connection. `measurements` counts the connections.
    pub fn new(max: usize, measurements: &Arc<Measurements>) -> Self {
        let max = max.clamp(1, MAX_CONNECTIONS);
        measurements.connections.set_limit(max);
        Self {
            permits: Arc::new(Semaphore::new(max)),
            max,
            refused: Arc::default(),
            measurements: Arc::clone(measurements),
        }
    }

    /// Returns the number of open connections.
    pub fn open_count(&self) -> usize {
        self.max - self.permits.available_permits()
    }

    /// Waits until no connection is open.
    pub async fn wait_until_all_closed(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.permits.acquire_many(all).await;
    }

    /// Returns a permit for a connection that another program has accepted; `None` at the limit.
    pub fn acquire_foreign(&self) -> Option<ConnectionPermit> {
        self.try_acquire(ListenerName::Http)
    }

    fn try_acquire(&self, listener: ListenerName) -> Option<ConnectionPermit> {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            self.measurements
                .refusals
                .add(RefusalReason::ConnectionLimit);
            return None;
        };
        let place = OpenPlace::new(&self.measurements, listener);
        Some(ConnectionPermit::new(permit, place))
    }
}

/// Accepts until the server stops.
pub async fn accept<D: ConnectionHandler>(
    name: ListenerName,
    listener: ListeningSocket,
    acceptor: ConnectionAcceptor<D>,
    connection_limit: ConnectionLimit,
) {
    let mut stopping = acceptor.stopping.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => match connection_limit.try_acquire(name) {
                Some(permit) => {
                    set_socket_options(&socket);
                    let accepted = AcceptedConnection {
                        socket,
                        peer,
                        certificate: None,
                        permit,
                    };
                    fairness::spawn(acceptor.clone().accept(accepted));
                }
                None => {
                    set_socket_options(&socket);
                    connection_limit
                        .refused
                        .start(peer, acceptor.clone().refuse(socket, peer));
                }
            },
            Err(error) if is_peer_error(&error) => {
                tracing::debug!(%error, "a connection was not accepted")
            }
            Err(error) => {
                // Usually there are no file descriptors left. The pause lets some connections end.
                if let Some(unlogged) = ACCEPT_FAILURES.count() {
                    tracing::error!(unlogged, %error, "cannot accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sets the socket options that all protocols need. A Unix socket needs none: the system sends without delay, and reports the
/// end of the other process.
fn set_socket_options(stream: &StreamSocket) {
    if let StreamSocket::Tcp(socket) = stream {
        set_tcp_options(socket);
    }
}

fn set_tcp_options(socket: &TcpStream) {
    // Disables Nagle's algorithm: otherwise a small message waits for the acknowledgement of the previous one.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    // STOMP 1.0 has no heart-beats. TCP keep-alive detects its peers that have disappeared.
    let keep_alive = TcpKeepalive::new()
        .with_time(KEEP_ALIVE_AFTER)
        .with_interval(KEEP_ALIVE_EVERY);
    if let Err(error) = SockRef::from(socket).set_tcp_keepalive(&keep_alive) {
        tracing::debug!(%error, "cannot set SO_KEEPALIVE");
    }
}

fn is_peer_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Idle time before the system checks if the peer is reachable, and the interval of further checks.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Clients can cause this line again and again, by using all file descriptors.
static ACCEPT_FAILURES: LineLimit = LineLimit::new();
/// Pause after an error of the system, before the next attempt to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The largest possible limit: all permits are acquired in one call, which takes their number as a `u32`, and tokio's
/// semaphore has at most `usize::MAX >> 3` permits.
const MAX_CONNECTIONS: usize = (u32::MAX >> 3) as usize;
