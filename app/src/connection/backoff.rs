//! The delay before the next attempt to connect.

/// Exponential backoff with full jitter: attempt `n` waits a random time of up to 250 ms · 2ⁿ, at most 15 s, so that
/// pages that a restart disconnected together do not reconnect together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Returns the next pause in milliseconds. `chance` is a random number from 0 to 1.
    pub fn pause_ms(&mut self, chance: f64) -> u32 {
        let ceiling = FIRST_MS
            .saturating_mul(1 << self.attempts.min(16))
            .min(LONGEST_MS);
        self.attempts = self.attempts.saturating_add(1);
        let pause = f64::from(ceiling) * chance.clamp(0.0, 1.0);
        (pause as u32).max(SHORTEST_MS)
    }

    /// Restarts the sequence. Called when a connection has proved to work.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

const FIRST_MS: u32 = 250;
const LONGEST_MS: u32 = 15_000;
/// The shortest pause, for a random number near 0; limits the attempts on a server that refuses.
const SHORTEST_MS: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_limit() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u32> = (0..9).map(|_| backoff.pause_ms(1.0)).collect();
        assert_eq!(
            ceilings,
            [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]
        );
    }

    #[test]
    fn a_pause_is_random_below_the_ceiling_and_never_zero() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.pause_ms(0.0), SHORTEST_MS);
        assert_eq!(backoff.pause_ms(0.5), 250);
    }

    #[test]
    fn success_starts_over() {
        let mut backoff = Backoff::default();
        for _ in 0..40 {
            backoff.pause_ms(0.3);
        }
        backoff.reset();
        assert_eq!(backoff.pause_ms(1.0), FIRST_MS);
    }
}
