//! The CPU time of a process.

use std::fs;
use std::time::Duration;

/// Returns the CPU time of all threads in user and system mode, or None if the system is not Linux.
pub fn time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // proc(5): the second field, in parentheses, may contain spaces. `utime` and `stime` are fields
    // 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * TICK_MS))
}

/// One tick in milliseconds. `USER_HZ` is 100 on all current Linux systems.
const TICK_MS: u64 = 10;
