//! The client's state machine of a STOMP session, without I/O: for the page, the command line and
//! tests.
//!
//! [`Client`] owns the order of frames and the heart-beat timers. It writes requests to a buffer of
//! the caller, and decoded items become an [`Event`] or a [`ProtocolError`].
//!
//! The caller keeps the subscriptions, and reconnects and resumes.

mod event;
mod request;
mod session;

pub use event::{Connected, Event, Message, ProtocolError, ServerError};
pub use request::{Acknowledge, Connect, Send, Subscribe};
pub use session::{Client, Config};
