//! The server's state machine of a STOMP session, without I/O.
//!
//! [`Session`] owns the order of frames (CONNECT first and once, nothing after DISCONNECT), the
//! required content of each frame, the negotiated version, and heart-beat timers. Decoded items
//! become a [`Request`] or a [`Fault`]; replies are appended to a buffer of the caller.
//!
//! The caller keeps the subscriptions, open transactions and unacknowledged messages: it answers
//! with [`Fault::subscription_in_use`], [`Fault::unknown_subscription`] and similar faults. It also
//! checks destinations, selectors, logins and everything else that needs the broker; see
//! [`Fault::refused`].

mod fault;
mod identity;
mod message;
mod request;
mod session;

pub use fault::{Cause, Fault};
pub use identity::Identity;
pub use message::{
    Message, Missed, ack, end_of_browse, message_prefix, message_shared, missed, redelivered,
};
pub use request::{
    AckMode, AckTarget, Acknowledge, Connect, Disconnect, Overflow, Request, Send, Since,
    Subscribe, Transaction, Unsubscribe, UserHeaders,
};
pub use session::{Config, Greeting, Session};
