//! From an address to an open WebSocket, and what may go wrong on the way.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, ClientRequestBuilder, http::StatusCode, protocol::WebSocketConfig},
};
use wire::stomp::client::ServerError;

use super::{
    address::ServerAddress, connection::Lost, options::ConnectionOptions, render::printable, tls,
};

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
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
    #[error("{address} refused the connection: {said}")]
    Refused { address: String, said: String },
    #[error("the connection to {address} was lost before it was open: {lost}")]
    Lost { address: String, lost: Lost },
}

impl ConnectError {
    /// Whether another attempt may turn out otherwise.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Lost { .. } => true,
            Self::NotUpgraded { status, .. } => status.is_server_error(),
            Self::NotAWebSocket { .. } | Self::Refused { .. } | Self::NoTls { .. } => false,
        }
    }
}

/// Opens the WebSocket. No `Origin` is sent: this is no page of somebody's.
pub async fn upgrade(options: &ConnectionOptions) -> Result<WebSocketStream<Line>, ConnectError> {
    let address = &options.server;
    let attempt = async {
        let stream = connect(options).await?;
        let request =
            ClientRequestBuilder::new(address.uri().clone()).with_sub_protocol(SUBPROTOCOL);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES);
        client_async_with_config(request, stream, Some(config)).await
    };
    match timeout(TIMEOUT, attempt).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(not_upgraded(address, &error)),
        Err(_) => Err(ConnectError::NoAnswer {
            address: address.to_string(),
        }),
    }
}

/// A connection, with TLS on it if the address says so.
pub type Line = Box<dyn Duplex>;

pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

async fn connect(options: &ConnectionOptions) -> io::Result<Line> {
    let address = &options.server;
    let stream = TcpStream::connect(address.endpoint()).await?;
    stream.set_nodelay(true)?;
    if !address.is_tls() {
        return Ok(Box::new(stream));
    }
    let stream = options.trust.handshake(address.host(), stream).await?;
    Ok(Box::new(stream))
}

fn not_upgraded(address: &ServerAddress, error: &tungstenite::Error) -> ConnectError {
    let address = address.to_string();
    match error {
        tungstenite::Error::Io(error) => match tls::advice(error) {
            Some(advice) => ConnectError::NoTls {
                address,
                reason: error.to_string(),
                advice,
            },
            None => ConnectError::Unreachable {
                address,
                reason: without_code(error),
            },
        },
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

/// "Connection refused (os error 111)": the number helps nobody.
pub fn without_code(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}

/// What the server said in an ERROR, on one line.
pub fn said(error: &ServerError<'_>) -> String {
    let body = error.body.trim();
    match error.message.as_deref() {
        None => printable(body).into_owned(),
        Some(message) if body.is_empty() || body == message => printable(message).into_owned(),
        Some(message) => format!("{}: {}", printable(message), printable(body)),
    }
}

const SUBPROTOCOL: &str = "v12.stomp";
/// For the way to an open WebSocket, name resolution included.
const TIMEOUT: Duration = Duration::from_secs(10);
const READ_BUFFER_BYTES: usize = 32 << 10;
const WRITE_BUFFER_BYTES: usize = 64 << 10;
