//! The port of `--metrics`: only `/metrics`, without TLS and without a login.

mod places;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing,
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use places::Places;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use super::{handler::MAX_HEADER_TIME, host, metrics, problem::Problem, unknown};
use crate::{
    fairness,
    net::{ListeningSocket, StreamSocket},
    server::Server,
    stopping::stopped,
};

/// Answers requests for metrics until the server stops.
pub async fn serve_metrics(listener: ListeningSocket, server: Arc<Server>) {
    let is_loopback = listener
        .address()
        .is_ok_and(|address| address.is_loopback());
    if !is_loopback {
        tracing::warn!("other machines can read the metrics without a login (--metrics)");
    }
    let router = router(&server, is_loopback);
    let mut stopping = server.stopping.clone();
    let mut places = Places::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, address)) => {
                let address = address.address().to_canonical();
                places.make_room(address).await;
                let answering = answer(socket, router.clone());
                let task = fairness::spawn(async move {
                    // The connection is closed in either case.
                    let _ = timeout(MAX_TIME, answering).await;
                });
                places.add(address, task);
            }
            Err(error) => {
                tracing::debug!(%error, "a connection to the port of the metrics was not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn router(server: &Arc<Server>, is_loopback: bool) -> Router {
    let router = Router::new()
        .route(metrics::PATH, routing::get(unchecked))
        .fallback(unknown)
        .with_state(Arc::clone(server));
    match is_loopback {
        true => router.layer(middleware::from_fn(check_host)),
        false => router,
    }
}

async fn unchecked(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let response = metrics::respond(server, &headers).await;
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Refuses requests for names that are not of this machine: a page of a foreign name that resolves to this machine (DNS
/// rebinding) could read the metrics.
async fn check_host(request: Request, next: Next) -> Response {
    match host::RequestHost::of(&request) {
        Ok(host)
            if host
                .authority
                .iter()
                .all(|one| host::is_loopback(one.host())) =>
        {
            next.run(request).await
        }
        Ok(_) => {
            let detail = "the metrics on a loopback address are for this machine only";
            Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// Answers one request. Monitoring systems request so seldom that a connection for each costs nothing.
async fn answer(socket: StreamSocket, router: Router) {
    let service = hyper::service::service_fn(move |request: axum::http::Request<Incoming>| {
        let router = router.clone();
        async move {
            let response: Result<Response, Infallible> = router.oneshot(request).await;
            response
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(MAX_HEADER_TIME)
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the port of the metrics ends");
    }
}

/// Maximum duration of a connection.
const MAX_TIME: Duration = Duration::from_secs(30);
/// Pause after an error of the system, before the next attempt to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
