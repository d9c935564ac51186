//! A minimal HTTP/1.1 client: no redirects, no decompression, no cookies, so that tests see exactly
//! the server's response.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::deadline::within;

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Returns the value of a header, or an empty text if the header is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("a body in UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// Returns the problem document (RFC 9457) of an error response.
    pub fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        assert!(problem["title"].is_string(), "{problem}");
        problem
    }
}

pub async fn get(url: impl AsRef<str>) -> Answer {
    send(request(Method::GET, url, "")).await
}

/// Publishes like `curl -d`, with the given content type.
pub async fn post(url: impl AsRef<str>, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut post = request(Method::POST, url, body);
    let value = content_type.parse().expect("a content type");
    post.headers_mut().insert("content-type", value);
    send(post).await
}

pub fn request(
    method: Method,
    url: impl AsRef<str>,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(url.as_ref());
    request
        .body(Full::new(body.into()))
        .expect("a well-formed request")
}

pub async fn send(request: Request<Full<Bytes>>) -> Answer {
    let what = format!("{} {}", request.method(), request.uri());
    whole(&what, open(request).await).await
}

/// Sends a request to a server that may end. Returns `None` if there is no complete response.
pub async fn try_send(request: Request<Full<Bytes>>) -> Option<Answer> {
    let what = format!("{} {}", request.method(), request.uri());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = async {
        let (parts, body) = client.request(request).await.ok()?.into_parts();
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    };
    within(&what, answer).await
}

async fn whole(what: &str, response: Response<hyper::body::Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = within(what, body.collect()).await;
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.expect("a whole body").to_bytes(),
    }
}

/// Sends GET over an existing connection, such as one with TLS.
pub async fn get_over<S>(stream: S, path: &str) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    HttpConnection::over(stream).await.get(path).await
}

/// A connection for several requests.
pub struct HttpConnection(SendRequest<Full<Bytes>>);

impl HttpConnection {
    /// Uses an existing connection.
    pub async fn over<S>(stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.expect("a connection");
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request(Method::GET, path, "")).await
    }

    /// Sends a request with a path as its address.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        whole(&what, self.open(request).await).await
    }

    /// Sends a request and returns the response's head; the body can be read from it.
    pub async fn open(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Response<hyper::body::Incoming> {
        let what = format!("{} {}", request.method(), request.uri());
        request
            .headers_mut()
            .insert("host", HeaderValue::from_static("localhost"));
        let response = within(&what, self.0.send_request(request)).await;
        response.unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

/// Sends a request and returns the response's head; the body can be read from it.
pub async fn open(request: Request<Full<Bytes>>) -> Response<hyper::body::Incoming> {
    let what = format!("{} {}", request.method(), request.uri());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = within(&what, client.request(request)).await;
    response.unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// The head of a response to a request that no HTTP client sends.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    pub text: String,
}

/// Sends a request as raw text, and reads the response's head.
pub async fn raw(address: SocketAddr, request: &str) -> Head {
    let read = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            if socket.read_buf(&mut answer).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(answer)
    };
    let answer = within(request, read).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    Head {
        status: status.unwrap_or_else(|| panic!("{request:?}: {text:?}")),
        text,
    }
}
