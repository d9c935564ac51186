//! The durable topics: those whose history survives a crash.

use std::{cmp::Reverse, fmt};

use broker::{ADVISORIES, CompleteTopics, InvalidName, TopicFilter, TopicName};

/// Filters that name the durable topics, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DurableTopics(Box<[TopicFilter]>);

impl DurableTopics {
    /// Returns the topics that these filters match.
    pub fn new(mut filters: Vec<TopicFilter>) -> Self {
        filters.sort_unstable();
        filters.dedup();
        Self(filters.into())
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a topic is one of them.
    pub fn has(&self, topic: &TopicName) -> bool {
        self.0.iter().any(|filter| filter.matches(topic))
    }
}

/// The durable topics of the last run, as the store has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedTopics(Vec<RecordedFilter>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct RecordedFilter {
    filter: TopicFilter,
    /// Every message of a matching topic was recorded from this position on.
    since: u64,
}

impl RecordedTopics {
    /// Returns the topics of these filters, each with the position from which on they are durable.
    ///
    /// # Errors
    /// A text is not a filter.
    pub fn parse<'a>(
        filters: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> Result<Self, InvalidName> {
        let filters = filters.into_iter().map(|(filter, since)| {
            let filter = TopicFilter::new(filter)?;
            Ok(RecordedFilter { filter, since })
        });
        Ok(Self(filters.collect::<Result<_, _>>()?))
    }

    /// Returns the filters with their positions.
    pub fn filters(&self) -> impl Iterator<Item = (&str, u64)> {
        let filters = self.0.iter();
        filters.map(|recorded| (recorded.filter.as_str(), recorded.since))
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the topics without messages in the store that have lost none after a position. All durable topics have lost
    /// their messages up to `emptied` at most, if they have none.
    pub fn complete(&self, emptied: u64) -> Vec<CompleteTopics> {
        let complete = self.0.iter().map(|recorded| CompleteTopics {
            filter: recorded.filter.clone(),
            after: emptied.max(recorded.since.saturating_sub(1)),
        });
        complete.collect()
    }

    /// Returns the position from which on every message of a topic was recorded; `None` if the topic was not durable.
    pub fn since(&self, topic: &TopicName) -> Option<u64> {
        let matching = self.0.iter().filter(|one| one.filter.matches(topic));
        matching.map(|recorded| recorded.since).min()
    }

    /// Returns the durable topics of the next run, whose first position is `next`. A topic stays durable if another filter
    /// matches it: a new filter has the position of one that covers it, and a filter of this run is kept if a new one covers
    /// it, unless an older one covers it too.
    pub fn continued(&self, topics: &DurableTopics, next: u64) -> Self {
        let since = |filter: &TopicFilter| {
            let covering = self.0.iter().filter(|one| one.filter.covers(filter));
            covering.map(|one| one.since).min().unwrap_or(next)
        };
        let mut filters: Vec<_> = self.0.clone();
        filters.extend(topics.0.iter().map(|filter| RecordedFilter {
            since: since(filter),
            filter: filter.clone(),
        }));
        filters.retain(|one| topics.0.iter().any(|filter| filter.covers(&one.filter)));
        let mut kept = Vec::<RecordedFilter>::new();
        // Oldest first, and of the same age those that cover others first: `a.>` before `a.b`.
        let rank = |one: &RecordedFilter| {
            let covered = filters
                .iter()
                .filter(|other| one.filter.covers(&other.filter));
            (one.since, Reverse(covered.count()))
        };
        let mut order: Vec<_> = filters.iter().collect();
        order.sort_by_key(|one| rank(one));
        for one in order {
            if !kept.iter().any(|older| older.filter.covers(&one.filter)) {
                kept.push(one.clone());
            }
        }
        kept.sort_unstable_by(|one, other| one.filter.cmp(&other.filter));
        Self(kept)
    }
}

impl fmt::Display for RecordedTopics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filters: Vec<_> = self.filters().map(|(filter, _)| filter).collect();
        formatter.write_str(&filters.join(", "))
    }
}

/// Parses a filter of the command line.
///
/// # Errors
/// The text is not a filter, or names topics of the server.
pub fn durable_filter(text: &str) -> Result<TopicFilter, String> {
    let filter = TopicFilter::new(text).map_err(|error| error.to_string())?;
    let advisories = text.strip_prefix(ADVISORIES);
    let is_own = text.starts_with('$')
        || advisories.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match is_own {
        true => Err(
            "messages of the server's own topics and of temporary topics are never recorded"
                .to_owned(),
        ),
        false => Ok(filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durable(filters: &[&str]) -> DurableTopics {
        let filters = filters.iter().map(|text| TopicFilter::new(text));
        DurableTopics::new(filters.collect::<Result<_, _>>().expect("filters"))
    }

    fn name(text: &str) -> TopicName {
        TopicName::new(text).expect("a name")
    }

    #[test]
    fn the_order_and_repetition_of_filters_do_not_matter() {
        assert_eq!(durable(&["b.>", "a"]), durable(&["a", "b.>", "a"]));
    }

    #[test]
    fn a_filter_keeps_its_position_until_it_is_left_out() {
        let first = RecordedTopics::default().continued(&durable(&["a", "b.>"]), 1);
        let second = first.continued(&durable(&["b.>", "b.c"]), 10);
        assert_eq!(second.to_string(), "b.>");
        let since = |topics: &RecordedTopics, topic| topics.since(&name(topic));
        assert_eq!(since(&first, "a"), Some(1));
        assert_eq!(since(&second, "a"), None);
        assert_eq!(since(&second, "b.c"), Some(1));
        let third = second.continued(&durable(&["a", "b.c"]), 20);
        assert_eq!(since(&third, "a"), Some(20));
        assert_eq!(since(&third, "b.c"), Some(1));
        let read = RecordedTopics::parse(third.filters());
        assert_eq!(read, Ok(third));
    }

    #[test]
    fn a_topic_keeps_its_position_if_another_filter_matches_it() {
        let first = RecordedTopics::default().continued(&durable(&["a.*", "b"]), 1);
        let second = first.continued(&durable(&["a.>", "b.>"]), 10);
        assert_eq!(second.to_string(), "a.*, a.>, b, b.>");
        let since = |topics: &RecordedTopics, topic| topics.since(&name(topic));
        assert_eq!(since(&second, "a.x"), Some(1));
        assert_eq!(since(&second, "a.x.y"), Some(10));
        assert_eq!(since(&second, "b"), Some(1));
        let third = second.continued(&durable(&[">"]), 20);
        assert_eq!(third.to_string(), ">, a.*, a.>, b, b.>");
        let fourth = third.continued(&durable(&["b"]), 30);
        assert_eq!(fourth.to_string(), "b");
        assert_eq!(since(&fourth, "b"), Some(1));
        assert_eq!(fourth.continued(&durable(&["b"]), 40), fourth);
    }

    #[test]
    fn filters_match_as_in_subscriptions() {
        let topics = durable(&["a.*", "b.>"]);
        let table = [
            ("a.x", true),
            ("a", false),
            ("a.x.y", false),
            ("b", true),
            ("b.x.y", true),
            ("c", false),
        ];
        for (topic, expected) in table {
            assert_eq!(topics.has(&name(topic)), expected, "{topic}");
        }
    }

    #[test]
    fn topics_of_the_server_and_faults_are_refused() {
        for text in [
            "$SYS.>",
            "$TEMP.a.b",
            "ActiveMQ.Advisory.>",
            "a/b",
            "a.>.b",
            "",
        ] {
            assert!(durable_filter(text).is_err(), "{text}");
        }
        for text in [">", "*", "orders.>", "ActiveMQ.AdvisoryOther"] {
            assert!(durable_filter(text).is_ok(), "{text}");
        }
    }
}
