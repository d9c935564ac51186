//! STOMP for the command-line clients: the connection, destinations, and the STOMP parts of `pub`
//! and `sub`.

pub(crate) mod connection;
pub(crate) mod destination;
pub(crate) mod options;
pub(crate) mod publication;
pub(crate) mod render;
pub(crate) mod subscription;

pub(crate) use connection::Connection;
