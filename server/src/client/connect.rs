//! From an address to something that carries bytes, and what may go wrong on the way.

use std::{io, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{
        self, ClientRequestBuilder,
        http::{StatusCode, Uri},
        protocol::WebSocketConfig,
    },
};

use super::{
    address::{Carrier, Endpoint, InvalidAddress},
    lost::Lost,
    transport::{Socket, Transport},
};

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Address(#[from] InvalidAddress),
    #[error(
        "cannot connect to {address}: {reason}; is Carillon running? Start it with `carillon serve`"
    )]
    Unreachable { address: String, reason: String },
    #[error("cannot connect to {address}: no answer within {} seconds", TIMEOUT.as_secs())]
    NoAnswer { address: String },
    #[error(
        "cannot connect to {address}: the server answered {status}; is this the address of Carillon?"
    )]
    NotUpgraded { address: String, status: StatusCode },
    #[error("cannot connect to {address}: {reason}; is this the address of Carillon?")]
    NotAWebSocket { address: String, reason: String },
    #[error("what the connection is to be cannot be said: {reason}")]
    Unsayable { reason: String },
    #[error("{address} refused the connection: {said}")]
    Refused { address: String, said: String },
    /// It may be otherwise soon.
    #[error("{address} refused the connection: {said}")]
    RefusedForNow { address: String, said: String },
    #[error("the connection to {address} was lost before it was open: {lost}")]
    Lost { address: String, lost: Lost },
}

impl ConnectError {
    /// Whether another attempt may turn out otherwise.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::RefusedForNow { .. }
            | Self::Lost { .. } => true,
            Self::NotUpgraded { status, .. } => status.is_server_error(),
            Self::Address(_)
            | Self::NotAWebSocket { .. }
            | Self::Unsayable { .. }
            | Self::Refused { .. } => false,
        }
    }
}

/// Connects; over WebSocket the subprotocol says what is spoken.
pub async fn open(
    endpoint: &Endpoint,
    subprotocol: &'static str,
) -> Result<Transport, ConnectError> {
    let attempt = async {
        let socket = socket(endpoint).await?;
        match endpoint.carrier() {
            Carrier::Tcp => Ok(Transport::stream(socket)),
            Carrier::WebSocket(uri) => upgrade(socket, uri.clone(), subprotocol).await,
        }
    };
    match timeout(TIMEOUT, attempt).await {
        Ok(opened) => opened.map_err(|error| not_opened(endpoint, &error)),
        Err(_) => Err(ConnectError::NoAnswer {
            address: endpoint.to_string(),
        }),
    }
}

async fn socket(endpoint: &Endpoint) -> io::Result<Socket> {
    let stream = TcpStream::connect(endpoint.authority()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// No `Origin` is sent: this is no page of somebody's.
async fn upgrade(
    socket: Socket,
    uri: Uri,
    subprotocol: &'static str,
) -> Result<Transport, tungstenite::Error> {
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(subprotocol);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES);
    let (socket, _) = client_async_with_config(request, socket, Some(config)).await?;
    Ok(Transport::websocket(socket))
}

fn not_opened(endpoint: &Endpoint, error: &tungstenite::Error) -> ConnectError {
    let address = endpoint.to_string();
    match error {
        tungstenite::Error::Io(error) => ConnectError::Unreachable {
            address,
            reason: without_code(error),
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

/// For the way to an open connection, name resolution included.
const TIMEOUT: Duration = Duration::from_secs(10);
const READ_BUFFER_BYTES: usize = 32 << 10;
const WRITE_BUFFER_BYTES: usize = 64 << 10;
