//! Shares of several clients.

use std::{net::IpAddr, sync::Arc};

use super::{
    Charge, Client, ClientAddress, Holder, HolderKind, Pool, PoolError, Pools, Quota,
    client::FEWEST_ADDRESSES, network,
};
use crate::name::TopicFilter;

const LIMIT: u64 = 9_000;

fn pools() -> Arc<Pools> {
    Pools::new(|_| LIMIT)
}

fn address(text: &str) -> ClientAddress {
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
fn a_user_has_one_share_whatever_its_addresses_are() {
    let pools = pools();
    let (flooder, other) = (Holder::user(), Holder::user());
    let clients: Vec<_> = (0..50).map(|_| pools.client_of(&flooder)).collect();
    let charges = flood(&clients);
    let taken = pools.taken(Pool::Topics);
    assert!(taken.abs_diff(LIMIT * 2 / 3) <= 1, "{taken}");
    let refused = pools.client_of(&flooder).take(Pool::Topics, 1).err();
    let Some(PoolError::ShareUsed { holder, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(holder.to_string(), "this user");
    assert!(pools.client_of(&other).take(Pool::Topics, 1).is_ok());
    drop(charges);
    assert_eq!(pools.taken(Pool::Topics), 0);
}

#[test]
fn anonymous_connections_on_loopback_have_quotas_and_no_common_share() {
    let pools = pools();
    let holder = Holder::anonymous(address("::1"));
    let first = flood(&[pools.client_of(&holder)]).len() as u64;
    assert!(first.abs_diff(LIMIT / 2) <= 1, "{first}");
    let _charges: Vec<_> = (0..3).map(|_| flood(&[pools.client_of(&holder)])).collect();
    let taken = pools.taken(Pool::Topics);
    assert!(taken > LIMIT * 4 / 5, "{taken}");
    holder.set_limit(Quota::Queues, Some(1));
    let queue = pools.client_of(&holder).take(Pool::Queues, 1);
    assert!(queue.is_ok(), "{queue:?}");
    assert!(pools.client_of(&holder).take(Pool::Queues, 1).is_err());
}

#[test]
fn a_quota_bounds_all_connections_of_a_user() {
    let pools = pools();
    let (limited, other) = (Holder::user(), Holder::user());
    limited.set_limit(Quota::Queues, Some(2));
    let take = |holder: &Arc<Holder>| pools.client_of(holder).take(Pool::Queues, 1);
    let mut charges: Vec<_> = (0..5).filter_map(|_| take(&limited).ok()).collect();
    assert_eq!((charges.len(), limited.used(Quota::Queues)), (2, 2));
    assert_eq!(limited.refused(Quota::Queues), 3);
    let error = take(&limited).expect_err("the quota is used");
    let text = "the user's quota of 2 queues that it created is used up";
    assert_eq!(error.to_string(), text);
    assert!(take(&other).is_ok());
    charges.clear();
    assert!(take(&limited).is_ok());
    // Amounts beyond a smaller limit stay.
    charges.extend(take(&limited));
    limited.set_limit(Quota::Queues, Some(0));
    assert_eq!(limited.used(Quota::Queues), 1);
    assert!(take(&limited).is_err());
    limited.set_limit(Quota::Queues, None);
    assert!(take(&limited).is_ok());
}

#[test]
fn sessions_and_durable_subscriptions_share_a_quota() {
    let pools = pools();
    let holder = Holder::user();
    holder.set_limit(Quota::Sessions, Some(2));
    let session = holder.take(Quota::Sessions).expect("the first");
    let client = pools.client_of(&holder);
    let durable = client.take(Pool::Durables, 1).expect("the second");
    assert!(holder.take(Quota::Sessions).is_err());
    assert!(client.take(Pool::Durables, 1).is_err());
    drop(session);
    assert!(holder.take(Quota::Sessions).is_ok());
    drop(durable);
    assert_eq!(holder.used(Quota::Sessions), 0);
}

#[test]
fn subscriptions_are_counted_whatever_their_filters_are() {
    let pools = pools();
    let holder = Holder::user();
    holder.set_limit(Quota::Subscriptions, Some(1));
    let client = pools.client_of(&holder);
    let filter = TopicFilter::new("a.>").expect("a filter");
    assert!(client.check_subscription(&filter).is_ok());
    client.hold_subscription(&filter);
    let second = pools.client_of(&holder).check_subscription(&filter);
    assert!(matches!(second, Err(PoolError::QuotaUsed { .. })));
    client.release_subscription(&filter);
    assert!(client.check_subscription(&filter).is_ok());
    assert_eq!(holder.refused(Quota::Subscriptions), 1);
}

#[test]
fn threads_that_take_at_once_do_not_exceed_a_quota() {
    let holder = Holder::user();
    holder.set_limit(Quota::Connections, Some(100));
    let taken: usize = std::thread::scope(|scope| {
        let take = || (0..1_000).filter_map(|_| holder.take(Quota::Connections).ok());
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || take().collect::<Vec<_>>()))
            .collect();
        let taken: Vec<_> = threads.into_iter().map(|one| one.join()).collect();
        taken
            .into_iter()
            .flatten()
            .map(|charges| charges.len())
            .sum()
    });
    assert!(taken <= 100, "{taken}");
    assert_eq!(holder.used(Quota::Connections), 0);
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

#[test]
fn the_connections_of_a_user_at_a_unix_socket_share_its_share() {
    let pools = pools();
    let of_user = |uid| pools.client(ClientAddress::UnixUser(uid));
    let clients: Vec<_> = (0..50).map(|_| of_user(1_000)).collect();
    let _charges = flood(&clients);
    let taken = pools.taken(Pool::Topics);
    assert!(taken.abs_diff(LIMIT * 2 / 3) <= 1, "{taken}");
    assert!(of_user(1_000).take(Pool::Topics, 1).is_err());
    assert!(of_user(1_001).take(Pool::Topics, 1).is_ok());
}
