//! The policies of topics and queues as a setting: `/queue/orders.> length=1000 dead-letters=/queue/failed`.
//!
//! In a configuration file a policy is a table of the same settings, which becomes this text
//! (`config/policy_table.rs`).

use std::{fmt, str::FromStr};

use broker::{
    BackOff, DeadLetterQueue, DestinationKind, Policies, Policy, QueueOverflow, Redelivery,
    TopicFilter, TopicName,
};

use crate::redelivery::{MAX_DELAY_MS, factor};

/// A policy before the defaults of the server are known.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicySetting {
    kind: DestinationKind,
    filter: TopicFilter,
    time_to_live_ms: Option<u64>,
    entries: Option<u64>,
    bytes: Option<u64>,
    overflow: Option<QueueOverflow>,
    dead_letters: Option<DeadLetterQueue>,
    max_redeliveries: Option<u32>,
    initial_redelivery_delay_ms: Option<u64>,
    redelivery_delay_ms: Option<u64>,
    use_exponential_back_off: Option<bool>,
    back_off_multiplier: Option<f64>,
    maximum_redelivery_delay_ms: Option<u64>,
}

/// The names of the settings of a policy.
pub const SETTINGS: [&str; 11] = [
    "time-to-live",
    "length",
    "bytes",
    "overflow",
    "dead-letters",
    "max-redeliveries",
    "initial-redelivery-delay",
    "redelivery-delay",
    "use-exponential-back-off",
    "back-off-multiplier",
    "maximum-redelivery-delay",
];

impl PolicySetting {
    /// Returns the policies with what they do not set about redelivery as the server has it.
    ///
    /// # Errors
    /// Two policies are for the same topics or queues.
    pub fn policies(settings: &[Self], server: Redelivery) -> Result<Policies, String> {
        let policies = settings.iter().map(|setting| setting.policy(server));
        Policies::new(policies.collect()).map_err(|error| error.to_string())
    }

    fn policy(&self, server: Redelivery) -> Policy {
        Policy {
            time_to_live_ms: self.time_to_live_ms,
            entries: self.entries,
            bytes: self.bytes,
            overflow: self.overflow.unwrap_or_default(),
            dead_letters: self.dead_letters.clone(),
            redelivery: Some(self.redelivery(server)),
            ..Policy::new(self.kind, self.filter.clone())
        }
    }

    fn redelivery(&self, server: Redelivery) -> Redelivery {
        let uses_back_off = self
            .use_exponential_back_off
            .unwrap_or(server.back_off.is_some());
        let multiplier = self.back_off_multiplier.and_then(BackOff::new);
        let multiplier = multiplier.or(server.back_off).unwrap_or_default();
        Redelivery {
            maximum_redeliveries: self.max_redeliveries.unwrap_or(server.maximum_redeliveries),
            initial_delay_ms: self
                .initial_redelivery_delay_ms
                .unwrap_or(server.initial_delay_ms),
            delay_ms: self.redelivery_delay_ms.unwrap_or(server.delay_ms),
            back_off: uses_back_off.then_some(multiplier),
            maximum_delay_ms: self.maximum_redelivery_delay_ms.or(server.maximum_delay_ms),
        }
    }

    fn new(kind: DestinationKind, filter: TopicFilter) -> Self {
        Self {
            kind,
            filter,
            time_to_live_ms: None,
            entries: None,
            bytes: None,
            overflow: None,
            dead_letters: None,
            max_redeliveries: None,
            initial_redelivery_delay_ms: None,
            redelivery_delay_ms: None,
            use_exponential_back_off: None,
            back_off_multiplier: None,
            maximum_redelivery_delay_ms: None,
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let is_topic = self.kind == DestinationKind::Topic;
        match name {
            "time-to-live" => self.time_to_live_ms = Some(number(value, 1..=MAX_DELAY_MS)?),
            "length" => self.entries = Some(number(value, 1..=u64::MAX)?),
            "bytes" => self.bytes = Some(number(value, 1..=u64::MAX)?),
            "overflow" if is_topic => {
                return Err("is for queues only; a subscription has its own rule".to_owned());
            }
            "overflow" => {
                self.overflow = Some(match value {
                    "refuse" => QueueOverflow::Refuse,
                    "drop-oldest" => QueueOverflow::DropOldest,
                    _ => return Err("expected refuse or drop-oldest".to_owned()),
                });
            }
            "dead-letters" => self.dead_letters = Some(dead_letters(value)?),
            "max-redeliveries" => {
                let most = number(value, 0..=u64::from(u32::MAX))?;
                self.max_redeliveries = u32::try_from(most).ok();
            }
            "initial-redelivery-delay" => {
                self.initial_redelivery_delay_ms = Some(number(value, 0..=MAX_DELAY_MS)?);
            }
            "redelivery-delay" => self.redelivery_delay_ms = Some(number(value, 0..=MAX_DELAY_MS)?),
            "use-exponential-back-off" => {
                let uses = value.parse().map_err(|_| "expected true or false")?;
                self.use_exponential_back_off = Some(uses);
            }
            "back-off-multiplier" => self.back_off_multiplier = Some(factor(value)?),
            "maximum-redelivery-delay" => {
                self.maximum_redelivery_delay_ms = Some(number(value, 0..=MAX_DELAY_MS)?);
            }
            _ => return Err(format!("is none of the settings {}", SETTINGS.join(", "))),
        }
        Ok(())
    }
}

impl FromStr for PolicySetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_ascii_whitespace();
        let (kind, filter) = destinations(words.next().unwrap_or_default())?;
        let mut policy = Self::new(kind, filter);
        let mut names = Vec::new();
        for word in words {
            let (name, value) = word
                .split_once('=')
                .ok_or_else(|| format!("expected NAME=VALUE instead of {word:?}"))?;
            if names.contains(&name) {
                return Err(format!("{name} is there twice"));
            }
            policy
                .set(name, value)
                .map_err(|reason| format!("{name}: {reason}"))?;
            names.push(name);
        }
        match names.is_empty() {
            true => Err("a policy needs a setting, such as length=1000".to_owned()),
            false => Ok(policy),
        }
    }
}

impl fmt::Display for PolicySetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", prefix(self.kind), self.filter)
    }
}

/// Parses the topics or queues of a policy.
pub fn destinations(text: &str) -> Result<(DestinationKind, TopicFilter), String> {
    let kinds = [DestinationKind::Queue, DestinationKind::Topic];
    let found = kinds
        .into_iter()
        .find_map(|kind| Some((kind, text.strip_prefix(prefix(kind))?)));
    let (kind, filter) =
        found.ok_or_else(|| "expected /queue/FILTER or /topic/FILTER".to_owned())?;
    let filter = TopicFilter::new(filter).map_err(|error| error.to_string())?;
    Ok((kind, filter))
}

fn dead_letters(value: &str) -> Result<DeadLetterQueue, String> {
    Ok(match value {
        "shared" => DeadLetterQueue::Shared,
        "own" => DeadLetterQueue::Own,
        "discard" => DeadLetterQueue::Discard,
        _ => {
            let name = value.strip_prefix(prefix(DestinationKind::Queue));
            let name = name.and_then(|name| TopicName::new(name).ok());
            let name = name.filter(|name| !name.is_reserved());
            let expected = || "expected shared, own, discard or /queue/NAME".to_owned();
            DeadLetterQueue::Named(name.ok_or_else(expected)?)
        }
    })
}

fn number(value: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!(
            "expected a number from {} to {}",
            range.start(),
            range.end()
        )
    })
}

const fn prefix(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Topic => "/topic/",
        DestinationKind::Queue => "/queue/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Policy, String> {
        let setting: PolicySetting = text.parse()?;
        Ok(setting.policy(Redelivery::default()))
    }

    #[test]
    fn a_policy_has_its_settings_and_otherwise_those_of_the_server() {
        let text = "/queue/orders.> length=7 bytes=9 time-to-live=60000 overflow=drop-oldest \
                    dead-letters=/queue/failed max-redeliveries=3 redelivery-delay=500 \
                    use-exponential-back-off=true";
        let policy = parsed(text).expect("valid");
        let expected = Policy {
            time_to_live_ms: Some(60_000),
            entries: Some(7),
            bytes: Some(9),
            overflow: QueueOverflow::DropOldest,
            dead_letters: Some(DeadLetterQueue::Named(
                TopicName::new("failed").expect("a name"),
            )),
            redelivery: Some(Redelivery {
                maximum_redeliveries: 3,
                delay_ms: 500,
                back_off: Some(BackOff::default()),
                ..Redelivery::default()
            }),
            ..Policy::new(
                DestinationKind::Queue,
                TopicFilter::new("orders.>").expect("a filter"),
            )
        };
        assert_eq!(policy, expected);
        assert_eq!(
            parsed("/topic/a length=1").expect("valid").kind,
            DestinationKind::Topic
        );
    }

    #[test]
    fn every_setting_is_known() {
        for name in SETTINGS {
            let value = match name {
                "overflow" => "refuse",
                "dead-letters" => "own",
                "use-exponential-back-off" => "false",
                _ => "2",
            };
            let text = format!("/queue/a {name}={value}");
            assert!(text.parse::<PolicySetting>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_fault_names_its_setting() {
        for (text, expected) in [
            ("", "/queue/FILTER or /topic/FILTER"),
            ("orders length=1", "/queue/FILTER or /topic/FILTER"),
            ("/queue/a..b length=1", "a..b"),
            ("/queue/a", "needs a setting"),
            ("/queue/a length", "NAME=VALUE"),
            ("/queue/a length=0", "length: expected a number from 1"),
            ("/queue/a length=1 length=2", "length is there twice"),
            (
                "/queue/a lenght=1",
                "lenght: is none of the settings time-to-live",
            ),
            (
                "/queue/a overflow=latest",
                "overflow: expected refuse or drop-oldest",
            ),
            ("/topic/a overflow=refuse", "overflow: is for queues only"),
            ("/queue/a dead-letters=x", "dead-letters: expected shared"),
            (
                "/queue/a back-off-multiplier=0",
                "back-off-multiplier: expected",
            ),
        ] {
            let error = parsed(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
