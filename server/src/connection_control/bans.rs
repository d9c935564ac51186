//! Users, client ids and networks that may not connect for a time. In memory only.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use broker::ClientAddress;

use super::network::{Network, NetworkSize};

/// The bans in force.
#[derive(Default)]
pub struct Bans {
    state: Mutex<State>,
    /// The number of bans, so that a connection pays nothing while there are none.
    count: AtomicUsize,
}

#[derive(Default)]
struct State {
    by_id: BTreeMap<u64, Ban>,
    by_target: HashMap<BanTarget, u64>,
    /// The number of banned networks of each size.
    sizes: BTreeMap<NetworkSize, usize>,
    last_id: u64,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// The number of the ban.
    pub id: u64,
    /// The banned clients.
    pub target: BanTarget,
    /// The reason for people, which may be empty.
    pub reason: Arc<str>,
    /// The end, in milliseconds of the server's clock.
    pub until_ms: u64,
}

/// The clients that a ban concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BanTarget {
    /// All connections of this user.
    User(Arc<str>),
    /// The connections with this client id.
    Client(Arc<str>),
    /// The connections from these addresses, or of this user at Unix sockets.
    Network(Network),
}

/// A client that connects, or is connected.
#[derive(Debug, Clone, Copy)]
pub struct Visitor<'a> {
    /// Its user.
    pub user: Option<&'a Arc<str>>,
    /// Its client id.
    pub client: Option<&'a Arc<str>>,
    /// Its address.
    pub address: ClientAddress,
}

/// The refusal of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Banned {
    reason: Arc<str>,
    /// The time until the ban ends.
    pub remaining_s: u64,
}

/// The error for a new ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MAX_BANS} bans, and no more are kept")]
pub struct TooManyBans;

impl Bans {
    /// Adds a ban. It replaces one with the same target. Returns its number.
    ///
    /// # Errors
    /// There are too many bans.
    pub fn add(
        &self,
        target: BanTarget,
        reason: &str,
        until_ms: u64,
        now_ms: u64,
    ) -> Result<u64, TooManyBans> {
        let mut state = self.state();
        if let Some(id) = state.by_target.get(&target).copied() {
            state.remove(id);
        }
        if state.by_id.len() >= MAX_BANS {
            state.remove_ended(now_ms);
        }
        let id = match state.by_id.len() < MAX_BANS {
            true => Ok(state.add(target, reason, until_ms)),
            false => Err(TooManyBans),
        };
        self.count.store(state.by_id.len(), Ordering::Release);
        id
    }

    /// Returns a ban, and ends it.
    pub fn remove(&self, id: u64) -> Option<Ban> {
        let mut state = self.state();
        let removed = state.remove(id);
        self.count.store(state.by_id.len(), Ordering::Release);
        removed
    }

    /// Returns the bans in force after one, at most `max`, and the number of all.
    pub fn list(&self, after: u64, max: usize, now_ms: u64) -> (Vec<Ban>, usize) {
        let mut state = self.state();
        state.remove_ended(now_ms);
        self.count.store(state.by_id.len(), Ordering::Release);
        let found = state.by_id.range(after.saturating_add(1)..).take(max);
        let found = found.map(|(_, ban)| ban.clone()).collect();
        (found, state.by_id.len())
    }

    /// Checks whether a client may connect.
    ///
    /// # Errors
    /// The client is banned.
    pub fn check(&self, visitor: &Visitor<'_>, now_ms: u64) -> Result<(), Banned> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        let state = self.state();
        let found = state.find(visitor, now_ms);
        found.map_or(Ok(()), |ban| {
            Err(Banned {
                reason: Arc::clone(&ban.reason),
                remaining_s: ban.until_ms.saturating_sub(now_ms).div_ceil(1_000),
            })
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, target: BanTarget, reason: &str, until_ms: u64) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        if let BanTarget::Network(network) = &target {
            *self.sizes.entry(network.size()).or_default() += 1;
        }
        self.by_target.insert(target.clone(), id);
        let ban = Ban {
            id,
            target,
            reason: reason.into(),
            until_ms,
        };
        self.by_id.insert(id, ban);
        id
    }

    fn remove(&mut self, id: u64) -> Option<Ban> {
        let ban = self.by_id.remove(&id)?;
        self.by_target.remove(&ban.target);
        if let BanTarget::Network(network) = &ban.target
            && let Some(count) = self.sizes.get_mut(&network.size())
        {
            *count -= 1;
            if *count == 0 {
                self.sizes.remove(&network.size());
            }
        }
        Some(ban)
    }

    fn remove_ended(&mut self, now_ms: u64) {
        let ended = self.by_id.values().filter(|ban| ban.until_ms <= now_ms);
        let ended: Vec<u64> = ended.map(|ban| ban.id).collect();
        for id in ended {
            self.remove(id);
        }
    }

    /// Returns the ban of a client that ends last.
    fn find(&self, visitor: &Visitor<'_>, now_ms: u64) -> Option<&Ban> {
        let user = visitor.user.map(|user| BanTarget::User(Arc::clone(user)));
        let client = visitor.client.map(|id| BanTarget::Client(Arc::clone(id)));
        let address = visitor.address;
        let sizes = self.sizes.keys();
        let networks = sizes.filter_map(|size| Network::around(address, *size));
        let networks = networks.map(BanTarget::Network);
        let targets = user.into_iter().chain(client).chain(networks);
        let found = targets.filter_map(|target| self.by_id.get(self.by_target.get(&target)?));
        found
            .filter(|ban| ban.until_ms > now_ms)
            .max_by_key(|ban| ban.until_ms)
    }
}

impl Visitor<'_> {
    /// Returns a client of which only the address is known.
    pub fn at(address: ClientAddress) -> Self {
        Self {
            user: None,
            client: None,
            address,
        }
    }
}

impl BanTarget {
    /// Returns whether the ban concerns a client.
    pub fn includes(&self, visitor: &Visitor<'_>) -> bool {
        match self {
            Self::User(user) => visitor.user == Some(user),
            Self::Client(client) => visitor.client == Some(client),
            Self::Network(network) => network.includes(visitor.address),
        }
    }
}

impl fmt::Display for BanTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(formatter, "user {user}"),
            Self::Client(client) => write!(formatter, "client {client}"),
            Self::Network(network) => write!(formatter, "address {network}"),
        }
    }
}

impl fmt::Display for Banned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            reason,
            remaining_s,
        } = self;
        write!(formatter, "you are banned for another {remaining_s} s")?;
        match reason.is_empty() {
            true => Ok(()),
            false => write!(formatter, ": {reason}"),
        }
    }
}

/// Maximum number of bans.
const MAX_BANS: usize = 10_000;
#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    fn visitor<'a>(
        user: Option<&'a Arc<str>>,
        client: Option<&'a Arc<str>>,
        from: &str,
    ) -> Visitor<'a> {
        Visitor {
            user,
            client,
            address: from.parse().expect("an address"),
        }
    }

    #[test]
    fn a_ban_refuses_its_clients_until_it_ends() {
        let bans = Bans::default();
        let (anna, tick): (Arc<str>, Arc<str>) = ("anna".into(), "tick".into());
        let targets = [
            BanTarget::User(Arc::clone(&anna)),
            BanTarget::Client(Arc::clone(&tick)),
            BanTarget::Network(network("192.0.2.0/24")),
            BanTarget::Network(network("unix:uid=1000")),
        ];
        let visitors = [
            visitor(Some(&anna), None, "198.51.100.1"),
            visitor(None, Some(&tick), "198.51.100.1"),
            visitor(None, None, "192.0.2.200"),
            visitor(None, None, "unix:uid=1000"),
        ];
        for (target, banned) in targets.iter().zip(&visitors) {
            let id = bans
                .add(target.clone(), "too loud", 10_000, 0)
                .expect("room");
            for visitor in &visitors {
                let is_banned = std::ptr::eq(visitor, banned);
                assert_eq!(
                    target.includes(visitor),
                    is_banned,
                    "{target:?} {visitor:?}"
                );
                assert_eq!(bans.check(visitor, 5_500).is_err(), is_banned, "{target:?}");
            }
            let error = bans.check(banned, 5_500).expect_err("banned");
            assert_eq!(
                error.to_string(),
                "you are banned for another 5 s: too loud"
            );
            assert_eq!(bans.check(banned, 10_000), Ok(()), "the ban is over");
            assert_eq!(bans.remove(id).map(|ban| ban.target).as_ref(), Some(target));
            assert_eq!(bans.check(banned, 0), Ok(()));
            assert_eq!(bans.remove(id), None);
        }
    }

    #[test]
    fn a_ban_replaces_the_one_with_the_same_target() {
        let bans = Bans::default();
        let target = BanTarget::Network(network("192.0.2.1"));
        let first = bans.add(target.clone(), "", 10_000, 0).expect("room");
        let second = bans.add(target.clone(), "", 20_000, 0).expect("room");
        let (listed, total) = bans.list(0, 10, 0);
        assert_eq!((listed.len(), listed[0].id, total), (1, second, 1));
        assert_eq!(bans.remove(first), None);
        assert!(
            bans.check(&visitor(None, None, "192.0.2.1"), 15_000)
                .is_err()
        );
    }

    #[test]
    fn the_number_of_bans_is_bounded_and_ended_ones_make_room() {
        let bans = Bans::default();
        let target = |number: usize| BanTarget::User(format!("user {number}").into());
        for number in 0..MAX_BANS {
            bans.add(target(number), "", 1_000, 0).expect("room");
        }
        assert_eq!(bans.add(target(MAX_BANS), "", 1_000, 999), Err(TooManyBans));
        assert!(
            bans.add(target(7), "", 1_000, 999).is_ok(),
            "it replaces one"
        );
        assert!(bans.add(target(MAX_BANS), "", 2_000, 1_000).is_ok());
        assert_eq!(bans.list(0, 10, 1_000).1, 1);
        assert_eq!(bans.list(0, 10, 2_000).1, 0);
    }
}
