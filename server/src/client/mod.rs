//! The clients of the command line, `carillon pub`, `sub`, `request` and `reply`: real ones, over TCP or WebSocket.
//!
//! This module owns the client's end of a connection ([`connection`]), what goes in from the command
//! line or standard input, and what comes out on standard output and standard error. What is spoken on a connection
//! is [`stomp`] or [`mqtt`]; the order of the conversation and the times of heart-beats are
//! [`wire::stomp::client`]'s and [`wire::mqtt::client`]'s.
//!
//! The exit code and the printing of errors are left to the caller: an error's text is complete without
//! its sources, and says what to do where that is known.

mod acknowledgements;
mod address;
mod backoff;
mod connect;
mod connection;
mod feed;
mod follow;
mod headers;
mod input;
mod lost;
mod machine;
mod mqtt;
mod options;
mod output;
mod printer;
mod protocol;
mod publish;
mod received;
mod render;
mod reply;
mod request;
mod stomp;
mod stop;
mod subscribe;
mod tls;
mod transport;

pub use publish::{PublishOptions, publish};
pub use reply::{ReplyOptions, reply};
pub use request::{RequestOptions, request};
pub use subscribe::{SubscribeOptions, subscribe};

use std::io::Write;

/// Says something on standard error that is no error. If nobody reads it, so be it.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
