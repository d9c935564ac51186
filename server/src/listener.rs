//! Accepts the connections of a port: counts them, sets the options of their sockets, and passes them to the TLS acceptor.

use std::{io, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::{
    fairness,
    handler::{AcceptedConnection, ConnectionHandler},
    log_rate::LineLimit,
    measurements::ListenerName,
    net::{ListeningSocket, StreamSocket},
    stopping::stopped,
    tls::ConnectionAcceptor,
};

/// Accepts until the server stops.
pub async fn accept<D: ConnectionHandler>(
    name: ListenerName,
    listener: ListeningSocket,
    acceptor: ConnectionAcceptor<D>,
) {
    let mut stopping = acceptor.stopping.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                set_socket_options(&socket);
                match acceptor.admit(name, peer) {
                    Ok(permit) => {
                        let accepted = AcceptedConnection {
                            socket,
                            peer,
                            certificate: None,
                            permit,
                        };
                        fairness::spawn(acceptor.clone().accept(accepted));
                    }
                    Err(reason) => acceptor.connection_limit.start_refusal(
                        peer,
                        reason,
                        acceptor.clone().refuse(socket, peer),
                    ),
                }
            }
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
