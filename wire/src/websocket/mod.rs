//! The framing of WebSocket, RFC 6455, for both roles.
//!
//! [`Decoder`] turns received bytes into events, in place and piecewise: the payload of a data
//! frame is handed on as it comes, however large the frame. The other direction is [`FrameHeader`]
//! and the functions beside it.
//!
//! The opening handshake is left to HTTP, and to the caller: buffers, masking keys, when to answer
//! a ping or a close, and timeouts. No extension is negotiated, so none is understood.

mod close;
mod decoder;
mod encode;
mod mask;
mod utf8;
mod violation;

pub use close::{Close, CloseCode};
pub use decoder::{Decoder, Event, Kind, Role};
pub use encode::{FrameHeader, Opcode, close, frame};
pub use mask::Mask;
pub use violation::Violation;

/// "All control frames MUST have a payload length of 125 bytes or less" (RFC 6455, 5.5).
pub const CONTROL_PAYLOAD_BYTES: usize = 125;
