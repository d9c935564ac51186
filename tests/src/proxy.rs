//! A reverse proxy as operators use it: it has its own address, and sends requests with the
//! server's host name.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy that runs until the value is dropped.
pub struct Proxy {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, server));
            }
        });
        Self { address, serving }
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
async fn pass_on(client: TcpStream, server: SocketAddr) {
    let mut client = BufReader::new(client);
    let Some(head) = head_for(&mut client, server).await else {
        return;
    };
    // The server may be stopped; the browser then sees a closed connection.
    let Ok(mut upstream) = TcpStream::connect(server).await else {
        return;
    };
    if upstream.write_all(head.as_bytes()).await.is_ok() {
        // Either side may close at any time.
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}

/// Returns the request's head for the server. A connection has one request, except for an upgrade.
async fn head_for(client: &mut BufReader<TcpStream>, server: SocketAddr) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "host" => head.push_str(&format!("Host: {server}\r\n")),
            "connection" if value.trim().eq_ignore_ascii_case("keep-alive") => {
                head.push_str("Connection: close\r\n");
            }
            _ => head.push_str(&line),
        }
        if line.trim().is_empty() {
            return Some(head);
        }
    }
}
