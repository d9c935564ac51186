//! Ports: connections are accepted, counted, and let into the entrance of the door behind the port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{fairness, refused_connections::Excess, socket::Socket, tls::ConnectionAcceptor};

/// The connections that are open, at most so many.
#[derive(Clone)]
pub struct ConnectionLimit {
    places: Arc<Semaphore>,
    most: usize,
    /// Connections beyond the limit.
    excess: Arc<Excess>,
}

/// A connection's place; it is free again when the last copy is dropped.
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

/// A connection that was accepted and has its place.
pub struct Caller<S> {
    pub socket: S,
    pub peer: SocketAddr,
    pub permit: ConnectionPermit,
}

/// What is behind a port.
pub trait ConnectionHandler: Clone + Send + 'static {
    /// Serves a connection to its end.
    fn serve<S: Socket>(self, caller: Caller<S>) -> impl Future<Output = ()> + Send;

    /// Answers a peer beyond the limit of connections. The caller bounds the time.
    fn refuse<S: Socket>(self, socket: S) -> impl Future<Output = ()> + Send;

    /// What a peer is told who has to speak TLS, and does not.
    fn without_tls() -> Vec<u8>;
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
                // Out of file descriptors, as a rule: some have to be given back first.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sets what every door wants of its sockets.
fn prepare(socket: &TcpStream) {
    // Without it a small message waits for the acknowledgement of the one before.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    // Not every protocol has heart-beats: STOMP 1.0 has none. A peer that vanished must be noticed all the same.
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
    // Nobody left to say so means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Tells a client why it is not served, as far as it can be told. What it says meanwhile is passed over: closing
/// with bytes unread would take the answer back.
pub async fn turn_away(mut socket: impl Socket, answer: Vec<u8>) {
    let told = async {
        socket.write_all(&answer).await?;
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(UNHEARD_BYTES), &mut tokio::io::sink()).await
    };
    // The client may be gone already.
    let _ = tokio::time::timeout(ANSWER_TIME, told).await;
}

/// How long a client may take to read why it is not served, and how much it may say meanwhile.
const ANSWER_TIME: Duration = Duration::from_secs(10);
const UNHEARD_BYTES: u64 = 64 << 10;
/// How long a connection may be quiet until the system asks whether the peer is there, and how often then.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long to wait when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What can be acquired at once when waiting for all to leave.
const MOST_PLACES: usize = (u32::MAX >> 3) as usize;
