//! The web pages that may use the server.
//!
//! A browser lets any page of any site open a WebSocket to any address, including the reader's own machine, and sends
//! the page's origin. Other clients send no origin and are not affected.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::{HttpState, extract::Query, host::RequestHost, login, problem::Problem};
use crate::measurements::RefusalReason;

/// The origins allowed in addition to the server's own.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<String>,
    all: bool,
}

impl Origins {
    /// `allowed` lists origins such as `https://example.org`; `*` allows all.
    pub fn new(allowed: &[String]) -> Self {
        Self {
            all: allowed.iter().any(|origin| origin == "*"),
            allowed: allowed.to_vec(),
        }
    }

    /// Returns whether a page from `origin` may use this server, which it addresses as `host`. Hosts that are not
    /// accepted have been refused before (see [`super::host`]).
    fn accepts(&self, origin: &str, host: &RequestHost) -> bool {
        let host = host.authority.as_ref();
        self.allows(origin) || host.is_some_and(|host| is_same_origin(origin, host.as_str()))
    }

    /// Returns whether a page from another origin may read responses.
    fn allows(&self, origin: &str) -> bool {
        self.all || self.allowed.iter().any(|allowed| allowed == origin)
    }
}

/// Refuses a request from a page that may not use this server, and logs the refusal.
///
/// # Errors
///
/// The problem for the response.
pub fn check_origin<B>(state: &HttpState, request: &axum::http::Request<B>) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let origins = &state.access.allowed().origins;
    if origins.accepts(&origin, &RequestHost::of(request)?) {
        return Ok(());
    }
    state
        .server
        .measurements
        .refusals
        .add(RefusalReason::Origin);
    state.access.refusals.log_origin(&origin);
    Err(refused(&origin))
}

/// Checks the origin of every request that could change something.
pub async fn check_unsafe_request(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_safe && let Err(problem) = check_origin(&state, &request) {
        return problem.into_response();
    }
    next.run(request).await
}

/// Lets pages of allowed origins read responses, and answers their preflight requests (the Fetch standard's CORS
/// protocol). Such a page may send any headers, because it chooses the names of `carillon-header-NAME`.
pub fn cors_layer(state: &HttpState) -> CorsLayer {
    let access = Arc::clone(&state.access);
    let allows = move |origin: &HeaderValue, _: &Parts| {
        let origin = origin.to_str();
        origin.is_ok_and(|origin| access.allowed().origins.allows(origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allows))
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
}

/// `GET /api/connect-check?origin=…`: returns whether a page of this origin could open a WebSocket. Browsers do not
/// show a page why its WebSocket was refused, and send no Origin with a GET to the page's own server.
pub async fn connect_check(
    State(state): State<HttpState>,
    Query(query): Query<OriginQuery>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let origins = &state.access.allowed().origins;
    match origins.accepts(&query.origin, &RequestHost::of(&request)?) {
        true if login::must_sign_in(&state, &request) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "you are signed out; reload this page to sign in again",
        )),
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(refused(&query.origin)),
    }
}

/// The query `?origin=…`.
#[derive(Deserialize)]
pub struct OriginQuery {
    origin: String,
}

fn refused(origin: &str) -> Problem {
    let detail = format!(
        "pages from {origin:?} may not use this server; start it with --allow-origin {} to let them",
        origin.escape_debug()
    );
    Problem::new(StatusCode::FORBIDDEN, detail)
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let from = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    from.is_some_and(|from| from.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_accepted_or_refused() {
        let table: &[(&[&str], &str, bool)] = &[
            (&[], "http://localhost:8080", true),
            (&[], "https://localhost:8080", true),
            (&[], "http://localhost:8081", false),
            (&[], "http://localhost:8080.evil.example", false),
            (&[], "null", false),
            (&["https://a.example"], "https://a.example", true),
            (&["https://a.example"], "https://b.example", false),
            (&["*"], "https://b.example", true),
        ];
        let host = RequestHost {
            authority: "localhost:8080".parse().ok(),
        };
        for (allowed, origin, expected) in table {
            let names: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            let is_accepted = Origins::new(&names).accepts(origin, &host);
            assert_eq!(is_accepted, *expected, "{allowed:?} {origin}");
        }
    }

    #[test]
    fn without_a_host_no_origin_is_the_servers_own() {
        let host = RequestHost { authority: None };
        assert!(!Origins::new(&[]).accepts("http://localhost:8080", &host));
    }
}
