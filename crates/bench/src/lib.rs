//! `carillon bench`: load for a server, Carillon or another, and what became of it.
//!
//! The generator must cost far less than what it measures: one thread ([`net`]), frames that are encoded
//! once, a write for as many messages as may go, large reads, and scanners that only count ([`dialect`]).
//! Every message is stamped ([`stamp`]), so that loss, order and latency are known of each one.
//!
//! It knows nothing of the server but its protocol, and what `/proc` says of its process.

mod address;
mod dialect;
mod latency;
mod link;
mod net;
mod opening;
mod options;
mod plan;
mod process;
mod publisher;
mod report;
mod run;
mod stamp;
mod subscriber;
mod ticker;
mod traffic;
mod websocket;

use std::io::Write as _;

pub use options::BenchOptions;

/// Measures, and prints what was found.
///
/// # Errors
///
/// The server cannot be reached, refused something or went away.
pub fn bench(options: BenchOptions) -> anyhow::Result<()> {
    // Without it there are as many connections as there are.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let as_json = options.json;
    let report = run::Run::new(options)?.perform()?;
    let text = match as_json {
        true => serde_json::to_string(&report)? + "\n",
        false => report.table(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// Says something on standard error. If nobody reads it, so be it.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
