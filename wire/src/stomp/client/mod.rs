//! The client's half of a STOMP session, without I/O: for the page, the command line and tests.
//!
//! [`Client`] owns the order of the conversation and the times of heart-beats. It writes requests
//! to a buffer of the caller, and decoded items become an [`Event`] or a [`ProtocolError`].
//!
//! Which subscriptions there are, reconnecting and resuming is left to the caller.

mod event;
mod request;
mod session;

pub use event::{Connected, Event, Message, ProtocolError, ServerError};
pub use request::{Acknowledge, Connect, Send, Subscribe, Transaction};
pub use session::{Client, Config};
