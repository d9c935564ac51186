//! The HTTP port: HTTP, and STOMP or MQTT, in a WebSocket or on connections that begin with it.

mod copied;
mod sessions;
mod websocket;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    routing::{any, get},
};
use tokio::time::timeout;

use crate::{
    fairness,
    handler::{AcceptedConnection, ConnectionHandler},
    http::{self, Access, ApiRoutes, HttpService, HttpState, MAX_HEADER_TIME, OtherRoutes},
    mqtt::MqttHandler,
    protocol_detection::DetectedProtocol,
    server::Server,
    socket::Socket,
    stomp::StompHandler,
    stopping::stopped,
};

/// Serves each connection in the protocol of its first bytes.
#[derive(Clone)]
pub struct HttpHandler {
    server: Arc<Server>,
    http: HttpService,
    stomp: StompHandler,
    mqtt: MqttHandler,
}

impl HttpHandler {
    /// Creates the handler of the port, with the handlers that connections are passed to.
    pub fn new(
        server: &Arc<Server>,
        access: Arc<Access>,
        stomp: &StompHandler,
        mqtt: &MqttHandler,
    ) -> Self {
        let http = HttpState::new(server, access);
        let state = PortState {
            http: http.clone(),
            stomp: stomp.clone(),
            mqtt: mqtt.clone(),
        };
        Self {
            server: Arc::clone(server),
            http: HttpService::new(&http, state.routes()),
            stomp: stomp.clone(),
            mqtt: mqtt.clone(),
        }
    }

    /// Returns the service of HTTP, for requests that another program has received.
    pub fn service(&self) -> &HttpService {
        &self.http
    }
}

/// The state of the routes that lead to other protocols.
#[derive(Clone)]
struct PortState {
    http: HttpState,
    stomp: StompHandler,
    mqtt: MqttHandler,
}

impl PortState {
    fn routes(self) -> OtherRoutes {
        let root = Router::new()
            .route("/ws", any(websocket::upgrade))
            .route("/stomp", any(websocket::upgrade))
            .route("/mqtt", any(websocket::upgrade))
            .route(
                "/",
                get(websocket::upgrade_or_page).fallback(http::refuse_other_methods),
            );
        OtherRoutes {
            api: api_routes().with_state(self.clone()),
            root: root.with_state(self),
        }
    }
}

/// Returns the routes of the API that need other protocols.
fn api_routes() -> ApiRoutes<PortState> {
    ApiRoutes::new()
        .route("/sessions", http::get(sessions::sessions))
        .route("/sessions/{client}", http::delete(sessions::end))
}

impl FromRef<PortState> for MqttHandler {
    fn from_ref(state: &PortState) -> Self {
        state.mqtt.clone()
    }
}

impl FromRef<PortState> for Arc<Server> {
    fn from_ref(state: &PortState) -> Self {
        Self::clone(&state.http.server)
    }
}

impl ConnectionHandler for HttpHandler {
    async fn serve<S: Socket>(self, mut accepted: AcceptedConnection<S>) {
        let mut stopping = self.server.stopping.clone();
        let detected = tokio::select! {
            detected = timeout(MAX_HEADER_TIME, accepted.socket.detect_protocol()) => detected,
            () = stopped(&mut stopping) => return,
        };
        match detected {
            Ok(Ok(DetectedProtocol::Http)) => self.http.serve(accepted).await,
            Ok(Ok(DetectedProtocol::Stomp)) => {
                // A separate task: a task that could also serve HTTP is several times larger.
                fairness::spawn(self.stomp.serve(accepted));
            }
            Ok(Ok(DetectedProtocol::Mqtt)) => {
                fairness::spawn(self.mqtt.serve(accepted));
            }
            Ok(Err(error)) => tracing::debug!(peer = %accepted.peer, %error, "connection ends"),
            Err(_) => tracing::debug!(peer = %accepted.peer, "the peer sent nothing in time"),
        }
    }

    async fn refuse<S: Socket>(self, mut socket: S) {
        match socket.detect_protocol().await {
            Ok(DetectedProtocol::Http) => self.http.refuse(socket).await,
            Ok(DetectedProtocol::Stomp) => self.stomp.refuse(socket).await,
            Ok(DetectedProtocol::Mqtt) => self.mqtt.refuse(socket).await,
            Err(_) => {}
        }
    }

    fn tls_required_answer() -> Vec<u8> {
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
          content-length: 42\r\nconnection: close\r\n\r\nThis port accepts only TLS: use https://.\n"
            .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_has_exactly_the_routes_of_the_api() {
        let mut routed = http::api_routes().into_operations();
        routed.extend(api_routes().into_operations());
        let mut described = http::described_operations();
        routed.sort_unstable();
        described.sort_unstable();
        assert_eq!(routed, described);
    }
}
