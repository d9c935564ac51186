//! STOMP, <https://stomp.github.io/stomp-specification-1.2.html>.
//!
//! One codec serves all versions; [`Version`] defines their differences. [`Decoder`] turns bytes
//! into items. [`server::Session`] turns items into typed requests, and [`client::Client`] into
//! typed events. [`FrameWriter`] and the state machines encode frames.
//!
//! ```
//! use wire::stomp::server::{Config, Greeting, Request, Session};
//! use wire::stomp::{Decoder, Limits};
//!
//! let mut decoder = Decoder::new(Limits::DEFAULT);
//! let mut session = Session::new(&Config::DEFAULT, 0);
//! let mut replies = Vec::new();
//!
//! // The caller's buffer: received bytes that were not consumed yet.
//! let mut received: &[u8] = b"CONNECT\naccept-version:1.2\nhost:h\n\n\0SEND\ndest";
//! while let Some((item, taken)) = decoder.decode(received)? {
//!     match session.request(item)? {
//!         Request::Connect(connect) => {
//!             assert_eq!(connect.host.as_deref(), Some("h"));
//!             let greeting = Greeting { server: "Carillon/0.1.0", session: "s-1" };
//!             session.connected(0, &greeting, &mut replies);
//!         }
//!         request => unreachable!("{request:?} has not arrived"),
//!     }
//!     received = &received[taken..];
//! }
//! assert_eq!(received, b"SEND\ndest", "to be kept until more arrives");
//! assert!(replies.starts_with(b"CONNECTED\nversion:1.2\n"));
//! # Ok::<(), wire::stomp::server::Fault>(())
//! ```
//!
//! The caller defines the meaning of destinations, checks access to them, and keeps the
//! subscriptions.

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
