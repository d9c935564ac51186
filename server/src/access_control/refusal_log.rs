//! The rate of log lines about refused logins and requests: a client can cause as many as it wants.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::log_rate::LogRate;

/// Decides which refusals are logged.
pub(super) struct RefusalLog(Mutex<LogRate>);

impl Default for RefusalLog {
    fn default() -> Self {
        Self(Mutex::new(LogRate::new(INTERVAL, MAX_LINES)))
    }
}

impl RefusalLog {
    /// Counts a refusal. If it is to be logged, returns the number of earlier ones that were not.
    pub(super) fn count(&self) -> Option<u64> {
        let mut rate = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rate.count(Instant::now())
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
        let mut window = LogRate::new(INTERVAL, MAX_LINES);
        let lines = (0..1_000).filter_map(|_| window.count(now)).count();
        assert_eq!(lines, MAX_LINES as usize);
        let unlogged = 1_000 - u64::from(MAX_LINES);
        assert_eq!(window.count(now + INTERVAL), Some(unlogged));
        assert_eq!(window.count(now + INTERVAL), Some(0));
    }
}
