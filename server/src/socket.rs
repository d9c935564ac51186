//! A connection that was accepted and is nobody's yet: bytes for whoever awaits them, and then, perhaps, a
//! transport of the connection loop.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{
    connection::Transport,
    protocol_detection::{self, Spoken},
};

pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    type Transport: Transport;

    /// What begins the names of sessions on it, and of those in a WebSocket on it.
    const NAME: &'static str;
    const WEBSOCKET_NAME: &'static str;

    /// Waits for as many bytes as it takes to tell what the peer speaks, and leaves them unread. The caller
    /// bounds the time.
    fn spoken(&mut self) -> impl Future<Output = io::Result<Spoken>> + Send;

    /// The transport, and what was read from it that nobody has seen yet.
    fn into_transport(self) -> (Self::Transport, Vec<u8>);
}

impl Socket for TcpStream {
    type Transport = Self;

    const NAME: &'static str = "tcp";
    const WEBSOCKET_NAME: &'static str = "ws";

    async fn spoken(&mut self) -> io::Result<Spoken> {
        protocol_detection::spoken(self).await
    }

    fn into_transport(self) -> (Self, Vec<u8>) {
        (self, Vec::new())
    }
}
