//! The rate of log lines that clients can cause as often as they want.

use std::time::{Duration, Instant};

/// Limits the number of lines in an interval, and counts those that were left out.
pub struct LogRate {
    interval: Duration,
    max_lines: u32,
    /// The start of the current interval.
    start: Option<Instant>,
    /// Number of lines in the current interval.
    logged: u32,
    unlogged: u64,
}

impl LogRate {
    /// Returns a rate of at most `max_lines` in each interval.
    pub const fn new(interval: Duration, max_lines: u32) -> Self {
        Self {
            interval,
            max_lines,
            start: None,
            logged: 0,
            unlogged: 0,
        }
    }

    /// Returns whether the current interval has not ended.
    pub fn is_current(&self, now: Instant) -> bool {
        self.start.is_some_and(|start| now - start < self.interval)
    }

    /// Counts an event. If it is to be logged, returns the number of events since the last line that were not.
    pub fn count(&mut self, now: Instant) -> Option<u64> {
        if !self.is_current(now) {
            self.start = Some(now);
            self.logged = 0;
        }
        if self.logged >= self.max_lines {
            self.unlogged += 1;
            return None;
        }
        self.logged += 1;
        Some(std::mem::take(&mut self.unlogged))
    }
}
