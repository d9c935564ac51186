//! Requests of a client, typed as the specification defines them.
//!
//! A request borrows from its frame. A frame without its required content is a
//! [`Cause`](super::Cause). Each file parses related frames: [`connect`], [`send`], [`subscribe`]
//! with the values of its headers in [`options`], [`acknowledge`], [`transaction`].

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

/// A request of a client.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// A heart-beat. Needs no action.
    HeartBeat,
    /// CONNECT. Answer with [`Session::connected`](super::Session::connected), or with an error.
    Connect(Connect<'a>),
    /// SEND.
    Send(Send<'a>),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// ACK: the message was consumed.
    Ack(Acknowledge<'a>),
    /// NACK: the message was not consumed.
    Nack(Acknowledge<'a>),
    /// BEGIN.
    Begin(Transaction<'a>),
    /// COMMIT.
    Commit(Transaction<'a>),
    /// ABORT.
    Abort(Transaction<'a>),
    /// DISCONNECT, the last request; close the connection after the receipt.
    Disconnect(Disconnect<'a>),
}
