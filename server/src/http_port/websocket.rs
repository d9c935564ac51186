//! The upgrade from HTTP to a WebSocket (RFC 6455, 4.2).
//!
//! Only the handshake: after it the socket is taken out of the HTTP server and becomes a transport of the connection
//! loop, so that publishing tasks can write to it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{PortState, copied::CopiedSocket};
use crate::{
    access_control::{ImplicitLogin, Login, PeerCertificate},
    connection::{CloseReason, HandshakeInput, WebSocket, send_refusal, serve_after},
    fairness,
    handler::{ConnectingPeer, ConnectionPermit},
    http::{self, DeadlineSocket, PeerAddress, PeerPort, Problem, SUBPROTOCOLS},
    measurements::PortProtocol,
    net::StreamSocket,
    protocol_detection::DetectedProtocol,
    server::Server,
    socket::Socket,
    stopping::stopped,
    tls::TlsStream,
    transport::Transport,
};

/// Serves `/`: the WebSocket or the page.
pub async fn upgrade_or_page(State(state): State<PortState>, request: Request) -> Response {
    if request.headers().contains_key(header::UPGRADE) {
        upgrade(State(state), request).await
    } else {
        http::page(State(state.http), request).await
    }
}

/// Upgrades to a WebSocket.
pub async fn upgrade(State(state): State<PortState>, mut request: Request) -> Response {
    let handshake =
        http::check_origin(&state.http, &request).and_then(|()| Handshake::read(&request));
    let handshake = match handshake {
        Ok(handshake) => handshake,
        Err(problem) => return refuse(problem),
    };
    let Some(upgrading) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "this connection cannot be upgraded; WebSockets need HTTP/1.1",
        )
        .into_response();
    };
    let Some(PeerAddress(address)) = request.extensions_mut().remove() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let extensions = request.extensions_mut();
    let client = WebSocketClient {
        detected: handshake.detected_protocol(),
        permit: extensions.remove::<ConnectionPermit>(),
        peer: ConnectingPeer {
            address,
            port: extensions.remove::<PeerPort>().map(|port| port.0),
            implicit: match extensions.remove::<Login>() {
                Some(login) => ImplicitLogin::SignedIn(login),
                None => extensions.remove::<Arc<PeerCertificate>>().into(),
            },
        },
    };
    fairness::spawn(async move {
        match upgrading.await {
            Ok(upgraded) => serve(&state, upgraded, client).await,
            Err(error) => tracing::debug!(%error, "the upgrade failed"),
        }
    });
    handshake.accept()
}

/// The client's description in its request for a WebSocket.
struct WebSocketClient {
    /// The protocol of the subprotocol; `None` if the first bytes decide.
    detected: Option<DetectedProtocol>,
    peer: ConnectingPeer,
    /// Kept until the connection ends.
    permit: Option<ConnectionPermit>,
}

/// Takes the socket back from the HTTP server, and serves it to its end.
async fn serve(state: &PortState, upgraded: Upgraded, client: WebSocketClient) {
    let upgraded = match upgraded.downcast::<TokioIo<DeadlineSocket<StreamSocket>>>() {
        Ok(parts) => return serve_on(state, upgraded_socket(parts), client).await,
        Err(upgraded) => upgraded,
    };
    match upgraded.downcast::<TokioIo<DeadlineSocket<TlsStream>>>() {
        Ok(parts) => serve_on(state, upgraded_socket(parts), client).await,
        // Accepted by another program, which contains this server.
        Err(upgraded) => match CopiedSocket::new(upgraded) {
            Ok(CopiedSocket { socket, copying }) => {
                let socket = UpgradedSocket {
                    socket,
                    early_bytes: Vec::new(),
                };
                serve_on(state, socket, client).await;
                copying.finish().await;
            }
            Err(error) => tracing::warn!(%error, "a WebSocket cannot be served"),
        },
    }
}

/// A socket that was taken out of the HTTP server.
struct UpgradedSocket<S> {
    socket: S,
    /// The bytes already read from the socket.
    early_bytes: Vec<u8>,
}

/// Takes the socket out of the HTTP server's parts. The HTTP server's buffer is freed here; it would otherwise exist as long
/// as the connection.
fn upgraded_socket<S: Socket>(parts: Parts<TokioIo<DeadlineSocket<S>>>) -> UpgradedSocket<S> {
    UpgradedSocket {
        socket: parts.io.into_inner().into_inner(),
        early_bytes: parts.read_buf.to_vec(),
    }
}

async fn serve_on<S: Socket>(
    state: &PortState,
    UpgradedSocket {
        socket,
        mut early_bytes,
    }: UpgradedSocket<S>,
    WebSocketClient {
        detected,
        peer,
        permit,
    }: WebSocketClient,
) {
    let (transport, mut later_bytes) = socket.into_transport();
    early_bytes.append(&mut later_bytes);
    let mut handshake_input = HandshakeInput::new(
        WebSocket::new(),
        early_bytes,
        state.http.server.partial_message(),
    );
    let detected = match detected {
        Some(detected) => Ok(detected),
        None => detect_by_first_byte(&state.http.server, &transport, &mut handshake_input).await,
    };
    let set_protocol = |protocol| {
        permit
            .iter()
            .for_each(|permit| permit.set_protocol(protocol));
    };
    match detected {
        Ok(DetectedProtocol::Mqtt) => {
            set_protocol(PortProtocol::Mqtt);
            let handshake = state.mqtt.connect(transport, handshake_input, peer);
            serve_after(handshake, permit).await;
        }
        Ok(DetectedProtocol::Stomp | DetectedProtocol::Http) => {
            set_protocol(PortProtocol::Stomp);
            let name = S::WEBSOCKET_NAME;
            let handshake = state.stomp.connect(transport, handshake_input, name, peer);
            serve_after(handshake, permit).await;
        }
        Err(close_reason) => send_refusal::<_, WebSocket>(&transport, &[], &close_reason).await,
    }
}

/// Detects the protocol of a client without a subprotocol: input that does not begin like MQTT is handled as STOMP.
async fn detect_by_first_byte(
    server: &Server,
    transport: &impl Transport,
    handshake_input: &mut HandshakeInput<WebSocket>,
) -> Result<DetectedProtocol, CloseReason> {
    let mut stopping = server.stopping.clone();
    let detection = handshake_input.read_until(transport, |input| {
        let first = input.unread.first()?;
        Some(DetectedProtocol::from_first_bytes(&[*first]).unwrap_or(DetectedProtocol::Stomp))
    });
    tokio::select! {
        detection = timeout(FIRST_BYTE_TIME, detection) => detection.unwrap_or(Err(CloseReason::NoHandshake)),
        () = stopped(&mut stopping) => Err(CloseReason::Stopping),
    }
}

/// The client's valid request for an upgrade.
struct Handshake {
    accept: String,
    protocol: Option<&'static str>,
}

impl Handshake {
    /// RFC 6455, 4.2.1.
    fn read(request: &Request) -> Result<Self, Problem> {
        let headers = request.headers();
        if *request.method() != Method::GET || !has_token(headers, header::UPGRADE, "websocket") {
            return Err(Problem::new(
                StatusCode::UPGRADE_REQUIRED,
                "this address is for WebSocket: send GET with the header Upgrade: websocket",
            ));
        }
        if !has_token(headers, header::CONNECTION, "upgrade") {
            return Err(Problem::bad_request(
                "the header Connection does not name Upgrade",
            ));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&HeaderValue::from_static("13")) {
            return Err(Problem::new(
                StatusCode::UPGRADE_REQUIRED,
                "the WebSocket version is not 13",
            ));
        }
        Ok(Self {
            accept: derive_accept_key(key(headers)?.as_bytes()),
            protocol: choose_protocol(headers)?,
        })
    }

    /// Returns the protocol of the subprotocol; `None` if the first bytes decide.
    fn detected_protocol(&self) -> Option<DetectedProtocol> {
        self.protocol.map(|protocol| match protocol {
            "mqtt" | "mqttv3.1" => DetectedProtocol::Mqtt,
            _ => DetectedProtocol::Stomp,
        })
    }

    /// RFC 6455, 4.2.2.
    fn accept(self) -> Response {
        let mut response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::UPGRADE, "websocket")
            .header(header::CONNECTION, "Upgrade")
            .header(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = self.protocol {
            response = response.header(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
            .body(Body::empty())
            .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }
}

/// Returns the key (RFC 6455, 4.2.1): 16 bytes in base64, in one header (11.3.1).
fn key(headers: &HeaderMap) -> Result<&HeaderValue, Problem> {
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let key = keys.next();
    let key = key.ok_or_else(|| Problem::bad_request("there is no Sec-WebSocket-Key"))?;
    if keys.next().is_some() {
        return Err(Problem::bad_request(
            "there is more than one Sec-WebSocket-Key",
        ));
    }
    match BASE64_STANDARD.decode(key) {
        Ok(bytes) if bytes.len() == KEY_BYTES => Ok(key),
        _ => Err(Problem::bad_request(
            "the Sec-WebSocket-Key is not 16 bytes in base64",
        )),
    }
}

/// Returns the first of our subprotocols that the client offers; `None` if it offers none.
fn choose_protocol(headers: &HeaderMap) -> Result<Option<&'static str>, Problem> {
    let offered: Vec<_> = tokens(headers, header::SEC_WEBSOCKET_PROTOCOL).collect();
    if offered.is_empty() {
        return Ok(None);
    }
    SUBPROTOCOLS
        .into_iter()
        .find(|ours| offered.iter().any(|theirs| theirs == ours))
        .map(Some)
        .ok_or_else(|| {
            Problem::bad_request(format!(
                "none of the subprotocols {} is supported; supported are {}",
                offered.join(", "),
                SUBPROTOCOLS.join(", ")
            ))
        })
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, expected: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(expected))
}

fn tokens(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

fn refuse(problem: Problem) -> Response {
    let mut response = problem.into_response();
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
    }
    response
}

/// Length of a decoded Sec-WebSocket-Key.
const KEY_BYTES: usize = 16;
/// Maximum time until the first bytes, if the subprotocol does not determine the protocol.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);
