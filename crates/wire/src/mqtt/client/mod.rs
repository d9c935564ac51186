//! The client's state machine of an MQTT session, without I/O: for the command line and tests.
//!
//! [`Client`] owns the order of packets, publications in flight in both directions, the server's
//! topic aliases and keep alive. Received bytes become an [`Event`] or a [`ProtocolError`];
//! requests, and answers that need no decision by the caller, are appended to a buffer of the
//! caller.
//!
//! The caller acknowledges a message after it has handled it ([`Client::acknowledge`]), so a
//! message that was not handled is delivered again. A session that outlives its connection
//! continues with the next [`Client::connect`]: unacknowledged publications are sent again in order
//! ([MQTT-4.4.0-1]).
//!
//! The caller keeps the subscriptions and decides when to reconnect. The client does not use topic
//! aliases for its own publications.

mod config;
mod event;
mod fault;
mod publishing;
mod receive;
mod request;
mod session;

pub use config::Config;
pub use event::{Connected, Disconnected, Event, Message, Published, Refused, Ticket};
pub use fault::{ProtocolError, RequestError};
pub use request::{Connect, Publication, Topics};
pub use session::Client;
