//! The settings of the page, and their form in its address. Pure.

/// The settings of a run. The address has all of them, so the same address gives the same simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed of all random numbers.
    pub seed: u32,
    /// From [`FEWEST`] to [`MOST`].
    pub producers: usize,
    /// From [`FEWEST`] to [`MOST`].
    pub subscribers: usize,
    /// Messages of each producer in a run over this server, from 1 to [`MOST_MESSAGES`].
    pub messages: u32,
    /// The mean pause of each producer between two messages, at most [`LONGEST_DELAY_MS`].
    pub delays_ms: [u32; MOST],
    /// True for the subscribers that take a pause before each message.
    pub slow: [bool; MOST],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            producers: 3,
            subscribers: 3,
            messages: 30,
            delays_ms: [40, 60, 90, 120, 150],
            slow: [false, false, true, false, false],
        }
    }
}

impl Settings {
    /// Reads the parameters of an address. A parameter that is missing or not valid has its default.
    pub fn of(parameter: impl Fn(&str) -> Option<String>) -> Self {
        let usual = Self::default();
        let text = |name: &str| parameter(name).unwrap_or_default();
        let count = |name: &str, usual: usize| number(&text(name), FEWEST, MOST).unwrap_or(usual);
        let mut delays_ms = usual.delays_ms;
        for (own, part) in delays_ms.iter_mut().zip(text(DELAYS).split('-')) {
            *own = number(part, 0, LONGEST_DELAY_MS).unwrap_or(*own);
        }
        let slow = match parameter(SLOW) {
            None => usual.slow,
            Some(digits) => std::array::from_fn(|index| digits.contains(digit(index))),
        };
        Self {
            seed: number(&text(SEED), 0, u32::MAX).unwrap_or(usual.seed),
            producers: count(PRODUCERS, usual.producers),
            subscribers: count(SUBSCRIBERS, usual.subscribers),
            messages: number(&text(MESSAGES), 1, MOST_MESSAGES).unwrap_or(usual.messages),
            delays_ms,
            slow,
        }
    }

    /// Returns the parameters of the address, all of them: a link keeps its meaning when a default changes.
    pub fn parameters(&self) -> [(&'static str, String); 6] {
        let delays: Vec<_> = self.delays_ms.map(|delay| delay.to_string()).into();
        let slow: String = (0..MOST)
            .filter(|index| self.slow[*index])
            .map(digit)
            .collect();
        // An empty value would be left out of the address, and then stand for the default.
        let slow = if slow.is_empty() { "0".into() } else { slow };
        [
            (SEED, self.seed.to_string()),
            (PRODUCERS, self.producers.to_string()),
            (SUBSCRIBERS, self.subscribers.to_string()),
            (MESSAGES, self.messages.to_string()),
            (DELAYS, delays.join("-")),
            (SLOW, slow),
        ]
    }
}

/// Returns a whole number within bounds; `None` for any other text.
pub fn number<T: std::str::FromStr + PartialOrd>(text: &str, least: T, most: T) -> Option<T> {
    let text = text.trim();
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_whole.then(|| text.parse::<T>().ok()).flatten()?;
    (least <= number && number <= most).then_some(number)
}

/// Returns the digit of a subscriber: `1` for the first.
fn digit(index: usize) -> char {
    char::from(b'1' + (index % 9) as u8)
}

/// The fewest producers or subscribers.
pub const FEWEST: usize = 2;
/// The most producers or subscribers.
pub const MOST: usize = 5;
/// The most messages of a producer in a run. So a run has at most 2,000 messages, which a column keeps.
pub const MOST_MESSAGES: u32 = 400;
/// The longest mean pause of a producer.
pub const LONGEST_DELAY_MS: u32 = 1_000;

const SEED: &str = "seed";
const PRODUCERS: &str = "producers";
const SUBSCRIBERS: &str = "subscribers";
const MESSAGES: &str = "messages";
const DELAYS: &str = "delays";
const SLOW: &str = "slow";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(query: &str) -> Settings {
        Settings::of(|name| crate::address::parameter(query, name))
    }

    fn settings() -> impl Strategy<Value = Settings> {
        let counts = (FEWEST..=MOST, FEWEST..=MOST, 1..=MOST_MESSAGES);
        let delays = prop::array::uniform5(0..=LONGEST_DELAY_MS);
        let slow = prop::array::uniform5(any::<bool>());
        (any::<u32>(), counts, delays, slow).prop_map(
            |(seed, (producers, subscribers, messages), delays_ms, slow)| Settings {
                seed,
                producers,
                subscribers,
                messages,
                delays_ms,
                slow,
            },
        )
    }

    proptest! {
        #[test]
        fn the_address_has_all_settings(settings in settings()) {
            let pairs = settings.parameters().map(|(name, value)| format!("{name}={value}"));
            prop_assert_eq!(of(&pairs.join("&")), settings);
        }

        #[test]
        fn any_address_gives_settings_within_their_bounds(query in "[a-z=&0-9.-]{0,80}") {
            let settings = of(&query);
            for count in [settings.producers, settings.subscribers] {
                prop_assert!((FEWEST..=MOST).contains(&count));
            }
            prop_assert!((1..=MOST_MESSAGES).contains(&settings.messages));
            prop_assert!(settings.delays_ms.iter().all(|delay| *delay <= LONGEST_DELAY_MS));
        }
    }

    #[test]
    fn a_value_that_is_not_valid_is_replaced_by_its_default() {
        let usual = Settings::default();
        for query in [
            "",
            "producers=1",
            "producers=6",
            "seed=-1",
            "messages=401",
            "delays=x",
        ] {
            assert_eq!(of(query), usual, "{query}");
        }
        let given = of("delays=7-x-1001-9&slow=0");
        assert_eq!(given.delays_ms, [7, 60, 90, 9, 150]);
        assert_eq!(given.slow, [false; MOST]);
    }
}
