//! The rate of log lines that clients can cause as often as they want.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Limits the lines of one kind, for all threads.
#[derive(Debug)]
pub struct LineLimit(Mutex<LogRate>);

impl LineLimit {
    /// Returns the usual limit: [`MAX_LINES`] in [`INTERVAL`].
    pub const fn new() -> Self {
        Self(Mutex::new(LogRate::new(INTERVAL, MAX_LINES)))
    }

    /// Counts an event. If it is to be logged, returns the number of earlier ones that were not.
    pub fn count(&self) -> Option<u64> {
        let mut rate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rate.count(Instant::now())
    }
}

impl Default for LineLimit {
    fn default() -> Self {
        Self::new()
    }
}

/// Limits the number of lines in an interval, and counts those that were left out.
#[derive(Debug)]
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

const INTERVAL: Duration = Duration::from_secs(10);
/// Maximum number of lines in an interval.
const MAX_LINES: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_of_events_gives_few_lines_with_the_number_of_the_others() {
        let now = Instant::now();
        let mut window = LogRate::new(INTERVAL, MAX_LINES);
        let lines = (0..1_000).filter_map(|_| window.count(now)).count();
        assert_eq!(lines, MAX_LINES as usize);
        let unlogged = 1_000 - u64::from(MAX_LINES);
        assert_eq!(window.count(now + INTERVAL), Some(unlogged));
        assert_eq!(window.count(now + INTERVAL), Some(0));
    }
}
