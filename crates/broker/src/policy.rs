//! Policies: the rules of the topics and queues that a filter matches.
//!
//! The policy with the most specific filter holds for a topic or queue, as a whole: what it does not set has the value of
//! [`Limits`]. Of two filters, that one is more specific which has, at the first level in which they differ, a name instead of
//! `*`, or `*` instead of `>`. So at most one policy is the most specific one.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    memory::limits::{DeadLetterQueue, Limits},
    memory::redelivery::Redelivery,
    name::{DestinationKind, TopicFilter, TopicName, is_temporary},
};

/// The rules of the topics or queues that match a filter. `None` stands for the value of [`Limits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Topics or queues. A policy for topics also holds for the durable and shared subscriptions to them.
    pub kind: DestinationKind,
    /// Their names.
    pub filter: TopicFilter,
    /// Maximum time to live of a message, in milliseconds. A message that expires earlier keeps its time.
    pub time_to_live_ms: Option<u64>,
    /// Maximum number of messages: in the queue, or in the history of the topic.
    pub entries: Option<u64>,
    /// Maximum number of bytes, in the same place.
    pub bytes: Option<u64>,
    /// The rule for a message to a full queue.
    pub overflow: QueueOverflow,
    /// The queue for dead messages.
    pub dead_letters: Option<DeadLetterQueue>,
    /// The redelivery of messages that a consumer returns.
    pub redelivery: Option<Redelivery>,
}

/// The rule for a message to a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueOverflow {
    /// The message is refused.
    #[default]
    Refuse,
    /// The oldest waiting messages are dropped, at most 1,000 for one message. If that makes no room, the message is refused.
    DropOldest,
}

/// The policies of a broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// The most specific ones first.
    policies: Vec<Arc<Policy>>,
}

/// The error for two policies with the same filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are two policies for the same {} with the filter {filter}", match kind {
    DestinationKind::Topic => "topics",
    DestinationKind::Queue => "queues",
})]
pub struct DuplicatePolicy {
    /// Topics or queues.
    pub kind: DestinationKind,
    /// The filter.
    pub filter: TopicFilter,
}

/// The error for queues whose messages would go round: each is the dead letter queue of the one before, and the first one of the
/// last.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dead letters of queue {0} come back to it by way of other dead letter queues")]
pub struct DeadLetterCycle(pub TopicName);

/// The rules of one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRules {
    /// The filter of the policy that holds; `None` without one.
    pub policy: Option<TopicFilter>,
    /// See [`Policy::time_to_live_ms`].
    pub time_to_live_ms: Option<u64>,
    /// Maximum number of messages.
    pub entries: u64,
    /// Maximum number of bytes.
    pub bytes: u64,
    /// See [`Policy::overflow`].
    pub overflow: QueueOverflow,
    /// The queue for dead messages.
    pub dead_letters: DeadLetterQueue,
    /// See [`Policy::redelivery`].
    pub redelivery: Redelivery,
}

impl Policy {
    /// Returns a policy without rules.
    #[must_use]
    pub const fn new(kind: DestinationKind, filter: TopicFilter) -> Self {
        Self {
            kind,
            filter,
            time_to_live_ms: None,
            entries: None,
            bytes: None,
            overflow: QueueOverflow::Refuse,
            dead_letters: None,
            redelivery: None,
        }
    }

    /// Returns the maximum number of messages and bytes of the history of a topic with this policy.
    pub(crate) fn history(policy: Option<&Self>, limits: &Limits) -> (u64, u64) {
        let entries = policy.and_then(|policy| policy.entries);
        let bytes = policy.and_then(|policy| policy.bytes);
        (
            entries.unwrap_or(limits.history_entries),
            bytes.unwrap_or(limits.history_bytes),
        )
    }
}

impl Policies {
    /// Returns the policies in the order in which they are compared with names.
    ///
    /// # Errors
    /// Two have the same filter.
    pub fn new(mut policies: Vec<Policy>) -> Result<Self, DuplicatePolicy> {
        // The sort is stable, and a filter that is more specific than another one for some names comes before it.
        policies.sort_by(|one, other| compare(&one.filter, &other.filter));
        for (at, policy) in policies.iter().enumerate() {
            let earlier = &policies[..at];
            let is_same = |one: &&Policy| one.kind == policy.kind && one.filter == policy.filter;
            if earlier.iter().any(|one| is_same(&one)) {
                return Err(DuplicatePolicy {
                    kind: policy.kind,
                    filter: policy.filter.clone(),
                });
            }
        }
        let policies = policies.into_iter().map(Arc::new).collect();
        Ok(Self { policies })
    }

    /// Checks that no dead letter comes back to a queue where it was before.
    ///
    /// # Errors
    /// A queue from which its dead letters come back to it. `default` holds for queues without a policy, and for those whose policy
    /// does not say.
    pub fn check_dead_letters(&self, default: &DeadLetterQueue) -> Result<(), DeadLetterCycle> {
        let mode = |queue: &TopicName| {
            let policy = self.of(DestinationKind::Queue, queue);
            policy.and_then(|policy| policy.dead_letters.as_ref())
        };
        let next = |queue: &TopicName| {
            let mode = mode(queue).unwrap_or(default);
            mode.of_destination(DestinationKind::Queue, queue)
        };
        let named = self
            .policies
            .iter()
            .filter_map(|policy| match &policy.dead_letters {
                Some(DeadLetterQueue::Named(queue)) => Some(queue),
                _ => None,
            });
        for start in named {
            // A way without a cycle has each named queue once, each with its own dead letter queue, and the shared one.
            let most = 2 * self.policies.len() + 2;
            let way = std::iter::successors(next(start), next).take(most);
            if way.into_iter().any(|queue| queue == *start) {
                return Err(DeadLetterCycle(start.clone()));
            }
        }
        Ok(())
    }

    /// Returns true if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Returns the policy for a topic or queue.
    #[must_use]
    pub fn of(&self, kind: DestinationKind, name: &TopicName) -> Option<&Arc<Policy>> {
        let mut policies = self.policies.iter();
        policies.find(|one| one.kind == kind && one.filter.matches(name))
    }

    /// Returns the policy for a subscription to topics: that of the most specific filter that covers all of them.
    pub(crate) fn of_subscription(&self, filter: &TopicFilter) -> Option<&Arc<Policy>> {
        let mut policies = self.policies.iter();
        policies.find(|one| one.kind == DestinationKind::Topic && one.filter.covers(filter))
    }
}

impl DeadLetterQueue {
    /// Returns the dead letter queue of a topic or queue; `None` if dead messages are discarded. The messages of a dead letter
    /// queue have none.
    pub(crate) fn of_destination(
        &self,
        kind: DestinationKind,
        from: &TopicName,
    ) -> Option<TopicName> {
        if kind == DestinationKind::Queue && self.is(from) {
            return None;
        }
        let own = match self {
            Self::Discard => return None,
            Self::Named(queue) => Some(queue.clone()),
            // It would outlive the queue that it belongs to.
            Self::Own if !is_temporary(from) => TopicName::new(&format!("{OWN}{from}")).ok(),
            Self::Own | Self::Shared => None,
        };
        // The name may be too long for a separate dead letter queue.
        own.or_else(|| TopicName::new(SHARED).ok())
    }

    /// Returns whether a queue is a dead letter queue.
    fn is(&self, name: &TopicName) -> bool {
        let is_this = match self {
            Self::Own => name.as_str().starts_with(OWN),
            Self::Named(queue) => name == queue,
            Self::Shared | Self::Discard => false,
        };
        is_this || name.as_str() == SHARED
    }
}

/// ActiveMQ's dead letter queue.
pub(crate) const SHARED: &str = "ActiveMQ.DLQ";
/// The beginning of the name of a queue's own dead letter queue.
pub(crate) const OWN: &str = "DLQ.";

impl QueueRules {
    /// Returns the rules of a queue with this policy.
    pub(crate) fn new(policy: Option<&Policy>, limits: &Limits) -> Self {
        let dead_letters = policy.and_then(|policy| policy.dead_letters.clone());
        Self {
            policy: policy.map(|policy| policy.filter.clone()),
            time_to_live_ms: policy.and_then(|policy| policy.time_to_live_ms),
            entries: policy
                .and_then(|policy| policy.entries)
                .unwrap_or(limits.queue_entries),
            bytes: policy
                .and_then(|policy| policy.bytes)
                .unwrap_or(limits.queue_bytes),
            overflow: policy.map_or_else(QueueOverflow::default, |policy| policy.overflow),
            dead_letters: dead_letters.unwrap_or_else(|| limits.dead_letters.clone()),
            redelivery: policy
                .and_then(|policy| policy.redelivery)
                .unwrap_or(limits.redelivery),
        }
    }

    /// Returns the rules of a subscription to topics, whose policy is about the topics: only its redelivery and its dead letters
    /// hold for the subscription.
    pub(crate) fn of_subscription(policy: Option<&Policy>, limits: &Limits) -> Self {
        let own = policy.map(|policy| Policy {
            time_to_live_ms: None,
            entries: None,
            bytes: None,
            overflow: QueueOverflow::Refuse,
            ..policy.clone()
        });
        Self::new(own.as_ref(), limits)
    }
}

/// Orders filters so that the more specific of two that match the same name comes first.
fn compare(one: &TopicFilter, other: &TopicFilter) -> Ordering {
    let ranks = |filter: &TopicFilter| -> Vec<u8> {
        let levels = filter.as_str().split('.').map(|level| match level {
            ">" => 2,
            "*" => 1,
            _ => 0,
        });
        levels.collect()
    };
    let (one, other) = (ranks(one), ranks(other));
    let differing = one.iter().zip(&other).find(|(one, other)| one != other);
    match differing {
        Some((one, other)) => one.cmp(other),
        // `a` and `a.>` match the same name, and the longer one is the wildcard.
        None => one.len().cmp(&other.len()),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn policy(kind: DestinationKind, filter: &str) -> Policy {
        Policy::new(kind, TopicFilter::new(filter).expect("a filter"))
    }

    fn queues(filters: &[&str]) -> Policies {
        let policies = filters
            .iter()
            .map(|filter| policy(DestinationKind::Queue, filter));
        Policies::new(policies.collect()).expect("different filters")
    }

    #[test]
    fn the_most_specific_filter_wins_in_any_order_of_the_policies() {
        let filters = [">", "a.>", "*.b", "a.*", "a.b", "a.*.c", "a.b.>", "*.*.c"];
        let table = [
            ("x", ">"),
            ("a", "a.>"),
            ("x.b", "*.b"),
            ("a.x", "a.*"),
            ("a.b", "a.b"),
            ("a.b.c", "a.b.>"),
            ("a.x.c", "a.*.c"),
            ("x.y.c", "*.*.c"),
            ("a.x.y", "a.>"),
        ];
        let mut rotated = filters.to_vec();
        for _ in 0..filters.len() {
            rotated.rotate_left(1);
            let policies = queues(&rotated);
            for (name, expected) in table {
                let name = TopicName::new(name).expect("a name");
                let found = policies.of(DestinationKind::Queue, &name);
                let found = found.map(|one| one.filter.as_str());
                assert_eq!(found, Some(expected), "{name} in {rotated:?}");
                assert!(policies.of(DestinationKind::Topic, &name).is_none());
            }
        }
    }

    #[test]
    fn a_policy_for_topics_holds_for_subscriptions_that_it_covers() {
        let topic = |filter| policy(DestinationKind::Topic, filter);
        let policies = Policies::new(vec![topic("a.>"), topic("a.b"), topic("c")]).expect("valid");
        let table = [("a.b", Some("a.b")), ("a.*", Some("a.>")), (">", None)];
        for (filter, expected) in table {
            let filter = TopicFilter::new(filter).expect("a filter");
            let found = policies.of_subscription(&filter);
            assert_eq!(found.map(|one| one.filter.as_str()), expected, "{filter}");
        }
    }

    #[test]
    fn two_policies_with_one_filter_are_refused() {
        let both = [DestinationKind::Queue, DestinationKind::Topic].map(|kind| policy(kind, "a"));
        assert!(Policies::new(both.to_vec()).is_ok());
        let same = vec![both[0].clone(), both[1].clone(), both[0].clone()];
        let error = Policies::new(same).expect_err("two are the same");
        assert_eq!(
            error.to_string(),
            "there are two policies for the same queues with the filter a"
        );
    }

    #[test]
    fn dead_letters_that_come_back_are_refused() {
        let named = |queue| DeadLetterQueue::Named(TopicName::new(queue).expect("a name"));
        let own = DeadLetterQueue::Own;
        let shared = DeadLetterQueue::Shared;
        for (policies, default, is_cycle) in [
            (vec![("a", named("b")), ("b", named("a"))], &shared, true),
            (vec![("a", named("b")), ("b", named("b"))], &shared, false),
            (vec![("a", named("b"))], &shared, false),
            (vec![(">", named("b"))], &shared, false),
            (
                vec![("a", named("b")), ("b", named("c")), ("c", named("a"))],
                &shared,
                true,
            ),
            // The way to a cycle is no part of it.
            (
                vec![("x", named("a")), ("a", named("b")), ("b", named("a"))],
                &shared,
                true,
            ),
            (vec![("a", named("b")), ("DLQ.b", named("a"))], &own, true),
            (
                vec![("a", named("b")), ("DLQ.b", named("a"))],
                &shared,
                false,
            ),
            (
                vec![("a", named("b")), ("b", DeadLetterQueue::Discard)],
                &own,
                false,
            ),
        ] {
            let rules = policies.iter().map(|(filter, mode)| Policy {
                dead_letters: Some(mode.clone()),
                ..policy(DestinationKind::Queue, filter)
            });
            let rules = Policies::new(rules.collect()).expect("different filters");
            let found = rules.check_dead_letters(default).err();
            let found = found.map(|DeadLetterCycle(queue)| queue.to_string());
            assert_eq!(found.is_some(), is_cycle, "{policies:?}: {found:?}");
        }
    }

    #[test]
    fn what_a_policy_does_not_set_has_the_value_of_the_limits() {
        let limits = Limits::default();
        let mut policy = policy(DestinationKind::Queue, "a");
        policy.entries = Some(7);
        let rules = QueueRules::new(Some(&policy), &limits);
        assert_eq!((rules.entries, rules.bytes), (7, limits.queue_bytes));
        let rules = QueueRules::of_subscription(Some(&policy), &limits);
        assert_eq!(rules.entries, limits.queue_entries);
        assert_eq!(QueueRules::new(None, &limits).policy, None);
    }
}
