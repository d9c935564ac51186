//! An accepted connection before its protocol is known: an asynchronous stream that can become a transport of the
//! connection loop.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    net::StreamSocket,
    protocol_detection::{self, DetectedProtocol},
    transport::Transport,
};

/// An accepted connection: of TCP or a Unix socket, or TLS on it.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The transport of the connection loop.
    type Transport: Transport;

    /// The scheme of HTTP on it.
    const SCHEME: &'static str;
    /// The beginning of the names of sessions over WebSocket on it.
    const WEBSOCKET_NAME: &'static str;

    /// Returns the beginning of the names of its other sessions.
    fn name(&self) -> &'static str;

    /// Waits for enough bytes to detect the protocol, and leaves them unread. The caller limits the time.
    fn detect_protocol(&mut self) -> impl Future<Output = io::Result<DetectedProtocol>> + Send;

    /// Returns the transport, and the bytes read from it that have not been processed.
    fn into_transport(self) -> (Self::Transport, Vec<u8>);
}

impl Socket for StreamSocket {
    type Transport = Self;

    const SCHEME: &'static str = "http";
    const WEBSOCKET_NAME: &'static str = "ws";

    fn name(&self) -> &'static str {
        self.name()
    }

    async fn detect_protocol(&mut self) -> io::Result<DetectedProtocol> {
        protocol_detection::detect_protocol(self).await
    }

    fn into_transport(self) -> (Self, Vec<u8>) {
        (self, Vec::new())
    }
}
