//! STOMP on the command line: its connection, its destinations, what `pub` sends and what `sub` subscribes to.

pub mod connection;
pub mod destination;
pub mod options;
pub mod publication;
pub mod render;
pub mod subscription;

pub use connection::Connection;
