//! HTTP/1.1 on a connection.

use std::{convert::Infallible, net::IpAddr, num::NonZeroU16, pin::pin, sync::Arc, time::Duration};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::OriginalUri,
    http::{Extensions, HeaderValue, Request, StatusCode, Uri, header},
    response::{IntoResponse as _, Redirect, Response},
};
use broker::{Client, ClientAddress};
use hyper::{body::Incoming, server::conn::http1, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::{
    HEALTH, HttpState, OtherRoutes, forwarded,
    links::{self, Stripped},
    login::{PeerAddress, PeerPort},
    problem::Problem,
    read_deadline::{DeadlineSocket, ReadDeadline},
    router,
};
use crate::{
    access_control::PeerCertificate,
    fairness,
    handler::{AcceptedConnection, ConnectionPermit},
    measurements::PortProtocol,
    net::SocketPeer,
    server::Server,
    socket::Socket,
    stopping::stopped,
};

/// The scheme with which the browser has sent a request: `http` or `https`.
#[derive(Debug, Clone, Copy)]
pub struct RequestScheme(pub &'static str);

/// A request that another program has received, on a connection of its own.
pub struct ForeignRequest {
    /// The request.
    pub request: Request<Body>,
    /// The address of the client.
    pub peer: IpAddr,
    /// Kept by a WebSocket until it ends.
    pub permit: Option<ConnectionPermit>,
}

/// Serves HTTP.
#[derive(Clone)]
pub struct HttpService {
    server: Arc<Server>,
    router: Router,
    /// The prefix of the public address, such as `/carillon`, or nothing.
    prefix: Arc<str>,
}

impl HttpService {
    /// Creates the service with its own routes and those of other modules.
    pub fn new(state: &HttpState, others: OtherRoutes) -> Self {
        Self {
            server: Arc::clone(&state.server),
            router: router(state, others),
            prefix: state.access.prefix().into(),
        }
    }

    /// Serves a connection to its end.
    pub async fn serve<S: Socket>(self, accepted: AcceptedConnection<S>) {
        let AcceptedConnection {
            socket,
            peer,
            certificate,
            permit,
        } = accepted;
        permit.set_protocol(PortProtocol::Http);
        let mut stopping = self.server.stopping.clone();
        let read_deadline = ReadDeadline::default();
        let socket = DeadlineSocket::new(socket, read_deadline.clone());
        let sender = Sender::new(&self.server, peer, certificate, S::SCHEME);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            read_deadline.enable();
            request.extensions_mut().insert(read_deadline.clone());
            request.extensions_mut().insert(permit.clone());
            sender.describe(&mut request);
            let service = self.clone();
            async move {
                fairness::yield_if_due().await;
                service.answer(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(MAX_HEADER_TIME)
            .max_buf_size(MAX_BUFFER_BYTES)
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

    /// Answers a request, which may begin with the prefix of the public address.
    async fn answer<B>(self, mut request: Request<B>) -> Result<Response, Infallible>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let target = std::mem::take(request.uri_mut());
        *request.uri_mut() = match links::strip(target, &self.prefix) {
            Stripped::Target(target) => target,
            Stripped::NoSlash if request.headers().contains_key(header::UPGRADE) => Uri::default(),
            Stripped::NoSlash => {
                let target = format!("{}/", self.prefix);
                return Ok(Redirect::permanent(&target).into_response());
            }
        };
        self.router.oneshot(request).await
    }

    /// Starts a task of the current runtime that answers a request that another program has received.
    pub fn spawn_answer(&self, foreign: ForeignRequest) -> JoinHandle<Response> {
        fairness::spawn(self.clone().answer_foreign(foreign))
    }

    async fn answer_foreign(self, foreign: ForeignRequest) -> Response {
        let ForeignRequest {
            mut request,
            peer,
            permit,
        } = foreign;
        // Only these: the parameters of the other program's routes would count as parameters of the routes here.
        let mut theirs = std::mem::take(request.extensions_mut());
        let own = request.extensions_mut();
        keep::<OnUpgrade>(&mut theirs, own);
        keep::<OriginalUri>(&mut theirs, own);
        if let Some(permit) = permit {
            own.insert(permit);
        }
        own.insert(ReadDeadline::default());
        let scheme = match request.uri().scheme_str() {
            Some("https") => "https",
            _ => "http",
        };
        // In HTTP/2 the target names the host instead of a header (RFC 9113, 8.3.1).
        if !request.headers().contains_key(header::HOST)
            && let Some(authority) = request.uri().authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            request.headers_mut().insert(header::HOST, host);
        }
        Sender::new(
            &self.server,
            SocketPeer::Inet((peer, 0).into()),
            None,
            scheme,
        )
        .describe(&mut request);
        match self.answer(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// Answers a health check, because a server at its limit is healthy. Everything else gets 503.
    pub async fn refuse<S: Socket>(self, socket: S) {
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let path = request.uri().path();
            let is_health = path.strip_prefix(&*self.prefix).unwrap_or(path) == HEALTH;
            let service = self.clone();
            async move {
                match is_health {
                    true => service.answer(request).await,
                    false => Ok(connection_limit_response()),
                }
            }
        });
        let connection = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(socket), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a refused HTTP connection ends");
        }
    }
}

/// The sender of the requests of a connection: its peer, or the client that a trusted proxy names.
struct Sender {
    server: Arc<Server>,
    address: ClientAddress,
    port: Option<NonZeroU16>,
    client: Arc<Client>,
    certificate: Option<Arc<PeerCertificate>>,
    scheme: &'static str,
    is_proxy: bool,
}

impl Sender {
    fn new(
        server: &Arc<Server>,
        peer: SocketPeer,
        certificate: Option<Arc<PeerCertificate>>,
        scheme: &'static str,
    ) -> Self {
        let address = peer.address();
        Self {
            server: Arc::clone(server),
            address,
            port: peer.port(),
            client: server.client_at(address),
            certificate,
            scheme,
            is_proxy: server.options.trusted_proxies.trusts(address),
        }
    }

    /// Adds to a request what is known of its sender. A proxy uses one connection for many clients.
    fn describe<B>(&self, request: &mut Request<B>) {
        let proxies = &self.server.options.trusted_proxies;
        let headers = request.headers();
        let (named, scheme) = match self.is_proxy {
            true => (
                forwarded::client_address(headers, proxies),
                forwarded::scheme(headers),
            ),
            false => (None, None),
        };
        let (address, port, client) = match named {
            Some(address) => {
                let address = ClientAddress::from(address);
                (address, None, self.server.client_at(address))
            }
            None => (self.address, self.port, Arc::clone(&self.client)),
        };
        let extensions = request.extensions_mut();
        extensions.insert(client);
        extensions.insert(PeerAddress(address));
        if let Some(port) = port {
            extensions.insert(PeerPort(port));
        }
        if let Some(certificate) = &self.certificate {
            extensions.insert(Arc::clone(certificate));
        }
        extensions.insert(RequestScheme(scheme.unwrap_or(self.scheme)));
    }
}

/// Moves an extension of a request.
fn keep<T: Clone + Send + Sync + 'static>(from: &mut Extensions, to: &mut Extensions) {
    if let Some(extension) = from.remove::<T>() {
        to.insert(extension);
    }
}

fn connection_limit_response() -> Response {
    let detail = "the limit of connections is reached";
    let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Maximum time for a request's head.
pub const MAX_HEADER_TIME: Duration = Duration::from_secs(10);
/// Maximum size of a request's head, of one read of a body, and of the encoded and unsent part of a response.
const MAX_BUFFER_BYTES: usize = 64 << 10;
