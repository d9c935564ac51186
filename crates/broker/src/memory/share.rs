//! Shares of the pools that all clients use: a client that uses much leaves room for the others.
//!
//! The rule is the dynamic threshold of shared-memory switches (Choudhury and Hahne, "Dynamic queue length thresholds
//! for shared-memory packet switches", 1998): a holder may take more while it holds at most `ALPHA` times the free
//! amount. With `ALPHA` 1 a single holder gets half of the pool, two get a third each, and n get 1/(n + 1) each. A new
//! holder always finds something free, and nothing is reserved for holders that do not exist.
//!
//! Each amount is charged to two holders: the connection, and the network address of the connection. The charge to the
//! address stays after the end of the connection, so reconnecting does not give a client a new share. On loopback only
//! the connection is charged, because all local clients have the same address.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{figures::Count, name::TopicFilter};

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
}

/// The size and use of each pool, and the holders.
#[derive(Debug)]
pub struct Pools {
    stocks: [Stock; Pool::COUNT],
    /// The holders of addresses that have an open connection or a charge.
    addresses: Mutex<Addresses>,
}

/// A connection as a holder of shares.
#[derive(Debug)]
pub struct Client {
    pools: Arc<Pools>,
    connection: Holder,
    /// `None` on loopback.
    address: Option<Arc<Holder>>,
    bounds: Bounds,
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
}

/// The kind of holder of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// One connection.
    Connection,
    /// All connections from one address.
    Address,
}

/// The bounds that apply to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bounds {
    Shares,
    /// None: the client of the broker itself, whose use is counted and never limited by a share.
    None,
}

#[derive(Debug, Default)]
struct Stock {
    limit: u64,
    taken: AtomicU64,
    refused: Count,
}

#[derive(Debug, Default)]
struct Holder {
    held: [AtomicU64; Pool::COUNT],
}

#[derive(Debug, Default)]
struct Addresses {
    holders: HashMap<IpAddr, Weak<Holder>>,
    /// At this number of entries, those without a holder are removed.
    sweep_at: usize,
}

/// A holder may take more while it holds at most `times / of` times the free amount.
#[derive(Debug, Clone, Copy)]
struct Alpha {
    times: u64,
    of: u64,
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
    ];
    const COUNT: usize = 9;

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
        }
    }

    /// Returns the factor for a holder. It is smaller for a connection if many connections use a little of the pool.
    const fn alpha(self, holder: HolderKind) -> Alpha {
        let (times, of) = match (holder, self) {
            // A connection has one will and one session.
            (HolderKind::Connection, Self::WillBytes) => (1, 512),
            (HolderKind::Connection, Self::SubscriptionBytes) => (1, 8),
            (HolderKind::Connection, Self::TransactionBytes) => (1, 4),
            (HolderKind::Connection, _) => (1, 1),
            (HolderKind::Address, _) => (2, 1),
        };
        Alpha { times, of }
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
            Self::Address => "this address",
        })
    }
}

impl Alpha {
    fn of(self, free: u64) -> u64 {
        free.saturating_mul(self.times) / self.of
    }
}

impl Pools {
    /// Returns unused pools. `limit` returns the size of each.
    pub fn new(limit: impl Fn(Pool) -> u64) -> Arc<Self> {
        Arc::new(Self {
            stocks: Pool::ALL.map(|pool| Stock {
                limit: limit(pool),
                ..Stock::default()
            }),
            addresses: Mutex::default(),
        })
    }

    /// Returns the client of a connection from this address.
    #[must_use]
    pub fn client(self: &Arc<Self>, address: IpAddr) -> Arc<Client> {
        let address = network(address);
        let holder = (!address.is_loopback()).then(|| self.holder(address));
        self.new_client(holder, Bounds::Shares)
    }

    /// Returns a client without shares, for the broker itself.
    #[must_use]
    pub fn own_client(self: &Arc<Self>) -> Arc<Client> {
        self.new_client(None, Bounds::None)
    }

    fn new_client(self: &Arc<Self>, address: Option<Arc<Holder>>, bounds: Bounds) -> Arc<Client> {
        Arc::new(Client {
            pools: Arc::clone(self),
            connection: Holder::default(),
            address,
            bounds,
        })
    }

    fn holder(&self, address: IpAddr) -> Arc<Holder> {
        let addresses = self.addresses.lock();
        let mut addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        let known = addresses.holders.get(&address).and_then(Weak::upgrade);
        known.unwrap_or_else(|| addresses.add(address))
    }

    /// Returns the size of a pool.
    #[must_use]
    pub fn limit(&self, pool: Pool) -> u64 {
        self.stock(pool).limit
    }

    /// Returns the amount taken from a pool.
    #[must_use]
    pub fn taken(&self, pool: Pool) -> u64 {
        self.stock(pool).taken.load(Ordering::Relaxed)
    }

    /// Returns the figures of all pools.
    pub(crate) fn figures(&self) -> Vec<PoolFigures> {
        let figures = Pool::ALL.map(|pool| PoolFigures {
            pool,
            limit: self.limit(pool),
            taken: self.taken(pool),
            refused: self.stock(pool).refused.total(),
        });
        figures.into()
    }

    /// Counts a refused request.
    pub(crate) fn count_refused(&self, pool: Pool) {
        self.stock(pool).refused.add(1);
    }

    fn stock(&self, pool: Pool) -> &Stock {
        &self.stocks[pool as usize]
    }
}

impl Addresses {
    fn add(&mut self, address: IpAddr) -> Arc<Holder> {
        if self.holders.len() >= self.sweep_at {
            self.holders.retain(|_, holder| holder.strong_count() > 0);
            self.holders.shrink_to(2 * self.holders.len());
            self.sweep_at = (2 * self.holders.len()).max(FEWEST_ADDRESSES);
        }
        let holder = Arc::default();
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
        if checked.is_err() {
            self.pools.count_refused(pool);
        }
        checked
    }

    pub(crate) fn check_uncounted(
        &self,
        pool: Pool,
        amount: u64,
        free: u64,
    ) -> Result<(), PoolError> {
        if amount > free {
            let limit = self.pools.limit(pool);
            return Err(PoolError::Full { pool, limit });
        }
        if self.bounds == Bounds::None {
            return Ok(());
        }
        let connection = (HolderKind::Connection, &self.connection);
        let address = self.address.iter();
        let address = address.map(|holder| (HolderKind::Address, &**holder));
        for (kind, holder) in std::iter::once(connection).chain(address) {
            let held = holder.held[pool as usize].load(Ordering::Relaxed);
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

    /// Returns whether the client's shares allow the amount, even if the pool has less than that left.
    pub(crate) fn is_within_share(&self, pool: Pool, amount: u64, free: u64) -> bool {
        self.check_uncounted(pool, amount.min(free), free).is_ok()
    }

    /// Checks the client's shares for one more from a pool in which other holders make room, as if no other client held
    /// any.
    ///
    /// # Errors
    ///
    /// [`PoolError::ShareUsed`], which is counted.
    pub fn check_share(&self, pool: Pool) -> Result<(), PoolError> {
        let address = self.address.as_deref().unwrap_or(&self.connection);
        let held = address.held[pool as usize].load(Ordering::Relaxed);
        let free = self.pools.limit(pool).saturating_sub(held);
        self.check(pool, free.min(1), free)
    }

    /// Checks whether the client may have a subscription with this filter.
    pub(crate) fn check_subscription(&self, filter: &TopicFilter) -> Result<(), PoolError> {
        let pool = Pool::SubscriptionBytes;
        let free = self
            .pools
            .limit(pool)
            .saturating_sub(self.pools.taken(pool));
        self.check(pool, weight(filter), free)
    }

    /// Charges a subscription, until [`Client::release_subscription`].
    pub(crate) fn hold_subscription(&self, filter: &TopicFilter) {
        self.hold(Pool::SubscriptionBytes, weight(filter));
    }

    pub(crate) fn release_subscription(&self, filter: &TopicFilter) {
        self.release(Pool::SubscriptionBytes, weight(filter));
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
        let holders = std::iter::once(&self.connection).chain(self.address.as_deref());
        let held = holders.map(move |holder| &holder.held[pool as usize]);
        held.chain(std::iter::once(&self.pools.stock(pool).taken))
    }

    /// Returns the amount that the connection itself holds of a pool.
    #[must_use]
    pub fn held(&self, pool: Pool) -> u64 {
        self.connection.held[pool as usize].load(Ordering::Relaxed)
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

impl TopicCharge {
    pub(crate) fn new(client: &Arc<Client>) -> Self {
        client.hold(Pool::Topics, 1);
        Self(Arc::clone(client))
    }

    /// Takes over an existing charge.
    pub(crate) fn taken_over(client: &Arc<Client>) -> Self {
        Self(Arc::clone(client))
    }
}

impl Drop for TopicCharge {
    fn drop(&mut self) {
        self.0.release(Pool::Topics, 1);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.client.release(self.pool, self.amount.into());
    }
}

/// Returns whether a holder may take an amount. A holder without any may take one if anything is free.
fn is_within_share(pool: Pool, kind: HolderKind, held: u64, amount: u64, free: u64) -> bool {
    held + amount.saturating_sub(1) <= pool.alpha(kind).of(free)
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

/// Bytes of a subscription, and of a level of its filter in the tree of wildcards.
const SUBSCRIPTION: u64 = 256;
const LEVEL: u64 = 80;

/// Returns the address that identifies a client: for IPv6 the network, because a client can choose its address within
/// it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK))
        }
        other => other,
    }
}

/// The network part of an IPv6 address (RFC 4291, 2.5.4).
const NETWORK: u128 = !0 << 64;
/// Number of addresses up to which no unused ones are removed.
const FEWEST_ADDRESSES: usize = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const LIMIT: u64 = 9_000;

    fn pools() -> Arc<Pools> {
        Pools::new(|_| LIMIT)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Lets each client in turn take one topic, until all are refused.
    fn flood(clients: &[Arc<Client>]) -> Vec<Charge> {
        let mut charges = Vec::new();
        loop {
            let before = charges.len();
            for client in clients {
                charges.extend(client.take(Pool::Topics, 1));
            }
            if charges.len() == before {
                return charges;
            }
        }
    }

    #[test]
    fn connections_that_flood_get_equal_shares_and_leave_a_share() {
        for count in [1, 2, 3, 8] {
            let pools = pools();
            let loopback = address("127.0.0.1");
            let clients: Vec<_> = (0..count).map(|_| pools.client(loopback)).collect();
            let _charges = flood(&clients);
            let share = LIMIT / (count + 1);
            for client in &clients {
                let held = client.held(Pool::Topics);
                assert!(held.abs_diff(share) <= 1, "{held} of {share}");
            }
            assert!(pools.client(loopback).take(Pool::Topics, 1).is_ok());
        }
    }

    #[test]
    fn connections_from_one_address_share_its_share() {
        let pools = pools();
        let clients: Vec<_> = (0..50)
            .map(|_| pools.client(address("192.0.2.1")))
            .collect();
        let _charges = flood(&clients);
        let taken = pools.taken(Pool::Topics);
        assert!(taken.abs_diff(LIMIT * 2 / 3) <= 1, "{taken}");
        let refused = clients[0].take(Pool::Topics, 1).err();
        let Some(PoolError::ShareUsed { holder, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(holder, HolderKind::Address);
        assert!(
            pools
                .client(address("192.0.2.2"))
                .take(Pool::Topics, 1)
                .is_ok()
        );
    }

    #[test]
    fn reconnecting_gives_an_address_no_new_share() {
        let pools = pools();
        let mut charges = Vec::new();
        for _ in 0..100 {
            charges.extend(flood(&[pools.client(address("2001:db8::1"))]));
            // Another address of the same network.
            charges.extend(flood(&[pools.client(address("2001:db8::2"))]));
        }
        assert!(pools.taken(Pool::Topics) <= LIMIT * 2 / 3 + 1);
        charges.clear();
        assert_eq!(pools.taken(Pool::Topics), 0);
        assert!(!flood(&[pools.client(address("2001:db8::1"))]).is_empty());
    }

    #[test]
    fn an_address_without_connections_and_charges_is_removed() {
        let pools = pools();
        let kept = pools.client(address("192.0.2.1"));
        for number in 0..10_000_u32 {
            let _ = pools.client(IpAddr::V4(number.into()));
        }
        let addresses = pools.addresses.lock().expect("no panic");
        assert!(addresses.holders.len() <= 2 * FEWEST_ADDRESSES);
        assert!(addresses.holders.contains_key(&address("192.0.2.1")));
        drop(kept);
    }

    #[test]
    fn addresses_that_are_the_same_client_are_the_same() {
        let table = [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "192.0.2.2", false),
        ];
        for (one, other, are_same) in table {
            let (one, other) = (network(address(one)), network(address(other)));
            assert_eq!(one == other, are_same, "{one} {other}");
        }
        for loopback in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert!(network(address(loopback)).is_loopback(), "{loopback}");
        }
    }

    #[test]
    fn a_pool_is_never_overdrawn_and_refusals_are_counted() {
        let pools = pools();
        let own = pools.own_client();
        let most = u32::try_from(LIMIT).expect("it is small");
        let all = own.take(Pool::Queues, most).expect("it is not shared");
        let full = PoolError::Full {
            pool: Pool::Queues,
            limit: LIMIT,
        };
        assert_eq!(own.take(Pool::Queues, 1).err(), Some(full));
        assert_eq!(full.to_string(), "the limit of 9000 queues is reached");
        drop(all);
        let charge = own.take(Pool::Queues, most).expect("it is free again");
        let figures = pools.figures();
        let found = figures.iter().find(|one| one.pool == Pool::Queues);
        let found = found.expect("all pools are listed");
        assert_eq!((found.limit, found.taken, found.refused), (LIMIT, LIMIT, 1));
        drop(charge);
    }

    #[test]
    fn a_large_amount_counts_before_it_is_taken() {
        let pools = pools();
        let client = pools.client(address("127.0.0.1"));
        let eighth = u32::try_from(LIMIT / 8).expect("it is small");
        assert!(client.take(Pool::SubscriptionBytes, eighth + 2).is_err());
        let taken = client.take(Pool::SubscriptionBytes, eighth);
        assert!(taken.is_ok(), "{taken:?}");
        assert!(client.take(Pool::SubscriptionBytes, eighth).is_err());
    }

    #[test]
    fn many_large_wills_leave_room_for_small_ones() {
        let pools = Pools::new(|_| 64 << 20);
        let take = |bytes| {
            pools
                .client(address("127.0.0.1"))
                .take(Pool::WillBytes, bytes)
        };
        let charges: Vec<_> = (0..10_000).filter_map(|_| take(65_000).ok()).collect();
        assert!((400..600).contains(&charges.len()), "{}", charges.len());
        let small: Vec<_> = (0..10_000).filter_map(|_| take(500).ok()).collect();
        assert_eq!(small.len(), 10_000);
    }

    #[test]
    fn a_pool_in_which_others_make_room_is_checked_against_the_share_only() {
        let pools = pools();
        let remote = pools.client(address("192.0.2.1"));
        let others = pools.own_client();
        let most = u32::try_from(LIMIT).expect("it is small");
        let full = others.take(Pool::Sessions, most).expect("it is free");
        assert_eq!(remote.check_share(Pool::Sessions), Ok(()));
        let held = remote.charge(Pool::Sessions, most * 2 / 3 + 1);
        let refused = remote.check_share(Pool::Sessions);
        assert!(matches!(refused, Err(PoolError::ShareUsed { .. })));
        drop((held, full));
    }

    #[test]
    fn threads_that_take_at_once_do_not_exceed_the_pool() {
        let pools = Pools::new(|_| 1_000);
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let client = pools.own_client();
                    scope.spawn(move || {
                        let charges = (0..1_000).map(|_| client.take(Pool::Topics, 1));
                        let charges: Vec<_> = charges.filter_map(Result::ok).collect();
                        let count = charges.len();
                        std::mem::forget(charges);
                        count
                    })
                })
                .collect();
            threads.into_iter().map(|one| one.join().unwrap_or(0)).sum()
        });
        assert!((900..=1_000).contains(&taken), "{taken}");
    }
}
