//! STOMP for the command-line clients: the connection, destinations, and the STOMP parts of `pub`
//! and `sub`.

pub mod connection;
pub mod destination;
pub mod options;
pub mod publication;
pub mod render;
pub mod subscription;

pub use connection::Connection;
