//! HTTP: the API, the pages and their files.

mod api;
mod api_description;
mod assets;
mod bans;
mod boards;
mod body;
mod bounds;
mod connections;
mod cookies;
mod csv;
mod document;
mod events;
mod export;
mod extract;
mod forwarded;
mod handler;
mod history;
mod host;
mod html;
mod language;
mod links;
mod login;
mod metrics;
mod metrics_port;
mod origin;
mod pages;
mod preload;
mod problem;
mod publish;
mod qr_code;
mod queue_actions;
mod queue_insight;
mod queue_rules;
mod queues;
mod read_deadline;
mod refusals;
mod routes;
mod scheduled;
mod security;
mod server_sent_events;
mod sign_in;
mod theme;
mod trace;
mod trace_context;
mod traced_requests;
mod tree;
mod users;
mod visible_page;
mod web_sessions;

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Extension, Router,
    extract::{FromRef, OriginalUri},
    http::{Method, StatusCode},
    middleware,
    response::IntoResponse,
    routing,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    trace::{DefaultOnFailure, TraceLayer},
};
use tracing::Level;

#[cfg(test)]
pub use api_description::operations as described_operations;
pub use assets::refuse_other_methods;
pub use extract::{PageQuery, Path, Query};
pub use handler::{ForeignRequest, HttpService, MAX_HEADER_TIME};
use host::Hosts;
pub use host::is_loopback;
pub use login::{PeerAddress, PeerPort, Rights};
pub use metrics_port::serve_metrics;
use origin::Origins;
pub use origin::check_origin;
pub use pages::page;
pub use problem::Problem;
pub use read_deadline::{DeadlineSocket, ReadDeadline};
use refusals::RefusalLog;
pub use routes::{ApiRoutes, delete, get};
use routes::{PREFIX, post};
use web_sessions::WebSessions;

use crate::{public_url::PublicUrl, server::Server, spans};

/// The state of the HTTP handlers.
#[derive(Clone)]
pub struct HttpState {
    /// The part that all protocols share.
    pub server: Arc<Server>,
    access: Arc<Access>,
    web_sessions: Arc<WebSessions>,
    board_changes: Arc<boards::Changes>,
}

/// The hosts and origins that may use the server, which can be replaced.
pub struct Access {
    allowed: RwLock<Arc<Allowed>>,
    refusals: RefusalLog,
    /// The address behind a proxy.
    public_url: Option<PublicUrl>,
    /// The path below which another program serves the site: empty, or such as `/carillon`.
    path: String,
}

/// The hosts and origins that may use the server.
struct Allowed {
    origins: Origins,
    hosts: Hosts,
}

/// Routes of other modules.
pub struct OtherRoutes {
    /// Routes below `/api`.
    pub api: ApiRoutes<HttpState>,
    /// All other routes.
    pub root: Router<HttpState>,
}

impl HttpState {
    /// Creates the state.
    pub fn new(server: &Arc<Server>, access: Arc<Access>) -> Self {
        Self {
            server: Arc::clone(server),
            web_sessions: Arc::new(WebSessions::below(access.prefix())),
            board_changes: Arc::default(),
            access,
        }
    }
}

impl FromRef<HttpState> for Arc<Server> {
    fn from_ref(state: &HttpState) -> Self {
        Self::clone(&state.server)
    }
}

impl Access {
    /// `listen` is the address of the HTTP port. The origin of the public address is allowed, and with it its host.
    pub fn new(
        allow_origins: &[String],
        allow_hosts: &[String],
        public_url: Option<PublicUrl>,
        listen: IpAddr,
    ) -> Self {
        let allowed = Allowed::new(allow_origins, allow_hosts, public_url.as_ref(), listen);
        Self {
            allowed: RwLock::new(Arc::new(allowed)),
            refusals: RefusalLog::default(),
            public_url,
            path: String::new(),
        }
    }

    /// Sets the path below which another program serves the site: empty, or such as `/carillon`. That of the public address has
    /// priority.
    pub fn below(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Returns the path of the site: empty, or such as `/carillon`.
    fn prefix(&self) -> &str {
        self.public_url
            .as_ref()
            .map_or(&self.path, PublicUrl::prefix)
    }

    /// Replaces the hosts and origins, for requests from now on.
    pub fn replace(&self, allow_origins: &[String], allow_hosts: &[String], listen: IpAddr) {
        let public_url = self.public_url.as_ref();
        let new = Allowed::new(allow_origins, allow_hosts, public_url, listen);
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }

    fn allowed(&self) -> Arc<Allowed> {
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&allowed)
    }
}

impl Allowed {
    fn new(
        allow_origins: &[String],
        allow_hosts: &[String],
        public_url: Option<&PublicUrl>,
        listen: IpAddr,
    ) -> Self {
        let mut origins = allow_origins.to_vec();
        origins.extend(public_url.map(PublicUrl::origin));
        Self {
            origins: Origins::new(&origins),
            hosts: Hosts::new(allow_hosts, &origins, listen),
        }
    }
}

/// Supported subprotocols of a WebSocket, in the order of preference.
pub const SUBPROTOCOLS: [&str; 5] = ["v12.stomp", "v11.stomp", "v10.stomp", "mqtt", "mqttv3.1"];

/// Answered also at the limit of connections.
const HEALTH: &str = "/healthz";

/// Returns all routes of the HTTP port.
fn router(state: &HttpState, others: OtherRoutes) -> Router {
    let api = Router::new().nest(PREFIX, api(state, others.api));
    let page_api = preload::PageApi(api.clone().with_state(state.clone()));
    let router = api
        .merge(others.root)
        .route(HEALTH, routing::get(|| async { "ok\n" }))
        .route("/readyz", routing::get(api::ready))
        .route(metrics::PATH, routing::get(metrics::metrics))
        .route(
            sign_in::PATH,
            routing::get(sign_in::form).post(sign_in::submit),
        )
        .route(sign_in::SIGN_OUT_PATH, routing::post(sign_in::sign_out))
        .route(language::PATH, routing::post(language::choose))
        .route("/qr.svg", routing::get(qr_code::svg))
        .fallback(assets::file_or_page)
        .layer(Extension(page_api))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            traced_requests::show,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            login::identify,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            origin::check_unsafe_request,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), host::check))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            traced_requests::show_refused,
        ))
        .layer(middleware::from_fn(security::headers))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed in the server",
            )
            .into_response()
        }))
        .layer(TraceLayer::new_for_http().on_failure(DefaultOnFailure::new().level(Level::DEBUG)));
    spans::layered(router).with_state(state.clone())
}

fn api(state: &HttpState, others: ApiRoutes<HttpState>) -> Router<HttpState> {
    api_routes()
        .merge(others)
        .into_router()
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(origin::cors_layer(state))
}

/// Returns the routes of the API without those of other modules.
pub fn api_routes() -> ApiRoutes<HttpState> {
    ApiRoutes::new()
        .route("/", get(api_description::page))
        .route("/openapi.json", get(api_description::document))
        .route("/topics", get(api::topics))
        .route(
            "/topics/{topic}",
            post(api::publish).get(api::topic).delete(api::clear),
        )
        .route("/topics/{filter}/events", get(events::events))
        .route("/topics/{topic}/messages", get(history::messages))
        .route("/topics/{topic}/export", get(export::export))
        .route("/tree", get(tree::tree))
        .route("/boards", get(boards::boards))
        .route(
            "/boards/{name}",
            get(boards::board).put(boards::save).delete(boards::remove),
        )
        .route("/boards/{name}/values", get(boards::values))
        .route("/queues", get(queues::queues))
        .route(
            "/queues/{queue}",
            post(queues::send).get(queues::queue).delete(queues::remove),
        )
        .route("/queues/{queue}/messages", get(queues::messages))
        .route("/queues/{queue}/consumers", get(queue_insight::consumers))
        .route("/queues/{queue}/history", get(queue_insight::history))
        .route("/queues/{queue}/move", post(queue_actions::move_messages))
        .route("/queues/{queue}/copy", post(queue_actions::copy_messages))
        .route("/queues/{queue}/retry", post(queue_actions::retry_messages))
        .route(
            "/queues/{queue}/delete-messages",
            post(queue_actions::delete_messages),
        )
        .route("/queues/{queue}/pause", post(queue_actions::pause))
        .route("/queues/{queue}/resume", post(queue_actions::resume))
        .route("/bounds", get(bounds::bounds))
        .route("/figures", get(api::figures))
        .route("/connections", get(connections::connections))
        .route(
            "/connections/{id}",
            get(connections::connection).delete(connections::end),
        )
        .route("/trace", get(trace::trace))
        .route("/users", get(users::users))
        .route("/bans", get(bans::bans).post(bans::add))
        .route("/bans/{id}", delete(bans::remove))
        .route("/scheduled", get(scheduled::scheduled))
        .route("/scheduled/{id}", delete(scheduled::cancel))
        .route("/connect-check", get(origin::connect_check))
}

async fn unknown(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("there is no resource at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

async fn method_not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Problem {
    let detail = format!("{} does not allow {method}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
