//! The machine and the date of a measurement.

use std::fs;
use std::thread;

use crate::process::{ask, command};

/// Returns processor, cores and kernel in one line.
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("an unknown processor", |model| {
        model.trim_start_matches([' ', '\t', ':'])
    });
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let kernel = ask(command("uname").args(["-s", "-r"])).unwrap_or_default();
    format!("{model}, {cores} cores, {kernel}")
}

pub fn date() -> String {
    ask(command("date").args(["-u", "+%Y-%m-%d"])).unwrap_or_default()
}

/// Returns the load average of the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next();
    first.and_then(|text| text.parse().ok()).unwrap_or_default()
}
