//! The Host header: the names that this server accepts.
//!
//! The owner of any name can make it resolve to this machine (DNS rebinding). For the browser every page of that name
//! then has the server's own origin and may read all responses. Only the name in the Host header reveals such a page,
//! so it is checked on every request.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{HttpState, problem::Problem};
use crate::measurements::RefusalReason;

/// The accepted host names.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// In lower case, without a port.
    allowed: Vec<String>,
    unlisted: UnlistedHosts,
}

/// The rule for a name that no option allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnlistedHosts {
    /// Only loopback names are accepted: the server can be reached only from its own machine.
    Loopback,
    /// Only addresses and loopback names are accepted: the operator has listed the names.
    Addresses,
    /// All are accepted: the server can be reached from other machines, and its names are unknown.
    All,
}

impl Hosts {
    /// `names` are the host names of `--allow-host`, `origins` those of `--allow-origin`: pages of an allowed origin
    /// may read everything anyway, so the origin's host name is accepted, too. `listen` is the address of the HTTP
    /// port.
    pub fn new(names: &[String], origins: &[String], listen: IpAddr) -> Self {
        let hosts = origins.iter().filter_map(|origin| {
            let uri: Uri = origin.parse().ok()?;
            Some(uri.host()?.to_owned())
        });
        let allows_all = names.iter().chain(origins).any(|name| name == "*");
        let unlisted = match (listen.is_loopback(), names.is_empty()) {
            _ if allows_all => UnlistedHosts::All,
            (true, _) => UnlistedHosts::Loopback,
            (false, true) => UnlistedHosts::All,
            (false, false) => UnlistedHosts::Addresses,
        };
        Self {
            allowed: names.iter().cloned().chain(hosts).collect(),
            unlisted,
        }
    }

    /// Returns whether requests for this host are accepted. HTTP/1.0 allows a request without one; browsers always send
    /// one.
    fn accepts(&self, host: Option<&Authority>) -> bool {
        let Some(host) = host else {
            return true;
        };
        let name = host.host().trim_end_matches('.').to_ascii_lowercase();
        match self.unlisted {
            UnlistedHosts::All => true,
            _ if is_loopback(&name) || self.allowed.contains(&name) => true,
            UnlistedHosts::Addresses => address(&name).is_some(),
            UnlistedHosts::Loopback => false,
        }
    }
}

/// Returns whether a host name without a port is of this machine only.
pub fn is_loopback(name: &str) -> bool {
    match address(name) {
        Some(address) => address.to_canonical().is_loopback(),
        None => name == "localhost" || name.ends_with(".localhost"),
    }
}

fn address(name: &str) -> Option<IpAddr> {
    name.trim_matches(['[', ']']).parse().ok()
}

/// Refuses requests for a host that is not accepted, and requests whose Host header violates RFC 9112.
pub async fn check(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let host = match RequestHost::of(&request) {
        Ok(host) => host,
        Err(problem) => return problem.into_response(),
    };
    let hosts = &state.access.allowed().hosts;
    if is_exempt(&request) || hosts.accepts(host.authority.as_ref()) {
        return next.run(request).await;
    }
    let name = host.authority.as_ref().map_or("", Authority::host);
    state.server.measurements.refusals.add(RefusalReason::Host);
    state.access.refusals.log_host(name);
    let detail = format!(
        "this server does not accept the host name {name:?}; start it with --allow-host {name} to accept it"
    );
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response()
}

/// Returns whether the response contains nothing for a foreign page: monitoring requests health checks with any name,
/// and CONNECT names another host by definition and is refused with 405.
fn is_exempt(request: &Request) -> bool {
    *request.method() == Method::CONNECT || matches!(request.uri().path(), "/healthz" | "/readyz")
}

/// The host of a request.
pub struct RequestHost {
    /// The host and the port; `None` if the request names none, which HTTP/1.0 allows.
    pub authority: Option<Authority>,
}

impl RequestHost {
    /// Returns the host of a request (RFC 9112, 3.2): a request of HTTP/1.1 has one Host header; if the target is a
    /// whole URI, its host has priority (3.2.2).
    ///
    /// # Errors
    ///
    /// The problem for the response.
    pub fn of<B>(request: &axum::http::Request<B>) -> Result<Self, Problem> {
        let in_header = host_header(request.headers(), request.version())?;
        let in_target = request.uri().authority().cloned();
        let authority = in_target.or(in_header);
        Ok(Self { authority })
    }
}

fn host_header(headers: &HeaderMap, version: Version) -> Result<Option<Authority>, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, others) = (hosts.next(), hosts.count());
    let Some(host) = host else {
        return match version < Version::HTTP_11 {
            true => Ok(None),
            false => Err(Problem::bad_request("there is no Host header")),
        };
    };
    if others > 0 {
        return Err(Problem::bad_request("there is more than one Host header"));
    }
    let authority = host.to_str().ok().and_then(|text| text.parse().ok());
    authority
        .filter(|authority: &Authority| !authority.as_str().contains('@'))
        .map(Some)
        .ok_or_else(|| Problem::bad_request("the Host header is not HOST or HOST:PORT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn hosts_are_served_or_not() {
        const LOCAL: &str = "127.0.0.1";
        const ALL: &str = "0.0.0.0";
        let table: &[(&str, &[&str], &[&str], &str, bool)] = &[
            (LOCAL, &[], &[], "localhost:8080", true),
            (LOCAL, &[], &[], "LOCALHOST", true),
            (LOCAL, &[], &[], "localhost.:8080", true),
            (LOCAL, &[], &[], "a.localhost", true),
            (LOCAL, &[], &[], "127.0.0.1:8080", true),
            (LOCAL, &[], &[], "127.1.2.3", true),
            (LOCAL, &[], &[], "[::1]:8080", true),
            (LOCAL, &[], &[], "[::ffff:127.0.0.1]:8080", true),
            ("::1", &[], &[], "localhost", true),
            (LOCAL, &[], &[], "evil.example:8080", false),
            (LOCAL, &[], &[], "localhost.evil.example", false),
            (LOCAL, &[], &[], "evil-localhost", false),
            (LOCAL, &[], &[], "192.168.1.1:8080", false),
            (LOCAL, &[], &[], "[::2]", false),
            ("::1", &[], &[], "evil.example", false),
            (LOCAL, &["board.example"], &[], "Board.Example:80", true),
            (LOCAL, &["board.example"], &[], "a.board.example", false),
            (LOCAL, &["board.example"], &[], "localhost", true),
            (
                LOCAL,
                &[],
                &["https://board.example"],
                "board.example",
                true,
            ),
            (
                LOCAL,
                &[],
                &["https://board.example"],
                "evil.example",
                false,
            ),
            (LOCAL, &["*"], &[], "evil.example", true),
            (LOCAL, &[], &["*"], "evil.example", true),
            (ALL, &[], &[], "board.example", true),
            (ALL, &[], &["https://a.example"], "board.example", true),
            (ALL, &["board.example"], &[], "board.example:8080", true),
            (ALL, &["board.example"], &[], "192.168.1.1:8080", true),
            (ALL, &["board.example"], &[], "evil.example", false),
        ];
        for (listen, names, origins, host, expected) in table {
            let listen = listen.parse().expect("an address");
            let hosts = Hosts::new(&strings(names), &strings(origins), listen);
            let host = host.parse().expect("a host");
            let context = format!("{listen} {names:?} {origins:?} {host}");
            assert_eq!(hosts.accepts(Some(&host)), *expected, "{context}");
        }
        let hosts = Hosts::new(&[], &[], IpAddr::from([127, 0, 0, 1]));
        assert!(hosts.accepts(None));
    }

    #[test]
    fn a_request_names_one_host() {
        let table: &[(Version, &str, &[&str], Result<Option<&str>, ()>)] = &[
            (Version::HTTP_11, "/", &["a:80"], Ok(Some("a:80"))),
            (Version::HTTP_11, "http://b/", &["a"], Ok(Some("b"))),
            (Version::HTTP_11, "http://b/", &[], Err(())),
            (Version::HTTP_11, "/", &[], Err(())),
            (Version::HTTP_11, "/", &["a", "a"], Err(())),
            (Version::HTTP_11, "/", &["a b"], Err(())),
            (Version::HTTP_11, "/", &["user@a"], Err(())),
            (Version::HTTP_11, "/", &["a/b"], Err(())),
            (Version::HTTP_10, "/", &[], Ok(None)),
            (Version::HTTP_10, "/", &["a"], Ok(Some("a"))),
            (Version::HTTP_10, "/", &["a", "b"], Err(())),
        ];
        for (version, target, hosts, expected) in table {
            let mut request = axum::http::Request::builder()
                .version(*version)
                .uri(*target);
            for host in *hosts {
                request = request.header(header::HOST, *host);
            }
            let requested = RequestHost::of(&request.body(()).expect("a request"));
            let found = requested.map(|host| host.authority.map(|name| name.to_string()));
            let found = found.map_err(|_| ());
            assert_eq!(
                found,
                expected.map(|name| name.map(ToOwned::to_owned)),
                "{target} {hosts:?}"
            );
        }
    }
}
