//! What happened that somebody who watches the broker may want to know: consumers that come and go,
//! readers that are too slow, messages that nobody will get.

use std::sync::Arc;

use crate::{
    message::entry::{DestinationKind, SharedEntry},
    name::{TopicFilter, TopicName},
};

/// An event. Told in [`Outcome::notices`](crate::Outcome::notices), and only while somebody subscribes to
/// a topic below [`ADVISORIES`].
#[derive(Debug, Clone)]
pub enum Notice {
    /// A subscription was made.
    ConsumerAdded(Consumption),
    /// A subscription ended.
    ConsumerRemoved(Consumption),
    /// A subscription to topics lies too far behind, and its rule was applied. Told once for each.
    SlowConsumer {
        /// What it subscribes to.
        filter: TopicFilter,
        /// Whose it is.
        session: Arc<str>,
    },
    /// A message could not be delivered from its queue, and went to a dead letter queue.
    DeadLettered(Lost),
    /// A message was not delivered from its queue in time.
    Expired(Lost),
    /// A message was dropped: its queue was full, or no dead letter queue took it.
    Discarded(Lost),
}

/// Who takes what.
#[derive(Debug, Clone)]
pub struct Consumption {
    /// Topics or queues.
    pub kind: DestinationKind,
    /// Which.
    pub filter: TopicFilter,
    /// Whose subscription it is.
    pub session: Arc<str>,
    /// Subscriptions there are now to just this name; none told where there is a wildcard.
    pub consumers: Option<usize>,
}

/// A message that its queue does not have any more.
#[derive(Debug, Clone)]
pub struct Lost {
    /// What kind of destination it was on its way to.
    pub kind: DestinationKind,
    /// Its name.
    pub name: TopicName,
    /// The message.
    pub entry: SharedEntry,
    /// Why.
    pub cause: DeathCause,
}

/// Why a message left its queue without having been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeathCause {
    /// [`Limits::max_redeliveries`](crate::Limits::max_redeliveries).
    #[error("delivered {0} times and never acknowledged")]
    TooManyDeliveries(u32),
    /// [`Verdict::Reject`](crate::Verdict::Reject).
    #[error("rejected by its consumer")]
    Rejected,
    /// Its time was over.
    #[error("expired before it was delivered")]
    Expired,
    /// The bounds of a queue.
    #[error("the queue is full")]
    QueueFull,
}

/// Below this name are the topics of advisories; like names that begin with `$` they are the broker's own.
/// The name is ActiveMQ's.
pub const ADVISORIES: &str = "ActiveMQ.Advisory";
/// Its levels.
pub(crate) const ADVISORY_LEVELS: [&str; 2] = ["ActiveMQ", "Advisory"];

/// Whether a name is that of an advisory topic.
pub(crate) fn is_advisory(name: &str) -> bool {
    name.strip_prefix(ADVISORIES)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether who subscribes to `filter` watches for advisories. A wildcard in the first level does not cover
/// them.
pub(crate) fn asks_for_advisories(filter: &TopicFilter) -> bool {
    let mut wanted = filter.as_str().split('.');
    ADVISORY_LEVELS.into_iter().all(|level| {
        wanted.next().is_some_and(|one| {
            one == level || (level != ADVISORY_LEVELS[0] && matches!(one, "*" | ">"))
        })
    })
}
