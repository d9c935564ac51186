//! A reverse proxy for HTTP as operators use it: it has its own address, and sends requests with the server's host name. It
//! may serve the server's site below a prefix.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy that runs until the value is dropped.
pub struct Proxy {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// A proxy that does not know its server yet.
pub struct UnconnectedProxy {
    listener: TcpListener,
    address: SocketAddr,
}

/// The site of the server at the proxy.
#[derive(Clone, Copy)]
pub struct Place {
    /// Nothing, or a path such as `/carillon`; other paths get status 404.
    pub prefix: &'static str,
    /// True if the proxy removes the prefix from the paths of its requests.
    pub is_removed: bool,
}

impl Place {
    /// The whole host.
    pub const ROOT: Self = Self {
        prefix: "",
        is_removed: true,
    };
}

impl UnconnectedProxy {
    pub async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        Self { listener, address }
    }

    /// Returns the port at which browsers reach the proxy.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn connect(self, server: SocketAddr, place: Place) -> Proxy {
        let Self { listener, address } = self;
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server, place));
            }
        });
        Proxy { address, serving }
    }
}

impl Proxy {
    pub async fn to(server: SocketAddr) -> Self {
        UnconnectedProxy::bind().await.connect(server, Place::ROOT)
    }

    /// Returns the origin of the pages that browsers load through the proxy.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Forwards one request with the server's name as its Host, and then all bytes unchanged.
async fn pass_on(client: TcpStream, server: SocketAddr, place: Place) {
    let Ok(peer) = client.peer_addr() else {
        return;
    };
    let mut client = BufReader::new(client);
    let Some(request) = request(&mut client, place).await else {
        return;
    };
    let Some(target) = request.target else {
        let _ = client.write_all(NOT_FOUND).await;
        return;
    };
    // The server may be stopped; the browser then sees a closed connection.
    let Ok(mut upstream) = TcpStream::connect(server).await else {
        return;
    };
    let head = format!(
        "{target}\r\nHost: {server}\r\nX-Forwarded-For: {}\r\n{}",
        peer.ip(),
        request.headers
    );
    if upstream.write_all(head.as_bytes()).await.is_ok() {
        // Either side may close at any time.
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}

/// The head of a request for the server.
struct Request {
    /// The request line; `None` if its path is not below the prefix.
    target: Option<String>,
    /// The other headers, with the empty line.
    headers: String,
}

/// Reads the head of a request. A connection has one request, except for an upgrade.
async fn request(client: &mut BufReader<TcpStream>, place: Place) -> Option<Request> {
    let first = line(client).await?;
    let target = first.split_once(' ').and_then(|(method, target)| {
        let path = target.strip_prefix(place.prefix)?;
        let path = if place.is_removed { path } else { target };
        Some(format!("{method} {}", path.trim_end()))
    });
    let mut headers = String::new();
    loop {
        let line = line(client).await?;
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "host" => {}
            "connection" if value.trim().eq_ignore_ascii_case("keep-alive") => {
                headers.push_str("Connection: close\r\n");
            }
            _ => headers.push_str(&line),
        }
        if line.trim().is_empty() {
            return Some(Request { target, headers });
        }
    }
}

async fn line(client: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = client.read_line(&mut line).await.ok()?;
    (count > 0).then_some(line)
}

const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
