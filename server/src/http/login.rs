//! The sender of a request: HTTP Basic (RFC 7617), a bearer token (RFC 6750), the cookie of a browser that has signed in, or the
//! client certificate of the connection, in this order.

use std::{net::IpAddr, num::NonZeroU16, sync::Arc};

use axum::{
    extract::{Extension, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use broker::{Client, ClientAddress, DestinationKind, TopicFilter, TopicName};

use access::Right;

use super::{HttpState, assets, language, problem::Problem, sign_in};
use crate::{
    access_control::{
        AccessControl, Credentials, Forbidden, ImplicitLogin, Login, LoginAttempt, LoginError,
        PeerCertificate, Principal,
    },
    connection_control::Visitor,
};

/// The port of the peer of a connection; absent if a trusted proxy names its client.
#[derive(Debug, Clone, Copy)]
pub struct PeerPort(pub NonZeroU16);

/// The network address of the peer of a connection.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub ClientAddress);

/// The rights of a request's sender.
#[derive(Clone, FromRequestParts)]
pub struct Rights {
    #[from_request(via(Extension))]
    principal: Arc<Principal>,
    #[from_request(via(Extension))]
    access: Arc<AccessControl>,
}

impl Rights {
    /// Returns the sender.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Checks a right on a topic or queue.
    ///
    /// # Errors
    /// The problem for the response, which names the missing right.
    pub fn check(
        &self,
        right: Right,
        kind: DestinationKind,
        name: &TopicName,
    ) -> Result<(), Problem> {
        self.problem_of(self.principal.check(right, kind, name))
    }

    /// Checks that a filter may cover a destination on which the sender has the right.
    ///
    /// # Errors
    /// The problem for the response.
    pub fn check_filter(
        &self,
        right: Right,
        kind: DestinationKind,
        filter: &TopicFilter,
    ) -> Result<(), Problem> {
        self.problem_of(self.principal.check_filter(right, kind, filter))
    }

    /// Checks the right to see and end what belongs to others.
    ///
    /// # Errors
    /// The problem for the response.
    pub fn check_server(&self) -> Result<(), Problem> {
        self.problem_of(self.principal.check_server())
    }

    /// Checks the right to see a topic or queue with its figures: to read or to manage it.
    ///
    /// # Errors
    /// The problem for the response.
    pub fn check_visible(&self, kind: DestinationKind, name: &TopicName) -> Result<(), Problem> {
        match self.sees(kind, name) {
            true => Ok(()),
            false => self.check(Right::to_receive(kind), kind, name),
        }
    }

    /// Records that the sender has changed or ended something.
    pub fn note_managed(&self, action: &str, on: &str) {
        self.access.note_managed(&self.principal, action, on);
    }

    /// Returns whether the sender may see a topic or queue with its figures.
    pub fn sees(&self, kind: DestinationKind, name: &TopicName) -> bool {
        self.principal.sees(kind, name)
    }

    fn problem_of(&self, checked: Result<(), Forbidden>) -> Result<(), Problem> {
        checked.map_err(|forbidden| {
            self.access.note_forbidden(&self.principal, &forbidden);
            Problem::new(StatusCode::FORBIDDEN, forbidden.to_string())
        })
    }
}

/// Determines the sender of a request. Refuses the request if its sender must log in first: a page redirects to the sign-in form.
/// Also refuses it if the sender is banned.
pub async fn identify(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let access = &state.server.access;
    let (mut parts, body) = request.into_parts();
    let address = address_of(&parts);
    if let Err(problem) = check_ban(&state, &Visitor::at(address)) {
        return problem.into_response();
    }
    let login = if access.is_open() || is_public(&state, &parts) {
        None
    } else {
        match log_in(&state, &parts).await {
            Ok(login) => Some(login),
            Err(error) => return refuse(&parts, error),
        }
    };
    let principal = match &login {
        Some(login) => access.principal(login.clone(), None),
        None if access.is_open() => Arc::clone(access.open_principal()),
        None => access.without_rights(),
    };
    let sender = Visitor {
        user: principal.user(),
        ..Visitor::at(address)
    };
    if let Err(problem) = check_ban(&state, &sender) {
        return problem.into_response();
    }
    if let Some(account) = principal.account() {
        let client: Arc<Client> = account.client(state.server.broker.pools());
        parts.extensions.insert(client);
    }
    parts.extensions.insert(Arc::clone(access));
    parts.extensions.insert(principal);
    if let Some(login) = login {
        parts.extensions.insert(login);
    }
    next.run(Request::from_parts(parts, body)).await
}

fn check_ban(state: &HttpState, visitor: &Visitor<'_>) -> Result<(), Problem> {
    let checked = state.server.connections.check(visitor);
    checked.map_err(|banned| Problem::new(StatusCode::FORBIDDEN, banned.to_string()))
}

fn address_of(request: &Parts) -> ClientAddress {
    let address = request.extensions.get::<PeerAddress>();
    address.map_or(IpAddr::from([0, 0, 0, 0]).into(), |address| address.0)
}

/// Returns whether everyone may send a request: for the sign-in form, the choice of the language, the files of the pages and health checks. A WebSocket
/// may log in with its first message.
fn is_public(state: &HttpState, request: &Parts) -> bool {
    let path = request.uri.path();
    let is_anonymous_socket = request.headers.contains_key(header::UPGRADE)
        && !request.headers.contains_key(header::AUTHORIZATION)
        && state.web_sessions.id_in(&request.headers).is_none();
    // A browser asks without credentials whether a page of another origin may send a request.
    let is_preflight = request.method == Method::OPTIONS;
    is_anonymous_socket
        || is_preflight
        || matches!(
            path,
            "/healthz" | "/readyz" | sign_in::PATH | language::PATH | "/api/connect-check"
        )
        || assets::is_file(path)
}

/// Returns whether a browser must sign in before its pages can connect.
pub fn must_sign_in(state: &HttpState, request: &Request) -> bool {
    let implicit = implicit_login(state, request.headers(), request.extensions());
    !state.server.access.accepts(&implicit)
}

/// Returns the login of a request without credentials.
fn implicit_login(
    state: &HttpState,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> ImplicitLogin {
    match signed_in(state, headers) {
        Some(login) => ImplicitLogin::SignedIn(login),
        None => extensions.get::<Arc<PeerCertificate>>().cloned().into(),
    }
}

/// Returns the login of a browser that has signed in, if it is still valid.
fn signed_in(state: &HttpState, headers: &HeaderMap) -> Option<Login> {
    let session = state.web_sessions.id_in(headers)?;
    let login = state.web_sessions.find(session)?;
    state.server.access.is_valid(&login).then_some(login)
}

async fn log_in(state: &HttpState, request: &Parts) -> Result<Login, LoginError> {
    let headers = &request.headers;
    let access = &state.server.access;
    let address = address_of(request);
    let attempt = |credentials| LoginAttempt {
        credentials,
        address,
        protocol: "http",
        client: None,
    };
    if let Some(authorization) = headers.get(header::AUTHORIZATION) {
        let given = Authorization::read(authorization).ok_or(LoginError::Wrong)?;
        return access.log_in(attempt(given.credentials())).await;
    }
    let implicit = implicit_login(state, headers, &request.extensions);
    match implicit.signed_in() {
        Some(login) => Ok(login.clone()),
        None => access.log_in(attempt(implicit.credentials())).await,
    }
}

/// Returns the user that a request claims to be with HTTP Basic.
pub fn claimed_user(headers: &HeaderMap) -> Option<String> {
    match Authorization::read(headers.get(header::AUTHORIZATION)?)? {
        Authorization::Basic { user, .. } => Some(user),
        Authorization::Bearer(_) => None,
    }
}

/// The header Authorization.
enum Authorization {
    Basic { user: String, password: String },
    Bearer(String),
}

impl Authorization {
    fn read(value: &HeaderValue) -> Option<Self> {
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self::Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    fn credentials(&self) -> Credentials<'_> {
        match self {
            Self::Basic { user, password } => Credentials::Password {
                user,
                password: password.as_bytes(),
            },
            Self::Bearer(token) => Credentials::Token(token),
        }
    }
}

/// Answers a request whose sender must log in.
fn refuse(request: &Parts, error: LoginError) -> Response {
    let is_api = request.uri.path().starts_with("/api/");
    if !is_api && error == LoginError::Required && accepts_html(&request.headers) {
        return sign_in::redirect(&request.uri);
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, error.to_string());
    let mut response = problem.into_response();
    // RFC 9110, 11.6.1.
    for challenge in ["Basic realm=\"Carillon\", charset=\"UTF-8\"", "Bearer"] {
        let challenge = HeaderValue::from_static(challenge);
        response
            .headers_mut()
            .append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
