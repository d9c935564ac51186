//! The clients of the command line, `carillon pub`, `sub`, `request` and `reply`: real ones, over WebSocket.
//!
//! This module owns the client's end of a connection ([`connection`]), what goes in from the command
//! line or standard input, and what comes out on standard output and standard error. The order of the
//! conversation and the times of heart-beats are [`wire::stomp::client`]'s.
//!
//! The exit code and the printing of errors are left to the caller: an error's text is complete without
//! its sources, and says what to do where that is known.

mod acknowledgements;
mod address;
mod backoff;
mod connect;
mod connection;
mod destination;
mod feed;
mod follow;
mod headers;
mod incoming;
mod input;
mod options;
mod output;
mod printer;
mod publish;
mod render;
mod reply;
mod request;
mod stop;
mod subscribe;
mod tls;

#[cfg(test)]
pub use options::parse;
pub use publish::{PublishOptions, publish};
pub use reply::{ReplyOptions, reply};
pub use request::{RequestOptions, request};
pub use subscribe::{SubscribeOptions, subscribe};

use std::io::Write;

/// Says something on standard error that is no error. If nobody reads it, so be it.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
