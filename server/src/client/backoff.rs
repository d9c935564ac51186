//! How long to wait before the next attempt to connect.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Exponential with jitter: attempt `n` waits between half and the whole of 250 ms · 2ⁿ, at most 15 s,
/// so that the clients that a restart cut off do not come back all at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        self.pause_by_chance(chance())
    }

    /// To be called when a connection has proved to work.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }

    fn pause_by_chance(&mut self, chance: f64) -> Duration {
        let doubled = INITIAL_PAUSE.saturating_mul(1 << self.attempts.min(MAX_DOUBLINGS));
        self.attempts = self.attempts.saturating_add(1);
        doubled.min(MAX_PAUSE).mul_f64(0.5 + chance / 2.0)
    }
}

/// A number from 0 to 1. The standard library's hasher is seeded at random; nothing secret is decided here.
fn chance() -> f64 {
    let random = RandomState::new().hash_one(0);
    random as f64 / u64::MAX as f64
}

const INITIAL_PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(15);
/// Enough to pass [`MAX_PAUSE`].
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
    fn pauses_double_up_to_the_longest_and_are_never_less_than_half() {
        let longest = [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000];
        assert_eq!(pauses(1.0), longest);
        assert_eq!(pauses(0.0), longest.map(|pause| pause / 2));
    }

    #[test]
    fn success_starts_over() {
        let mut backoff = Backoff::default();
        (0..100).for_each(|_| assert!(backoff.pause() <= MAX_PAUSE));
        backoff.reset();
        assert!(backoff.pause() <= INITIAL_PAUSE);
    }
}
