//! The server's half of an MQTT connection, without I/O.
//!
//! A [`Handshake`] reads CONNECT and gives an [`Opened`] connection, which is answered with a CONNACK
//! and becomes a [`Session`], or is refused. From then on bytes become a [`Request`] or a [`Fault`];
//! answers are appended to a buffer of the caller.
//!
//! A [`Session`] owns the receiving half: the order of the conversation, topic aliases of the client,
//! its flow control and what of it is received twice, keep alive. What is sent to the client is
//! encoded elsewhere, maybe by others at the same time: that needs the [`Peer`], an
//! [`Outgoing`](super::Outgoing) and [`AliasesOut`](super::AliasesOut), none of which is kept here.
//! Sessions that outlive connections, subscriptions, retained messages and logins are left to the
//! caller, too; see [`Fault::refused`].

mod config;
mod connack;
mod connect;
mod fault;
mod handshake;
mod peer;
mod refusal;
mod request;
mod session;

pub use config::{Config, PayloadCheck};
pub use connack::Greeting;
pub use connect::{Opened, Will};
pub use fault::{Blame, Fault};
pub use handshake::Handshake;
pub use peer::Peer;
pub use refusal::Refusal;
pub use request::{Disconnect, Publish, Release, Request, Topic};
pub use session::Session;
