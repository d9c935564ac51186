//! The plan of a run: the topics of each publisher and subscriber, derived from the options.

use anyhow::ensure;

use super::options::{BenchOptions, OtherKind, Shape};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Number of the run, part of the topic names, so that messages kept from another run are not
    /// received.
    pub run: u32,
    pub publishers: u32,
    pub subscribers: u32,
    pub topics: u32,
    /// Yes if each subscriber subscribes to all topics with a wildcard.
    pub wildcard: Wildcard,
    depth: u32,
    shape: Shape,
    other_kind: OtherKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    No,
    Yes,
}

impl Plan {
    /// # Errors
    ///
    /// There is no publisher, the messages of the shape `persistent` have a subscriber, or checking
    /// the order would need too much memory.
    pub fn new(options: &BenchOptions, run: u32) -> anyhow::Result<Self> {
        let (publishers, subscribers) = match options.shape {
            Shape::FanOut => (1, 100),
            Shape::FanIn => (100, 1),
            Shape::Pairs => (100, 100),
            Shape::Idle => (0, options.connections),
            Shape::Persistent => (1, 0),
        };
        let publishers = options.publishers.unwrap_or(publishers);
        let subscribers = match options.shape {
            Shape::Pairs => options.subscribers.unwrap_or(publishers),
            Shape::FanOut | Shape::FanIn | Shape::Persistent => {
                options.subscribers.unwrap_or(subscribers)
            }
            Shape::Idle => subscribers,
        };
        let topics = match options.shape {
            Shape::FanOut => 1,
            Shape::FanIn | Shape::Pairs | Shape::Persistent => publishers,
            Shape::Idle => subscribers,
        };
        let plan = Self {
            run: run & 0xff_ffff,
            publishers,
            subscribers,
            topics: options.topics.unwrap_or(topics).max(1),
            wildcard: match options.shape {
                Shape::FanIn => Wildcard::Yes,
                _ => Wildcard::No,
            },
            depth: options.depth,
            shape: options.shape,
            other_kind: options.other_kind,
        };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> anyhow::Result<()> {
        let is_idle = self.shape == Shape::Idle;
        ensure!(
            is_idle || self.publishers > 0,
            "this shape needs at least one publisher: --publishers"
        );
        ensure!(
            self.shape != Shape::Persistent || self.subscribers == 0,
            "the shape persistent has no subscribers"
        );
        let pairs = u64::from(self.subscribers) * self.producers_per_subscriber() as u64;
        ensure!(
            pairs <= MAX_PAIRS,
            "{pairs} pairs of a publisher and a subscriber are too many for checking the order; \
                         at most {MAX_PAIRS} are allowed"
        );
        Ok(())
    }

    /// Returns the name of a topic, with its levels joined by dots.
    pub fn topic(&self, number: u32) -> String {
        let mut name = format!("bench.{:06x}.{number}", self.run);
        for level in 0..self.depth {
            name.push_str(&format!(".l{level}"));
        }
        name
    }

    pub fn topic_of_publisher(&self, publisher: u32) -> String {
        self.topic(publisher % self.topics)
    }

    pub fn filter_of_subscriber(&self, subscriber: u32) -> String {
        match self.wildcard {
            Wildcard::No => self.topic(subscriber % self.topics),
            Wildcard::Yes => self.filter_of_all(),
        }
    }

    /// Returns the filter that matches all topics.
    pub fn filter_of_all(&self) -> String {
        self.topic(0).replace(
            &format!(".{:06x}.0", self.run),
            &format!(".{:06x}.*", self.run),
        )
    }

    /// Returns true if the subscriber receives the publisher's messages.
    pub const fn receives(&self, publisher: u32, subscriber: u32) -> bool {
        match self.wildcard {
            Wildcard::Yes => true,
            Wildcard::No => publisher % self.topics == subscriber % self.topics,
        }
    }

    /// Returns true if the subscriber receives the same messages as the subscriber `first`, which
    /// is less than the number of topics.
    pub const fn sees_same_as(&self, subscriber: u32, first: u32) -> bool {
        match self.wildcard {
            Wildcard::Yes => first == 0,
            Wildcard::No => subscriber % self.topics == first,
        }
    }

    /// Returns the number of subscribers that receive a publisher's messages.
    pub const fn audience(&self, publisher: u32) -> u64 {
        match self.wildcard {
            Wildcard::Yes => self.subscribers as u64,
            Wildcard::No => {
                let topic = publisher % self.topics;
                // The subscribers whose number has the remainder `topic`.
                let whole = self.subscribers / self.topics;
                let one_more = topic < self.subscribers % self.topics;
                whole as u64 + one_more as u64
            }
        }
    }

    /// Returns the maximum number of publishers that a subscriber receives from, which bounds
    /// [`producer_index`](Self::producer_index).
    pub const fn producers_per_subscriber(&self) -> usize {
        match self.wildcard {
            Wildcard::Yes => self.publishers as usize,
            Wildcard::No => self.publishers.div_ceil(self.topics) as usize,
        }
    }

    /// Returns the index of a publisher among those that its subscribers receive from.
    pub const fn producer_index(&self, publisher: u32) -> usize {
        match self.wildcard {
            Wildcard::Yes => publisher as usize,
            Wildcard::No => (publisher / self.topics) as usize,
        }
    }

    /// Returns the filter of an additional subscription. It matches none of the topics in use.
    pub fn other(&self, number: u32) -> String {
        match self.other_kind {
            OtherKind::Mixed if number % 10 == 9 => {
                format!("other.{:06x}.*.{number}.>", self.run)
            }
            OtherKind::Mixed | OtherKind::Names => format!("other.{:06x}.{number}", self.run),
            OtherKind::Deep => self.deep_filter(number),
        }
    }

    /// Returns a filter made of the first topic: each bit of `number` replaces a level with a
    /// wildcard, and the last level occurs in no topic.
    fn deep_filter(&self, number: u32) -> String {
        let topic = self.topic(0);
        let levels = topic.split('.').enumerate().map(|(place, level)| {
            let is_wild = number.checked_shr(place as u32).unwrap_or(0) & 1 == 1;
            if is_wild { "*" } else { level }
        });
        let mut levels: Vec<_> = levels.collect();
        levels.pop();
        format!("{}.other{number}", levels.join("."))
    }
}

/// Maximum number of sequences kept for checking the order, over all subscribers.
const MAX_PAIRS: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use broker::{TopicFilter, TopicName};

    use super::*;

    fn options(arguments: &[&str]) -> BenchOptions {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: BenchOptions,
        }

        let line = std::iter::once(&"carillon").chain(arguments);
        <Line as clap::Parser>::try_parse_from(line)
            .unwrap()
            .options
    }

    fn plan(arguments: &[&str]) -> Plan {
        Plan::new(&options(arguments), 0xabcd).unwrap()
    }

    #[test]
    fn shapes_have_default_numbers() {
        let table: [(&[&str], (u32, u32, u32)); 7] = [
            (&["--shape", "persistent"], (1, 0, 1)),
            (&["--shape", "fan-out"], (1, 100, 1)),
            (&["--shape", "fan-in"], (100, 1, 100)),
            (&["--shape", "pairs"], (100, 100, 100)),
            (&["--shape", "pairs", "--publishers", "7"], (7, 7, 7)),
            (&["--shape", "idle", "--connections", "9"], (0, 9, 9)),
            (
                &["--publishers", "4", "--subscribers", "6", "--topics", "2"],
                (4, 6, 2),
            ),
        ];
        for (arguments, wanted) in table {
            let plan = plan(arguments);
            let found = (plan.publishers, plan.subscribers, plan.topics);
            assert_eq!(found, wanted, "{arguments:?}");
        }
        assert!(Plan::new(&options(&["--publishers", "0"]), 0).is_err());
        let many = ["--publishers", "100000", "--subscribers", "100000"];
        assert!(Plan::new(&options(&many), 0).is_err());
        let stored = ["--shape", "persistent", "--subscribers", "1"];
        assert!(Plan::new(&options(&stored), 0).is_err());
    }

    #[test]
    fn filters_match_exactly_the_intended_topics() {
        for arguments in [
            &["--publishers", "4", "--subscribers", "6", "--topics", "3"][..],
            &["--shape", "fan-in", "--publishers", "4", "--depth", "2"],
            &["--shape", "pairs", "--publishers", "5"],
        ] {
            let plan = plan(arguments);
            for publisher in 0..plan.publishers {
                let topic: TopicName = plan.topic_of_publisher(publisher).parse().unwrap();
                let receives = |subscriber: &u32| {
                    let filter = plan.filter_of_subscriber(*subscriber);
                    let filter: TopicFilter = filter.parse().unwrap();
                    let expected = plan.receives(publisher, *subscriber);
                    assert_eq!(filter.matches(&topic), expected, "{arguments:?}");
                    expected
                };
                let audience = (0..plan.subscribers).filter(receives).count() as u64;
                assert_eq!(audience, plan.audience(publisher), "{arguments:?}");
                assert!(plan.producer_index(publisher) < plan.producers_per_subscriber());
            }
        }
    }

    #[test]
    fn additional_subscriptions_differ_and_match_no_topic_in_use() {
        for kind in ["mixed", "names", "deep"] {
            let plan = plan(&["--depth", "4", "--other-kind", kind]);
            let topic: TopicName = plan.topic(0).parse().unwrap();
            let mut seen = std::collections::HashSet::new();
            for number in 0..300 {
                let other = plan.other(number);
                let filter: TopicFilter = other.parse().unwrap();
                assert!(!filter.matches(&topic), "{other}");
                assert!(seen.insert(other));
            }
        }
    }
}
