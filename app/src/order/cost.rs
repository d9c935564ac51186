//! The cost of one order: the rates of two ways to publish the same number of messages. Pure.
//!
//! All producers publish to one topic, or each to a topic of its own; the subscribers read all of it. A round ends when every
//! subscriber has every message.

/// A way to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All producers to one topic, whose messages have one order.
    Together,
    /// Each producer to a topic of its own.
    Apart,
}

/// The rounds of a measurement, the first only to warm up. The others alternate so that a steady drift, such as a processor
/// that gets warm, concerns both ways equally.
pub const ROUNDS: [Way; 5] = [
    Way::Together,
    Way::Together,
    Way::Apart,
    Way::Apart,
    Way::Together,
];

/// A round that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    pub way: Way,
    /// Published messages that every subscriber has received.
    pub messages: u32,
    pub elapsed_ms: f64,
}

/// The result of a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Messages per second.
    pub together: f64,
    pub apart: f64,
    /// The difference of two rounds of the same way, as a part of their rate; the larger of the two.
    pub noise: f64,
}

impl Round {
    fn per_second(&self) -> f64 {
        // A clock of a browser may stand still for a millisecond.
        f64::from(self.messages) * 1000.0 / self.elapsed_ms.max(1.0)
    }
}

impl Cost {
    /// Returns the result of the rounds after the first one; `None` if a way has no round.
    pub fn of(rounds: &[Round]) -> Option<Self> {
        let rounds = rounds.get(1..)?;
        let (together, first) = mean(rounds, Way::Together)?;
        let (apart, second) = mean(rounds, Way::Apart)?;
        Some(Self {
            together,
            apart,
            noise: first.max(second),
        })
    }

    /// Returns the part by which the rate of one topic is lower than that of separate topics; negative if it is higher.
    pub fn loss(&self) -> f64 {
        (self.apart - self.together) / self.apart
    }

    /// Returns true if the difference is larger than that between rounds of the same way.
    pub fn is_clear(&self) -> bool {
        self.loss().abs() > self.noise
    }
}

/// Returns the mean rate of a way, and the distance between its slowest and its fastest round as a part of it.
fn mean(rounds: &[Round], way: Way) -> Option<(f64, f64)> {
    let own = rounds.iter().filter(|round| round.way == way);
    let rates: Vec<_> = own.map(Round::per_second).collect();
    let mean = rates.iter().sum::<f64>() / rates.len() as f64;
    let fastest = rates.iter().copied().fold(0.0, f64::max);
    let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
    (mean > 0.0).then(|| (mean, (fastest - slowest) / mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(elapsed_ms: [f64; 5]) -> Vec<Round> {
        let round = |(way, elapsed_ms)| Round {
            way,
            messages: 1000,
            elapsed_ms,
        };
        ROUNDS.into_iter().zip(elapsed_ms).map(round).collect()
    }

    #[test]
    fn the_rates_are_means_without_the_first_round() {
        let cost = Cost::of(&rounds([900.0, 100.0, 80.0, 80.0, 100.0])).expect("all rounds");
        assert_eq!((cost.together, cost.apart), (10_000.0, 12_500.0));
        assert_eq!((cost.noise, cost.loss()), (0.0, 0.2));
        assert!(cost.is_clear());
    }

    #[test]
    fn a_difference_within_the_noise_is_not_clear() {
        let cost = Cost::of(&rounds([100.0, 100.0, 100.0, 90.0, 120.0])).expect("all rounds");
        assert!(cost.loss() > 0.1 && cost.noise > 0.15);
        assert!(!cost.is_clear());
    }

    #[test]
    fn a_drift_over_the_rounds_is_no_difference() {
        // Each round is 10 messages per second slower than the one before.
        let elapsed = [1010.0, 1000.0, 990.0, 980.0, 970.0].map(|rate| 1_000_000.0 / rate);
        let cost = Cost::of(&rounds(elapsed)).expect("all rounds");
        assert!(cost.loss().abs() < 1e-9, "{cost:?}");
    }

    #[test]
    fn there_is_no_result_before_both_ways_have_a_round() {
        let all = rounds([100.0; 5]);
        for count in 0..3 {
            assert_eq!(Cost::of(&all[..count]), None);
        }
        assert!(Cost::of(&all[..3]).is_some());
        assert!(Cost::of(&rounds([0.0; 5])).is_some());
    }
}
