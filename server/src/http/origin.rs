//! Which web pages may use the doors.
//!
//! A browser lets any page of any site open a WebSocket to any address, the reader's own machine
//! included, and sends along where the page is from. Other clients send no origin and are not affected.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::problem::Problem;
use crate::server::Server;

/// The origins allowed besides the server's own.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<String>,
    all: bool,
    /// Whether the server can only be reached from its own machine.
    is_local: bool,
}

impl Origins {
    /// `allowed`: origins such as `https://example.org`; `*` is all. `listen` is where the server is reached.
    pub fn new(allowed: &[String], listen: IpAddr) -> Self {
        Self {
            is_local: listen.is_loopback(),
            all: allowed.iter().any(|origin| origin == "*"),
            allowed: allowed.to_vec(),
        }
    }

    /// Whether a request with these headers may be served.
    ///
    /// # Errors
    /// The problem to answer with.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().unwrap_or_default();
        if self.allows(origin) {
            return Ok(());
        }
        let host = headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let host = host.unwrap_or_default();
        // A foreign name for this machine (DNS rebinding) would make any page one of the same origin.
        if is_same_origin(origin, host) && (!self.is_local || is_local_name(host)) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!(
                "pages from {origin:?} may not use this server; \
                 start it with --allow-origin {origin} to let them"
            ),
        ))
    }

    /// Whether a page from `origin`, another than the server's own, may read what it gets.
    fn allows(&self, origin: &str) -> bool {
        self.all || self.allowed.iter().any(|allowed| allowed == origin)
    }
}

/// Checks the origin of every request that could change something, answers preflights, and lets pages of
/// allowed origins read the answers (the Fetch standard's CORS protocol).
pub async fn check(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_preflight = *request.method() == Method::OPTIONS;
    if !is_safe && let Err(problem) = server.origins.check(request.headers()) {
        return problem.into_response();
    }
    let mut response = if is_preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin
        && origin
            .to_str()
            .is_ok_and(|text| server.origins.allows(text))
    {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, header::ORIGIN.into());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, DELETE".parse().expect("a header value"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "content-type, last-event-id"
                .parse()
                .expect("a header value"),
        );
    }
    response
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let from = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    from.is_some_and(|from| from.eq_ignore_ascii_case(host))
}

/// Whether a Host header names this machine as itself.
fn is_local_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    let is_loopback = name
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    is_loopback || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(allowed: &[&str], origin: Option<&'static str>) -> bool {
        let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8080".parse().expect("a host"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
        }
        Origins::new(&allowed, IpAddr::from([127, 0, 0, 1]))
            .check(&headers)
            .is_ok()
    }

    #[test]
    fn origins_are_let_in_or_not() {
        let table: &[(&[&str], Option<&'static str>, bool)] = &[
            (&[], None, true),
            (&[], Some("http://localhost:8080"), true),
            (&[], Some("https://localhost:8080"), true),
            (&[], Some("http://localhost:8081"), false),
            (&[], Some("http://localhost:8080.evil.example"), false),
            (&[], Some("null"), false),
            (&["https://a.example"], Some("https://a.example"), true),
            (&["https://a.example"], Some("https://b.example"), false),
            (&["*"], Some("https://b.example"), true),
        ];
        for (allowed, origin, wanted) in table {
            assert_eq!(
                is_allowed(allowed, *origin),
                *wanted,
                "{allowed:?} {origin:?}"
            );
        }
    }

    #[test]
    fn a_foreign_name_for_this_machine_is_not_its_own() {
        let table = [
            ("127.0.0.1", "localhost:8080", true),
            ("127.0.0.1", "127.0.0.1:8080", true),
            ("127.0.0.1", "[::1]:8080", true),
            ("127.0.0.1", "evil.example:8080", false),
            ("0.0.0.0", "board.example:8080", true),
        ];
        for (listen, host, wanted) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a host"));
            let origin = format!("http://{host}");
            headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
            let origins = Origins::new(&[], listen.parse().expect("an address"));
            assert_eq!(origins.check(&headers).is_ok(), wanted, "{listen} {host}");
        }
    }
}
