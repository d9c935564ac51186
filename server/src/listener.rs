//! The HTTP port: accepts connections, counts them, and serves HTTP/1.1 on each.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tower::ServiceExt as _;

/// The connections that are open, at most so many.
#[derive(Clone)]
pub struct Guests {
    places: Arc<Semaphore>,
    most: usize,
}

/// A connection's place; it is free again when the last copy is dropped.
#[derive(Clone)]
pub struct Guest {
    _place: Arc<OwnedSemaphorePermit>,
}

impl Guests {
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, MOST_PLACES);
        Self {
            places: Arc::new(Semaphore::new(most)),
            most,
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

    fn admit(&self) -> Option<Guest> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Guest {
            _place: Arc::new(place),
        })
    }
}

/// Accepts until the server stops.
pub async fn accept(
    listener: TcpListener,
    router: Router,
    guests: Guests,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => match guests.admit() {
                Some(guest) => {
                    let connection = HttpConnection { peer, guest };
                    tokio::spawn(connection.serve(socket, router.clone(), stopping.clone()));
                }
                None => {
                    tracing::warn!(%peer, "refused: the limit of connections is reached");
                    tokio::spawn(turn_away(socket));
                }
            },
            Err(error) => {
                // Out of file descriptors, as a rule: some have to be given back first.
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits until the server stops.
pub async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Nobody left to say so means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

struct HttpConnection {
    peer: SocketAddr,
    guest: Guest,
}

impl HttpConnection {
    async fn serve(self, socket: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
        let Self { peer, guest } = self;
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(guest.clone());
            request.extensions_mut().insert(ConnectInfo(peer));
            let router = router.clone();
            router.oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let served = tokio::select! {
            served = connection.as_mut() => served,
            () = stopped(&mut stopping) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "HTTP connection ends");
        }
    }
}

/// Tells a client that there is no place, as far as it can be told.
async fn turn_away(mut socket: TcpStream) {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-type: text/plain\r\n\
                  content-length: 42\r\nconnection: close\r\n\r\nthe limit of connections is reached here.\n";
    let told = async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await
    };
    // The client may be gone already.
    let _ = tokio::time::timeout(HEADER_TIME, told).await;
}

/// How long a client may take to send a request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What can be acquired at once when waiting for all to leave.
const MOST_PLACES: usize = (u32::MAX >> 3) as usize;
