//! TLS as a transport of the connection loop.
//!
//! One session has the keys of both directions, so reading and writing take turns at it. Each turn is short: what
//! was read at once is deciphered, or what is to be written is enciphered and given to the socket, in the same
//! turn so that records go out in their order. Nobody waits for the network meanwhile.
//!
//! Idle, a connection keeps the session's keys and the 4 KiB that rustls reads into. While the socket is full it
//! keeps [`UNSENT_BYTES`] more; the rest waits where it waits over TCP.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Read as _, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustls::ServerConnection;
use tokio::{io::AsyncBufReadExt as _, net::TcpStream};

use crate::{connection::Transport, protocol_detection::Spoken, socket::Socket};

/// A connection after its handshake, while it is still awaited. Boxed: it is large, and handed through several
/// futures that each keep room for it.
pub type TlsStream = Box<tokio_rustls::server::TlsStream<TcpStream>>;

pub struct Tls {
    socket: TcpStream,
    /// Taken after the out-state, where both are needed.
    session: Mutex<Box<Session>>,
}

struct Session {
    tls: ServerConnection,
    /// Why nothing more will be read, once what came before was.
    end: Option<End>,
}

#[derive(Clone)]
enum End {
    /// The peer said so (`close_notify`), or the stream ended.
    Closed,
    Failed(rustls::Error),
}

impl Tls {
    /// Also what was deciphered already.
    fn new(socket: TcpStream, mut tls: ServerConnection) -> (Self, Vec<u8>) {
        tls.set_buffer_limit(Some(UNSENT_BYTES));
        let mut session = Box::new(Session { tls, end: None });
        session.process();
        let mut early = Vec::new();
        // It would block where there is no more.
        let _ = session.tls.reader().read_to_end(&mut early);
        let session = Mutex::new(session);
        (Self { socket, session }, early)
    }

    fn session(&self) -> MutexGuard<'_, Box<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Tls {
    fn tcp(&self) -> &TcpStream {
        &self.socket
    }

    /// The end, or a fault, is told when what came before it has been read. Until then the socket counts as
    /// readable: only finding nothing there takes that back.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut session = self.session();
        if let Some(end) = &session.end {
            return end.told();
        }
        CIPHERTEXT.with_borrow_mut(|ciphertext| {
            // A record begun before may be completed: its plaintext needs room, too.
            let most = buffer.len().saturating_sub(RECORD_BYTES);
            if most == 0 {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            ciphertext.resize(most, 0);
            let count = self.socket.try_read(ciphertext)?;
            session.decipher(&ciphertext[..count], buffer)
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

    /// RFC 8446, 6.1. Said once, however often it is asked for.
    fn close(&self) {
        self.session().tls.send_close_notify();
    }
}

impl Session {
    /// Deciphers all of `ciphertext`, which the socket gave; none is the end.
    fn decipher(&mut self, mut ciphertext: &[u8], buffer: &mut [u8]) -> io::Result<usize> {
        if ciphertext.is_empty() {
            self.end = Some(End::Closed);
        }
        let mut filled = 0;
        while !ciphertext.is_empty() && self.end.is_none() {
            self.tls.read_tls(&mut ciphertext)?;
            self.process();
            filled += self.take(&mut buffer[filled..])?;
        }
        match &self.end {
            _ if filled > 0 => Ok(filled),
            Some(end) => end.told(),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// What rustls makes of the records that are whole.
    fn process(&mut self) {
        match self.tls.process_new_packets() {
            Ok(state) if state.peer_has_closed() => self.end = Some(End::Closed),
            Ok(_) => {}
            Err(error) => self.end = Some(End::Failed(error)),
        }
    }

    /// The plaintext there is, as far as there is room.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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

    /// Gives the socket all that is enciphered.
    fn send(&mut self, socket: &TcpStream) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut WithoutWaiting(socket))?;
        }
        Ok(())
    }
}

impl End {
    fn told(&self) -> io::Result<usize> {
        match self {
            Self::Closed => Ok(0),
            Self::Failed(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
        }
    }
}

/// A socket as rustls writes to it.
struct WithoutWaiting<'a>(&'a TcpStream);

impl Write for WithoutWaiting<'_> {
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

    const NAME: &'static str = "tls";
    const WEBSOCKET_NAME: &'static str = "wss";

    /// The first record tells; a client that cuts its first word in two is taken to speak HTTP.
    async fn spoken(&mut self) -> io::Result<Spoken> {
        let first = self.fill_buf().await?;
        Ok(Spoken::of(first).unwrap_or(Spoken::Http))
    }

    fn into_transport(self) -> (Tls, Vec<u8>) {
        let (socket, tls) = self.into_inner();
        Tls::new(socket, tls)
    }
}

thread_local! {
    static CIPHERTEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The most that a record holds (RFC 8446, 5.1).
const RECORD_BYTES: usize = 16 << 10;
/// Bytes that may wait, enciphered, for the socket. A round of deliveries fits, and so is one write.
const UNSENT_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, RootCertStore};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::tls::{certificate::provider, self_signed};

    type Client = tokio_rustls::client::TlsStream<TcpStream>;

    /// Both ends of a connection.
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
            let config = certificate.config().expect("a configuration");
            TlsAcceptor::from(config).accept(socket).await.map(Box::new)
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
            tls.tcp().readable().await.expect("a socket");
            match tls.try_read(&mut buffer) {
                Ok(count) => return Ok(buffer[..count].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    #[tokio::test]
    async fn what_came_before_the_end_is_read_before_it() {
        let (tls, mut client) = pair().await;
        client.write_all(b"last words").await.expect("written");
        client.shutdown().await.expect("close_notify");
        let mut said = Vec::new();
        loop {
            match read(&tls).await.expect("no fault") {
                piece if piece.is_empty() => break,
                piece => said.extend(piece),
            }
        }
        assert_eq!(said, b"last words");
        assert!(read(&tls).await.expect("the end, again").is_empty());
    }

    #[tokio::test]
    async fn what_is_no_tls_is_a_fault_after_what_was() {
        let (tls, mut client) = pair().await;
        client.write_all(b"words").await.expect("written");
        client.flush().await.expect("written");
        let (socket, _) = client.get_mut();
        socket.write_all(b"not a record").await.expect("written");
        let mut said = Vec::new();
        let fault = loop {
            match read(&tls).await {
                Ok(piece) => said.extend(piece),
                Err(error) => break error,
            }
        };
        assert_eq!(said, b"words");
        assert_eq!(fault.kind(), io::ErrorKind::InvalidData);
        assert!(!tls.is_flushed(), "an alert is to be sent");
    }

    #[tokio::test]
    async fn a_full_socket_takes_no_more_and_nothing_is_lost() {
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
            let mut heard = vec![0; taken];
            client.read_exact(&mut heard).await.expect("all of it");
            heard
        };
        let flushing = async {
            while tls.try_flush().is_err() {
                tls.tcp().writable().await.expect("a socket");
            }
        };
        let (heard, ()) = tokio::join!(reading, flushing);
        let expected = piece.iter().cycle().take(taken);
        assert!(heard.iter().eq(expected), "{taken} bytes");
    }
}
