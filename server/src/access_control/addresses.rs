//! The network addresses from which logins failed.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use broker::{ClientAddress, network};
use tokio::sync::Mutex as AsyncMutex;

/// The addresses with a login that is being verified, or that failed within the last minute.
#[derive(Default)]
pub(super) struct Addresses(Mutex<State>);

#[derive(Default)]
struct State {
    all: HashMap<ClientAddress, Arc<Address>>,
    /// The time at which addresses that are not in use were removed.
    swept: Option<Instant>,
}

/// An address. Its logins are verified one after the other, so that one address cannot take the place of others in the queue.
#[derive(Default)]
pub(super) struct Address {
    pub(super) turn: AsyncMutex<Failures>,
}

/// The failed logins of an address.
#[derive(Default)]
pub(super) struct Failures {
    count: u32,
    last: Option<Instant>,
}

impl Addresses {
    pub(super) fn find(&self, address: ClientAddress) -> Arc<Address> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.all.len() >= MAX_ADDRESSES {
            state.sweep();
        }
        // Addresses beyond the limit share one place.
        let network = match state.all.len() >= MAX_ADDRESSES {
            true => IpAddr::V6(Ipv6Addr::UNSPECIFIED).into(),
            false => network(address),
        };
        Arc::clone(state.all.entry(network).or_default())
    }
}

impl State {
    /// Removes the addresses that are not in use, once in a while: each time, all are examined.
    fn sweep(&mut self) {
        if self.swept.is_none_or(|at| at.elapsed() >= SWEEP_INTERVAL) {
            self.all.retain(|_, address| address.is_in_use());
            self.swept = Some(Instant::now());
        }
    }
}

impl Address {
    /// Returns whether a login is being verified, or failed recently. Only the list of addresses may have another reference.
    fn is_in_use(self: &Arc<Self>) -> bool {
        let is_remembered = |failures: &Failures| failures.recent() > 0;
        Arc::strong_count(self) > 1 || self.turn.try_lock().is_ok_and(|one| is_remembered(&one))
    }
}

impl Failures {
    /// Counts a failure. Returns the delay of its answer.
    pub(super) fn add(&mut self) -> Duration {
        self.count = self.recent().saturating_add(1);
        self.last = Some(Instant::now());
        let doublings = (self.count - 1).min(MAX_DOUBLINGS);
        (FIRST_DELAY * 2_u32.pow(doublings)).min(MAX_DELAY)
    }

    fn recent(&self) -> u32 {
        match self.last {
            Some(last) if last.elapsed() < REMEMBERED => self.count,
            _ => 0,
        }
    }
}

/// Maximum number of addresses.
const MAX_ADDRESSES: usize = 10_000;
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// The delay of the answer to a first failure. Each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(2);
const MAX_DOUBLINGS: u32 = 10;
/// The time after which a failure no longer counts.
const REMEMBERED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_of_failures_double_up_to_the_maximum() {
        let mut failures = Failures::default();
        let delays: Vec<_> = (0..8).map(|_| failures.add().as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
        for _ in 0..100 {
            assert_eq!(failures.add(), MAX_DELAY);
        }
    }

    #[test]
    fn the_addresses_of_a_network_share_their_failures() {
        let addresses = Addresses::default();
        let find = |text: &str| addresses.find(text.parse().expect("an address"));
        assert!(Arc::ptr_eq(&find("2001:db8::1"), &find("2001:db8::2")));
        assert!(Arc::ptr_eq(&find("192.0.2.1"), &find("::ffff:192.0.2.1")));
        assert!(!Arc::ptr_eq(&find("192.0.2.1"), &find("192.0.2.2")));
        assert!(!Arc::ptr_eq(&find("2001:db8::1"), &find("2001:db8:0:1::1")));
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let addresses = Addresses::default();
        for number in 0..3 * MAX_ADDRESSES as u32 {
            let address = addresses.find(IpAddr::V4(number.into()).into());
            address.turn.try_lock().expect("free").add();
        }
        let count = addresses.0.lock().expect("not poisoned").all.len();
        assert!(count <= MAX_ADDRESSES + 1, "{count}");
    }
}
