//! Carillon's protocols: bytes to frames, and the state machines behind them.
//!
//! This crate owns what two peers may say to each other: the STOMP codec with the server's and the
//! client's state machine ([`stomp`]), the packets of MQTT ([`mqtt`]), and the framing of RFC 6455
//! ([`websocket`]).
//!
//! It leaves to others everything that touches the world: sockets, buffers, clocks, randomness,
//! topics and subscriptions. Buffers belong to the caller, the time is an argument in milliseconds
//! of any monotonic clock, and so is the masking key of a WebSocket frame. The crate compiles for
//! `wasm32-unknown-unknown`; the browser page and the server run the same code.

pub mod mqtt;
pub mod stomp;
pub mod websocket;
