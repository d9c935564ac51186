//! The processor time that a process has used.

use std::fs;
use std::time::Duration;

/// In user and in system mode, of all its threads; `None` where there is no Linux.
pub fn time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // proc(5): the second field, in parentheses, may hold spaces. `utime` and `stime` are 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * TICK_MS))
}

/// `USER_HZ` is 100 on every Linux of today.
const TICK_MS: u64 = 10;
