//! The number of topics, queues and durable subscriptions that one client may create.

use std::{net::IpAddr, sync::Arc, sync::Weak};

use broker::{
    Broker, Client as Account, DestinationKind, Outcome, Peer, Pool, PublishError, Reader,
    Subscribe, SubscribeError,
};

use crate::{
    harness::{as_filter, as_name, broker, publication},
    queue_harness::durable,
};

const LIMIT: usize = 300;

fn small_broker() -> Broker {
    broker(|limits| {
        limits.topics = LIMIT;
        limits.queues = LIMIT;
        limits.durables = LIMIT;
    })
}

fn loopback(broker: &Broker) -> Arc<Account> {
    broker.pools().client(IpAddr::from([127, 0, 0, 1]))
}

struct Nobody;

impl Peer for Nobody {
    fn deliver(&self) {}

    fn wake(&self) {}
}

fn attach(broker: &Broker, account: &Arc<Account>) -> Reader {
    broker.attach_for(account, "c".into(), Weak::<Nobody>::new())
}

fn publish(broker: &Broker, account: &Arc<Account>, topic: &str) -> Result<(), PublishError> {
    let mut outcome = Outcome::default();
    broker.publish_for(account, &mut vec![publication(topic, 0)], &mut outcome);
    outcome.results.remove(0).map(|_| ())
}

fn subscribe(broker: &Broker, reader: &Reader, filter: &str) -> Result<(), SubscribeError> {
    let filter = as_filter(filter);
    let subscribe = Subscribe::to(&filter);
    let mut outcome = Outcome::default();
    let made = broker.subscribe(reader.session(), subscribe, &mut outcome);
    made.map(|_| ())
}

fn consume(broker: &Broker, reader: &Reader, name: &str) -> Result<(), SubscribeError> {
    let mut outcome = Outcome::default();
    let made = broker.consume(reader.session(), durable(name, "t"), &mut outcome);
    made.map(|_| ())
}

fn temporary(broker: &Broker, reader: &Reader, name: &str) -> Result<(), SubscribeError> {
    broker.create_temporary(reader.session(), DestinationKind::Queue, &as_name(name))
}

#[test]
fn one_client_gets_half_of_the_topics_in_every_way() {
    let broker = small_broker();
    let account = loopback(&broker);
    let reader = attach(&broker, &account);
    let mut refusals = Vec::new();
    for number in 0..LIMIT {
        let made = match number % 2 {
            0 => publish(&broker, &account, &format!("a.{number}")).map_err(|one| one.to_string()),
            _ => subscribe(&broker, &reader, &format!("a.{number}")).map_err(|one| one.to_string()),
        };
        refusals.extend(made.err());
    }
    assert_eq!(broker.figures().topics, LIMIT / 2 + 1);
    assert_eq!(
        refusals[0],
        "this connection has its share of the topics: it holds 151, and only 149 are left for all"
    );
    // Known topics are not new, and others may make some.
    publish(&broker, &account, "a.1").expect("it is awaited");
    publish(&broker, &loopback(&broker), "b").expect("there is room");
    subscribe(&broker, &attach(&broker, &loopback(&broker)), "c").expect("there is room");
}

#[test]
fn filters_with_many_levels_are_bounded_for_one_client_and_given_back() {
    let broker = broker(|limits| {
        limits.memory_bytes = 4_000_000;
        limits.subscriptions_per_session = 100_000;
    });
    let account = loopback(&broker);
    let reader = attach(&broker, &account);
    let deep = "*.".repeat(60);
    let made = (0..100_000)
        .take_while(|number| subscribe(&broker, &reader, &format!("{deep}{number}")).is_ok())
        .count();
    // Each counts for about 5 kB; one client gets a ninth of 2 MB.
    assert!((20..80).contains(&made), "{made}");
    let other = attach(&broker, &loopback(&broker));
    subscribe(&broker, &other, "*.*.other").expect("there is room");
    consume(&broker, &other, "d").expect("there is room");
    assert!(account.held(Pool::SubscriptionBytes) > 200_000);
    broker.detach(reader.session(), 0, &mut Outcome::default());
    drop(reader);
    assert_eq!(account.held(Pool::SubscriptionBytes), 0);
}

#[test]
fn a_topic_is_charged_until_it_is_removed() {
    let broker = small_broker();
    let (first, second) = (loopback(&broker), loopback(&broker));
    let (reader, other) = (attach(&broker, &first), attach(&broker, &second));
    let held = || [&first, &second].map(|account| account.held(Pool::Topics));
    subscribe(&broker, &reader, "t").expect("there is room");
    subscribe(&broker, &other, "t").expect("there is room");
    assert_eq!(held(), [1, 0]);
    broker.detach(reader.session(), 0, &mut Outcome::default());
    assert_eq!(held(), [0, 1], "the one who still waits for it");
    publish(&broker, &first, "t").expect("there is room");
    assert_eq!(held(), [0, 1], "it was there");
    broker.detach(other.session(), 0, &mut Outcome::default());
    assert_eq!(held(), [0, 1], "it has a last image");
    broker.clear(&as_name("t"));
    assert_eq!(held(), [0, 0]);
    assert_eq!(broker.figures().topics, 0);
}

#[test]
fn one_client_gets_half_of_the_queues_and_durable_subscriptions() {
    type Make = fn(&Broker, &Reader, &str) -> Result<(), SubscribeError>;
    let table: [(Pool, Make, &str); 2] = [
        (Pool::Durables, consume, ""),
        (Pool::Queues, temporary, "$TEMP.c."),
    ];
    for (pool, make, prefix) in table {
        let broker = small_broker();
        let account = loopback(&broker);
        let reader = attach(&broker, &account);
        for number in 0..LIMIT {
            // Each is used for one subscription, of which a session may have more.
            let _ = make(&broker, &reader, &format!("{prefix}{number}"));
        }
        assert_eq!(account.held(pool), 151, "{pool}");
        let other = attach(&broker, &loopback(&broker));
        make(&broker, &other, &format!("{prefix}other")).expect("there is room");
        broker.detach(reader.session(), 0, &mut Outcome::default());
        let left = if pool == Pool::Durables { 151 } else { 0 };
        assert_eq!(account.held(pool), left, "{pool}");
    }
}
