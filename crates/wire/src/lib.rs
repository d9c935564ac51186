//! Carillon's protocols: codecs and state machines, without I/O.
//!
//! The crate contains the STOMP codec with the state machines of server and client ([`stomp`]), the
//! same for MQTT ([`mqtt`]), the framing of RFC 6455 ([`websocket`]), and the header of the PROXY
//! protocol ([`proxy`]).
//!
//! Sockets, buffers, clocks, randomness, topics and subscriptions are left to the caller. Buffers
//! belong to the caller. The time is an argument, in milliseconds of any monotonic clock, and so is
//! the masking key of a WebSocket frame. The crate compiles for `wasm32-unknown-unknown`; the browser
//! page and the server run the same code.

#![warn(missing_docs, unreachable_pub)]

pub mod mqtt;
pub mod proxy;
pub mod stomp;
pub mod websocket;
