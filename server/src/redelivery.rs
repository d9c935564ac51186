//! The options of `carillon serve` for the redelivery of messages. The names are those of ActiveMQ's `RedeliveryPolicy`.

use broker::{BackOff, Redelivery};
use clap::Args;

/// The redelivery of messages that a consumer returns with NACK.
#[derive(Debug, Args)]
pub struct RedeliveryArguments {
    /// Maximum number of redeliveries of a message; after that it goes to the dead letter queue
    #[arg(long, env = "CARILLON_MAX_REDELIVERIES", default_value_t = Redelivery::default().maximum_redeliveries,
          value_name = "COUNT")]
    max_redeliveries: u32,
    /// Time before the first redelivery of a message that a consumer has returned, in milliseconds. Other messages are not held
    /// up meanwhile, except those of the same message group
    #[arg(
        long,
        env = "CARILLON_INITIAL_REDELIVERY_DELAY",
        default_value_t = 0,
        value_name = "MS",
        value_parser = clap::value_parser!(u64).range(..=MAX_DELAY_MS)
    )]
    initial_redelivery_delay: u64,
    /// Time before each later redelivery, in milliseconds
    #[arg(
        long,
        env = "CARILLON_REDELIVERY_DELAY",
        default_value_t = REDELIVERY_DELAY_MS,
        value_name = "MS",
        value_parser = clap::value_parser!(u64).range(..=MAX_DELAY_MS)
    )]
    redelivery_delay: u64,
    /// Make each delay longer than the one before, by --back-off-multiplier
    #[arg(long, env = "CARILLON_USE_EXPONENTIAL_BACK_OFF")]
    use_exponential_back_off: bool,
    /// Factor of the exponential back-off, from 1 to 1000
    #[arg(
        long,
        env = "CARILLON_BACK_OFF_MULTIPLIER",
        default_value_t = BackOff::default().factor(),
        value_name = "FACTOR",
        value_parser = factor
    )]
    back_off_multiplier: f64,
    /// Maximum delay with exponential back-off, in milliseconds [default: no maximum]
    #[arg(long, env = "CARILLON_MAXIMUM_REDELIVERY_DELAY", value_name = "MS",
          value_parser = clap::value_parser!(u64).range(..=MAX_DELAY_MS))]
    maximum_redelivery_delay: Option<u64>,
}

impl RedeliveryArguments {
    /// Returns the rule.
    pub fn redelivery(&self) -> Redelivery {
        let back_off = BackOff::new(self.back_off_multiplier);
        Redelivery {
            maximum_redeliveries: self.max_redeliveries,
            initial_delay_ms: self.initial_redelivery_delay,
            delay_ms: self.redelivery_delay,
            back_off: back_off.filter(|_| self.use_exponential_back_off),
            maximum_delay_ms: self.maximum_redelivery_delay,
        }
    }
}

/// Parses the factor of an exponential back-off.
pub fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().and_then(BackOff::new);
    let factor = factor.map(BackOff::factor);
    factor.ok_or_else(|| "expected a number from 1 to 1000".to_owned())
}

/// The default before each redelivery but the first one: without a delay, a message that cannot be processed would be dead
/// within milliseconds. The first redelivery is made at once, so that it keeps its place in the order.
const REDELIVERY_DELAY_MS: u64 = 1_000;
/// Maximum delay: 100 days.
pub const MAX_DELAY_MS: u64 = 100 * 24 * 3_600 * 1_000;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: RedeliveryArguments,
    }

    fn parsed(arguments: &[&str]) -> Result<Redelivery, clap::Error> {
        let all = std::iter::once(&"carillon").chain(arguments);
        Line::try_parse_from(all).map(|line| line.arguments.redelivery())
    }

    #[test]
    fn the_first_redelivery_is_made_at_once_and_the_others_after_a_second() {
        let redelivery = parsed(&[]).expect("defaults");
        let delays = [1, 2, 3].map(|deliveries| redelivery.delay_ms(deliveries));
        assert_eq!(delays, [0, 1_000, 1_000]);
    }

    #[test]
    fn a_back_off_has_a_factor() {
        let options = ["--use-exponential-back-off", "--back-off-multiplier", "2.5"];
        let redelivery = parsed(&options).expect("valid");
        assert_eq!(redelivery.back_off, BackOff::new(2.5));
        let without = parsed(&["--back-off-multiplier", "2"]).expect("valid");
        assert_eq!(without.back_off, None);
        for text in ["0.5", "1001", "x", "NaN"] {
            assert!(parsed(&["--back-off-multiplier", text]).is_err(), "{text}");
        }
    }
}
