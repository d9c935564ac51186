//! The log lines about refused pages and host names: each name is logged once, with the option that allows it.
//!
//! A refused page retries, and clients can send any name. So a logged name is not logged again, and only a few names
//! are logged per minute.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::log_rate::LogRate;

/// Logs refused pages and hosts, at a limited rate.
#[derive(Default)]
pub struct RefusalLog {
    log: Mutex<LogState>,
}

/// The state of the log.
struct LogState {
    logged_names: HashSet<String>,
    rate: LogRate,
}

impl Default for LogState {
    fn default() -> Self {
        Self {
            logged_names: HashSet::new(),
            rate: LogRate::new(MINUTE, MAX_LINES_PER_MINUTE),
        }
    }
}

/// A line to log, with the number of other refusals that were not logged before it.
#[derive(Debug, PartialEq, Eq)]
struct LogLine {
    unlogged: u64,
}

impl RefusalLog {
    /// Logs that a page of this origin was refused.
    pub fn log_origin(&self, origin: &str) {
        let origin = shortened(origin);
        if let Some(LogLine { unlogged }) = self.line(origin) {
            tracing::warn!(
                unlogged,
                "refused a page from {origin}; --allow-origin {origin} lets its pages use the server"
            );
        }
    }

    /// Logs that a request for this host was refused.
    pub fn log_host(&self, name: &str) {
        let name = shortened(name);
        if let Some(LogLine { unlogged }) = self.line(name) {
            tracing::warn!(
                unlogged,
                "refused a request for the host {name}; --allow-host {name} lets clients use that name"
            );
        }
    }

    fn line(&self, name: &str) -> Option<LogLine> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.line(name, Instant::now())
    }
}

impl LogState {
    /// Decides whether to log a refusal of this name. A name that is already in the log does not count as not logged.
    fn line(&mut self, name: &str, now: Instant) -> Option<LogLine> {
        if self.logged_names.contains(name) {
            return None;
        }
        let unlogged = self.rate.count(now)?;
        if self.logged_names.len() >= MAX_NAMES {
            self.logged_names.clear();
        }
        self.logged_names.insert(name.to_owned());
        Some(LogLine { unlogged })
    }
}

/// Returns the beginning of a name, which may be as long as a request's head.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME_BYTES)]
}

const MINUTE: Duration = Duration::from_secs(60);
/// Maximum number of lines per minute.
const MAX_LINES_PER_MINUTE: u32 = 10;
/// Maximum number of remembered names; above it all are forgotten, and may be logged again.
const MAX_NAMES: usize = 1_000;
/// Maximum number of bytes of a name in the log.
const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_logged_once() {
        let mut log = LogState::default();
        let now = Instant::now();
        assert_eq!(log.line("a", now), Some(LogLine { unlogged: 0 }));
        assert_eq!(log.line("a", now), None);
        assert_eq!(log.line("a", now + 2 * MINUTE), None);
        assert_eq!(log.line("b", now), Some(LogLine { unlogged: 0 }));
    }

    #[test]
    fn a_flood_of_names_gives_few_lines_and_uses_bounded_memory() {
        let mut log = LogState::default();
        let now = Instant::now();
        let flood = |log: &mut LogState, at: Instant, names: usize| {
            let lines = (0..names).filter_map(|name| log.line(&format!("{at:?} {name}"), at));
            lines.count()
        };
        assert_eq!(flood(&mut log, now, 100), MAX_LINES_PER_MINUTE as usize);
        let line = log.line("late", now + MINUTE);
        let unlogged = 100 - u64::from(MAX_LINES_PER_MINUTE);
        assert_eq!(line, Some(LogLine { unlogged }));
        for minute in 2..200 {
            flood(&mut log, now + minute * MINUTE, 20);
        }
        assert!(log.logged_names.len() <= MAX_NAMES);
    }

    #[test]
    fn a_long_name_is_truncated_between_characters() {
        let name = format!("{}ä", "x".repeat(MAX_NAME_BYTES - 1));
        assert_eq!(shortened(&name).len(), MAX_NAME_BYTES - 1);
        assert_eq!(shortened("short"), "short");
    }
}
