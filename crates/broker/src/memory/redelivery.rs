//! The redelivery of messages that a consumer has returned: how often, and after which delays.
//!
//! The names and the rule are those of ActiveMQ's `RedeliveryPolicy`. The delays apply to messages that a consumer returns, with
//! NACK for example, and not to those of a consumer that ends: another consumer gets them at once.

/// The rule for the redelivery of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// Maximum number of redeliveries; after that the message is dead.
    pub maximum_redeliveries: u32,
    /// Milliseconds before the first redelivery.
    pub initial_delay_ms: u64,
    /// Milliseconds before each later redelivery. With exponential back-off, before the second one if the first had no delay.
    pub delay_ms: u64,
    /// The factor by which each delay is longer than the one before; `None` without exponential back-off.
    pub back_off: Option<BackOff>,
    /// Maximum delay in milliseconds with exponential back-off; `None` without a maximum.
    pub maximum_delay_ms: Option<u64>,
}

/// The factor of an exponential back-off, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackOff(u32);

impl Redelivery {
    /// Returns the milliseconds before the next delivery of a message with this number of deliveries, at least 1.
    #[must_use]
    pub fn delay_ms(&self, deliveries: u32) -> u64 {
        if deliveries <= 1 {
            return self.initial_delay_ms;
        }
        let Some(BackOff(hundredths)) = self.back_off else {
            return self.delay_ms;
        };
        let longest = self.maximum_delay_ms.unwrap_or(u64::MAX);
        let mut delay_ms = self.initial_delay_ms;
        // A delay reaches the maximum after a few steps, or does not change any more.
        for _ in 1..deliveries.min(MAX_STEPS) {
            delay_ms = match delay_ms {
                0 => self.delay_ms,
                before => {
                    let next = u128::from(before) * u128::from(hundredths) / 100;
                    u64::try_from(next).unwrap_or(u64::MAX)
                }
            };
            if delay_ms > longest {
                // As in ActiveMQ: the maximum cannot be shorter than the delay without back-off.
                return longest.max(self.delay_ms);
            }
        }
        delay_ms
    }
}

impl BackOff {
    /// Returns a factor from 1 to 1,000, in hundredths; `None` for another one.
    #[must_use]
    pub fn new(factor: f64) -> Option<Self> {
        let is_valid = (1.0..=1_000.0).contains(&factor);
        is_valid.then(|| Self((factor * 100.0).round() as u32))
    }

    /// Returns the factor.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl Default for BackOff {
    /// The factor of ActiveMQ: 5.
    fn default() -> Self {
        Self(500)
    }
}

impl Default for Redelivery {
    /// Six redeliveries, as in ActiveMQ, without a delay.
    fn default() -> Self {
        Self {
            maximum_redeliveries: 6,
            initial_delay_ms: 0,
            delay_ms: 0,
            back_off: None,
            maximum_delay_ms: None,
        }
    }
}

/// After this number of doublings every delay is at the greatest value.
const MAX_STEPS: u32 = 7_000;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn delays(redelivery: Redelivery) -> [u64; 6] {
        [1, 2, 3, 4, 5, 6].map(|deliveries| redelivery.delay_ms(deliveries))
    }

    #[test]
    fn delays_follow_the_rule_of_activemq() {
        let plain = Redelivery {
            initial_delay_ms: 10,
            delay_ms: 1_000,
            ..Redelivery::default()
        };
        let back_off = Redelivery {
            back_off: BackOff::new(2.0),
            ..plain
        };
        let table = [
            (Redelivery::default(), [0; 6]),
            (plain, [10, 1_000, 1_000, 1_000, 1_000, 1_000]),
            (back_off, [10, 20, 40, 80, 160, 320]),
            (
                Redelivery {
                    initial_delay_ms: 0,
                    ..back_off
                },
                [0, 1_000, 2_000, 4_000, 8_000, 16_000],
            ),
            (
                Redelivery {
                    initial_delay_ms: 0,
                    maximum_delay_ms: Some(5_000),
                    ..back_off
                },
                [0, 1_000, 2_000, 4_000, 5_000, 5_000],
            ),
            // The maximum is not shorter than the delay without back-off.
            (
                Redelivery {
                    initial_delay_ms: 0,
                    maximum_delay_ms: Some(10),
                    ..back_off
                },
                [0, 1_000, 1_000, 1_000, 1_000, 1_000],
            ),
            (
                Redelivery {
                    initial_delay_ms: 100,
                    back_off: BackOff::new(1.5),
                    ..plain
                },
                [100, 150, 225, 337, 505, 757],
            ),
        ];
        for (redelivery, expected) in table {
            assert_eq!(delays(redelivery), expected, "{redelivery:?}");
        }
        assert_eq!(back_off.delay_ms(u32::MAX), u64::MAX);
    }

    #[test]
    fn a_factor_has_a_range() {
        assert_eq!(BackOff::new(2.5).map(BackOff::factor), Some(2.5));
        for factor in [0.0, 0.99, 1_000.5, f64::NAN, f64::INFINITY, -2.0] {
            assert_eq!(BackOff::new(factor), None, "{factor}");
        }
        assert_eq!(BackOff::new(5.0), Some(BackOff::default()));
    }
}
