//! The harness of the end-to-end tests: the real binary, and clients that share no code with it, so
//! that tests detect a fault that the broker's codec and its own client have in common.
//!
//! Every wait is for a condition with a deadline, and dropping a handle ends its process.

pub mod authority;
pub mod background;
pub mod browser;
pub mod bystander;
pub mod carillon;
pub mod chromedriver;
pub mod data;
pub mod deadline;
pub mod flood;
pub mod http;
pub mod jwt;
pub mod lossy_disk;
pub mod metrics;
pub mod mosquitto;
pub mod mqtt;
pub mod node;
pub mod openapi;
pub mod persistent;
mod process;
pub mod proxy;
pub mod python;
pub mod queue;
pub mod site;
pub mod small_disk;
pub mod sse;
pub mod stomp;
pub mod tls;
pub mod topic;
pub mod unix_socket;
pub mod users;

pub use carillon::Carillon;

/// Prints that a test is skipped because of the machine, past the capture of libtest: a passing test shows it too.
pub fn skipped(reason: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}
