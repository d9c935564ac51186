//! The id of a subscription, for all modules that do not know the subscription itself.

/// Identifies a subscription for as long as the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) u64);
