//! The messages that topics may have lost before they were created, or created again: a subscription that starts before them
//! is informed.

use crate::name::{TopicFilter, TopicName};

/// Topics of which the journal has recorded all messages from some position on: see
/// [`Journal::keeps_history`](crate::Journal::keeps_history).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteTopics {
    /// The topics.
    pub filter: TopicFilter,
    /// Those that are not restored have lost no message after this position.
    pub after: u64,
}

/// The newest positions of removed topics.
#[derive(Debug, Default)]
pub(crate) struct RemovedTopics {
    in_this_run: u64,
    in_earlier_runs: u64,
    complete: Vec<CompleteTopics>,
}

impl RemovedTopics {
    /// Returns the removed topics of earlier runs: those that are not restored may have lost messages up to `newest`, and
    /// those of `complete` fewer.
    pub(crate) fn of_earlier_runs(newest: u64, complete: Vec<CompleteTopics>) -> Self {
        Self {
            in_this_run: 0,
            in_earlier_runs: newest,
            complete,
        }
    }

    /// Notes that a topic is removed that has lost messages up to this position.
    pub(crate) fn note(&mut self, position: u64) {
        self.in_this_run = self.in_this_run.max(position);
    }

    /// Returns the position up to which a topic that does not exist may have lost messages; 0 if none.
    pub(crate) fn up_to(&self, topic: &TopicName) -> u64 {
        let complete = self.complete.iter();
        let complete = complete.filter(|one| one.filter.matches(topic));
        let earlier = complete.map(|one| one.after).min();
        let earlier = earlier.map_or(self.in_earlier_runs, |one| one.min(self.in_earlier_runs));
        self.in_this_run.max(earlier)
    }

    /// Returns the position up to which any topic may have lost messages.
    pub(crate) fn newest(&self) -> u64 {
        self.in_this_run.max(self.in_earlier_runs)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_complete_topic_has_lost_only_what_was_removed() {
        let complete = |filter, after| CompleteTopics {
            filter: TopicFilter::new(filter).expect("a filter"),
            after,
        };
        let name = |text| TopicName::new(text).expect("a name");
        let complete = vec![complete("d.>", 7), complete("d.a", 3), complete("e", 200)];
        let mut removed = RemovedTopics::of_earlier_runs(100, complete);
        let table = [("d.a", 3), ("d.b", 7), ("e", 100), ("other", 100)];
        for (topic, expected) in table {
            assert_eq!(removed.up_to(&name(topic)), expected, "{topic}");
        }
        removed.note(50);
        assert_eq!(removed.up_to(&name("d.a")), 50);
        assert_eq!(
            (removed.up_to(&name("other")), removed.newest()),
            (100, 100)
        );
        removed.note(150);
        assert_eq!(removed.newest(), 150);
    }
}
