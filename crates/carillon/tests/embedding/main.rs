//! Servers within this process, with real clients.

mod errors;
mod example;
mod messages;
mod router;
mod servers;
