//! The server's state machine of an MQTT connection, without I/O.
//!
//! A [`Handshake`] decodes CONNECT and returns an [`Opened`] connection, which either is refused or
//! is accepted with a CONNACK and becomes a [`Session`]. From then on bytes become a [`Request`] or
//! a [`Fault`]; answers are appended to a buffer of the caller.
//!
//! A [`Session`] owns the receiving half: the order of packets, the client's topic aliases, flow
//! control and duplicates, and keep alive. Packets to the client are encoded elsewhere, perhaps by
//! other threads: that needs the [`Peer`], an [`Outgoing`](super::Outgoing) and
//! [`AliasesOut`](super::AliasesOut), which are not part of the session.
//!
//! ```
//! use wire::mqtt::PublishReason;
//! use wire::mqtt::server::{Config, Greeting, Handshake, Request};
//!
//! // CONNECT of 3.1.1 as "c", then "hi" to t with QoS 1.
//! let received = b"\x10\x0D\x00\x04MQTT\x04\x02\x00\x3C\x00\x01c\x32\x07\x00\x01t\x00\x09hi";
//! let (config, now_ms, mut out) = (Config::DEFAULT, 0, Vec::new());
//! let opened = Handshake::new(&config, now_ms).connect(received);
//! let (opened, taken) = opened.expect("it is accepted").expect("it is whole");
//! let mut session = opened.accept(&config, now_ms, &Greeting::default(), &mut out)?;
//! let (request, _) = session.request(&received[taken..])?.expect("it is whole");
//! let Request::Publish(publish) = request else {
//!     panic!("it is {request:?}");
//! };
//! assert_eq!((publish.topic.as_str(), publish.payload), ("t", b"hi".as_slice()));
//! let id = publish.delivery.packet_id().expect("QoS is not 0");
//! session.puback(id, PublishReason::Success, "", &mut out)?;
//! assert_eq!(out, b"\x20\x02\x00\x00\x40\x02\x00\x09");
//! # Ok::<(), wire::mqtt::server::Fault>(())
//! ```
//!
//! The caller is responsible for sessions that outlive connections, subscriptions, retained
//! messages and authentication; see [`Fault::refused`].

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
pub use connect::{Opened, Will, WillParts};
pub use fault::Fault;
pub use handshake::Handshake;
pub use peer::Peer;
pub use refusal::Refusal;
pub use request::{Disconnect, Publish, Release, Request, Topic};
pub use session::Session;
