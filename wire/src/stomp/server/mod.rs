//! The server's half of a STOMP session, without I/O.
//!
//! [`Session`] owns the order of a conversation (CONNECT first and once, nothing after DISCONNECT),
//! what each frame must hold, the version negotiated, and the times of heart-beats. Decoded items
//! become a [`Request`] or a [`Fault`]; replies are appended to a buffer of the caller.
//!
//! The set of subscriptions is left to the caller, who keeps one under each [`Identity`] anyway: it
//! answers with [`Fault::subscription_in_use`] and [`Fault::unknown_subscription`]. So are
//! destinations, logins and whatever else needs the broker; see [`Fault::refused`].

mod fault;
mod identity;
mod message;
mod request;
mod session;

pub use fault::{Cause, Fault};
pub use identity::Identity;
pub use message::{Message, Missed, message_prefix, message_shared, missed};
pub use request::{
    Connect, Disconnect, Overflow, Request, Send, Since, Subscribe, Unsubscribe, UserHeaders,
};
pub use session::{Config, Greeting, Session};
