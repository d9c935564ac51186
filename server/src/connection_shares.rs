//! The share of each address in the limit of connections.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use broker::{ClientAddress, network};

/// The open connections of each address: of an IPv6 network, and of a user at Unix sockets.
///
/// The rule is that of the broker's pools: an address may open a connection while it has less than twice as many as are
/// free. So one address gets at most two thirds, and several get less each and leave room for a new one.
#[derive(Debug, Clone, Default)]
pub struct ConnectionShares(Arc<Mutex<HashMap<ClientAddress, usize>>>);

/// A connection that counts for an address until it is dropped.
#[must_use = "the connection counts until this is dropped"]
pub struct ShareCharge {
    shares: ConnectionShares,
    address: ClientAddress,
}

impl ConnectionShares {
    /// Counts a connection for an address. `free` is the number of connections that can still be opened, with this one.
    /// Returns `None` if the address has its share.
    pub fn take(&self, address: ClientAddress, free: usize) -> Option<ShareCharge> {
        let address = network(address);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        // An address without a connection always gets one.
        if *count > 0 && *count >= free.saturating_mul(2) {
            return None;
        }
        *count += 1;
        Some(ShareCharge {
            shares: self.clone(),
            address,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ClientAddress, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ShareCharge {
    fn drop(&mut self) {
        let mut open = self.shares.open();
        let Some(count) = open.get_mut(&self.address) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            open.remove(&self.address);
            // A storm of many addresses leaves no memory behind.
            if open.len() < open.capacity() / 4 {
                open.shrink_to_fit();
            }
        }
    }
}

impl fmt::Debug for ShareCharge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("ShareCharge")
            .field(&self.address)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LIMIT: usize = 20;

    /// Opens connections until one is refused.
    fn fill(
        shares: &ConnectionShares,
        address: ClientAddress,
        held: &mut Vec<ShareCharge>,
    ) -> usize {
        let before = held.len();
        while held.len() < LIMIT
            && let Some(charge) = shares.take(address, LIMIT - held.len())
        {
            held.push(charge);
        }
        held.len() - before
    }

    #[test]
    fn one_address_gets_two_thirds_and_others_find_places() {
        let shares = ConnectionShares::default();
        let mut held = Vec::new();
        let addresses = [
            ClientAddress::UnixUser(0),
            ClientAddress::UnixUser(1000),
            Ipv4Addr::new(192, 0, 2, 1).into(),
        ];
        let counts = addresses.map(|address| fill(&shares, address, &mut held));
        assert_eq!(counts, [14, 4, 2]);
        held.clear();
        assert!(shares.open().is_empty());
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_share() {
        let shares = ConnectionShares::default();
        let mut held = Vec::new();
        let address = |text: &str| text.parse::<ClientAddress>().expect("an address");
        assert_eq!(fill(&shares, address("2001:db8::1"), &mut held), 14);
        assert_eq!(fill(&shares, address("2001:db8::2"), &mut held), 0);
        assert_eq!(fill(&shares, address("2001:db8:0:1::1"), &mut held), 4);
    }

    #[test]
    fn a_closed_connection_gives_its_place_back() {
        let shares = ConnectionShares::default();
        let first = shares.take(ClientAddress::UnixUser(7), 1);
        assert!(first.is_some());
        assert!(shares.take(ClientAddress::UnixUser(7), 0).is_none());
        drop(first);
        assert!(shares.open().is_empty());
        assert!(shares.take(ClientAddress::UnixUser(7), 1).is_some());
    }
}
