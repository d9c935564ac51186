//! STOMP, <https://stomp.github.io/stomp-specification-1.2.html>.
//!
//! One codec serves all versions; what differs between them is a question to [`Version`]. Bytes
//! become items in [`Decoder`], items become typed requests in [`server::Session`] and typed events
//! in [`client::Client`]; the other direction is [`FrameWriter`] and the machines' own writers.
//!
//! What a destination means, who may use it and which subscriptions exist is left to the caller.

pub mod client;
mod command;
mod decoder;
mod encode;
mod error;
mod escape;
mod frame;
pub mod header;
mod heart_beat;
mod limits;
mod scan;
pub mod server;
mod version;

pub use command::Command;
pub use decoder::Decoder;
pub use encode::{FrameWriter, heart_beat};
pub use error::DecodeError;
pub use frame::{Frame, Header, HeaderIter, Headers, Item};
pub use heart_beat::{Due, HeartBeat, READ_TOLERANCE};
pub use limits::Limits;
pub use version::{SUPPORTED, Version};
