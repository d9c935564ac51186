//! A STOMP client over WebSocket or TCP, with or without TLS, written from the specification and used by tests only.
//! Tests can send arbitrary bytes and see every frame.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::Carillon;
use crate::deadline::within;
use crate::tls::Trust;

mod acknowledge;
mod arrived;
mod frame;

pub use acknowledge::{CUMULATIVE, INDIVIDUAL};
pub use frame::Frame;

pub struct StompClient {
    transport: Transport,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The version that the server chose.
    pub version: String,
    /// The server's name for the session.
    pub session: String,
    /// The close code of the WebSocket, after the server has closed it (RFC 6455, 7.4.1).
    pub close_code: Option<u16>,
    unread: Vec<u8>,
    frames: VecDeque<Frame>,
    receipts: usize,
}

enum Transport {
    WebSocket(Box<WebSocketStream<Line>>),
    Stream(Line),
}

/// A connection, with or without TLS.
type Line = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

impl StompClient {
    /// Connects a session on `/ws`.
    pub async fn connect(server: &Carillon) -> Self {
        Self::open(server).await.connected().await
    }

    /// Connects a session of an older version over TCP, to the HTTP port, which accepts STOMP too.
    pub async fn connect_as(server: &Carillon, version: &str) -> Self {
        let client = Self::over_tcp(server.address()).await;
        client.connected_with(Frame::connect_as(version)).await
    }

    /// Connects a new client with one subscription, `0`, to a destination of any kind.
    pub async fn consumer(server: &Carillon, destination: &str, headers: &[(&str, &str)]) -> Self {
        let mut client = Self::connect(server).await;
        client.subscribe_to("0", destination, headers).await;
        client
    }

    /// Sends CONNECT and waits for the response.
    pub async fn connected(self) -> Self {
        self.connected_with(Frame::connect()).await
    }

    /// Sends the given CONNECT and waits for the response.
    pub async fn connected_with(mut self, connect: Frame) -> Self {
        self.send(&connect).await;
        let connected = self.frame().await;
        assert_eq!(connected.command, "CONNECTED", "{connected:?}");
        self.version = connected.header("version").to_owned();
        self.session = connected.header("session").to_owned();
        self
    }

    /// Sends DISCONNECT, waits for its receipt and for the end.
    pub async fn leave(mut self) {
        self.request(Frame::new("DISCONNECT")).await;
        while let Some(frame) = self.next().await {
            assert_eq!(frame.command, "MESSAGE", "{frame:?}");
        }
    }

    /// Opens a TCP connection and sends nothing.
    pub async fn over_tcp(address: SocketAddr) -> Self {
        let socket = within("a connection", TcpStream::connect(address)).await;
        Self::over(socket.expect("the server listens"))
    }

    /// Connects a session over TLS.
    pub async fn connect_tls(address: SocketAddr, trust: &Trust) -> Self {
        Self::over(trust.connect(address).await).connected().await
    }

    /// Uses an existing connection.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::new(Transport::Stream(Box::new(stream)), None)
    }

    /// Connects a session over a stream; `None` if the server has too many connections.
    pub async fn admitted(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Option<Self> {
        let mut client = Self::over(stream);
        client.send(&Frame::connect()).await;
        let answer = client.frame().await;
        if answer.command == "CONNECTED" {
            return Some(client);
        }
        assert_eq!(answer.header("message"), "too many connections");
        None
    }

    /// Opens a WebSocket and sends no frame.
    pub async fn open(server: &Carillon) -> Self {
        let request = upgrade(server, "/ws", &[("sec-websocket-protocol", "v12.stomp")]);
        Self::upgraded(request).await.expect("an upgrade")
    }

    /// Opens a WebSocket with the given request. Returns the status if the server refuses it.
    pub async fn upgraded(request: Request) -> Result<Self, StatusCode> {
        let authority = request.uri().authority().expect("an address").as_str();
        let socket = within("a connection", TcpStream::connect(authority)).await;
        Self::upgraded_on(socket.expect("the server listens"), request).await
    }

    /// Opens a WebSocket on an existing connection, like [`upgraded`](Self::upgraded).
    pub async fn upgraded_on(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request,
    ) -> Result<Self, StatusCode> {
        let stream: Line = Box::new(stream);
        match within("the upgrade", client_async(request, stream)).await {
            Ok((socket, response)) => {
                let subprotocol = response.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|name| name.to_str().expect("ASCII").to_owned());
                let transport = Transport::WebSocket(Box::new(socket));
                Ok(Self::new(transport, subprotocol))
            }
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("no answer to the upgrade: {error}"),
        }
    }

    fn new(transport: Transport, subprotocol: Option<String>) -> Self {
        Self {
            transport,
            subprotocol,
            version: String::new(),
            session: String::new(),
            close_code: None,
            unread: Vec::new(),
            frames: VecDeque::new(),
            receipts: 0,
        }
    }

    pub async fn send(&mut self, frame: &Frame) {
        self.send_bytes(frame.encode()).await;
    }

    /// Sends raw bytes: one binary message of a WebSocket, or one write to TCP.
    pub async fn send_bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        let sent = self.try_send_bytes(bytes).await;
        sent.expect("an open connection");
    }

    /// Sends raw bytes to a server that may have closed the connection.
    pub async fn try_send_bytes(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Error> {
        let bytes = bytes.into();
        let sending = async {
            match &mut self.transport {
                Transport::WebSocket(socket) => socket.send(Message::Binary(bytes.into())).await,
                Transport::Stream(socket) => {
                    socket.write_all(&bytes).await?;
                    Ok(socket.flush().await?)
                }
            }
        };
        within("sending", sending).await
    }

    /// Sends one text message of a WebSocket.
    pub async fn send_text(&mut self, text: &str) {
        let Transport::WebSocket(socket) = &mut self.transport else {
            panic!("TCP knows no text messages");
        };
        let sent = within("sending", socket.send(Message::Text(text.into()))).await;
        sent.expect("an open connection");
    }

    /// Sends a frame with a receipt header and waits for the receipt. Earlier frames stay in the queue.
    pub async fn request(&mut self, frame: Frame) {
        self.receipts += 1;
        let receipt = format!("receipt-{}", self.receipts);
        self.send(&frame.with("receipt", &receipt)).await;
        let mut before = VecDeque::new();
        loop {
            let frame = self.frame().await;
            if frame.command == "RECEIPT" {
                assert_eq!(frame.header("receipt-id"), receipt);
                break;
            }
            assert_ne!(frame.command, "ERROR", "{frame:?}");
            before.push_back(frame);
        }
        before.append(&mut self.frames);
        self.frames = before;
    }

    /// Subscribes to `/topic/FILTER`; the server delivers messages after its response.
    pub async fn subscribe(&mut self, id: &str, filter: &str, headers: &[(&str, &str)]) {
        let destination = format!("/topic/{filter}");
        self.subscribe_to(id, &destination, headers).await;
    }

    /// Subscribes to a destination of any kind.
    pub async fn subscribe_to(&mut self, id: &str, destination: &str, headers: &[(&str, &str)]) {
        let subscribe = Frame::new("SUBSCRIBE")
            .with("id", id)
            .with("destination", destination);
        let subscribe = headers
            .iter()
            .fold(subscribe, |frame, (name, value)| frame.with(name, value));
        self.request(subscribe).await;
    }

    /// Publishes without waiting.
    pub async fn publish(&mut self, topic: &str, body: &str) {
        self.send(&Frame::publication(topic, body)).await;
    }

    /// Sends these bodies to a destination of any kind, and waits until the server has them.
    pub async fn send_all<B: AsRef<[u8]>>(&mut self, destination: &str, bodies: &[B]) {
        let frames = bodies.iter().map(AsRef::as_ref);
        let frames: Vec<_> = frames
            .map(|body| Frame::message_to(destination, body))
            .collect();
        let [before @ .., last] = frames.as_slice() else {
            return;
        };
        for frame in before {
            self.send(frame).await;
        }
        self.request(last.clone()).await;
    }

    /// Returns the next frame.
    ///
    /// # Panics
    ///
    /// If the connection ends first.
    pub async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame before the end")
    }

    /// Returns the next frame, which must be a MESSAGE.
    pub async fn message(&mut self) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.command, "MESSAGE", "{frame:?}");
        frame
    }

    /// Returns the bodies of the next messages.
    pub async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            bodies.push(self.message().await.text());
        }
        bodies
    }

    /// Returns the next frame, which must be an ERROR, after which the server closes the connection.
    pub async fn refusal(&mut self) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.command, "ERROR", "{frame:?}");
        assert_eq!(self.next().await, None, "nothing follows an ERROR");
        frame
    }

    /// Returns the next frame, or `None` when the connection ends.
    pub async fn next(&mut self) -> Option<Frame> {
        within("a frame", self.read_frame()).await
    }

    /// Returns the next frame, without a deadline; for tests that bring their own.
    pub async fn read_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let bytes = self.read_message().await?;
            self.unread.extend_from_slice(&bytes);
            while let Some(frame) = Frame::take(&mut self.unread) {
                self.frames.push_back(frame);
            }
        }
    }

    /// Returns the next bytes, including heart-beats: a WebSocket message with content, or one read from TCP. Returns
    /// `None` at the end.
    pub async fn read_message(&mut self) -> Option<Vec<u8>> {
        match &mut self.transport {
            Transport::WebSocket(socket) => loop {
                match socket.next().await? {
                    Ok(Message::Text(text)) => return Some(text.as_bytes().to_vec()),
                    Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                    Ok(Message::Close(close)) => {
                        self.close_code = close.map(|close| close.code.into());
                        return None;
                    }
                    Ok(_) => {}
                    Err(_) => return None,
                }
            },
            Transport::Stream(socket) => {
                let mut bytes = Vec::with_capacity(READ_BYTES);
                let count = socket.read_buf(&mut bytes).await.ok()?;
                (count > 0).then_some(bytes)
            }
        }
    }
}

const READ_BYTES: usize = 64 << 10;

/// Returns a WebSocket upgrade request with these additional headers.
pub fn upgrade(server: &Carillon, path: &str, headers: &[(&'static str, &str)]) -> Request {
    upgrade_at(&format!("ws://{}{path}", server.address()), headers)
}

/// Returns a WebSocket upgrade request for a server at any address.
pub fn upgrade_at(url: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = url.into_client_request().expect("a well-formed URL");
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        request.headers_mut().insert(*name, value);
    }
    request
}
