//! Clients that send prepared bytes, and allocate nothing after their start.

use tokio::net::TcpStream;
use wire::websocket::{self, Mask, Opcode};

/// Messages of one round, sent in one write.
pub const MESSAGES: usize = 64;

/// The protocol and its transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    Stomp,
    StompOverWebSocket,
    Mqtt { qos: u8 },
    MqttOverWebSocket,
}

pub struct Client {
    kind: ClientKind,
    socket: TcpStream,
    buffer: Vec<u8>,
    /// Unused bytes at the front of the buffer.
    filled: usize,
    batch: Vec<u8>,
    /// Bytes of one publication, without a WebSocket's framing.
    length: usize,
    acknowledgements: Vec<u8>,
}

impl ClientKind {
    pub const fn is_mqtt(self) -> bool {
        matches!(self, Self::Mqtt { .. } | Self::MqttOverWebSocket)
    }

    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::StompOverWebSocket | Self::MqttOverWebSocket)
    }

    const fn qos(self) -> u8 {
        match self {
            Self::Mqtt { qos } => qos,
            _ => 0,
        }
    }

    fn connect(self, number: usize) -> Vec<u8> {
        if self.is_mqtt() {
            let id = format!("client{number:04}");
            let rest = [&b"\0\x04MQTT\x04\x02\0\0\0\x0a"[..], id.as_bytes()].concat();
            packet(0x10, &rest)
        } else {
            b"CONNECT\naccept-version:1.2\nhost:x\n\n\0".to_vec()
        }
    }

    fn subscribe(self) -> Vec<u8> {
        if self.is_mqtt() {
            packet(0x82, &[0, 1, 0, 1, b't', self.qos()])
        } else {
            b"SUBSCRIBE\nid:1\ndestination:/topic/t\nreceipt:^^^^\n\n\0".to_vec()
        }
    }

    /// Returns the bytes that show that the session exists.
    const fn connected(self) -> &'static [u8] {
        if self.is_mqtt() {
            b"\x20\x02\0\0"
        } else {
            b"\n\n\0"
        }
    }

    /// Returns the bytes that show that the subscription exists.
    const fn subscribed(self) -> &'static [u8] {
        if self.is_mqtt() {
            b"\x90\x03\0\x01"
        } else {
            b"receipt-id:^^^^"
        }
    }

    fn publication(self, number: usize) -> Vec<u8> {
        if self.is_mqtt() {
            let id = [0, number as u8 + 1];
            let id = if self.qos() > 0 { &id[..] } else { &[] };
            let rest = [&b"\0\x01t"[..], id, &BODY].concat();
            packet(0x30 | self.qos() << 1, &rest)
        } else {
            [&b"SEND\ndestination:/topic/t\n\n"[..], &BODY, b"\0"].concat()
        }
    }

    /// Returns frames of the protocol with the framing of the transport.
    fn framed(self, frames: Vec<u8>) -> Vec<u8> {
        if !self.is_websocket() {
            return frames;
        }
        let opcode = if self.is_mqtt() {
            Opcode::Binary
        } else {
            Opcode::Text
        };
        let mut out = Vec::new();
        websocket::frame(opcode, &frames, Some(Mask([1, 2, 3, 4])), &mut out);
        out
    }
}

impl Client {
    /// Starts on a socket that the server has accepted.
    pub async fn connect(kind: ClientKind, socket: TcpStream, number: usize) -> Self {
        let batch = (0..MESSAGES).flat_map(|number| kind.publication(number));
        let mut client = Self {
            kind,
            socket,
            buffer: vec![0; 1 << 20],
            filled: 0,
            batch: kind.framed(batch.collect()),
            length: kind.publication(0).len(),
            acknowledgements: Vec::with_capacity(4 * MESSAGES),
        };
        let connect = kind.framed(kind.connect(number));
        client.write(&connect).await;
        client.read_until(kind.connected()).await;
        client
    }

    pub async fn subscribe(&mut self) {
        let subscribe = self.kind.framed(self.kind.subscribe());
        self.write(&subscribe).await;
        self.read_until(self.kind.subscribed()).await;
    }

    /// Publishes a batch.
    pub async fn publish(&mut self) {
        self.socket.writable().await.expect("an open socket");
        let written = self.socket.try_write(&self.batch).expect("room for it");
        assert_eq!(written, self.batch.len(), "in one piece");
    }

    /// Reads the acknowledgements of a batch.
    pub async fn read_answers(&mut self) {
        if self.kind.qos() > 0 {
            self.read_until_enough(|seen| seen.len() >= 4 * MESSAGES)
                .await;
            self.filled = 0;
        }
    }

    /// Reads a batch, and acknowledges it if necessary.
    pub async fn read_batch(&mut self) {
        if self.kind.qos() == 0 {
            self.read_until_enough(|seen| count(seen) == MESSAGES).await;
            self.filled = 0;
            return;
        }
        let length = self.length;
        self.read_until_enough(|seen| seen.len() >= length * MESSAGES)
            .await;
        self.acknowledgements.clear();
        for publish in self.buffer[..self.filled].chunks_exact(length) {
            assert_eq!(publish[0], 0x32, "a PUBLISH of QoS 1");
            let puback = [0x40, 2, publish[5], publish[6]];
            self.acknowledgements.extend_from_slice(&puback);
        }
        self.filled = 0;
        let acknowledgements = std::mem::take(&mut self.acknowledgements);
        self.write(&acknowledgements).await;
        self.acknowledgements = acknowledgements;
    }

    async fn write(&self, bytes: &[u8]) {
        self.socket.writable().await.expect("an open socket");
        let written = self.socket.try_write(bytes).expect("room for it");
        assert_eq!(written, bytes.len(), "in one piece");
    }

    /// Reads until these bytes have arrived.
    async fn read_until(&mut self, expected: &[u8]) {
        self.read_until_enough(|seen| contains(seen, expected))
            .await;
        self.filled = 0;
    }

    async fn read_until_enough(&mut self, is_enough: impl Fn(&[u8]) -> bool) {
        while !is_enough(&self.buffer[..self.filled]) {
            self.socket.readable().await.expect("an open socket");
            match self.socket.try_read(&mut self.buffer[self.filled..]) {
                Ok(0) => panic!("the server ends the connection"),
                Ok(more) => self.filled += more,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
    let length = u8::try_from(rest.len()).expect("a short packet");
    assert!(length < 0x80, "a length of one byte");
    [&[first, length][..], rest].concat()
}

fn contains(seen: &[u8], expected: &[u8]) -> bool {
    seen.windows(expected.len()).any(|part| part == expected)
}

/// Returns the number of bodies that have arrived.
fn count(seen: &[u8]) -> usize {
    seen.windows(BODY_END.len())
        .filter(|part| *part == BODY_END)
        .count()
}

/// Occurs only at the end of a body.
const BODY_END: &[u8] = b"^^^^";
const BODY: [u8; 100] = {
    let mut body = [b'.'; 100];
    let mut at = 96;
    while at < body.len() {
        body[at] = b'^';
        at += 1;
    }
    body
};
