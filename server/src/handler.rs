//! The interface between ports and protocols: a connection that was accepted, and the handler that serves it.

use std::{
    num::NonZeroU16,
    sync::{Arc, OnceLock},
    time::Duration,
};

use broker::ClientAddress;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::OwnedSemaphorePermit,
};

use crate::{
    access_control::{ImplicitLogin, PeerCertificate},
    connection_shares::ShareCharge,
    measurements::{OpenPlace, PortProtocol},
    net::SocketPeer,
    socket::Socket,
};

/// Serves the connections of a port, in one protocol or in several.
pub trait ConnectionHandler: Clone + Send + 'static {
    /// Serves a connection to its end.
    fn serve<S: Socket>(self, accepted: AcceptedConnection<S>) -> impl Future<Output = ()> + Send;

    /// Answers a peer beyond the limit of connections. The caller bounds the time.
    fn refuse<S: Socket>(self, socket: S) -> impl Future<Output = ()> + Send;

    /// Returns the answer for a peer that does not use TLS on a port that requires it.
    fn tls_required_answer() -> Vec<u8>;
}

/// A connection that was accepted and has its permit.
pub struct AcceptedConnection<S> {
    /// The socket.
    pub socket: S,
    /// The peer, or the client that a trusted proxy names.
    pub peer: SocketPeer,
    /// The client certificate, verified in the TLS handshake.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// Must be kept until the connection ends.
    pub permit: ConnectionPermit,
}

/// A peer before its first message.
pub struct ConnectingPeer {
    /// The address that is charged for the connection and for failed logins.
    pub address: ClientAddress,
    /// The port of the client; `None` if a proxy does not name it, and for a Unix socket.
    pub port: Option<NonZeroU16>,
    /// The login of a client without credentials in its first message.
    pub implicit: ImplicitLogin,
}

impl ConnectingPeer {
    /// Returns a peer that has sent nothing, with the certificate of its TLS handshake.
    pub fn new(peer: SocketPeer, certificate: Option<Arc<PeerCertificate>>) -> Self {
        Self {
            address: peer.address(),
            port: peer.port(),
            implicit: certificate.into(),
        }
    }
}

/// A connection's share of the limit of connections. It is free again when the last copy is dropped.
#[derive(Clone)]
pub struct ConnectionPermit(Arc<PermitState>);

struct PermitState {
    _permit: OwnedSemaphorePermit,
    place: OpenPlace,
    /// The share of the address for which the connection counts. Empty on loopback, and before a proxy has named it.
    charge: OnceLock<ShareCharge>,
}

impl ConnectionPermit {
    /// Wraps a permit of the limit of connections, and the place in the counts of open connections.
    pub fn new(permit: OwnedSemaphorePermit, place: OpenPlace) -> Self {
        Self(Arc::new(PermitState {
            _permit: permit,
            place,
            charge: OnceLock::new(),
        }))
    }

    /// Lets the connection count for its address until it ends. It counts for one address only.
    pub fn set_charge(&self, charge: ShareCharge) {
        // A second charge is dropped, and so returned.
        let _ = self.0.charge.set(charge);
    }

    /// Sets the protocol for which the connection counts.
    pub fn set_protocol(&self, protocol: PortProtocol) {
        self.0.place.set_protocol(protocol);
    }
}

/// Sends an answer to a client that is not served, if the client reads it. Discards what the client sends meanwhile: if
/// the socket were closed with unread bytes, the system would discard the answer.
pub async fn answer_and_close(mut socket: impl Socket, answer: Vec<u8>) {
    let answered = async {
        socket.write_all(&answer).await?;
        socket.shutdown().await?;
        tokio::io::copy(
            &mut socket.take(MAX_DISCARDED_BYTES),
            &mut tokio::io::sink(),
        )
        .await
    };
    // The client may be gone already.
    let _ = tokio::time::timeout(MAX_ANSWER_TIME, answered).await;
}

/// Maximum time for a refused client to read the answer.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Maximum number of bytes that a refused client may send meanwhile.
const MAX_DISCARDED_BYTES: u64 = 64 << 10;
