//! A web site of the tests, for pages of another origin than the server's.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::node::module;

/// A site that runs until the value is dropped.
pub struct Site {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Site {
    /// Serves the demo that Carillon replaces, at `/`.
    pub async fn original() -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("original/page.html");
        Self::serve(page, Some(module("mqtt4/dist/mqtt.min.js"))).await
    }

    /// Serves a page of the folder `examples`, at every path.
    pub async fn example(path: &str) -> Self {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        Self::serve(examples.join(path), None).await
    }

    async fn serve(page: PathBuf, script: Option<PathBuf>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, page.clone(), script.clone()));
            }
        });
        Self { address, serving }
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Answers one request; each file has its own connection.
async fn answer(socket: TcpStream, page: PathBuf, script: Option<PathBuf>) {
    let mut socket = BufReader::new(socket);
    let mut request = String::new();
    let mut line = String::new();
    while socket.read_line(&mut line).await.is_ok_and(|read| read > 2) {
        request.push_str(&line);
        line.clear();
    }
    let script = script.filter(|_| request.starts_with("GET /mqtt.min.js "));
    let (file, kind) = match script {
        Some(script) => (script, "text/javascript"),
        None => (page, "text/html"),
    };
    let body = std::fs::read(file).expect("the file is there");
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // The browser may have closed the connection.
    let _ = socket.write_all(&[head.as_bytes(), &body].concat()).await;
}
