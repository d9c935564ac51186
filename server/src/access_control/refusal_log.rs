//! The rate of log lines about refused logins and requests: a client can cause as many as it wants.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Decides which refusals are logged.
#[derive(Default)]
pub(super) struct RefusalLog(Mutex<Window>);

/// The lines of the current interval.
#[derive(Default)]
struct Window {
    start: Option<Instant>,
    logged: u32,
    /// Refusals that were not logged since the last line.
    unlogged: u64,
}

impl RefusalLog {
    /// Counts a refusal. If it is to be logged, returns the number of earlier ones that were not.
    pub(super) fn count(&self) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.count(Instant::now())
    }
}

impl Window {
    fn count(&mut self, now: Instant) -> Option<u64> {
        if self.start.is_none_or(|start| now - start >= INTERVAL) {
            self.start = Some(now);
            self.logged = 0;
        }
        if self.logged >= MAX_LINES {
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
    fn a_storm_of_refusals_gives_few_lines_with_the_number_of_the_others() {
        let now = Instant::now();
        let mut window = Window::default();
        let lines = (0..1_000).filter_map(|_| window.count(now)).count();
        assert_eq!(lines, MAX_LINES as usize);
        let unlogged = 1_000 - u64::from(MAX_LINES);
        assert_eq!(window.count(now + INTERVAL), Some(unlogged));
        assert_eq!(window.count(now + INTERVAL), Some(0));
    }
}
