//! What a client may ask for, as typed as the specification makes it.
//!
//! A request borrows from its frame. A frame that does not hold what it must is a
//! [`Cause`](super::Cause). One file reads what belongs together: [`connect`], [`send`],
//! [`subscribe`] with the values of its headers in [`options`], [`acknowledge`], [`transaction`].

mod acknowledge;
mod connect;
mod fields;
mod options;
mod send;
mod subscribe;
mod transaction;

pub use acknowledge::{AckTarget, Acknowledge};
pub use connect::{Connect, Disconnect};
pub use options::{AckMode, Overflow, Since};
pub use send::{Send, UserHeaders};
pub use subscribe::{Subscribe, Unsubscribe};
pub use transaction::Transaction;

#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// The peer lives; there is nothing to do.
    HeartBeat,
    /// To be answered with [`Session::connected`](super::Session::connected), or with an error.
    Connect(Connect<'a>),
    Send(Send<'a>),
    Subscribe(Subscribe<'a>),
    Unsubscribe(Unsubscribe<'a>),
    /// The message was consumed.
    Ack(Acknowledge<'a>),
    /// It was not.
    Nack(Acknowledge<'a>),
    Begin(Transaction<'a>),
    Commit(Transaction<'a>),
    Abort(Transaction<'a>),
    /// The last request; close the connection after the receipt.
    Disconnect(Disconnect<'a>),
}
