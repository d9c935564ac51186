//! The step between a port and its protocol: reads the header of a trusted proxy, detects a TLS handshake by the first byte
//! and performs it. The connection already has its place, so the number of handshakes is bounded.

use std::{io, sync::Arc, time::Duration};

use broker::ClientAddress;
use tokio::{sync::watch, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::identity::{Current, Identity};
use crate::{
    access_control::{ClientTrust, PeerCertificate},
    connection_limit::ConnectionLimit,
    fairness,
    handler::{AcceptedConnection, ConnectionHandler, ConnectionPermit, answer_and_close},
    measurements::{ListenerName, Measurements, RefusalReason, TlsResult},
    net::{SocketPeer, StreamSocket},
    proxy_header,
    refused_connections::ConnectionRefusal,
    stopping::stopped,
    trusted_proxies::TrustedProxies,
};

/// States if a port accepts connections without TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsRule {
    /// Connections with and without TLS.
    Optional,
    /// Only connections with TLS.
    Required,
}

/// The state for accepting the connections of one port.
#[derive(Clone)]
pub struct ConnectionAcceptor<D> {
    /// The handler of the connection after the handshake.
    pub handler: D,
    /// `None` if TLS is not offered.
    pub identity: Option<Arc<Identity>>,
    /// States if the port accepts connections without TLS.
    pub tls_rule: TlsRule,
    /// The limit of open connections, which all ports share.
    pub connection_limit: ConnectionLimit,
    /// The peers that may name the address of their client.
    pub trusted_proxies: TrustedProxies,
    /// Counts handshakes and refusals.
    pub measurements: Arc<Measurements>,
    /// True when the server stops.
    pub stopping: watch::Receiver<bool>,
}

impl<D: ConnectionHandler> ConnectionAcceptor<D> {
    /// Returns a permit for a new connection of a port.
    pub fn admit(
        &self,
        listener: ListenerName,
        peer: SocketPeer,
    ) -> Result<ConnectionPermit, ConnectionRefusal> {
        self.connection_limit
            .acquire(listener, self.charged_address(peer))
    }

    /// Returns the address whose share a connection counts for. There is none for clients on loopback, which all have the
    /// same address, and none for a proxy, which has the connections of many clients.
    fn charged_address(&self, peer: SocketPeer) -> Option<ClientAddress> {
        let address = peer.address();
        let is_shared = address.is_loopback() || self.trusted_proxies.trusts(address);
        (!is_shared).then_some(address)
    }

    /// Serves a connection to its end.
    pub async fn accept(mut self, mut accepted: AcceptedConnection<StreamSocket>) {
        if self.trusted_proxies.trusts(accepted.peer.address()) {
            // Boxed, so that its memory is freed when the connection starts.
            let reading = Box::pin(proxy_header::read(&mut accepted.socket, accepted.peer));
            let client = tokio::select! {
                client = reading => client,
                () = stopped(&mut self.stopping) => return,
            };
            match client {
                Ok(client) => {
                    let charged = self.charged_address(client);
                    if let Err(reason) = self.connection_limit.charge(&accepted.permit, charged) {
                        drop(accepted.permit);
                        let limit = self.connection_limit.clone();
                        let answer = self.refuse_client(accepted.socket);
                        return limit.start_refusal(client, reason, answer);
                    }
                    accepted.peer = client;
                }
                Err(error) => {
                    tracing::debug!(proxy = %accepted.peer, %error, "connection ends");
                    return;
                }
            }
        }
        let uses_tls = tokio::select! {
            uses_tls = peek_uses_tls(&accepted.socket) => uses_tls,
            () = stopped(&mut self.stopping) => return,
        };
        let peer = accepted.peer;
        match (uses_tls, self.identity.take()) {
            (Err(error), _) => tracing::debug!(%peer, %error, "connection ends"),
            (Ok(true), Some(identity)) => {
                // A separate task: a handshake needs more memory than most protocols.
                fairness::spawn(self.handshake(identity, accepted));
            }
            (Ok(true), None) => {
                self.measurements.refusals.add(RefusalReason::Tls);
                tracing::debug!(%peer, "refused: the peer uses TLS, and there is no certificate (--tls-cert)");
                answer_and_close(accepted.socket, alert(HANDSHAKE_FAILURE)).await;
            }
            (Ok(false), _) if self.tls_rule == TlsRule::Required => {
                self.measurements.refusals.add(RefusalReason::Tls);
                tracing::debug!(%peer, "refused: the peer does not use TLS");
                answer_and_close(accepted.socket, D::tls_required_answer()).await;
            }
            (Ok(false), _) => self.handler.serve(accepted).await,
        }
    }

    async fn handshake(
        mut self,
        identity: Arc<Identity>,
        accepted: AcceptedConnection<StreamSocket>,
    ) {
        let AcceptedConnection {
            socket,
            peer,
            permit,
            ..
        } = accepted;
        let Current {
            config,
            client_trust,
            ..
        } = identity.current();
        let accept = TlsAcceptor::from(config).accept(socket);
        let result = tokio::select! {
            result = timeout(MAX_HANDSHAKE_TIME, accept) => result,
            () = stopped(&mut self.stopping) => return,
        };
        self.measurements.tls_handshakes.add(match &result {
            Ok(Ok(_)) => TlsResult::Completed,
            Ok(Err(_)) => TlsResult::Failed,
            Err(_) => TlsResult::TimedOut,
        });
        match result {
            Ok(Ok(socket)) => {
                let accepted = AcceptedConnection {
                    certificate: client_certificate(&socket, &client_trust),
                    socket: Box::new(socket),
                    peer,
                    permit,
                };
                fairness::spawn(self.handler.serve(accepted));
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "no TLS handshake in time"),
        }
    }

    /// Refuses a peer beyond the limit of connections, over TLS if it uses TLS. The caller limits the time.
    pub async fn refuse(self, mut socket: StreamSocket, peer: SocketPeer) {
        if self.trusted_proxies.trusts(peer.address()) {
            let reading = Box::pin(proxy_header::read(&mut socket, peer));
            let read = timeout(REFUSED_FIRST_BYTE_TIME, reading).await;
            if matches!(read, Ok(Err(_))) {
                return;
            }
        }
        self.refuse_client(socket).await;
    }

    /// Refuses a peer after the header of its proxy, if there is one.
    async fn refuse_client(self, socket: StreamSocket) {
        let Some(identity) = self.identity else {
            return self.handler.refuse(socket).await;
        };
        let uses_tls = timeout(REFUSED_FIRST_BYTE_TIME, peek_uses_tls(&socket)).await;
        match uses_tls.unwrap_or(Ok(false)) {
            Ok(true) => {
                let accept = TlsAcceptor::from(identity.current().config).accept(socket);
                if let Ok(socket) = accept.await {
                    self.handler.refuse(Box::new(socket)).await;
                }
            }
            Ok(false) if self.tls_rule == TlsRule::Required => {
                answer_and_close(socket, D::tls_required_answer()).await
            }
            Ok(false) => self.handler.refuse(socket).await,
            // The connection is broken.
            Err(_) => {}
        }
    }
}

/// Returns the certificate of the client, if it has presented one.
fn client_certificate(
    socket: &TlsStream<StreamSocket>,
    trust: &ClientTrust,
) -> Option<Arc<PeerCertificate>> {
    let (_, session) = socket.get_ref();
    match PeerCertificate::new(session.peer_certificates()?, trust.generation) {
        Ok(certificate) => Some(Arc::new(certificate)),
        Err(error) => {
            tracing::debug!(%error, "a client certificate is ignored");
            None
        }
    }
}

/// Returns whether the peer begins with a TLS handshake. Returns false for a silent peer: its protocol has a deadline
/// for it.
async fn peek_uses_tls(socket: &StreamSocket) -> io::Result<bool> {
    let mut first = [0];
    match timeout(FIRST_BYTE_TIME, socket.peek(&mut first)).await {
        Ok(peeked) => Ok(peeked? == 1 && first[0] == HANDSHAKE_RECORD),
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
const MAX_HANDSHAKE_TIME: Duration = Duration::from_secs(10);
