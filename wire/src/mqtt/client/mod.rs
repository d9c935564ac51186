//! The client's half of an MQTT session, without I/O: for the command line and tests.
//!
//! [`Client`] owns the order of the conversation, what is in flight both ways, the server's topic aliases
//! and keep alive. Bytes go in and become an [`Event`] or a [`ProtocolError`]; requests, and the answers
//! that nobody has to decide on, are appended to a buffer of the caller.
//!
//! A message is acknowledged when the caller says that it is done with it
//! ([`Client::acknowledge`]), so what was not made use of is delivered again. A session that outlives
//! its connection goes on with the next [`Client::connect`]: what was published and not acknowledged is
//! sent again, in order ([MQTT-4.4.0-1]).
//!
//! Which subscriptions there are, and when to connect again, is left to the caller. There are no topic
//! aliases of the client's own.

mod config;
mod event;
mod fault;
mod hearing;
mod publishing;
mod request;
mod session;

pub use config::Config;
pub use event::{Connected, Disconnected, Event, Message, Published, Refused, Ticket};
pub use fault::{ProtocolError, RequestError};
pub use request::{Connect, Publication, Topics};
pub use session::Client;
