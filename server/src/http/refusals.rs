//! The log lines about refused pages and host names: each name is logged once, with the option that allows it.
//!
//! A refused page retries, and clients can send any name. So a logged name is not logged again, and only a few names
//! are logged per minute.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

#[derive(Default)]
pub struct Refusals {
    log: Mutex<Log>,
}

/// The state of the log.
#[derive(Default)]
struct Log {
    named: HashSet<String>,
    /// The start of the current minute, and the number of lines in it.
    minute: Option<Instant>,
    logged: usize,
    /// Number of refusals that were not logged since the last line.
    unlogged: u64,
}

/// A line to log, with the number of other refusals that were not logged before it.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    unlogged: u64,
}

impl Refusals {
    /// Logs that a page of this origin was refused.
    pub fn note_origin(&self, origin: &str) {
        let origin = shortened(origin);
        if let Some(Line { unlogged }) = self.line(origin) {
            tracing::warn!(
                unlogged,
                "refused a page from {origin}; --allow-origin {origin} lets its pages use the server"
            );
        }
    }

    /// Logs that a request for this host was refused.
    pub fn note_host(&self, name: &str) {
        let name = shortened(name);
        if let Some(Line { unlogged }) = self.line(name) {
            tracing::warn!(
                unlogged,
                "refused a request for the host {name}; --allow-host {name} lets clients use that name"
            );
        }
    }

    fn line(&self, name: &str) -> Option<Line> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.line(name, Instant::now())
    }
}

impl Log {
    /// Decides whether to log a refusal of this name. A name that is already in the log does not count as not logged.
    fn line(&mut self, name: &str, now: Instant) -> Option<Line> {
        if self.named.contains(name) {
            return None;
        }
        let is_new_minute = self.minute.is_none_or(|begun| now - begun >= MINUTE);
        if is_new_minute {
            self.minute = Some(now);
            self.logged = 0;
        }
        if self.logged >= LINES_A_MINUTE {
            self.unlogged += 1;
            return None;
        }
        self.logged += 1;
        if self.named.len() >= NAMES {
            self.named.clear();
        }
        self.named.insert(name.to_owned());
        Some(Line {
            unlogged: std::mem::take(&mut self.unlogged),
        })
    }
}

/// Returns the beginning of a name, which may be as long as a request's head.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES)]
}

const MINUTE: Duration = Duration::from_secs(60);
/// Maximum number of lines per minute.
const LINES_A_MINUTE: usize = 10;
/// Maximum number of remembered names; above it all are forgotten, and may be logged again.
const NAMES: usize = 1_000;
/// Maximum number of bytes of a name in the log.
const NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_logged_once() {
        let mut log = Log::default();
        let now = Instant::now();
        assert_eq!(log.line("a", now), Some(Line { unlogged: 0 }));
        assert_eq!(log.line("a", now), None);
        assert_eq!(log.line("a", now + 2 * MINUTE), None);
        assert_eq!(log.line("b", now), Some(Line { unlogged: 0 }));
    }

    #[test]
    fn a_flood_of_names_gives_few_lines_and_uses_bounded_memory() {
        let mut log = Log::default();
        let now = Instant::now();
        let flood = |log: &mut Log, at: Instant, names: usize| {
            let lines = (0..names).filter_map(|name| log.line(&format!("{at:?} {name}"), at));
            lines.count()
        };
        assert_eq!(flood(&mut log, now, 100), LINES_A_MINUTE);
        let line = log.line("late", now + MINUTE);
        let unlogged = 100 - LINES_A_MINUTE as u64;
        assert_eq!(line, Some(Line { unlogged }));
        for minute in 2..200 {
            flood(&mut log, now + minute * MINUTE, 20);
        }
        assert!(log.named.len() <= NAMES);
    }

    #[test]
    fn a_long_name_is_truncated_between_characters() {
        let name = format!("{}ä", "x".repeat(NAME_BYTES - 1));
        assert_eq!(shortened(&name).len(), NAME_BYTES - 1);
        assert_eq!(shortened("short"), "short");
    }
}
