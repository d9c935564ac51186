//! Accepts the connections of a port: counts them, sets the options of their sockets, and passes them to the TLS acceptor.

use std::{io, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::{
    fairness,
    handler::{Caller, ConnectionHandler, ConnectionPermit},
    refused_connections::Excess,
    stopping::stopped,
    tls::ConnectionAcceptor,
};

/// The open connections; their number is limited.
#[derive(Clone)]
pub struct ConnectionLimit {
    places: Arc<Semaphore>,
    most: usize,
    /// Connections beyond the limit.
    excess: Arc<Excess>,
}

impl ConnectionLimit {
    /// Creates a limit of at least one connection.
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, MOST_PLACES);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            excess: Arc::default(),
        }
    }

    /// Returns the number of open connections.
    pub fn present(&self) -> usize {
        self.most - self.places.available_permits()
    }

    /// Waits until no connection is open.
    pub async fn all_left(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    fn admit(&self) -> Option<ConnectionPermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(ConnectionPermit::new(place))
    }
}

/// Accepts until the server stops.
pub async fn accept<D: ConnectionHandler>(
    listener: TcpListener,
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
            Ok((socket, peer)) => match connection_limit.admit() {
                Some(permit) => {
                    prepare(&socket);
                    let caller = Caller {
                        socket,
                        peer,
                        permit,
                    };
                    fairness::spawn(acceptor.clone().enter(caller));
                }
                None => {
                    prepare(&socket);
                    connection_limit
                        .excess
                        .start(peer, acceptor.clone().refuse(socket));
                }
            },
            Err(error) if concerns_one_peer(&error) => tracing::debug!(%error, "not accepted"),
            Err(error) => {
                // Usually there are no file descriptors left. The pause lets some connections end.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sets the socket options that all protocols need.
fn prepare(socket: &TcpStream) {
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

fn concerns_one_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Idle time before the system checks if the peer is reachable, and the interval of further checks.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Pause after an error of the system, before the next attempt to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The largest possible limit: all permits are acquired in one call, which takes their number as a `u32`, and tokio's
/// semaphore has at most `usize::MAX >> 3` permits.
const MOST_PLACES: usize = (u32::MAX >> 3) as usize;
