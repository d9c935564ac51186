//! The transport of a protocol's bytes: a TCP or TLS stream, or WebSocket messages.
//!
//! A protocol sees one stream of bytes in both cases, which may be cut anywhere.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message},
};

use super::{connect::ByteStream, lost::Lost, received::Received};

pub(crate) enum Transport {
    Stream(Stream),
    WebSocket(WebSocket),
}

/// No more bytes can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CannotSend;

impl Transport {
    pub(crate) fn stream(socket: ByteStream) -> Self {
        Self::Stream(Stream {
            socket,
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            writing: Vec::new(),
            written: 0,
            is_flushed: true,
        })
    }

    pub(crate) fn websocket(socket: WebSocketStream<ByteStream>) -> Self {
        Self::WebSocket(WebSocket {
            socket: Box::new(socket),
            is_flushed: true,
        })
    }

    /// Waits for bytes to arrive, and appends them to `received`.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        received: &mut Received,
    ) -> Poll<Result<(), Lost>> {
        match self {
            Self::Stream(stream) => stream.poll_read(context, received),
            Self::WebSocket(socket) => socket.poll_read(context, received),
        }
    }

    /// Takes the bytes from `outgoing`, and waits until all bytes taken are sent.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut Vec<u8>,
    ) -> Poll<Result<(), CannotSend>> {
        let sent = match self {
            Self::Stream(stream) => stream.poll_write(context, outgoing).map_err(drop),
            Self::WebSocket(socket) => socket.poll_write(context, outgoing).map_err(drop),
        };
        sent.map_err(|()| CannotSend)
    }

    /// Returns true if all bytes taken are sent.
    pub(crate) const fn is_flushed(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_flushed,
            Self::WebSocket(socket) => socket.is_flushed,
        }
    }

    /// Closes the sending side. Errors are ignored, because the server may have closed the
    /// connection already.
    pub(crate) async fn close(&mut self) {
        let _: Result<(), ()> = match self {
            Self::Stream(stream) => stream.socket.shutdown().await.map_err(drop),
            Self::WebSocket(socket) => socket.socket.close(None).await.map_err(drop),
        };
    }
}

/// A plain byte stream.
pub(crate) struct Stream {
    socket: ByteStream,
    buffer: Box<[u8]>,
    /// The bytes that are being written.
    writing: Vec<u8>,
    /// Number of bytes of `writing` that are written.
    written: usize,
    is_flushed: bool,
}

impl Stream {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        received: &mut Received,
    ) -> Poll<Result<(), Lost>> {
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let read = ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer));
        Poll::Ready(match (read, buffer.filled()) {
            (Err(error), _) => Err(Lost::broken_socket(&error)),
            (Ok(()), []) => Err(Lost::Closed),
            (Ok(()), bytes) => {
                received.append(bytes);
                Ok(())
            }
        })
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut Vec<u8>,
    ) -> Poll<std::io::Result<()>> {
        let mut socket = Pin::new(&mut self.socket);
        loop {
            let rest = &self.writing[self.written..];
            if !rest.is_empty() {
                self.written += ready!(socket.as_mut().poll_write(context, rest))?;
            } else if outgoing.is_empty() {
                break;
            } else {
                self.writing.clear();
                self.written = 0;
                std::mem::swap(&mut self.writing, outgoing);
                self.is_flushed = false;
            }
        }
        if !self.is_flushed {
            ready!(socket.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// A byte stream carried in WebSocket messages, which may cut it anywhere.
pub(crate) struct WebSocket {
    socket: Box<WebSocketStream<ByteStream>>,
    is_flushed: bool,
}

impl WebSocket {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        received: &mut Received,
    ) -> Poll<Result<(), Lost>> {
        let message = ready!(pin!(&mut self.socket).poll_next(context));
        match message {
            Some(Ok(Message::Binary(bytes))) => received.append(&bytes),
            Some(Ok(Message::Text(text))) => received.append(text.as_bytes()),
            Some(Ok(Message::Close(frame))) => {
                return Poll::Ready(Err(Lost::closed_websocket(frame)));
            }
            // The WebSocket library answers pings.
            Some(Ok(_)) => {}
            Some(Err(error)) => return Poll::Ready(Err(Lost::broken_websocket(&error))),
            None => return Poll::Ready(Err(Lost::Closed)),
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        outgoing: &mut Vec<u8>,
    ) -> Poll<Result<(), tungstenite::Error>> {
        let mut socket = pin!(&mut *self.socket);
        while !outgoing.is_empty() {
            ready!(socket.as_mut().poll_ready(context))?;
            let message = next_message(outgoing);
            socket.as_mut().start_send(Message::Binary(message))?;
            self.is_flushed = false;
        }
        if !self.is_flushed {
            ready!(socket.poll_flush(context))?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

/// Takes the bytes of the next message: all of them, up to [`MESSAGE_BYTES`].
fn next_message(outgoing: &mut Vec<u8>) -> Bytes {
    let rest = outgoing.split_off(outgoing.len().min(MESSAGE_BYTES));
    Bytes::from(std::mem::replace(outgoing, rest))
}

/// Maximum length of a WebSocket message sent.
const MESSAGE_BYTES: usize = 256 << 10;
/// Size of one read from TCP.
const READ_BYTES: usize = 32 << 10;
