//! Connections as holders of shares, and what they take.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    ClientAddress, Pools,
    holder::{Held, Holder, Quota},
    pool::{HolderKind, Pool, PoolError, is_within_share},
};
use crate::name::TopicFilter;

/// A connection as a holder of shares.
#[derive(Debug)]
pub struct Client {
    pub(super) pools: Arc<Pools>,
    pub(super) connection: Held,
    /// The user, or else the address; `None` on loopback without a user.
    pub(super) holder: Option<Arc<Holder>>,
    pub(super) limited_by: LimitedBy,
}

/// An amount taken from a pool; dropping it returns the amount.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Charge {
    client: Arc<Client>,
    amount: u32,
    pool: Pool,
}

/// A topic that is charged to a client; dropping it returns the charge. Small, because there are many.
#[derive(Debug)]
pub(crate) struct TopicCharge(Arc<Client>);

/// The bounds that apply to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitedBy {
    Shares,
    /// No shares: for the broker's own client. Its use is counted, but no share limits it.
    PoolOnly,
}

#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) holders: HashMap<ClientAddress, Weak<Holder>>,
    /// When the map has this number of entries, those without a holder are removed.
    sweep_at: usize,
}

impl Addresses {
    pub(super) fn add(&mut self, address: ClientAddress) -> Arc<Holder> {
        if self.holders.len() >= self.sweep_at {
            self.holders.retain(|_, holder| holder.strong_count() > 0);
            self.holders.shrink_to(2 * self.holders.len());
            self.sweep_at = (2 * self.holders.len()).max(FEWEST_ADDRESSES);
        }
        let holder = Holder::address();
        self.holders.insert(address, Arc::downgrade(&holder));
        holder
    }
}

impl Client {
    /// Takes an amount from a pool.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if too little is left or the share is used up; nothing is taken then.
    pub fn take(self: &Arc<Self>, pool: Pool, amount: u32) -> Result<Charge, PoolError> {
        let (limit, taken) = (self.pools.limit(pool), self.pools.taken(pool));
        let free = limit.saturating_sub(taken);
        self.check(pool, amount.into(), free)?;
        let charge = self.charge(pool, amount);
        // Another thread may have taken some at the same time.
        if self.pools.taken(pool) > limit {
            self.pools.count_refused(pool);
            return Err(PoolError::Full { pool, limit });
        }
        Ok(charge)
    }

    /// Checks whether the client may take an amount from a pool with `free` left. Counts a refusal.
    pub(crate) fn check(&self, pool: Pool, amount: u64, free: u64) -> Result<(), PoolError> {
        let checked = self.check_uncounted(pool, amount, free);
        if let Err(error) = &checked {
            self.count_refused(pool, error);
        }
        checked
    }

    /// Counts a refused request.
    pub(crate) fn count_refused(&self, pool: Pool, error: &PoolError) {
        self.pools.count_refused(pool);
        self.holder.iter().for_each(|one| one.count_refused(error));
    }

    pub(crate) fn check_uncounted(
        &self,
        pool: Pool,
        amount: u64,
        free: u64,
    ) -> Result<(), PoolError> {
        if let Some(holder) = &self.holder {
            holder.check_pool(pool, amount)?;
        }
        if amount > free {
            let limit = self.pools.limit(pool);
            return Err(PoolError::Full { pool, limit });
        }
        if self.limited_by == LimitedBy::PoolOnly {
            return Ok(());
        }
        let connection = (HolderKind::Connection, &self.connection);
        let others = self.sharing_holder().into_iter();
        let others = others.map(|holder| (holder.kind, &holder.held));
        for (kind, held) in std::iter::once(connection).chain(others) {
            let held = held.of(pool);
            if !is_within_share(pool, kind, held, amount, free) {
                let holder = kind;
                return Err(PoolError::ShareUsed {
                    pool,
                    holder,
                    held,
                    free,
                });
            }
        }
        Ok(())
    }

    /// Returns whether the client's shares allow the amount. If the pool has less left than that, only the free amount
    /// is checked.
    pub(crate) fn is_within_share(&self, pool: Pool, amount: u64, free: u64) -> bool {
        self.check_uncounted(pool, amount.min(free), free).is_ok()
    }

    /// Checks whether the client may have one more item, as if no other client used the pool. For pools in which an
    /// existing item is removed to make room.
    ///
    /// # Errors
    ///
    /// [`PoolError::ShareUsed`], which is counted.
    pub fn check_share(&self, pool: Pool) -> Result<(), PoolError> {
        let held = match self.sharing_holder() {
            Some(holder) => holder.held.of(pool),
            None => self.connection.of(pool),
        };
        let free = self.pools.limit(pool).saturating_sub(held);
        self.check(pool, free.min(1), free)
    }

    /// Checks whether the client may have a subscription with this filter.
    pub(crate) fn check_subscription(&self, filter: &TopicFilter) -> Result<(), PoolError> {
        let pool = Pool::SubscriptionBytes;
        if let Some(holder) = &self.holder
            && let Err(error) = holder.check(Quota::Subscriptions, 1)
        {
            self.count_refused(pool, &error);
            return Err(error);
        }
        let free = self
            .pools
            .limit(pool)
            .saturating_sub(self.pools.taken(pool));
        self.check(pool, weight(filter), free)
    }

    /// Charges a subscription, until [`Client::release_subscription`].
    pub(crate) fn hold_subscription(&self, filter: &TopicFilter) {
        self.hold(Pool::SubscriptionBytes, weight(filter));
        let holder = self.holder.iter();
        holder.for_each(|one| one.count(Quota::Subscriptions, 1));
    }

    pub(crate) fn release_subscription(&self, filter: &TopicFilter) {
        self.release(Pool::SubscriptionBytes, weight(filter));
        let holder = self.holder.iter();
        holder.for_each(|one| one.uncount(Quota::Subscriptions, 1));
    }

    /// Takes an amount from a pool without a check.
    pub fn charge(self: &Arc<Self>, pool: Pool, amount: u32) -> Charge {
        self.hold(pool, amount.into());
        Charge {
            client: Arc::clone(self),
            amount,
            pool,
        }
    }

    /// Charges an amount, until [`Client::release`].
    pub(crate) fn hold(&self, pool: Pool, amount: u64) {
        for count in self.counts(pool) {
            count.fetch_add(amount, Ordering::Relaxed);
        }
    }

    pub(crate) fn release(&self, pool: Pool, amount: u64) {
        for count in self.counts(pool) {
            count.fetch_sub(amount, Ordering::Relaxed);
        }
    }

    fn counts(&self, pool: Pool) -> impl Iterator<Item = &AtomicU64> {
        let shared = self.holder.as_deref().map(|holder| &holder.held);
        let held = std::iter::once(&self.connection).chain(shared);
        let held = held.map(move |held| held.count(pool));
        held.chain(std::iter::once(&self.pools.pool_state(pool).taken))
    }

    /// Returns the user or address of which the share limits this connection, too.
    fn sharing_holder(&self) -> Option<&Holder> {
        let holder = self.holder.as_deref();
        holder.filter(|holder| holder.kind != HolderKind::Loopback)
    }

    /// Returns whether two connections have the same user or address.
    pub(crate) fn has_holder_of(&self, other: &Self) -> bool {
        match (&self.holder, &other.holder) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Returns the amount that this connection holds, without the other connections of its user or address.
    #[must_use]
    pub fn held(&self, pool: Pool) -> u64 {
        self.connection.of(pool)
    }

    /// Returns the pools of this client.
    #[must_use]
    pub fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }
}

impl Charge {
    /// Returns the client that is charged.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.client.release(self.pool, self.amount.into());
    }
}

impl TopicCharge {
    pub(crate) fn new(client: &Arc<Client>) -> Self {
        client.hold(Pool::Topics, 1);
        Self(Arc::clone(client))
    }

    /// Wraps a charge that was made before.
    pub(crate) fn from_existing(client: &Arc<Client>) -> Self {
        Self(Arc::clone(client))
    }
}

impl Drop for TopicCharge {
    fn drop(&mut self) {
        self.0.release(Pool::Topics, 1);
    }
}

/// Returns the bytes that a subscription counts for: approximately its memory, including its filter. A filter with
/// wildcards is in a tree with up to one node for each level.
fn weight(filter: &TopicFilter) -> u64 {
    let text = filter.as_str();
    let levels = match filter.exact() {
        Some(_) => 0,
        None => 1 + text.bytes().filter(|byte| *byte == b'.').count(),
    };
    SUBSCRIPTION + text.len() as u64 + levels as u64 * LEVEL
}

/// The bytes of a subscription, without its filter.
const SUBSCRIPTION: u64 = 256;
/// The bytes of one level of a filter in the tree of wildcards.
const LEVEL: u64 = 80;

/// Minimum size of the map at which unused addresses are removed.
pub(super) const FEWEST_ADDRESSES: usize = 64;
