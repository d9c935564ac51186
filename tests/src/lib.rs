//! What the end-to-end tests stand on: the real binary, started and stopped, and clients that
//! share no code with it. A fault that the broker's codec and its own client have in common shows
//! up here.
//!
//! Everything waits for a condition with a deadline, and everything started ends with its handle.

pub mod background;
pub mod browser;
pub mod bystander;
pub mod carillon;
pub mod chromedriver;
pub mod deadline;
pub mod flood;
pub mod http;
pub mod mosquitto;
pub mod mqtt;
pub mod node;
mod process;
pub mod proxy;
pub mod python;
pub mod queue;
pub mod site;
pub mod sse;
pub mod stomp;
pub mod tls;

pub use carillon::Carillon;
