//! Opens the transport to an endpoint. Owns the errors of connecting.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{
        self, ClientRequestBuilder,
        http::{StatusCode, Uri},
        protocol::WebSocketConfig,
    },
};

use super::{
    address::{Carrier, Endpoint, InvalidAddress, Layer, Target},
    lost::Lost,
    site::Site,
    tls::{self, Trust},
    transport::Transport,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error(
        "cannot connect to {address}: {reason}; is Carillon running? Start it with `carillon serve`"
    )]
    Unreachable { address: String, reason: String },
    #[error("cannot connect to {address}: no answer within {} seconds", TIMEOUT.as_secs())]
    NoAnswer { address: String },
    #[error("cannot connect to {address}: {reason}; {advice}")]
    NoTls {
        address: String,
        reason: String,
        advice: &'static str,
    },
    #[error(
        "cannot connect to {address}: the server answered {status}; is this the address of Carillon?"
    )]
    NotUpgraded { address: String, status: StatusCode },
    #[error("cannot connect to {address}: {reason}; is this the address of Carillon?")]
    NotAWebSocket { address: String, reason: String },
    #[error("cannot read the password: {0}")]
    Password(#[from] io::Error),
    #[error("the connection request cannot be encoded: {reason}")]
    InvalidConnect { reason: String },
    #[error("{address} refused the connection: {reason}")]
    Refused { address: String, reason: String },
    /// Refused for a reason that may soon pass.
    #[error("{address} refused the connection: {reason}")]
    RefusedForNow { address: String, reason: String },
    #[error("the connection to {address} was lost before it was open: {lost}")]
    Lost { address: String, lost: Lost },
}

impl ConnectError {
    /// Returns true if another attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::RefusedForNow { .. }
            | Self::Lost { .. } => true,
            Self::NotUpgraded { status, .. } => status.is_server_error(),
            Self::Address(_)
            | Self::NoTls { .. }
            | Self::NotAWebSocket { .. }
            | Self::Password(_)
            | Self::InvalidConnect { .. }
            | Self::Refused { .. } => false,
        }
    }
}

/// Connects to the endpoint. Over WebSocket, `subprotocol` names the protocol.
pub(crate) async fn open(
    endpoint: &Endpoint,
    trust: &Trust,
    subprotocol: &'static str,
) -> Result<Transport, ConnectError> {
    let attempt = async {
        let target = endpoint.target();
        match endpoint.carrier() {
            Carrier::Tcp => Ok(Transport::stream(connect(target, None, trust).await?)),
            Carrier::WebSocket(uri) => {
                let stream = connect(target, Some(HTTP), trust).await?;
                upgrade(stream, uri.clone(), subprotocol).await
            }
        }
    };
    match timeout(TIMEOUT, attempt).await {
        Ok(opened) => opened.map_err(|error| connect_error(endpoint, &error)),
        Err(_) => Err(ConnectError::NoAnswer {
            address: endpoint.to_string(),
        }),
    }
}

/// Opens a connection for HTTP/1.1.
///
/// # Errors
/// The server cannot be reached; the text names a remedy.
pub async fn open_http(site: &Site, trust: &Trust) -> anyhow::Result<ByteStream> {
    let address = || site.to_string();
    match timeout(TIMEOUT, connect(site.target(), Some(HTTP), trust)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(io_error(address(), &error).into()),
        Err(_) => Err(ConnectError::NoAnswer { address: address() }.into()),
    }
}

/// A connection of TCP or a Unix socket, with TLS if the address asks for it.
pub type ByteStream = Box<dyn Duplex>;

/// A stream of bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

async fn connect(target: &Target, alpn: Option<&[u8]>, trust: &Trust) -> io::Result<ByteStream> {
    if let Some(path) = &target.socket {
        return connect_unix(path).await;
    }
    let stream = TcpStream::connect(target.authority()).await?;
    stream.set_nodelay(true)?;
    if target.layer == Layer::Plain {
        return Ok(Box::new(stream));
    }
    let stream = trust.handshake(target, alpn, stream).await?;
    Ok(Box::new(stream))
}

#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<ByteStream> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn connect_unix(_path: &Path) -> io::Result<ByteStream> {
    let reason = "this system has no Unix sockets; use an address such as http://HOST:PORT";
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

/// Opens a WebSocket. Sends no `Origin` header: this client is not a web page.
async fn upgrade(
    stream: ByteStream,
    uri: Uri,
    subprotocol: &'static str,
) -> Result<Transport, tungstenite::Error> {
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(subprotocol);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES);
    let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    Ok(Transport::websocket(socket))
}

fn connect_error(endpoint: &Endpoint, error: &tungstenite::Error) -> ConnectError {
    let address = endpoint.to_string();
    match error {
        tungstenite::Error::Io(error) => io_error(address, error),
        tungstenite::Error::Http(response) => ConnectError::NotUpgraded {
            address,
            status: response.status(),
        },
        error => ConnectError::NotAWebSocket {
            address,
            reason: error.to_string(),
        },
    }
}

fn io_error(address: String, error: &io::Error) -> ConnectError {
    match tls::advice(error) {
        Some(advice) => ConnectError::NoTls {
            address,
            reason: error.to_string(),
            advice,
        },
        None => ConnectError::Unreachable {
            address,
            reason: without_os_code(error),
        },
    }
}

/// Returns the text of an error without its number, which does not help users: "Connection refused"
/// for "Connection refused (os error 111)".
pub(crate) fn without_os_code(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// The name of HTTP/1.1 over TLS.
const HTTP: &[u8] = b"http/1.1";
/// Time limit for opening a connection, including name resolution.
const TIMEOUT: Duration = Duration::from_secs(10);
const READ_BUFFER_BYTES: usize = 32 << 10;
const WRITE_BUFFER_BYTES: usize = 64 << 10;
