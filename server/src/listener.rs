//! Ports: accepts connections, counts them, and passes them to the handler of the port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{fairness, refused_connections::Excess, socket::Socket, tls::ConnectionAcceptor};

/// The open connections, up to a maximum number.
#[derive(Clone)]
pub struct ConnectionLimit {
    places: Arc<Semaphore>,
    most: usize,
    /// Connections beyond the limit.
    excess: Arc<Excess>,
}

/// The place of a connection within the limit; dropping the last copy frees it.
#[derive(Clone)]
pub struct ConnectionPermit {
    _place: Arc<OwnedSemaphorePermit>,
}

impl ConnectionLimit {
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, MOST_PLACES);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
            excess: Arc::default(),
        }
    }

    pub fn present(&self) -> usize {
        self.most - self.places.available_permits()
    }

    pub async fn all_left(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        let _ = self.places.acquire_many(all).await;
    }

    fn admit(&self) -> Option<ConnectionPermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(ConnectionPermit {
            _place: Arc::new(place),
        })
    }
}

/// An accepted connection with its place.
pub struct Caller<S> {
    pub socket: S,
    pub peer: SocketAddr,
    pub permit: ConnectionPermit,
}

/// The handler of a port's connections.
pub trait ConnectionHandler: Clone + Send + 'static {
    /// Serves a connection to its end.
    fn serve<S: Socket>(self, caller: Caller<S>) -> impl Future<Output = ()> + Send;

    /// Answers a peer beyond the limit of connections. The caller limits the time.
    fn refuse<S: Socket>(self, socket: S) -> impl Future<Output = ()> + Send;

    /// Returns the bytes for a peer without TLS on a port that requires TLS.
    fn without_tls() -> Vec<u8>;
}

/// Accepts connections until the server stops.
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
                // Usually no file descriptors are left: some have to be closed first.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sets the socket options for all protocols.
fn prepare(socket: &TcpStream) {
    // Otherwise a small message waits for the acknowledgement of the previous one.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    // STOMP 1.0 has no heart-beats, and a peer that disappeared must be detected there as well.
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

/// Waits until the server stops.
pub async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A dropped sender has the same meaning.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Sends a client the reason of its refusal, if possible. Discards its input: closing with unread bytes would reset the
/// connection and discard the reason.
pub async fn turn_away(mut socket: impl Socket, answer: Vec<u8>) {
    let told = async {
        socket.write_all(&answer).await?;
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(UNHEARD_BYTES), &mut tokio::io::sink()).await
    };
    // The client may have disconnected.
    let _ = tokio::time::timeout(ANSWER_TIME, told).await;
}

/// Maximum time for a client to read the reason of its refusal, and maximum input in this time.
const ANSWER_TIME: Duration = Duration::from_secs(10);
const UNHEARD_BYTES: u64 = 64 << 10;
/// Idle time after which the system checks whether the peer exists, and the interval of these checks.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Pause when the system has no more connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of permits that can be acquired at once, for waiting until all connections have ended.
const MOST_PLACES: usize = (u32::MAX >> 3) as usize;
