//! What a client may ask for, as typed as the specification makes it.
//!
//! A request borrows from its frame. A frame that does not hold what it must is a
//! [`Cause`]. One file reads what belongs together: [`connect`], [`send`], and [`subscribe`] with the
//! values of its headers in [`options`].

mod connect;
mod fields;
mod options;
mod send;
mod subscribe;

use super::super::Command;
use super::fault::Cause;

pub use connect::{Connect, Disconnect};
pub use options::{Overflow, Since};
pub use send::{Send, UserHeaders};
pub use subscribe::{Subscribe, Unsubscribe};

#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// The peer lives; there is nothing to do.
    HeartBeat,
    /// To be answered with [`Session::connected`](super::Session::connected), or with an error.
    Connect(Connect<'a>),
    Send(Send<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
    /// The last request; close the connection after the receipt.
    Disconnect(Disconnect<'a>),
}

/// What belongs to the acknowledgement of messages and to transactions, refused until they exist.
const TRANSACTIONS: Cause = Cause::NotSupported {
    what: "transactions are",
};
const ACKNOWLEDGEMENT: Cause = Cause::NotSupported {
    what: "acknowledging messages (ack:client, ack:client-individual, ACK and NACK) is",
};

/// The frames whose place is kept for later.
pub(super) const fn not_supported(command: Command) -> Option<Cause> {
    match command {
        Command::Ack | Command::Nack => Some(ACKNOWLEDGEMENT),
        Command::Begin | Command::Commit | Command::Abort => Some(TRANSACTIONS),
        _ => None,
    }
}
