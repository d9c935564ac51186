//! The id of a subscription, for all modules that do not use the subscription itself.

/// Identifies a subscription in this run of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) u64);

impl SubscriptionId {
    /// Returns the number of the subscription. Later subscriptions have greater numbers.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}
