//! The server's half of a STOMP session, without I/O.
//!
//! [`Session`] owns the order of a conversation (CONNECT first and once, nothing after DISCONNECT),
//! what each frame must hold, the version negotiated, and the times of heart-beats. Decoded items
//! become a [`Request`] or a [`Fault`]; replies are appended to a buffer of the caller.
//!
//! The sets of subscriptions, of open transactions and of messages that wait for their
//! acknowledgement are left to the caller, who keeps them anyway: it answers with
//! [`Fault::subscription_in_use`], [`Fault::unknown_subscription`] and their like. So are
//! destinations, selectors, logins and whatever else needs the broker; see [`Fault::refused`].

mod fault;
mod identity;
mod message;
mod request;
mod session;

pub use fault::{Cause, Fault};
pub use identity::Identity;
pub use message::{Message, Missed, ack, message_prefix, message_shared, missed, redelivered};
pub use request::{
    AckMode, AckTarget, Acknowledge, Connect, Disconnect, Overflow, Request, Send, Since,
    Subscribe, Transaction, Unsubscribe, UserHeaders,
};
pub use session::{Config, Greeting, Session};
