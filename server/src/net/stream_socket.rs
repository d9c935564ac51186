//! A connection of TCP or of a Unix socket.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll},
};

use rustix::net::RecvFlags;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready},
    net::{TcpStream, UnixStream},
};

/// A connection of TCP or of a Unix socket. Each call costs one comparison more than on the socket itself.
#[derive(Debug)]
pub enum StreamSocket {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix socket.
    Unix(UnixStream),
}

/// Calls a method of the socket.
macro_rules! either {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            StreamSocket::Tcp($socket) => $call,
            StreamSocket::Unix($socket) => $call,
        }
    };
}

impl StreamSocket {
    /// Returns the name of the transport.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Unix(_) => "unix",
        }
    }

    /// Waits for one of these states.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        either!(self, socket => socket.ready(interest).await)
    }

    /// Waits until a read may succeed.
    pub async fn readable(&self) -> io::Result<()> {
        either!(self, socket => socket.readable().await)
    }

    /// Waits until a write may succeed.
    pub async fn writable(&self) -> io::Result<()> {
        either!(self, socket => socket.writable().await)
    }

    /// Reads available bytes; 0 means the end.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, socket => socket.try_read(buffer))
    }

    /// Writes some of `bytes`. Returns their number.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self, socket => socket.try_write(bytes))
    }

    /// Writes some of the bytes of several slices. Returns their number.
    pub fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, socket => socket.try_write_vectored(slices))
    }

    /// Performs an operation on the descriptor; if it would block, the socket counts as not ready until that changes.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        either!(self, socket => socket.try_io(interest, operation))
    }

    /// Returns available bytes, and leaves them unread; 0 means the end. Does not wait.
    pub fn peek_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, count) = rustix::net::recv(self, buffer, RecvFlags::PEEK)?;
        Ok(count)
    }

    /// Waits for bytes, and leaves them unread; 0 means the end.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.readable().await?;
            match self.try_io(Interest::READABLE, || self.peek_now(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                peeked => return peeked,
            }
        }
    }
}

impl From<TcpStream> for StreamSocket {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

impl From<UnixStream> for StreamSocket {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket)
    }
}

impl AsFd for StreamSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        either!(self, socket => socket.as_fd())
    }
}

impl AsyncRead for StreamSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_read(context, buffer))
    }
}

impl AsyncWrite for StreamSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_write_vectored(context, slices))
    }

    /// Both kinds of sockets write several slices with one call of the system.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), socket => Pin::new(socket).poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn peeked_bytes_of_a_unix_socket_stay_unread() {
        let (mut client, accepted) = UnixStream::pair().expect("two sockets");
        let mut accepted = StreamSocket::from(accepted);
        let mut buffer = [0; 8];
        let empty = accepted
            .peek_now(&mut buffer)
            .expect_err("nothing was sent");
        assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
        client.write_all(b"words").await.expect("sent");
        let count = accepted.peek(&mut buffer).await.expect("bytes");
        assert_eq!(&buffer[..count], b"words");
        drop(client);
        let mut read = String::new();
        accepted.read_to_string(&mut read).await.expect("a text");
        assert_eq!(read, "words");
        assert_eq!(accepted.peek(&mut buffer).await.expect("the end"), 0);
        assert_eq!(accepted.name(), "unix");
    }
}
