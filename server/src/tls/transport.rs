//! TLS as a transport of the connection loop.
//!
//! One session has the keys of both directions, so one lock serves reading and writing. It is held for a short time:
//! to decrypt the result of one read, or to encrypt the data to write and pass it to the socket, so that records are
//! sent in order. No holder of the lock waits for the network.
//!
//! An idle connection keeps the session's keys and the 4 KiB into which rustls reads. While the socket is full it keeps
//! up to [`MAX_UNSENT_BYTES`] more; further data waits in the same place as over TCP.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Read as _, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustls::ServerConnection;
use tokio::io::AsyncBufReadExt as _;

use crate::{
    net::StreamSocket, protocol_detection::DetectedProtocol, socket::Socket, transport::Transport,
};

/// A connection after its handshake, still used through futures. Boxed, because it is large and passed through several
/// futures that each reserve space for it.
pub type TlsStream = Box<tokio_rustls::server::TlsStream<StreamSocket>>;

/// A TLS connection as a transport: the socket, and the session with the keys of both directions.
pub struct Tls {
    socket: StreamSocket,
    /// Locked after the output state, if both are needed.
    session: Mutex<Box<Session>>,
}

struct Session {
    tls: ServerConnection,
    /// The reason why no more can be read, after all earlier data.
    end: Option<End>,
}

#[derive(Clone)]
enum End {
    /// The peer sent `close_notify`, or the stream ended.
    Closed,
    Failed(rustls::Error),
}

impl Tls {
    /// Returns also the data already decrypted.
    fn new(socket: StreamSocket, mut tls: ServerConnection) -> (Self, Vec<u8>) {
        tls.set_buffer_limit(Some(MAX_UNSENT_BYTES));
        let mut session = Box::new(Session { tls, end: None });
        session.process();
        let mut early_bytes = Vec::new();
        // Returns an error when there is no more data.
        let _ = session.tls.reader().read_to_end(&mut early_bytes);
        let session = Mutex::new(session);
        (Self { socket, session }, early_bytes)
    }

    fn session(&self) -> MutexGuard<'_, Box<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Tls {
    fn stream(&self) -> &StreamSocket {
        &self.socket
    }

    /// Reports the end or a fault after all earlier data has been read. Until then the socket counts as readable: only
    /// an attempt that finds nothing changes that.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut session = self.session();
        if let Some(end) = &session.end {
            return end.read_result();
        }
        CIPHERTEXT.with_borrow_mut(|ciphertext| {
            // The read may complete an earlier record, whose plaintext needs room as well.
            let max = buffer.len().saturating_sub(RECORD_BYTES);
            if max == 0 {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            ciphertext.resize(max, 0);
            let count = self.socket.try_read(ciphertext)?;
            session.decrypt(&ciphertext[..count], buffer)
        })
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut session = self.session();
        let mut taken = 0;
        loop {
            match session.send(&self.socket) {
                Ok(()) if taken == bytes.len() => return Ok(taken),
                Ok(()) => taken += session.tls.writer().write(&bytes[taken..])?,
                Err(error) if taken > 0 && error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(taken);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn try_flush(&self) -> io::Result<()> {
        self.session().send(&self.socket)
    }

    fn is_flushed(&self) -> bool {
        !self.session().tls.wants_write()
    }

    /// Sends the close alert (RFC 8446, 6.1), once for any number of calls.
    fn close(&self) {
        self.session().tls.send_close_notify();
    }
}

impl Session {
    /// Decrypts all of `ciphertext`, which was read from the socket; empty means the end.
    fn decrypt(&mut self, mut ciphertext: &[u8], buffer: &mut [u8]) -> io::Result<usize> {
        if ciphertext.is_empty() {
            self.end = Some(End::Closed);
        }
        let mut filled = 0;
        while !ciphertext.is_empty() && self.end.is_none() {
            self.tls.read_tls(&mut ciphertext)?;
            self.process();
            filled += self.read_plaintext(&mut buffer[filled..])?;
        }
        match &self.end {
            _ if filled > 0 => Ok(filled),
            Some(end) => end.read_result(),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Lets rustls process the complete records.
    fn process(&mut self) {
        match self.tls.process_new_packets() {
            Ok(state) if state.peer_has_closed() => self.end = Some(End::Closed),
            Ok(_) => {}
            Err(error) => self.end = Some(End::Failed(error)),
        }
    }

    /// Copies available plaintext into the buffer.
    fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        loop {
            match self.tls.reader().read(&mut buffer[filled..]) {
                Ok(0) => return Ok(filled),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(filled),
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes all encrypted data to the socket.
    fn send(&mut self, socket: &StreamSocket) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut NonblockingWriter(socket))?;
        }
        Ok(())
    }
}

impl End {
    fn read_result(&self) -> io::Result<usize> {
        match self {
            Self::Closed => Ok(0),
            Self::Failed(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
        }
    }
}

/// The socket, as a writer for rustls that never waits.
struct NonblockingWriter<'a>(&'a StreamSocket);

impl Write for NonblockingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for TlsStream {
    type Transport = Tls;

    const SCHEME: &'static str = "https";
    const WEBSOCKET_NAME: &'static str = "wss";

    fn name(&self) -> &'static str {
        "tls"
    }

    /// Detects the protocol by the first record; a client that splits its first bytes is handled as HTTP.
    async fn detect_protocol(&mut self) -> io::Result<DetectedProtocol> {
        let first = self.fill_buf().await?;
        Ok(DetectedProtocol::from_first_bytes(first).unwrap_or(DetectedProtocol::Http))
    }

    fn into_transport(self) -> (Tls, Vec<u8>) {
        let (socket, tls) = self.into_inner();
        Tls::new(socket, tls)
    }
}

thread_local! {
    static CIPHERTEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Maximum content of a record (RFC 8446, 5.1).
const RECORD_BYTES: usize = 16 << 10;
/// Bytes of encrypted data that may wait for the socket. One round of deliveries fits, which is one write.
const MAX_UNSENT_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, RootCertStore};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::tls::{certificate::provider, identity::server_config, self_signed};

    type Client = tokio_rustls::client::TlsStream<TcpStream>;

    /// Returns both ends of a connection.
    async fn pair() -> (Tls, Client) {
        let certificate = self_signed::certificate([127, 0, 0, 1].into()).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.chain[0].clone()).expect("a root");
        let client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let ours = async {
            let (socket, _) = listener.accept().await.expect("a connection");
            let key = certificate.certified_key().expect("a key");
            let config = server_config(key, None).expect("a configuration");
            TlsAcceptor::from(config)
                .accept(StreamSocket::from(socket))
                .await
                .map(Box::new)
        };
        let theirs = async {
            let socket = TcpStream::connect(address).await.expect("a connection");
            let name = "localhost".try_into().expect("a name");
            TlsConnector::from(Arc::new(client))
                .connect(name, socket)
                .await
        };
        let (ours, theirs) = tokio::join!(ours, theirs);
        let (tls, _) = ours.expect("a handshake").into_transport();
        (tls, theirs.expect("a handshake"))
    }

    async fn read(tls: &Tls) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; 2 * RECORD_BYTES];
        loop {
            tls.stream().readable().await.expect("a socket");
            match tls.try_read(&mut buffer) {
                Ok(count) => return Ok(buffer[..count].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    #[tokio::test]
    async fn data_before_the_end_is_read_before_it() {
        let (tls, mut client) = pair().await;
        client.write_all(b"last words").await.expect("written");
        client.shutdown().await.expect("close_notify");
        let mut read_bytes = Vec::new();
        loop {
            match read(&tls).await.expect("no fault") {
                piece if piece.is_empty() => break,
                piece => read_bytes.extend(piece),
            }
        }
        assert_eq!(read_bytes, b"last words");
        assert!(read(&tls).await.expect("the end, again").is_empty());
    }

    #[tokio::test]
    async fn a_fault_is_reported_after_the_data_before_it() {
        let (tls, mut client) = pair().await;
        client.write_all(b"words").await.expect("written");
        client.flush().await.expect("written");
        let (socket, _) = client.get_mut();
        socket.write_all(b"not a record").await.expect("written");
        let mut read_bytes = Vec::new();
        let fault = loop {
            match read(&tls).await {
                Ok(piece) => read_bytes.extend(piece),
                Err(error) => break error,
            }
        };
        assert_eq!(read_bytes, b"words");
        assert_eq!(fault.kind(), io::ErrorKind::InvalidData);
        assert!(!tls.is_flushed(), "an alert is to be sent");
    }

    #[tokio::test]
    async fn a_full_socket_accepts_no_more_and_no_data_is_lost() {
        let (tls, mut client) = pair().await;
        let piece: Vec<u8> = (0..=255).cycle().take(100_003).collect();
        let mut taken = 0;
        loop {
            let from = taken % piece.len();
            match tls.try_write(&piece[from..]) {
                Ok(count) => taken += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    break;
                }
            }
        }
        assert!(!tls.is_flushed());
        let reading = async {
            let mut received = vec![0; taken];
            client.read_exact(&mut received).await.expect("all of it");
            received
        };
        let flushing = async {
            while tls.try_flush().is_err() {
                tls.stream().writable().await.expect("a socket");
            }
        };
        let (received, ()) = tokio::join!(reading, flushing);
        let expected = piece.iter().cycle().take(taken);
        assert!(received.iter().eq(expected), "{taken} bytes");
    }
}
