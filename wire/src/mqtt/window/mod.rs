//! What both sides keep of a conversation: what was sent and waits for its acknowledgement
//! ([`Outgoing`]), what was received and not released ([`Incoming`]), topic aliases
//! ([`AliasesIn`], [`AliasesOut`]), and the time ([`KeepAlive`]).
//!
//! Each is a value of its own, bounded, and small while it is empty. Who sends, and what of it is
//! kept beyond a connection, is left to the caller.

mod alias;
mod incoming;
mod keep_alive;
mod outgoing;
mod slots;

pub use alias::{AliasError, AliasesIn, AliasesOut};
pub use incoming::{Arrival, Exceeded, Incoming};
pub use keep_alive::{Due, KeepAlive};
pub use outgoing::{Outgoing, Received, Resend};
pub use slots::Unknown;
