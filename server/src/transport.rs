//! The transport of a connection's bytes: TCP and Unix sockets here, TLS in [`crate::tls`].

use std::io;

use crate::net::StreamSocket;

/// A socket with an optional layer on it. No function waits: an operation that is not possible now returns
/// [`WouldBlock`](io::ErrorKind::WouldBlock), and the readiness of [`Transport::stream`] shows when to try again.
///
/// One task reads; any task that holds the output state writes. Both may happen at the same time.
pub trait Transport: Send + Sync + 'static {
    /// Returns the underlying socket, to wait for its readiness.
    fn stream(&self) -> &StreamSocket;

    /// Reads available bytes; 0 means the end. Also returns bytes that the layer received before, although the socket
    /// itself has no more. `buffer` has room for twice the plaintext of a TLS record, 32 KiB.
    ///
    /// # Errors
    ///
    /// The connection is broken, or no bytes are available.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Accepts some of `bytes`. Returns their number. They are sent once [`Transport::try_flush`] succeeds.
    ///
    /// # Errors
    ///
    /// The connection is broken, or there is no room now.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Passes accepted bytes and the transport's own output to the socket.
    ///
    /// # Errors
    ///
    /// The connection is broken, or the socket accepted only a part.
    fn try_flush(&self) -> io::Result<()>;

    /// Returns whether [`Transport::try_flush`] has nothing to do.
    fn is_flushed(&self) -> bool;

    /// Announces the end of the output in the transport's own way, for example by the alert `close_notify` of TLS. Must
    /// be flushed.
    fn close(&self);
}

/// Without a layer: accepted bytes are in the system's buffer.
impl Transport for StreamSocket {
    fn stream(&self) -> &StreamSocket {
        self
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_read(buffer)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write(bytes)
    }

    fn try_flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn is_flushed(&self) -> bool {
        true
    }

    /// Shutting down the socket announces the end.
    fn close(&self) {}
}
