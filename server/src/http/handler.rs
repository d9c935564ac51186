//! The HTTP port: HTTP/1.1 on each connection, or STOMP or MQTT on connections that begin with it.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::timeout;
use tower::ServiceExt as _;

use super::{
    HEALTH,
    problem::Problem,
    read_deadline::{Patience, Patient},
    router,
};
use crate::{
    fairness,
    handler::{Caller, ConnectionHandler},
    mqtt::MqttHandler,
    protocol_detection::Spoken,
    server::Server,
    socket::Socket,
    stomp::StompHandler,
    stopping::stopped,
};

#[derive(Clone)]
pub struct HttpHandler {
    server: Arc<Server>,
    router: Router,
}

impl HttpHandler {
    pub fn new(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
            router: router(server),
        }
    }

    async fn serve_http<S: Socket>(self, caller: Caller<S>) {
        let Caller {
            socket,
            peer,
            permit,
        } = caller;
        let mut stopping = self.server.stopping.clone();
        let router = self.router;
        let patience = Patience::default();
        let socket = Patient::new(socket, patience.clone());
        let client = self.server.broker.pools().client(peer.ip());
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            patience.be_limited();
            request.extensions_mut().insert(patience.clone());
            request.extensions_mut().insert(permit.clone());
            request.extensions_mut().insert(Arc::clone(&client));
            let router = router.clone();
            async move {
                fairness::give_way().await;
                router.oneshot(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_buf_size(BUFFER_BYTES)
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

impl ConnectionHandler for HttpHandler {
    async fn serve<S: Socket>(self, mut caller: Caller<S>) {
        let mut stopping = self.server.stopping.clone();
        let spoken = tokio::select! {
            spoken = timeout(HEADER_TIME, caller.socket.spoken()) => spoken,
            () = stopped(&mut stopping) => return,
        };
        match spoken {
            Ok(Ok(Spoken::Http)) => self.serve_http(caller).await,
            Ok(Ok(Spoken::Stomp)) => {
                // A separate task: a task that could also serve HTTP is several times larger.
                fairness::spawn(StompHandler::new(&self.server).serve(caller));
            }
            Ok(Ok(Spoken::Mqtt)) => {
                fairness::spawn(MqttHandler::new(&self.server).serve(caller));
            }
            Ok(Err(error)) => tracing::debug!(peer = %caller.peer, %error, "connection ends"),
            Err(_) => tracing::debug!(peer = %caller.peer, "the peer sent nothing in time"),
        }
    }

    /// Answers a health check, because a server at its limit is healthy. Everything else gets 503.
    async fn refuse<S: Socket>(self, mut socket: S) {
        match socket.spoken().await {
            Ok(Spoken::Http) => {}
            Ok(Spoken::Stomp) => return StompHandler::new(&self.server).refuse(socket).await,
            Ok(Spoken::Mqtt) => return MqttHandler::new(&self.server).refuse(socket).await,
            Err(_) => return,
        }
        let router = self.router;
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let is_health = request.uri().path() == HEALTH;
            let router = router.clone();
            async move {
                match is_health {
                    true => router.oneshot(request).await,
                    false => Ok(no_place()),
                }
            }
        });
        let connection = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(TokioIo::new(socket), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a refused HTTP connection ends");
        }
    }

    fn without_tls() -> Vec<u8> {
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
          content-length: 42\r\nconnection: close\r\n\r\nThis port accepts only TLS: use https://.\n"
            .to_vec()
    }
}

fn no_place() -> Response {
    let detail = "the limit of connections is reached";
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Maximum time for a request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Maximum size of a request's head, of one read of a body, and of the encoded and unsent part of a response.
const BUFFER_BYTES: usize = 64 << 10;
