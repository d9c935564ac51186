//! STOMP on connections without HTTP.

use std::sync::Arc;

use wire::stomp::server::{Config, Fault, Session};

use super::{
    Stomp, StompOptions,
    login::{self, Admitted, RefusedLogin},
};
use crate::{
    connection::{
        self, ConnectionParts, Deliverer, EndedConnection, Framing, HandshakeInput, Stream,
    },
    connection_control::{ClientProtocol, NewConnection},
    handler::{AcceptedConnection, ConnectingPeer, ConnectionHandler, answer_and_close},
    measurements::PortProtocol,
    server::Server,
    socket::Socket,
    trace::{self, Identity},
    transport::Transport,
};

/// Serves STOMP on any transport.
#[derive(Clone)]
pub struct StompHandler {
    pub(super) server: Arc<Server>,
    pub(super) options: StompOptions,
}

impl StompHandler {
    /// Creates a handler.
    pub fn new(server: &Arc<Server>, options: StompOptions) -> Self {
        Self {
            server: Arc::clone(server),
            options,
        }
    }

    /// Completes the handshake with a peer. Returns the future that serves the connection until one side ends it, or
    /// `None` if the peer was refused. `listener` is the beginning of the session's name.
    pub async fn connect<T: Transport, F: Framing>(
        &self,
        socket: T,
        mut handshake_input: HandshakeInput<F>,
        listener: &str,
        peer: ConnectingPeer,
    ) -> Option<impl Future<Output = ()> + Send + use<T, F>> {
        let server = &self.server;
        let (address, port) = (peer.address, peer.port);
        let admitted = login::admit(self, &socket, &mut handshake_input, peer).await;
        let Admitted { principal, charge } = match admitted {
            Ok(admitted) => admitted,
            Err(RefusedLogin {
                close_reason,
                answer,
            }) => {
                let ended = EndedConnection::unknown(ClientProtocol::Stomp.name(), address);
                connection::note_end(&server.measurements, ended, &close_reason);
                trace::show_refused(
                    &server.traces,
                    ClientProtocol::Stomp,
                    &Identity::unknown(address, port),
                    handshake_input.first_message(),
                    &answer,
                    &close_reason.to_string(),
                );
                connection::send_refusal::<T, F>(&socket, &answer, &close_reason).await;
                return None;
            }
        };
        let context = server.context(server.client_of(&principal, address), principal);
        let reader = context.create_session(server.session_name(listener));
        let listed = context.connections.open(NewConnection {
            session: reader.session(),
            principal: &context.principal,
            protocol: ClientProtocol::Stomp,
            address,
            port,
            charge,
        });
        let (protocol, encoder) = Stomp::new(&context, &listed, &self.options);
        let tap = protocol.tap().clone();
        let parts = ConnectionParts {
            socket,
            framing: handshake_input.framing,
            protocol,
            deliverer: Deliverer { reader, encoder },
            early_input: handshake_input.early_input,
            // CONNECTED is the reply to CONNECT.
            greeting: Vec::new(),
            listed,
            tap,
        };
        Some(connection::serve(context, parts))
    }
}

impl ConnectionHandler for StompHandler {
    fn serve<S: Socket>(self, accepted: AcceptedConnection<S>) -> impl Future<Output = ()> + Send {
        let AcceptedConnection {
            socket,
            peer,
            certificate,
            permit,
        } = accepted;
        permit.set_protocol(PortProtocol::Stomp);
        let name = socket.name();
        let (transport, early_bytes) = socket.into_transport();
        let handshake_input =
            HandshakeInput::new(Stream, early_bytes, self.server.partial_message());
        let peer = ConnectingPeer::new(peer, certificate);
        let handshake = async move { self.connect(transport, handshake_input, name, peer).await };
        connection::serve_after(handshake, permit)
    }

    async fn refuse<S: Socket>(self, socket: S) {
        let detail = "the limit of connections is reached";
        answer_and_close(socket, refusal("too many connections", detail)).await;
    }

    fn tls_required_answer() -> Vec<u8> {
        refusal("no TLS", "this port accepts only TLS")
    }
}

/// Returns the ERROR for a peer that has no connection yet.
pub(super) fn refusal(message: &'static str, detail: impl Into<String>) -> Vec<u8> {
    let detail = detail.into();
    let fault = Fault::refused(message, detail, None);
    let mut answer = Vec::new();
    Session::new(&Config::DEFAULT, 0).error(&fault, &mut answer);
    answer
}

/// The header `message` of the ERROR for a banned client.
pub(super) const BANNED: &str = "banned";
