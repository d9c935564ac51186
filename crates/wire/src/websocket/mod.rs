//! The framing of WebSocket, RFC 6455, for both roles.
//!
//! [`Decoder`] turns received bytes into events, in place and in pieces: the payload of a data
//! frame is returned as it arrives, however large the frame is. [`FrameHeader`], [`frame`] and
//! [`close()`] encode frames.
//!
//! ```
//! use wire::websocket::{Decoder, Event, MessageType, Role};
//!
//! // "Hello" from a client, without its last byte.
//! let mut received = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51];
//! let mut decoder = Decoder::new(Role::Server, Decoder::MESSAGE_BYTES);
//! let (event, taken) = decoder.decode(&mut received)?.expect("four bytes of it are there");
//! assert_eq!(event, Event::Data { kind: MessageType::Text, payload: b"Hell", last: false });
//! assert_eq!(taken, received.len());
//! # Ok::<(), wire::websocket::Violation>(())
//! ```
//!
//! HTTP does the opening handshake. The caller is responsible for buffers, masking keys, answers to
//! pings and closes, and timeouts. No extension is negotiated, so none is supported.

mod close;
mod decoder;
mod encode;
mod mask;
mod utf8;
mod violation;

pub use close::{Close, CloseCode};
pub use decoder::{Decoder, Event, MessageType, Role};
pub use encode::{FrameHeader, Opcode, close, frame};
pub use mask::Mask;
pub use violation::Violation;

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455, 5.5).
pub const CONTROL_PAYLOAD_BYTES: usize = 125;
