//! The pause before the next attempt to connect.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// An exponential pause with jitter: attempt `n` waits between half and all of 250 ms · 2ⁿ, at most
/// 15 s. The jitter keeps the clients from reconnecting all at once after a restart of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns the next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        self.pause_by_chance(chance())
    }

    /// Starts again with the shortest pause. To be called after a connection has worked.
    pub(crate) const fn reset(&mut self) {
        self.attempts = 0;
    }

    fn pause_by_chance(&mut self, chance: f64) -> Duration {
        let doubled = INITIAL_PAUSE.saturating_mul(1 << self.attempts.min(MAX_DOUBLINGS));
        self.attempts = self.attempts.saturating_add(1);
        doubled.min(MAX_PAUSE).mul_f64(0.5 + chance / 2.0)
    }
}

/// Returns a random number from 0 to 1. The standard library's randomly seeded hasher is enough,
/// because the number need not be secret.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(0);
    random as f64 / u64::MAX as f64
}

const INITIAL_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(15);
/// Enough doublings to exceed [`MAX_PAUSE`].
const MAX_DOUBLINGS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(chance: f64) -> Vec<u128> {
        let mut backoff = Backoff::default();
        let pause = |_| backoff.pause_by_chance(chance).as_millis();
        (0..8).map(pause).collect()
    }

    #[test]
    fn pauses_double_up_to_the_maximum_and_are_at_least_half() {
        let longest = [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000];
        assert_eq!(pauses(1.0), longest);
        assert_eq!(pauses(0.0), longest.map(|pause| pause / 2));
    }

    #[test]
    fn a_reset_starts_with_the_shortest_pause() {
        let mut backoff = Backoff::default();
        (0..100).for_each(|_| assert!(backoff.pause() <= MAX_PAUSE));
        backoff.reset();
        assert!(backoff.pause() <= INITIAL_PAUSE);
    }
}
