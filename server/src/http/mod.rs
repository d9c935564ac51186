//! The HTTP port: the API, the WebSocket upgrade, the pages and their files.

mod api;
mod assets;
mod body;
mod document;
mod events;
mod extract;
mod handler;
mod host;
mod origin;
mod pages;
mod problem;
mod publish;
mod queues;
mod read_deadline;
mod refusals;
mod security;
mod sessions;
mod websocket;

use std::sync::Arc;

use axum::{
    Router,
    extract::OriginalUri,
    http::{Method, StatusCode},
    middleware,
    response::IntoResponse,
    routing::{any, delete, get, post},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    trace::{DefaultOnFailure, TraceLayer},
};
use tracing::Level;

pub use handler::HttpHandler;
pub use host::Hosts;
pub use origin::Origins;
use problem::Problem;
pub use refusals::Refusals;

use crate::server::Server;

/// Answered also at the limit of connections.
const HEALTH: &str = "/healthz";

/// Returns the routes of the HTTP port.
fn router(server: &Arc<Server>) -> Router {
    Router::new()
        .nest("/api", api(server))
        .route(HEALTH, get(|| async { "ok\n" }))
        .route("/readyz", get(api::ready))
        .route("/ws", any(websocket::upgrade))
        .route("/stomp", any(websocket::upgrade))
        .route("/mqtt", any(websocket::upgrade))
        .route(
            "/",
            get(websocket::upgrade_or_page).fallback(assets::only_to_be_read),
        )
        .fallback(assets::file_or_page)
        .layer(middleware::from_fn_with_state(
            Arc::clone(server),
            host::check,
        ))
        .layer(middleware::from_fn(security::headers))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed in the server",
            )
            .into_response()
        }))
        .layer(TraceLayer::new_for_http().on_failure(DefaultOnFailure::new().level(Level::DEBUG)))
        .with_state(Arc::clone(server))
}

fn api(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .route("/topics", get(api::topics))
        .route(
            "/topics/{topic}",
            post(api::publish).get(api::topic).delete(api::clear),
        )
        .route("/topics/{filter}/events", get(events::events))
        .route("/queues", get(queues::queues))
        .route(
            "/queues/{queue}",
            post(queues::send).get(queues::queue).delete(queues::remove),
        )
        .route("/queues/{queue}/messages", get(queues::messages))
        .route("/sessions", get(sessions::sessions))
        .route("/sessions/{client}", delete(sessions::end))
        .route("/bounds", get(sessions::bounds))
        .route("/figures", get(api::figures))
        .route("/connections", get(api::connections))
        .route("/connect-check", get(origin::connect_check))
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(origin::sharing(server))
        .layer(middleware::from_fn_with_state(
            Arc::clone(server),
            origin::check,
        ))
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("there is no resource at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn method_not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Problem {
    let detail = format!("{} does not allow {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
