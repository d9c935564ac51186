//! `carillon bench`: generates load for Carillon or another server, and measures it.
//!
//! The generator must use far less CPU than the server: it has one thread (`net`), encodes frames
//! once, writes many messages at once, reads large blocks, and its scanners only find frames
//! (`dialect`). Every message carries a stamp (`stamp`), from which loss, order and latency are
//! computed.
//!
//! It uses only the server's protocol and the figures of its process in `/proc`.

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
mod storing;
mod subscriber;
mod ticker;
mod traffic;
mod websocket;

use std::io::Write as _;

pub use options::BenchOptions;

/// Measures a server, and prints the report.
///
/// # Errors
///
/// The server cannot be reached, or it refused a request or closed connections.
pub fn bench(options: BenchOptions) -> anyhow::Result<()> {
    // On failure the run is limited to fewer connections.
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

/// Writes a notice to standard error. Control characters, which a server may have sent, are
/// escaped. A failed write is ignored.
fn note(text: &str) {
    let mut line = String::with_capacity(text.len() + 1);
    for char in text.chars() {
        match char.is_control() {
            true => line.extend(char.escape_default()),
            false => line.push(char),
        }
    }
    let _ = writeln!(std::io::stderr(), "{line}");
}
