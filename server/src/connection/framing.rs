//! The layer between a protocol's bytes and the socket's: none over TCP, frames over a WebSocket.

use wire::websocket::{self, CloseCode, Event, FrameHeader, Opcode, Role, Violation};

pub use wire::websocket::MessageType;

/// The layer between protocol and socket. The value is the receiving half; sending needs no state.
pub trait Framing: Send + Sync + 'static {
    /// Maximum number of bytes that [`Framing::write_header`] puts in front of a message.
    const HEADER_BYTES: usize;

    /// Returns the first item in `input`, and the number of bytes that it uses. The payload is decoded in place.
    /// Returns `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// The bytes are not valid frames.
    fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(FramingItem<'a>, usize)>, Violation>;

    /// Writes the header of a message of `length` bytes, and returns it.
    fn write_header(message_type: MessageType, length: usize, space: &mut [u8]) -> &[u8];

    /// Appends the response to an item that needs one.
    fn write_control(frame: ControlFrame<'_>, out: &mut Vec<u8>);
}

/// An item of a framing.
#[derive(Debug, PartialEq, Eq)]
pub enum FramingItem<'a> {
    /// Bytes of the protocol, in order; not necessarily complete messages.
    Data(MessageType, &'a [u8]),
    /// Must be answered with the same bytes.
    Ping(&'a [u8]),
    /// The peer ends the connection.
    Close,
    /// No effect.
    Nothing,
}

/// A response of the framing itself.
#[derive(Debug)]
pub enum ControlFrame<'a> {
    /// The response to a ping, with its payload.
    Pong(&'a [u8]),
    /// The end of the connection, with the reason.
    Close(CloseCode, &'a str),
}

/// RFC 6455, the server's side.
pub struct WebSocket {
    decoder: websocket::Decoder,
}

impl WebSocket {
    /// Returns a framing without a limit on messages: they are passed on piece by piece, and the protocol has its own
    /// limits and errors.
    pub fn new() -> Self {
        Self {
            decoder: websocket::Decoder::new(Role::Server, u64::MAX),
        }
    }
}

/// Plain TCP: the protocol's bytes unchanged.
pub struct Stream;

impl Framing for Stream {
    const HEADER_BYTES: usize = 0;

    fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(FramingItem<'a>, usize)>, Violation> {
        let length = input.len();
        Ok((length > 0).then_some((FramingItem::Data(MessageType::Binary, input), length)))
    }

    fn write_header(_: MessageType, _: usize, space: &mut [u8]) -> &[u8] {
        &space[..0]
    }

    /// TCP needs no responses, and the end is the end of the stream.
    fn write_control(_: ControlFrame<'_>, _: &mut Vec<u8>) {}
}

impl Framing for WebSocket {
    const HEADER_BYTES: usize = FrameHeader::MAX_BYTES;

    fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
    ) -> Result<Option<(FramingItem<'a>, usize)>, Violation> {
        let Some((event, used)) = self.decoder.decode(input)? else {
            return Ok(None);
        };
        let item = match event {
            Event::Data {
                kind: message_type,
                payload,
                ..
            } => FramingItem::Data(message_type, payload),
            Event::Ping(payload) => FramingItem::Ping(payload),
            Event::Pong(_) => FramingItem::Nothing,
            Event::Close(_) => FramingItem::Close,
        };
        Ok(Some((item, used)))
    }

    fn write_header(message_type: MessageType, length: usize, space: &mut [u8]) -> &[u8] {
        let opcode = match message_type {
            MessageType::Text => Opcode::Text,
            MessageType::Binary => Opcode::Binary,
        };
        let header = FrameHeader::new(opcode, length, None);
        let space = &mut space[..header.as_bytes().len()];
        space.copy_from_slice(header.as_bytes());
        space
    }

    fn write_control(frame: ControlFrame<'_>, out: &mut Vec<u8>) {
        match frame {
            ControlFrame::Pong(payload) => websocket::frame(Opcode::Pong, payload, None, out),
            ControlFrame::Close(code, reason) => websocket::close(code, reason, None, out),
        }
    }
}
