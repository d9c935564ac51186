//! The pools, the reasons for a refusal, and the rule for a share.

use std::fmt;

use super::holder::Quota;

/// The figures of one pool that all clients share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFigures {
    /// The pool.
    pub pool: Pool,
    /// Its limit, in the unit of the pool.
    pub limit: u64,
    /// The amount in use.
    pub taken: u64,
    /// Number of requests refused because of the limit of the pool or of a share.
    pub refused: u64,
}

/// A limited resource that all clients share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pool {
    /// Topics, charged to the first client that publishes or subscribes.
    Topics,
    /// Queues with a name, charged to the first client that publishes or subscribes.
    Queues,
    /// Bytes in queues, charged to the client that made the queue.
    QueueBytes,
    /// Durable subscriptions.
    Durables,
    /// Bytes of subscriptions and their filters.
    SubscriptionBytes,
    /// Bytes in transactions that are open.
    TransactionBytes,
    /// Sessions that outlive their connections.
    Sessions,
    /// Bytes of wills.
    WillBytes,
    /// Cursors of subscriptions with wildcards, charged to the client that subscribes.
    Cursors,
    /// Messages that wait for the time of their schedule, charged to their publisher.
    Scheduled,
    /// The work of the selectors that are evaluated while the broker is locked, for each message of their topics, charged to
    /// the subscriber. The unit is that of [`Selector::work`](crate::Selector::work).
    SelectorWork,
}

/// The reason why a request to a pool is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool has too little left.
    #[error("the limit of {limit} {pool} is reached")]
    Full {
        /// The pool.
        pool: Pool,
        /// The size of the pool.
        limit: u64,
    },
    /// The holder has reached the share that the free amount allows.
    #[error(
        "{holder} has its share of the {pool}: it holds {held}, and only {free} are left for all"
    )]
    ShareUsed {
        /// The pool.
        pool: Pool,
        /// The kind of holder.
        holder: HolderKind,
        /// The amount that it holds.
        held: u64,
        /// The free amount of the pool.
        free: u64,
    },
    /// The user has reached a quota.
    #[error("the user's quota of {limit} {} is used up", quota.name())]
    QuotaUsed {
        /// The quota.
        quota: Quota,
        /// Its limit.
        limit: u64,
    },
}

/// The kind of holder of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// One connection.
    Connection,
    /// All connections from one address.
    Address,
    /// All connections from loopback addresses, which have quotas and no share.
    Loopback,
    /// All connections of one user.
    User,
}

/// A holder may take more while it holds at most `numerator / denominator` times the free amount.
#[derive(Debug, Clone, Copy)]
struct Alpha {
    numerator: u64,
    denominator: u64,
}

impl Pool {
    /// Every pool.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Topics,
        Self::Queues,
        Self::QueueBytes,
        Self::Durables,
        Self::SubscriptionBytes,
        Self::TransactionBytes,
        Self::Sessions,
        Self::WillBytes,
        Self::Cursors,
        Self::Scheduled,
        Self::SelectorWork,
    ];
    pub(super) const COUNT: usize = 11;

    /// Returns the name in figures.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Queues => "queues",
            Self::QueueBytes => "bytes in all queues",
            Self::Durables => "durable subscriptions",
            Self::SubscriptionBytes => "bytes of subscriptions",
            Self::TransactionBytes => "bytes in transactions",
            Self::Sessions => "sessions without a connection",
            Self::WillBytes => "bytes of wills",
            Self::Cursors => "cursors of wildcard subscriptions",
            Self::Scheduled => "scheduled messages",
            Self::SelectorWork => "work of selectors for collected messages",
        }
    }

    /// Returns the factor for a holder. For a connection it is smaller in pools of which many connections use a little
    /// each.
    const fn alpha(self, holder: HolderKind) -> Alpha {
        let (numerator, denominator) = match (holder, self) {
            // A connection has one will, so one connection must not use much of the pool.
            (HolderKind::Connection, Self::WillBytes) => (1, 512),
            (HolderKind::Connection, Self::SubscriptionBytes) => (1, 8),
            (HolderKind::Connection, Self::TransactionBytes) => (1, 4),
            (HolderKind::Connection, _) => (1, 1),
            (HolderKind::Address | HolderKind::Loopback | HolderKind::User, _) => (2, 1),
        };
        Alpha {
            numerator,
            denominator,
        }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for HolderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connection => "this connection",
            Self::Address | Self::Loopback => "this address",
            Self::User => "this user",
        })
    }
}

impl Alpha {
    fn apply_to(self, free: u64) -> u64 {
        free.saturating_mul(self.numerator) / self.denominator
    }
}

/// Returns whether a holder may take an amount. A holder that has nothing may take one unit if something is free.
pub(super) fn is_within_share(
    pool: Pool,
    kind: HolderKind,
    held: u64,
    amount: u64,
    free: u64,
) -> bool {
    held + amount.saturating_sub(1) <= pool.alpha(kind).apply_to(free)
}
