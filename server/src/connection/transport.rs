//! What carries a connection's bytes: TCP as it is here, TLS in [`crate::tls`].

use std::io;

use tokio::net::TcpStream;

/// A socket, and what lies on it. Nothing waits here: what cannot be done now is
/// [`WouldBlock`](io::ErrorKind::WouldBlock), and the readiness of [`Transport::tcp`] tells when to try again.
///
/// One task reads; whoever holds the out-state writes. Both may happen at once.
pub trait Transport: Send + Sync + 'static {
    /// The socket below, to wait for its readiness.
    fn tcp(&self) -> &TcpStream;

    /// Reads what has arrived; 0 is the end. Nothing that has arrived is held back, however little of it the
    /// socket still has. `buffer` has room for twice the plaintext of a TLS record, 32 KiB.
    ///
    /// # Errors
    /// The connection is broken, or there is nothing for now.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Takes some of `bytes`, and tells how many. They are on their way when [`Transport::try_flush`] says so.
    ///
    /// # Errors
    /// The connection is broken, or there is no room for now.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Gives the socket what was taken and what the transport has to say of its own.
    ///
    /// # Errors
    /// The connection is broken, or the socket took only some of it for now.
    fn try_flush(&self) -> io::Result<()>;

    /// Whether [`Transport::try_flush`] has nothing to do.
    fn is_flushed(&self) -> bool;

    /// Says, in the transport's own way, that no more will be written. To be flushed.
    fn close(&self);
}

/// Nothing lies on it: what it takes is the system's.
impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
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

    /// Shutting the socket down says it.
    fn close(&self) {}
}
