//! Events for subscribers of advisories: new and ended consumers, slow subscribers, and messages that cannot be
//! delivered.

use std::sync::Arc;

use crate::{
    message::entry::DestinationKind,
    message::id::MessageId,
    name::{ADVISORY_LEVELS, TopicFilter, TopicName},
};

/// An event. Reported in [`Outcome::notices`](crate::Outcome::notices), and only while a subscription covers a topic
/// below [`ADVISORIES`](crate::ADVISORIES).
#[derive(Debug, Clone)]
pub enum Notice {
    /// A subscription was made.
    ConsumerAdded(ConsumerChange),
    /// A subscription ended.
    ConsumerRemoved(ConsumerChange),
    /// The lag of a subscription to topics exceeded its bound, and its rule was applied. Reported once for each.
    SlowConsumer {
        /// The filter of the subscription.
        filter: TopicFilter,
        /// The name of its session.
        session: Arc<str>,
    },
    /// A message of a queue could not be delivered, and went to a dead letter queue.
    DeadLettered(LostMessage),
    /// A message of a queue expired.
    Expired(LostMessage),
    /// A message was discarded: its queue was full, or no dead letter queue accepted it.
    Discarded(LostMessage),
}

/// A subscription, as reported by a notice.
#[derive(Debug, Clone)]
pub struct ConsumerChange {
    /// Topics or queues.
    pub kind: DestinationKind,
    /// The filter.
    pub filter: TopicFilter,
    /// The name of the session.
    pub session: Arc<str>,
    /// Current number of subscriptions to exactly this name; `None` for a filter with wildcards.
    pub consumers: Option<usize>,
}

/// A message that its queue no longer has.
#[derive(Debug, Clone)]
pub struct LostMessage {
    /// The kind of its destination.
    pub kind: DestinationKind,
    /// The name of its destination.
    pub name: TopicName,
    /// The id of the message.
    pub id: MessageId,
    /// The cause.
    pub cause: DeathCause,
}

/// The cause for which a message left its queue without an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeathCause {
    /// [`Redelivery::maximum_redeliveries`](crate::Redelivery::maximum_redeliveries).
    #[error("delivered {0} times and never acknowledged")]
    TooManyDeliveries(u32),
    /// [`Verdict::Reject`](crate::Verdict::Reject).
    #[error("rejected by its consumer")]
    Rejected,
    /// The message expired.
    #[error("expired before it was delivered")]
    Expired,
    /// The bounds of a queue.
    #[error("the queue is full")]
    QueueFull,
}

/// Returns whether a filter covers advisory topics. A wildcard in the first level does not cover them.
pub(crate) fn asks_for_advisories(filter: &TopicFilter) -> bool {
    let mut wanted = filter.as_str().split('.');
    ADVISORY_LEVELS.into_iter().all(|level| {
        wanted.next().is_some_and(|one| {
            one == level || (level != ADVISORY_LEVELS[0] && matches!(one, "*" | ">"))
        })
    })
}
