//! Protocol state that both sides need: publications that were sent and wait for their
//! acknowledgement ([`Outgoing`]), publications that were received and not released ([`Incoming`]),
//! topic aliases ([`AliasesIn`], [`AliasesOut`]), and timers ([`KeepAlive`]).
//!
//! Each is a separate bounded value, and small while it is empty. The caller does the sending and
//! decides what outlives a connection.

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
