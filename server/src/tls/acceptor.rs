//! The step between a port and its protocol: detects a TLS handshake by the first byte and performs it. The connection
//! already has its place, so the number of handshakes is bounded.

use std::{io, sync::Arc, time::Duration};

use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_rustls::TlsAcceptor;

use super::identity::Identity;
use crate::{
    fairness,
    handler::{Caller, ConnectionHandler, turn_away},
    stopping::stopped,
};

/// The connections that a port accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    All,
    /// Only connections with TLS.
    Tls,
}

#[derive(Clone)]
pub struct ConnectionAcceptor<D> {
    /// The handler of the connection after the handshake.
    pub handler: D,
    /// `None` if TLS is not offered.
    pub identity: Option<Arc<Identity>>,
    /// The peers that the port accepts.
    pub admits: Admits,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl<D: ConnectionHandler> ConnectionAcceptor<D> {
    /// Serves a connection to its end.
    pub async fn enter(mut self, caller: Caller<TcpStream>) {
        let begins = tokio::select! {
            begins = begins_with_tls(&caller.socket) => begins,
            () = stopped(&mut self.stopping) => return,
        };
        let peer = caller.peer;
        match (begins, self.identity.take()) {
            (Err(error), _) => tracing::debug!(%peer, %error, "connection ends"),
            (Ok(true), Some(identity)) => {
                // A separate task: a handshake needs more memory than most protocols.
                fairness::spawn(self.shake_hands(identity, caller));
            }
            (Ok(true), None) => {
                tracing::debug!(%peer, "refused: the peer uses TLS, and there is no certificate (--tls-cert)");
                turn_away(caller.socket, alert(HANDSHAKE_FAILURE)).await;
            }
            (Ok(false), _) if self.admits == Admits::Tls => {
                tracing::debug!(%peer, "refused: the peer does not use TLS");
                turn_away(caller.socket, D::without_tls()).await;
            }
            (Ok(false), _) => self.handler.serve(caller).await,
        }
    }

    async fn shake_hands(mut self, identity: Arc<Identity>, caller: Caller<TcpStream>) {
        let Caller {
            socket,
            peer,
            permit,
        } = caller;
        let accept = TlsAcceptor::from(identity.current()).accept(socket);
        let shaken = tokio::select! {
            shaken = timeout(HANDSHAKE_TIME, accept) => shaken,
            () = stopped(&mut self.stopping) => return,
        };
        match shaken {
            Ok(Ok(socket)) => {
                let caller = Caller {
                    socket: Box::new(socket),
                    peer,
                    permit,
                };
                fairness::spawn(self.handler.serve(caller));
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "no TLS handshake in time"),
        }
    }

    /// Refuses a peer beyond the limit of connections, over TLS if it uses TLS. The caller limits the time.
    pub async fn refuse(self, socket: TcpStream) {
        let Some(identity) = self.identity else {
            return self.handler.refuse(socket).await;
        };
        let begins = timeout(REFUSED_FIRST_BYTE_TIME, begins_with_tls(&socket)).await;
        match begins.unwrap_or(Ok(false)) {
            Ok(true) => {
                let accept = TlsAcceptor::from(identity.current()).accept(socket);
                if let Ok(socket) = accept.await {
                    self.handler.refuse(Box::new(socket)).await;
                }
            }
            Ok(false) if self.admits == Admits::Tls => turn_away(socket, D::without_tls()).await,
            Ok(false) => self.handler.refuse(socket).await,
            // The connection is broken.
            Err(_) => {}
        }
    }
}

/// Returns whether the peer begins with a TLS handshake. Returns false for a silent peer: its protocol has a deadline
/// for it.
async fn begins_with_tls(socket: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    match timeout(FIRST_BYTE_TIME, socket.peek(&mut first)).await {
        Ok(looked) => Ok(looked? == 1 && first[0] == HANDSHAKE_RECORD),
        Err(_) => Ok(false),
    }
}

/// Returns a fatal alert, before a version has been negotiated (RFC 8446, 5.1 and 6).
fn alert(description: u8) -> Vec<u8> {
    vec![0x15, 3, 3, 0, 2, 2, description]
}

/// RFC 8446, 5.1. No other protocol here begins with this byte.
const HANDSHAKE_RECORD: u8 = 0x16;
/// RFC 8446, 6.2.
const HANDSHAKE_FAILURE: u8 = 40;
/// Maximum time to wait for the first byte.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(5);
/// The same for a peer beyond the limit of connections.
const REFUSED_FIRST_BYTE_TIME: Duration = Duration::from_millis(500);
/// Maximum time of a handshake.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
