//! Shares of the pools that all clients use: a client that uses much leaves room for the others.
//!
//! The rule is the dynamic threshold of shared-memory switches (Choudhury and Hahne, "Dynamic queue length thresholds
//! for shared-memory packet switches", 1998): a holder may take more while it holds at most `ALPHA` times the free
//! amount. With `ALPHA` 1 a single holder gets half of the pool, two get a third each, and n get 1/(n + 1) each. A new
//! holder always finds something free, and nothing is reserved for holders that do not exist.
//!
//! Each amount is charged to two holders: the connection, and its user. A connection without a user is charged to its
//! network address instead. The charge to the user or address stays after the end of the connection, so reconnecting does
//! not give a client a new share. On loopback without a user, only the share of the connection counts, because all local
//! clients have the same address. At a Unix socket, the user of the operating system takes the place of the address.
//!
//! A user may also have quotas: fixed limits, which do not depend on the free amount ([`Quota`]).

mod address;
mod client;
mod holder;
mod pool;
#[cfg(all(test, not(loom)))]
mod tests;

use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

pub use address::{ClientAddress, InvalidClientAddress, network};
pub(crate) use client::TopicCharge;
pub use client::{Charge, Client};
pub use holder::{Holder, Quota, QuotaCharge};
pub use pool::{HolderKind, Pool, PoolError, PoolFigures};

use crate::figures::Count;
use client::{Addresses, LimitedBy};
use holder::Held;

/// The size and use of each pool, and the holders.
#[derive(Debug)]
pub struct Pools {
    pools: [PoolState; Pool::COUNT],
    /// The holders of addresses that have an open connection or a charge.
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct PoolState {
    limit: u64,
    taken: AtomicU64,
    refused: Count,
}

impl Pools {
    /// Returns unused pools. `limit` returns the size of each.
    pub fn new(limit: impl Fn(Pool) -> u64) -> Arc<Self> {
        Arc::new(Self {
            pools: Pool::ALL.map(|pool| PoolState {
                limit: limit(pool),
                ..PoolState::default()
            }),
            addresses: Mutex::default(),
        })
    }

    /// Returns the client of a connection from this address.
    #[must_use]
    pub fn client(self: &Arc<Self>, address: impl Into<ClientAddress>) -> Arc<Client> {
        let address = network(address);
        let holder = (!address.is_loopback()).then(|| self.holder(address));
        self.new_client(holder, LimitedBy::Shares)
    }

    /// Returns the client of a connection of this user, or of an anonymous client with quotas.
    #[must_use]
    pub fn client_of(self: &Arc<Self>, holder: &Arc<Holder>) -> Arc<Client> {
        self.new_client(Some(Arc::clone(holder)), LimitedBy::Shares)
    }

    /// Returns the broker's own client, which no share limits.
    #[must_use]
    pub fn own_client(self: &Arc<Self>) -> Arc<Client> {
        self.new_client(None, LimitedBy::PoolOnly)
    }

    fn new_client(
        self: &Arc<Self>,
        holder: Option<Arc<Holder>>,
        limited_by: LimitedBy,
    ) -> Arc<Client> {
        Arc::new(Client {
            pools: Arc::clone(self),
            connection: Held::default(),
            holder,
            limited_by,
        })
    }

    fn holder(&self, address: ClientAddress) -> Arc<Holder> {
        let addresses = self.addresses.lock();
        let mut addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        let known = addresses.holders.get(&address).and_then(Weak::upgrade);
        known.unwrap_or_else(|| addresses.add(address))
    }

    /// Returns the size of a pool.
    #[must_use]
    pub fn limit(&self, pool: Pool) -> u64 {
        self.pool_state(pool).limit
    }

    /// Returns the amount taken from a pool.
    #[must_use]
    pub fn taken(&self, pool: Pool) -> u64 {
        self.pool_state(pool).taken.load(Ordering::Relaxed)
    }

    /// Returns the figures of all pools.
    pub(crate) fn figures(&self) -> Vec<PoolFigures> {
        let figures = Pool::ALL.map(|pool| PoolFigures {
            pool,
            limit: self.limit(pool),
            taken: self.taken(pool),
            refused: self.pool_state(pool).refused.total(),
        });
        figures.into()
    }

    /// Counts a refused request.
    pub(crate) fn count_refused(&self, pool: Pool) {
        self.pool_state(pool).refused.add(1);
    }

    fn pool_state(&self, pool: Pool) -> &PoolState {
        &self.pools[pool as usize]
    }
}
