//! The content of the floods.

use crate::mqtt::{Connect, Packet, Version};
use crate::stomp::Frame;

/// The bytes that a client sends first, and the bytes that it then repeats. The server's responses are ignored.
#[derive(Clone, Copy)]
pub struct Flood {
    pub name: &'static str,
    pub opening: fn() -> Vec<u8>,
    /// Complete requests, about 16 KiB.
    pub repeated: fn() -> Vec<u8>,
}

/// For each protocol, input that is cheap to send: small requests, and requests without effect.
pub const FLOODS: [Flood; 14] = [
    Flood {
        name: "MQTT PUBLISH, QoS 0",
        opening: mqtt,
        repeated: || repeat(&publish()),
    },
    Flood {
        name: "MQTT PINGREQ",
        opening: mqtt,
        repeated: || repeat(&[0xC0, 0]),
    },
    Flood {
        name: "STOMP SEND",
        opening: stomp,
        repeated: || repeat(&send()),
    },
    Flood {
        name: "STOMP heart-beats",
        opening: stomp,
        repeated: || repeat(b"\n"),
    },
    Flood {
        name: "WebSocket, frames of 1 byte",
        opening: || [upgrade("v12.stomp"), framed(&stomp())].concat(),
        repeated: || repeat(&framed(&send())),
    },
    Flood {
        name: "WebSocket, empty fragments",
        opening: || [upgrade("v12.stomp"), framed(&stomp()), frame(0x02, b"")].concat(),
        repeated: || repeat(&frame(0x00, b"")),
    },
    Flood {
        name: "WebSocket, pings",
        opening: || [upgrade("v12.stomp"), framed(&stomp())].concat(),
        repeated: || repeat(&frame(0x89, b"")),
    },
    Flood {
        name: "WebSocket, pings before CONNECT",
        opening: || upgrade("mqtt"),
        repeated: || repeat(&frame(0x89, b"")),
    },
    Flood {
        name: "WebSocket, pings before the first byte",
        opening: || upgrade(""),
        repeated: || repeat(&frame(0x89, b"")),
    },
    Flood {
        name: "MQTT over WebSocket, PUBLISH",
        opening: || [upgrade("mqtt"), frame(0x82, &mqtt())].concat(),
        repeated: || repeat(&frame(0x82, &publish())),
    },
    Flood {
        name: "HTTP, pipelined GET",
        opening: Vec::new,
        repeated: || repeat(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    },
    Flood {
        name: "HTTP, pipelined POST",
        opening: Vec::new,
        repeated: || {
            repeat(
                b"POST /api/topics/flood HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx",
            )
        },
    },
    Flood {
        name: "HTTP, a body in chunks of 1 byte",
        opening: || {
            b"POST /api/topics/flood HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec()
        },
        repeated: || repeat(b"1\r\nx\r\n"),
    },
    Flood {
        name: "after DISCONNECT",
        opening: || [stomp(), b"DISCONNECT\n\n\0".to_vec()].concat(),
        repeated: || repeat(b"\n"),
    },
];

fn repeat(request: &[u8]) -> Vec<u8> {
    request.repeat(PIECE_BYTES.div_ceil(request.len()))
}

fn mqtt() -> Vec<u8> {
    Connect::anyone(Version::V3_1_1).encode()
}

fn publish() -> Vec<u8> {
    Packet::publication("flood", "x".repeat(100), 0).encode(Version::V3_1_1)
}

fn stomp() -> Vec<u8> {
    Frame::connect().encode()
}

fn send() -> Vec<u8> {
    Frame::publication("flood", "x".repeat(100)).encode()
}

/// Returns an upgrade request (RFC 6455, 4.1), without a subprotocol if it is empty. The flood does not wait for the
/// response.
fn upgrade(subprotocol: &str) -> Vec<u8> {
    let mut request =
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            .to_owned();
    if !subprotocol.is_empty() {
        request += &format!("sec-websocket-protocol: {subprotocol}\r\n");
    }
    (request + "\r\n").into_bytes()
}

/// Returns each byte in its own binary frame.
fn framed(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|byte| frame(0x82, &[*byte]))
        .collect()
}

/// Returns a frame (RFC 6455, 5.2) with a mask of zeros. `first` is the opcode, plus 0x80 in the last frame of a
/// message.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("a short frame");
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

const PIECE_BYTES: usize = 16 << 10;
