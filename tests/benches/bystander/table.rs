//! The table of the results, in Markdown.

use std::fs;
use std::time::Duration;

use harness::bystander::Latencies;

pub const HEAD: &str = "| attack | p50, ms | p99, ms | longest, ms | server's memory, MB |\n\
    |---|---:|---:|---:|---:|\n";

pub struct Row {
    pub name: String,
    pub latencies: Latencies,
    /// Resident memory at the end of the attack; `None` if the system does not report it.
    pub memory_bytes: Option<u64>,
}

impl Row {
    pub fn line(&self) -> String {
        let [p50, p99, longest] =
            [50, 99, 100].map(|percent| milliseconds(self.latencies.percentile(percent)));
        let memory = self.memory_bytes.map_or("–".to_owned(), megabytes);
        format!("| {} | {p50} | {p99} | {longest} | {memory} |\n", self.name)
    }
}

/// Returns the resident memory of a process from `/proc`.
pub fn resident_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

fn megabytes(bytes: u64) -> String {
    (bytes / 1_000_000).to_string()
}
