//! Compares this framing with tungstenite's in both directions: two implementations of RFC 6455.

use std::io::{self, Cursor, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::{
    Role as OtherRole, WebSocketConfig, frame::coding::CloseCode as OtherCode,
};
use tungstenite::{Message, WebSocket, protocol::CloseFrame};
use wire::websocket::{
    CloseCode, Decoder, Event, FrameHeader, Mask, MessageType, Opcode, Role, close, frame,
};

/// The bit of the first byte that marks the last fragment of a message.
const FIN: u8 = 0x80;

/// A socket with a fixed input that records the output.
struct Tape {
    input: Cursor<Vec<u8>>,
    output: Vec<u8>,
}

impl Tape {
    fn new(input: Vec<u8>) -> Self {
        Self {
            input: Cursor::new(input),
            output: Vec::new(),
        }
    }
}

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn other(role: OtherRole, input: Vec<u8>) -> WebSocket<Tape> {
    WebSocket::from_raw_socket(Tape::new(input), role, Some(WebSocketConfig::default()))
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        4 => any::<String>().prop_map(Message::text),
        4 => vec(any::<u8>(), 0..400).prop_map(Message::binary),
        1 => (65_530usize..65_540).prop_map(|size| Message::binary(vec![7; size])),
        1 => vec(any::<u8>(), 0..=125).prop_map(|payload| Message::Ping(payload.into())),
        1 => vec(any::<u8>(), 0..=125).prop_map(|payload| Message::Pong(payload.into())),
    ]
}

/// Returns all messages of `bytes` that this decoder decodes.
fn ours(role: Role, mut bytes: Vec<u8>) -> Result<Vec<Message>, wire::websocket::Violation> {
    let mut decoder = Decoder::new(role, Decoder::MESSAGE_BYTES);
    let mut rest = bytes.as_mut_slice();
    let mut gathered = Vec::new();
    let mut messages = Vec::new();
    while let Some((event, taken)) = decoder.decode(rest)? {
        match event {
            Event::Data {
                kind,
                payload,
                last,
            } => {
                gathered.extend_from_slice(payload);
                if last {
                    let payload = std::mem::take(&mut gathered);
                    messages.push(match kind {
                        MessageType::Binary => Message::binary(payload),
                        MessageType::Text => {
                            Message::text(String::from_utf8(payload).expect("checked"))
                        }
                    });
                }
            }
            Event::Ping(payload) => messages.push(Message::Ping(payload.to_vec().into())),
            Event::Pong(payload) => messages.push(Message::Pong(payload.to_vec().into())),
            Event::Close(close) => {
                messages.push(Message::Close(close.code.map(|code| CloseFrame {
                    code: OtherCode::from(code.0),
                    reason: close.reason.into(),
                })))
            }
        }
        rest = &mut rest[taken..];
    }
    Ok(messages)
}

/// Returns all messages of `bytes` that the other library decodes, and true if it reports an error.
fn others(role: OtherRole, bytes: Vec<u8>) -> (Vec<Message>, bool) {
    let mut socket = other(role, bytes);
    let mut messages = Vec::new();
    loop {
        match socket.read() {
            Ok(message) => messages.push(message),
            Err(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (messages, false),
            Err(tungstenite::Error::ConnectionClosed | tungstenite::Error::Io(_)) => {
                return (messages, false);
            }
            Err(_) => return (messages, true),
        }
    }
}

fn write(message: &Message, mask: Option<Mask>, out: &mut Vec<u8>) {
    match message {
        Message::Text(text) => frame(Opcode::Text, text.as_bytes(), mask, out),
        Message::Binary(payload) => frame(Opcode::Binary, payload, mask, out),
        Message::Ping(payload) => frame(Opcode::Ping, payload, mask, out),
        Message::Pong(payload) => frame(Opcode::Pong, payload, mask, out),
        Message::Close(_) | Message::Frame(_) => unreachable!("none is generated"),
    }
}

proptest! {
    #[test]
    fn this_decoder_reads_the_other_librarys_frames(messages in vec(message(), 1..6), we_serve in any::<bool>()) {
        let (role, other_role) = match we_serve {
            true => (Role::Server, OtherRole::Client),
            false => (Role::Client, OtherRole::Server),
        };
        let mut socket = other(other_role, Vec::new());
        for message in &messages {
            socket.write(message.clone()).expect("a tape takes everything");
        }
        socket.flush().expect("a tape takes everything");
        prop_assert_eq!(ours(role, socket.get_ref().output.clone()), Ok(messages));
    }

    #[test]
    fn the_other_library_reads_our_frames(
        messages in vec(message(), 1..6),
        key in any::<[u8; 4]>(),
        we_serve in any::<bool>(),
    ) {
        let (mask, other_role) = match we_serve {
            true => (None, OtherRole::Client),
            false => (Some(Mask(key)), OtherRole::Server),
        };
        let mut bytes = Vec::new();
        for message in &messages {
            write(message, mask, &mut bytes);
        }
        prop_assert_eq!(others(other_role, bytes), (messages, false));
    }

    #[test]
    fn the_other_library_reads_our_fragments(
        pieces in vec(vec(any::<u8>(), 0..200), 2..5),
        key in any::<[u8; 4]>(),
    ) {
        let mut bytes = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let opcode = if index == 0 { Opcode::Binary } else { Opcode::Continuation };
            let header = FrameHeader::new(opcode, piece.len(), Some(Mask(key)));
            let header_start = bytes.len();
            bytes.extend_from_slice(header.as_bytes());
            if index + 1 < pieces.len() {
                bytes[header_start] &= !FIN;
            }
            let start = bytes.len();
            bytes.extend_from_slice(piece);
            Mask(key).apply(&mut bytes[start..]);
        }
        prop_assert_eq!(
            others(OtherRole::Server, bytes),
            (vec![Message::binary(pieces.concat())], false)
        );
    }

    /// For any bytes, both report an error or neither does, and both return the same messages
    /// before it.
    #[test]
    fn both_decoders_agree_on_any_bytes(
        frames in vec((any::<u8>(), vec(any::<u8>(), 0..12)), 0..6),
        opcodes in vec(prop::sample::select(&[0x81u8, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x02, 0x09, 0xC1, 0x83][..]), 6),
    ) {
        let mut bytes = Vec::new();
        for ((noise, payload), opcode) in frames.iter().zip(opcodes) {
            let first = if *noise < 16 { *noise } else { opcode };
            let start = bytes.len();
            frame(Opcode::Binary, payload, Some(Mask([1, 2, 3, 4])), &mut bytes);
            bytes[start] = first;
            if first & 0x0F == 0x08 {
                // Behaviour after a close differs by design.
                break;
            }
        }
        let (theirs, offended) = others(OtherRole::Server, bytes.clone());
        match ours(Role::Server, bytes) {
            Ok(messages) => prop_assert_eq!((messages, false), (theirs, offended)),
            Err(violation) => prop_assert!(offended, "only we see that {violation}"),
        }
    }
}

#[test]
fn the_other_library_reads_our_close_frame() {
    let mut bytes = Vec::new();
    close(CloseCode::GOING_AWAY, "the server stops", None, &mut bytes);
    let expected = Message::Close(Some(CloseFrame {
        code: OtherCode::Away,
        reason: "the server stops".into(),
    }));
    assert_eq!(others(OtherRole::Client, bytes), (vec![expected], false));
}
