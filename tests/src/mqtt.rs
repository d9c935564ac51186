//! An MQTT client for tests, over WebSocket or TCP, with or without TLS. It shares no code with the broker's codec, and
//! can send arbitrary bytes.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Carillon;
use crate::deadline::within;
use crate::stomp::upgrade;
use crate::tls::Trust;

mod bytes;
mod connect;
mod exchange;
mod packet;
pub mod property;

pub use connect::{Connect, Will};
pub use exchange::forget;
pub use packet::{DUP, Kind, Packet, RETAIN, sealed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V3_1,
    V3_1_1,
    V5,
}

impl Version {
    pub const ALL: [Self; 3] = [Self::V3_1, Self::V3_1_1, Self::V5];

    /// Returns the protocol name in CONNECT.
    pub fn protocol_name(self) -> &'static str {
        match self {
            Self::V3_1 => "MQIsdp",
            Self::V3_1_1 | Self::V5 => "MQTT",
        }
    }

    pub fn is_5(self) -> bool {
        self == Self::V5
    }

    /// Returns the protocol level in CONNECT.
    pub fn level(self) -> u8 {
        match self {
            Self::V3_1 => 3,
            Self::V3_1_1 => 4,
            Self::V5 => 5,
        }
    }

    /// Returns the WebSocket subprotocol.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V3_1 => "mqttv3.1",
            Self::V3_1_1 | Self::V5 => "mqtt",
        }
    }
}

pub struct MqttClient {
    transport: Transport,
    pub version: Version,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The close code of the WebSocket, after the server has closed it (RFC 6455, 7.4.1).
    pub close_code: Option<u16>,
    unread: Vec<u8>,
    packets: VecDeque<Packet>,
    last_id: u16,
}

enum Transport {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Stream(Line),
}

/// A connection, with or without TLS.
type Line = Box<dyn Duplex>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

impl MqttClient {
    /// Opens a TCP connection and sends nothing.
    pub async fn over_tcp(address: SocketAddr, version: Version) -> Self {
        let socket = within("a connection", TcpStream::connect(address)).await;
        let socket = socket.expect("the server listens");
        socket.set_nodelay(true).expect("an open socket");
        Self::over(socket, version)
    }

    /// Opens a TLS connection and sends nothing.
    pub async fn over_tls(address: SocketAddr, trust: &Trust, version: Version) -> Self {
        Self::over(trust.connect(address).await, version)
    }

    /// Uses an existing connection.
    pub fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        version: Version,
    ) -> Self {
        Self::new(Transport::Stream(Box::new(stream)), version)
    }

    /// Opens a TCP connection to the port of MQTT and sends nothing.
    pub async fn open(server: &Carillon, version: Version) -> Self {
        Self::over_tcp(server.mqtt_address().await, version).await
    }

    /// Opens a WebSocket and sends nothing.
    pub async fn over_websocket(server: &Carillon, path: &str, version: Version) -> Self {
        let subprotocol = ("sec-websocket-protocol", version.subprotocol());
        let request = upgrade(server, path, &[subprotocol]);
        let client = Self::upgraded(request, version).await;
        client.expect("an upgrade")
    }

    /// Opens a WebSocket with the given request. Returns the status if the server refuses it.
    pub async fn upgraded(request: Request, version: Version) -> Result<Self, StatusCode> {
        match within("the upgrade", connect_async(request)).await {
            Ok((socket, response)) => {
                let subprotocol = response.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|name| name.to_str().expect("ASCII").to_owned());
                let transport = Transport::WebSocket(Box::new(socket));
                Ok(Self {
                    subprotocol,
                    ..Self::new(transport, version)
                })
            }
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("no answer to the upgrade: {error}"),
        }
    }

    fn new(transport: Transport, version: Version) -> Self {
        Self {
            transport,
            version,
            subprotocol: None,
            close_code: None,
            unread: Vec::new(),
            packets: VecDeque::new(),
            last_id: 0,
        }
    }

    pub async fn send(&mut self, packet: &Packet) {
        self.send_bytes(packet.encode(self.version)).await;
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
                Transport::Stream(socket) => Ok(socket.write_all(&bytes).await?),
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

    /// Returns the next packet.
    ///
    /// # Panics
    ///
    /// If the connection ends first.
    pub async fn packet(&mut self) -> Packet {
        self.next().await.expect("a packet before the end")
    }

    /// Returns the next packet, or `None` when the connection ends.
    pub async fn next(&mut self) -> Option<Packet> {
        within("a packet", self.read_packet()).await
    }

    /// Returns the next packet, or `None` at the end. Has no deadline; for tests that bring their own.
    pub async fn read_packet(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = self.packets.pop_front() {
                return Some(packet);
            }
            let bytes = self.read_message().await?;
            self.unread.extend_from_slice(&bytes);
            while let Some(packet) = Packet::take(&mut self.unread, self.version) {
                self.packets.push_back(packet);
            }
        }
    }

    /// Returns a WebSocket message, or the bytes of one read from TCP; `None` at the end.
    async fn read_message(&mut self) -> Option<Vec<u8>> {
        match &mut self.transport {
            Transport::WebSocket(socket) => loop {
                match socket.next().await? {
                    Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                    Ok(Message::Text(text)) => panic!("[MQTT-6.0.0-1]: {text:?}"),
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
