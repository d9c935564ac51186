//! The expiry of credentials.

use std::time::{Duration, Instant};

use crate::clock;

/// The time at which credentials expire. It has come when the wall clock reaches it, or when the time has passed that was left
/// at the login. So a wall clock that is set back does not keep a client for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Expiry {
    /// By the wall clock, since 1970.
    wall: Duration,
    /// By the monotonic clock; `None` if it is too far away.
    monotonic: Option<Instant>,
}

impl Expiry {
    /// Returns the expiry at this number of Unix seconds.
    pub(super) fn at(unix_s: u64) -> Self {
        Self::from(Duration::from_secs(unix_s), unix_time(), Instant::now())
    }

    fn from(wall: Duration, now: Duration, instant: Instant) -> Self {
        Self {
            wall,
            monotonic: instant.checked_add(wall.saturating_sub(now)),
        }
    }

    /// Returns whether the time has come.
    pub(super) fn is_due(&self) -> bool {
        self.is_due_at(unix_time(), Instant::now())
    }

    fn is_due_at(&self, now: Duration, instant: Instant) -> bool {
        now >= self.wall || self.monotonic.is_some_and(|due| instant >= due)
    }

    /// Returns an expiry that is due as soon as one of the two is.
    pub(super) fn earliest(self, other: Self) -> Self {
        let earliest = self.monotonic.into_iter().chain(other.monotonic).min();
        Self {
            wall: self.wall.min(other.wall),
            monotonic: earliest,
        }
    }
}

/// Returns the time of the wall clock since 1970.
pub(super) fn unix_time() -> Duration {
    Duration::from_millis(clock::unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn credentials_expire_by_the_clock_that_is_first() {
        let start = Instant::now();
        let expiry = Expiry::from(s(1_000), s(900), start);
        let table = [
            // The wall clock, and the time since the login.
            (s(999), s(99), false),
            (s(1_000), s(99), true),
            // Set back, and set forward.
            (s(0), s(99), false),
            (s(0), s(100), true),
            (s(5_000), s(1), true),
        ];
        for (wall, passed, expected) in table {
            let is_due = expiry.is_due_at(wall, start + passed);
            assert_eq!(is_due, expected, "{wall:?} {passed:?}");
        }
    }

    #[test]
    fn extreme_times_are_no_fault() {
        let start = Instant::now();
        let never = Expiry::from(s(u64::MAX), s(0), start);
        assert!(!never.is_due_at(s(1_000), start + s(1_000)));
        let past = Expiry::from(s(0), s(u64::MAX), start);
        assert!(past.is_due_at(s(0), start));
        let both = never.earliest(Expiry::from(s(1_000), s(900), start));
        assert!(both.is_due_at(s(0), start + s(100)));
        assert!(!both.is_due_at(s(0), start + s(99)));
    }
}
