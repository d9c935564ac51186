//! The command-line clients `carillon pub`, `sub`, `request` and `reply`. They connect over TCP or
//! WebSocket.
//!
//! This crate owns the client's end of a connection (`connection`), the input from the command
//! line and standard input, and the output on standard output and standard error. The protocols are
//! in `stomp` and `mqtt`; the protocol states and the heart-beat times are in
//! [`wire::stomp::client`] and [`wire::mqtt::client`].
//!
//! Other commands of `carillon` use the address, the login and the trust of these clients, and [`open_http`] for HTTP.
//!
//! The caller sets the exit code and prints errors. The text of an error is complete without its
//! sources, and names a remedy if one is known.

#![warn(missing_docs, unreachable_pub)]

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
mod site;
mod stomp;
mod stop;
mod subscribe;
mod tls;
mod transport;

pub use address::{InvalidAddress, ServerAddress};
pub use connect::{ByteStream, Duplex, open_http};
pub use options::{Login, LoginOptions};
pub use publish::{PublishOptions, publish};
pub use reply::{ReplyOptions, reply};
pub use request::{RequestOptions, request};
pub use site::Site;
pub use subscribe::{SubscribeOptions, subscribe};
pub use tls::Trust;

use printable::note;
