//! A STOMP client over WebSocket or TCP, with or without TLS, written from the specification for the tests alone. It hides
//! nothing: tests may send any bytes and see every frame.

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
    /// What the server chose from the subprotocols offered.
    pub subprotocol: Option<String>,
    /// What the server chose from the versions offered.
    pub version: String,
    /// The server's name for the session.
    pub session: String,
    /// Why the server closed the WebSocket, once it has: RFC 6455, 7.4.1.
    pub close_code: Option<u16>,
    unread: Vec<u8>,
    frames: VecDeque<Frame>,
    receipts: usize,
}

enum Transport {
    WebSocket(Box<WebSocketStream<Line>>),
    Stream(Line),
}

/// A connection, with TLS on it or without.
type Line = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

impl StompClient {
    /// A connected session on `/ws`.
    pub async fn connect(server: &Carillon) -> Self {
        Self::open(server).await.connected().await
    }

    /// A connected session of an older version, over TCP: the HTTP port speaks STOMP, too.
    pub async fn connect_as(server: &Carillon, version: &str) -> Self {
        let client = Self::over_tcp(server.address()).await;
        client.connected_with(Frame::connect_as(version)).await
    }

    /// A client of its own with one subscription, `0`, to a destination of any kind.
    pub async fn consumer(server: &Carillon, destination: &str, headers: &[(&str, &str)]) -> Self {
        let mut client = Self::connect(server).await;
        client.subscribe_to("0", destination, headers).await;
        client
    }

    /// After CONNECT and its answer.
    pub async fn connected(self) -> Self {
        self.connected_with(Frame::connect()).await
    }

    /// After a CONNECT of the test's own.
    pub async fn connected_with(mut self, connect: Frame) -> Self {
        self.send(&connect).await;
        let connected = self.frame().await;
        assert_eq!(connected.command, "CONNECTED", "{connected:?}");
        self.version = connected.header("version").to_owned();
        self.session = connected.header("session").to_owned();
        self
    }

    /// DISCONNECT, its receipt, and the end.
    pub async fn leave(mut self) {
        self.request(Frame::new("DISCONNECT")).await;
        while let Some(frame) = self.next().await {
            assert_eq!(frame.command, "MESSAGE", "{frame:?}");
        }
    }

    /// The TCP connection only.
    pub async fn over_tcp(address: SocketAddr) -> Self {
        let socket = within("a connection", TcpStream::connect(address)).await;
        Self::over(socket.expect("somebody listens"))
    }

    /// A connected session over TLS.
    pub async fn connect_tls(address: SocketAddr, trust: &Trust) -> Self {
        Self::over(trust.connect(address).await).connected().await
    }

    /// On a connection of the test's own.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self::new(Transport::Stream(Box::new(stream)), None)
    }

    /// The WebSocket only: no frame has been sent.
    pub async fn open(server: &Carillon) -> Self {
        let request = upgrade(server, "/ws", &[("sec-websocket-protocol", "v12.stomp")]);
        Self::upgraded(request).await.expect("an upgrade")
    }

    /// With a request of the test's own; the status when the server refuses it.
    pub async fn upgraded(request: Request) -> Result<Self, StatusCode> {
        let authority = request.uri().authority().expect("an address").as_str();
        let socket = within("a connection", TcpStream::connect(authority)).await;
        Self::upgraded_on(socket.expect("somebody listens"), request).await
    }

    /// Likewise, on a connection of the test's own.
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

    /// Any bytes: one binary message of a WebSocket, or one write to TCP.
    pub async fn send_bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        let sent = self.try_send_bytes(bytes).await;
        sent.expect("an open connection");
    }

    /// To a server that may have closed already.
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

    /// One text message of a WebSocket.
    pub async fn send_text(&mut self, text: &str) {
        let Transport::WebSocket(socket) = &mut self.transport else {
            panic!("TCP knows no text messages");
        };
        let sent = within("sending", socket.send(Message::Text(text.into()))).await;
        sent.expect("an open connection");
    }

    /// Sends a frame with a receipt header and waits for the receipt. What arrives before it stays
    /// to be read.
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

    /// Subscribes to `/topic/FILTER`; from the answer on, messages are delivered.
    pub async fn subscribe(&mut self, id: &str, filter: &str, headers: &[(&str, &str)]) {
        let destination = format!("/topic/{filter}");
        self.subscribe_to(id, &destination, headers).await;
    }

    /// Likewise, to a destination of any kind.
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

    /// The next frame.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub async fn frame(&mut self) -> Frame {
        self.next().await.expect("a frame before the end")
    }

    /// The next frame, which must be a MESSAGE.
    pub async fn message(&mut self) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.command, "MESSAGE", "{frame:?}");
        frame
    }

    /// The bodies of the next messages.
    pub async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            bodies.push(self.message().await.text());
        }
        bodies
    }

    /// The ERROR that must come next, after which the server closes.
    pub async fn refusal(&mut self) -> Frame {
        let frame = self.frame().await;
        assert_eq!(frame.command, "ERROR", "{frame:?}");
        assert_eq!(self.next().await, None, "nothing follows an ERROR");
        frame
    }

    /// The next frame, or `None` when the connection ends.
    pub async fn next(&mut self) -> Option<Frame> {
        within("a frame", self.read_frame()).await
    }

    /// Without a deadline of its own, for who expects that nothing comes.
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

    /// What comes next, heart-beats too: a WebSocket message with content, or one read from TCP.
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

/// A WebSocket handshake with these headers in addition.
pub fn upgrade(server: &Carillon, path: &str, headers: &[(&'static str, &str)]) -> Request {
    let url = format!("ws://{}{path}", server.address());
    let mut request = url.into_client_request().expect("a well-formed URL");
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        request.headers_mut().insert(*name, value);
    }
    request
}
