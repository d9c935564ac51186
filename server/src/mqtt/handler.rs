//! MQTT on connections without HTTP.

use std::sync::Arc;

use super::{MqttOptions, Sessions, SharedState, handshake};
use crate::{
    connection::{Framing, HandshakeInput, Stream, serve_after},
    handler::{AcceptedConnection, ConnectingPeer, ConnectionHandler, answer_and_close},
    measurements::PortProtocol,
    server::Server,
    socket::Socket,
    transport::Transport,
};

/// Serves MQTT on any transport.
#[derive(Clone)]
pub struct MqttHandler {
    /// The part that all protocols share.
    pub(super) server: Arc<Server>,
    /// The part that all connections of MQTT share.
    pub(super) shared_state: Arc<SharedState>,
}

impl MqttHandler {
    /// Creates a handler with its own sessions.
    pub fn new(server: &Arc<Server>, options: &MqttOptions) -> Self {
        Self {
            server: Arc::clone(server),
            shared_state: Arc::new(SharedState::new(options, server.session_log.clone())),
        }
    }

    /// Completes the handshake with a peer. Returns the future that serves the connection until one side ends it, or
    /// `None` if the peer was refused.
    pub async fn connect<T: Transport, F: Framing>(
        &self,
        socket: T,
        handshake_input: HandshakeInput<F>,
        peer: ConnectingPeer,
    ) -> Option<impl Future<Output = ()> + Send + use<T, F>> {
        handshake::connect(
            &self.server,
            &self.shared_state,
            socket,
            handshake_input,
            peer,
        )
        .await
    }

    /// Returns the sessions of all clients.
    pub fn sessions(&self) -> &Sessions {
        &self.shared_state.sessions
    }
}

impl ConnectionHandler for MqttHandler {
    fn serve<S: Socket>(self, accepted: AcceptedConnection<S>) -> impl Future<Output = ()> + Send {
        let AcceptedConnection {
            socket,
            peer,
            certificate,
            permit,
        } = accepted;
        permit.set_protocol(PortProtocol::Mqtt);
        let (transport, early_bytes) = socket.into_transport();
        let handshake_input =
            HandshakeInput::new(Stream, early_bytes, self.server.partial_message());
        let peer = ConnectingPeer::new(peer, certificate);
        let handshake = async move { self.connect(transport, handshake_input, peer).await };
        serve_after(handshake, permit)
    }

    /// Closes without a packet: the client's version is unknown, so there is no form for a reason.
    async fn refuse<S: Socket>(self, socket: S) {
        answer_and_close(socket, Vec::new()).await;
    }

    /// Returns nothing, for the same reason.
    fn tls_required_answer() -> Vec<u8> {
        Vec::new()
    }
}
