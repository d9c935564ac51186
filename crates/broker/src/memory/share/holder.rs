//! The holders of shares beside the connections: users and network addresses, with their quotas.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::address::{ClientAddress, network};
use super::pool::{HolderKind, Pool, PoolError};

/// The connections of one user, or from one network address, as one holder of shares.
#[derive(Debug)]
pub struct Holder {
    pub(super) kind: HolderKind,
    pub(super) held: Held,
    /// `None` for an address without quotas. Boxed, because every client may have an address of its own.
    quotas: Option<Box<[QuotaState; Quota::COUNT]>>,
}

/// The amount held of each pool.
#[derive(Debug, Default)]
pub(super) struct Held([AtomicU64; Pool::COUNT]);

/// An amount that may be limited for each user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Open connections.
    Connections,
    /// Subscriptions.
    Subscriptions,
    /// Queues with a name that the user created.
    Queues,
    /// Bytes in the queues that the user created, whoever sent them.
    QueuedBytes,
    /// Sessions that outlive their connections, and durable subscriptions.
    Sessions,
}

/// The limit and use of one quota.
#[derive(Debug)]
struct QuotaState {
    limit: AtomicU64,
    /// The use that no pool counts.
    used: AtomicU64,
    refused: AtomicU64,
}

/// One unit of a quota; dropping it returns the unit.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct QuotaCharge {
    holder: Arc<Holder>,
    quota: Quota,
}

impl Holder {
    /// Returns a holder for the connections of a user.
    #[must_use]
    pub fn user() -> Arc<Self> {
        Arc::new(Self::with_quotas(HolderKind::User))
    }

    /// Returns a holder for the anonymous connections from an address, which have quotas. On loopback there is no share,
    /// because all local clients have the same address.
    #[must_use]
    pub fn anonymous(address: impl Into<ClientAddress>) -> Arc<Self> {
        Arc::new(Self::with_quotas(match network(address).is_loopback() {
            true => HolderKind::Loopback,
            false => HolderKind::Address,
        }))
    }

    /// Returns a holder for the connections from an address, without quotas.
    pub(super) fn address() -> Arc<Self> {
        Arc::new(Self {
            kind: HolderKind::Address,
            held: Held::default(),
            quotas: None,
        })
    }

    fn with_quotas(kind: HolderKind) -> Self {
        Self {
            kind,
            held: Held::default(),
            quotas: Some(Box::default()),
        }
    }

    /// Sets the limit of a quota; `None` means unlimited. Amounts beyond a smaller limit stay.
    pub fn set_limit(&self, quota: Quota, limit: Option<u64>) {
        if let Some(state) = self.state(quota) {
            state
                .limit
                .store(limit.unwrap_or(UNLIMITED), Ordering::Relaxed);
        }
    }

    /// Returns the use of a quota.
    #[must_use]
    pub fn used(&self, quota: Quota) -> u64 {
        let counted = self
            .state(quota)
            .map_or(0, |state| state.used.load(Ordering::Relaxed));
        let pooled = quota.pool().map_or(0, |pool| self.held.of(pool));
        counted + pooled
    }

    /// Returns the number of requests that a quota refused.
    #[must_use]
    pub fn refused(&self, quota: Quota) -> u64 {
        self.state(quota)
            .map_or(0, |state| state.refused.load(Ordering::Relaxed))
    }

    /// Takes one unit of a quota.
    ///
    /// # Errors
    ///
    /// [`PoolError::QuotaUsed`], which is counted.
    pub fn take(self: &Arc<Self>, quota: Quota) -> Result<QuotaCharge, PoolError> {
        let charge = self.charge(quota);
        // The unit that was just taken counts, so that threads that take at once do not exceed the limit.
        match self.check(quota, 0) {
            Ok(()) => Ok(charge),
            Err(error) => {
                self.count_refused(&error);
                Err(error)
            }
        }
    }

    /// Takes one unit of a quota without a check.
    pub fn charge(self: &Arc<Self>, quota: Quota) -> QuotaCharge {
        self.count(quota, 1);
        QuotaCharge {
            holder: Arc::clone(self),
            quota,
        }
    }

    /// Checks the quota that belongs to a pool, for an amount.
    pub(super) fn check_pool(&self, pool: Pool, amount: u64) -> Result<(), PoolError> {
        match pool.quota() {
            Some(quota) => self.check(quota, amount),
            None => Ok(()),
        }
    }

    /// Checks that an amount can be added within a quota.
    pub(super) fn check(&self, quota: Quota, amount: u64) -> Result<(), PoolError> {
        let Some(state) = self.state(quota) else {
            return Ok(());
        };
        let limit = state.limit.load(Ordering::Relaxed);
        match limit == UNLIMITED || self.used(quota).saturating_add(amount) <= limit {
            true => Ok(()),
            false => Err(PoolError::QuotaUsed { quota, limit }),
        }
    }

    /// Counts a refusal, if a quota is its reason.
    pub(super) fn count_refused(&self, error: &PoolError) {
        if let PoolError::QuotaUsed { quota, .. } = error
            && let Some(state) = self.state(*quota)
        {
            state.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds to the use that no pool counts.
    pub(super) fn count(&self, quota: Quota, amount: u64) {
        if let Some(state) = self.state(quota) {
            state.used.fetch_add(amount, Ordering::Relaxed);
        }
    }

    /// Subtracts from the use that no pool counts.
    pub(super) fn uncount(&self, quota: Quota, amount: u64) {
        if let Some(state) = self.state(quota) {
            state.used.fetch_sub(amount, Ordering::Relaxed);
        }
    }

    fn state(&self, quota: Quota) -> Option<&QuotaState> {
        let quotas = self.quotas.as_ref()?;
        Some(&quotas[quota as usize])
    }
}

impl Held {
    pub(super) fn count(&self, pool: Pool) -> &AtomicU64 {
        &self.0[pool as usize]
    }

    pub(super) fn of(&self, pool: Pool) -> u64 {
        self.count(pool).load(Ordering::Relaxed)
    }
}

impl Quota {
    /// Every quota.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Connections,
        Self::Subscriptions,
        Self::Queues,
        Self::QueuedBytes,
        Self::Sessions,
    ];
    const COUNT: usize = 5;

    /// Returns the description in errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Subscriptions => "subscriptions",
            Self::Queues => "queues that it created",
            Self::QueuedBytes => "bytes in the queues that it created",
            Self::Sessions => "sessions and durable subscriptions",
        }
    }

    /// Returns the pool of which the held amount counts for the quota.
    const fn pool(self) -> Option<Pool> {
        match self {
            Self::Connections | Self::Subscriptions => None,
            Self::Queues => Some(Pool::Queues),
            Self::QueuedBytes => Some(Pool::QueueBytes),
            // Sessions of MQTT are counted while their client is connected, too. They are charged to their pool only while
            // the client is away.
            Self::Sessions => Some(Pool::Durables),
        }
    }
}

impl Pool {
    /// Returns the quota of each user for this pool.
    const fn quota(self) -> Option<Quota> {
        match self {
            Self::Queues => Some(Quota::Queues),
            Self::QueueBytes => Some(Quota::QueuedBytes),
            Self::Durables => Some(Quota::Sessions),
            Self::Topics
            | Self::SubscriptionBytes
            | Self::TransactionBytes
            | Self::Sessions
            | Self::WillBytes
            | Self::Cursors
            | Self::Scheduled
            | Self::SelectorWork => None,
        }
    }
}

impl Default for QuotaState {
    fn default() -> Self {
        Self {
            limit: AtomicU64::new(UNLIMITED),
            used: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

impl Drop for QuotaCharge {
    fn drop(&mut self) {
        self.holder.uncount(self.quota, 1);
    }
}

/// The limit of an unlimited quota.
const UNLIMITED: u64 = u64::MAX;
