//! The header of the PROXY protocol, with which a trusted proxy may begin a connection. It is consumed before anything else
//! looks at the connection.
//!
//! The header is optional and found by its signature, because one proxy may pass on requests with `X-Forwarded-For`, and
//! connections of MQTT with this header. So a trusted proxy must not pass on foreign connections without a header: their
//! clients could send one.

use std::{io, time::Duration};

use tokio::{io::AsyncReadExt as _, time::timeout};
use wire::proxy::{self, Beginning, Header, Malformed};

use crate::{
    net::{SocketPeer, StreamSocket},
    peek::peek_until,
};

/// A header that cannot be used; its connection ends.
#[derive(Debug, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The bytes are no header.
    #[error("the header of the PROXY protocol is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The peer has closed the connection, or has not sent the rest in time.
    #[error("the header of the PROXY protocol is incomplete")]
    Incomplete,
    /// The connection is broken.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads the header of a connection from the trusted proxy `proxy`. Returns the client, or the proxy
/// if there is no header, if the header names no client, or if the peer is silent: its protocol has a deadline for that.
///
/// # Errors
///
/// The header cannot be used.
pub async fn read(
    socket: &mut StreamSocket,
    proxy: SocketPeer,
) -> Result<SocketPeer, ProxyHeaderError> {
    read_within(MAX_HEADER_TIME, socket, proxy).await
}

async fn read_within(
    time: Duration,
    socket: &mut StreamSocket,
    proxy: SocketPeer,
) -> Result<SocketPeer, ProxyHeaderError> {
    let mut buffer = vec![0; proxy::MAX_BYTES];
    let mut has_begun = false;
    let decide = |bytes: &[u8]| match proxy::decode(bytes) {
        Ok(Beginning::Incomplete) => {
            has_begun = !bytes.is_empty();
            None
        }
        Ok(Beginning::Other) => Some(Ok(None)),
        Ok(Beginning::Header(header)) => Some(Ok(Some(header))),
        Err(malformed) => Some(Err(malformed)),
    };
    let peeking = peek_until(socket, &mut buffer, decide);
    let decision = timeout(time, peeking).await;
    let decision = decision.map_or(Ok(None), |peeked| peeked)?;
    match decision {
        Some(Ok(Some(Header { client, length }))) => {
            socket.read_exact(&mut buffer[..length]).await?;
            Ok(client.map_or(proxy, SocketPeer::from))
        }
        Some(Ok(None)) => Ok(proxy),
        Some(Err(malformed)) => Err(malformed.into()),
        None if has_begun => Err(ProxyHeaderError::Incomplete),
        None => Ok(proxy),
    }
}

/// Maximum time for the whole header, the same as for the first byte of a connection.
const MAX_HEADER_TIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncWriteExt as _,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// A connection from a proxy.
    struct Connection {
        proxy: TcpStream,
        accepted: StreamSocket,
        address: SocketPeer,
    }

    async fn connection() -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let proxy = TcpStream::connect(address).await.expect("a connection");
        let (accepted, address) = listener.accept().await.expect("a connection");
        Connection {
            proxy,
            accepted: accepted.into(),
            address: address.into(),
        }
    }

    fn peer(text: &str) -> SocketPeer {
        SocketPeer::Inet(text.parse().expect("an address"))
    }

    async fn rest(mut socket: StreamSocket) -> String {
        let mut rest = String::new();
        socket.read_to_string(&mut rest).await.expect("a text");
        rest
    }

    #[tokio::test]
    async fn the_header_is_consumed_and_the_rest_stays() {
        let table = [
            (
                "PROXY TCP4 203.0.113.7 192.0.2.1 7 80\r\nGET /",
                Some("203.0.113.7:7"),
                "GET /",
            ),
            ("PROXY UNKNOWN\r\nGET /", None, "GET /"),
            ("GET / HTTP/1.1\r\n", None, "GET / HTTP/1.1\r\n"),
            ("", None, ""),
        ];
        for (sent, client, expected) in table {
            let Connection {
                mut proxy,
                mut accepted,
                address,
            } = connection().await;
            proxy.write_all(sent.as_bytes()).await.expect("sent");
            drop(proxy);
            let found = read(&mut accepted, address).await.expect(sent);
            let client = client.map_or(address, peer);
            assert_eq!(found, client, "{sent}");
            assert_eq!(rest(accepted).await, expected, "{sent}");
        }
    }

    #[tokio::test]
    async fn a_header_may_arrive_in_pieces() {
        let Connection {
            mut proxy,
            mut accepted,
            address,
        } = connection().await;
        let reading = tokio::spawn(async move { read(&mut accepted, address).await });
        for piece in ["PRO", "XY TCP4 203.0.113.7 192.0.2.1", " 7 80\r", "\n"] {
            proxy.write_all(piece.as_bytes()).await.expect("sent");
            tokio::task::yield_now().await;
        }
        let found = reading.await.expect("no panic").expect("a header");
        assert_eq!(found, peer("203.0.113.7:7"));
    }

    #[tokio::test]
    async fn a_malformed_or_incomplete_header_is_refused() {
        let malformed = |error: &ProxyHeaderError| matches!(error, ProxyHeaderError::Malformed(_));
        let incomplete = |error: &ProxyHeaderError| matches!(error, ProxyHeaderError::Incomplete);
        let table: [(&[u8], fn(&ProxyHeaderError) -> bool); 3] = [
            (b"PROXY TCP4 x y 7 80\r\n", malformed),
            (b"PROXY TCP4 203.0.113.7", incomplete),
            (b"\r\n\r\n\0\r\nQU", incomplete),
        ];
        for (sent, expected) in table {
            let Connection {
                mut proxy,
                mut accepted,
                address,
            } = connection().await;
            proxy.write_all(sent).await.expect("sent");
            drop(proxy);
            let error = read(&mut accepted, address).await.expect_err("a refusal");
            assert!(expected(&error), "{error}");
        }
    }

    #[tokio::test]
    async fn a_header_that_is_never_completed_is_refused_at_the_deadline() {
        let Connection {
            mut proxy,
            mut accepted,
            address,
        } = connection().await;
        proxy.write_all(b"PROXY ").await.expect("sent");
        accepted.readable().await.expect("bytes");
        let time = Duration::from_millis(20);
        let read = read_within(time, &mut accepted, address).await;
        let error = read.expect_err("a refusal");
        assert!(matches!(error, ProxyHeaderError::Incomplete), "{error}");
        let mut silent = connection().await;
        let read = read_within(time, &mut silent.accepted, silent.address).await;
        assert_eq!(read.expect("no header"), silent.address);
    }
}
