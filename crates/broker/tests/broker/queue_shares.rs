//! The total of all queues: no client loses a message because of the queues of others.

use std::sync::Arc;

use broker::{
    Broker, Client as Account, Consume, Outcome, Pool, PublishError, SharedName, Source, Start,
};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{
        bodies, counts, durable, durable_name, event, message, publish_events, publish_one, queue,
        selector, send, topics,
    },
};

/// Half a megabyte for all queues; topics keep nothing but their last image.
fn small_broker() -> Broker {
    broker(|limits| {
        limits.memory_bytes = 1_000_000;
        limits.history_entries = 1;
    })
}

/// Fills all there is for queues; each queue gets a half of what is left.
fn fill(broker: &Broker) {
    for number in 0..30 {
        for size in [1_000, 0] {
            let body = "x".repeat(size);
            while publish_one(broker, message(&format!("fill.{number}"), &body, &[])).is_ok() {}
        }
    }
}

fn empty(broker: &Broker) {
    for number in 0..30 {
        // One for which there was no room is not there.
        broker.remove_queue(&as_name(&format!("fill.{number}")));
    }
}

/// A loopback client.
fn account(broker: &Broker) -> Arc<Account> {
    broker
        .pools()
        .client(std::net::IpAddr::from([127, 0, 0, 1]))
}

/// Returns how many messages of 1,000 bytes a client can send to this number of queues, in turns.
fn flood(broker: &Broker, account: &Arc<Account>, prefix: &str, queues: usize) -> usize {
    let body = "x".repeat(1_000);
    let mut count = 0;
    loop {
        let before = count;
        for number in 0..queues {
            let mut batch = vec![message(&format!("{prefix}.{number}"), &body, &[])];
            let mut outcome = Outcome::default();
            broker.publish_for(account, &mut batch, &mut outcome);
            count += outcome.results.iter().filter(|one| one.is_ok()).count();
        }
        if count == before {
            return count;
        }
    }
}

#[test]
fn a_consumer_with_room_is_served_whatever_other_queues_hold() {
    let shared = Source::Shared(SharedName {
        group: "g".into(),
        filter: as_filter("VirtualTopic.>"),
    });
    let consumers = [
        topics("VirtualTopic.t", Start::New),
        durable("d", "VirtualTopic.t"),
        queue("Consumer.a.VirtualTopic.t"),
        Consume {
            source: shared,
            ..topics("t", Start::New)
        },
    ];
    let broker = small_broker();
    let mut clients: Vec<_> = consumers
        .into_iter()
        .map(|consume| {
            let client = Client::attach(&broker, "c");
            client.consume(&broker, consume);
            client
        })
        .collect();
    fill(&broker);
    for number in 0..100 {
        let body = format!("{number}");
        publish_events(&broker, "VirtualTopic.t", &[&body]);
        for client in &mut clients {
            let taken = client.take();
            assert_eq!(bodies(&taken), std::slice::from_ref(&body));
            assert_eq!(taken[0].missed, None);
            client.accept(&broker, &taken[0]);
        }
    }
    // Likewise what is sent to a queue.
    send(&broker, "Consumer.a.VirtualTopic.t", &["sent"]);
    assert_eq!(clients[2].take_bodies(), ["sent"]);
    assert_eq!(broker.figures().dropped, 0);
}

#[test]
fn a_message_without_a_ready_consumer_is_refused_while_all_queues_are_full() {
    let broker = small_broker();
    let away = Client::attach(&broker, "c");
    away.consume(&broker, durable("d", "t"));
    away.detach(&broker);
    fill(&broker);
    let refused = publish_one(&broker, event("t", "1", &[])).err();
    let Some(PublishError::Pool(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        error.to_string(),
        "the limit of 500000 bytes in all queues is reached"
    );
    // Topics that feed no queue are not concerned.
    publish_events(&broker, "other", &["1"]);
    empty(&broker);
    publish_events(&broker, "t", &["2"]);
    let mut back = Client::attach(&broker, "c");
    back.consume(&broker, durable("d", "t"));
    let taken = back.take();
    assert_eq!(bodies(&taken), ["2"]);
    assert_eq!(taken[0].missed, None);
    assert_eq!(broker.figures().dropped, 0);
}

#[test]
fn a_detached_subscription_loses_only_its_own_oldest_messages() {
    let broker = small_broker();
    for (name, topic) in [("flooded", "many"), ("quiet", "few")] {
        let away = Client::attach(&broker, "c");
        away.consume(&broker, durable(name, topic));
        away.detach(&broker);
    }
    let body = "x".repeat(1_000);
    for number in 0..2_000 {
        publish_events(&broker, "many", &[&body]);
        if number % 20 == 0 {
            publish_events(&broker, "few", &[&body]);
        }
    }
    let dropped = broker.figures().dropped;
    let mut back = Client::attach(&broker, "c");
    back.consume(&broker, durable("quiet", "few"));
    let quiet = back.take();
    assert_eq!(quiet.len(), 100);
    assert!(quiet.iter().all(|one| one.missed.is_none()));
    back.consume(&broker, durable("flooded", "many"));
    let flooded = back.take();
    assert!(flooded[0].missed.is_some());
    assert!(flooded.len() > 100, "{}", flooded.len());
    assert_eq!(dropped, 2_000 - flooded.len() as u64);
}

#[test]
fn a_client_that_fills_many_queues_leaves_room_to_the_others() {
    let broker = small_broker();
    let flooder = account(&broker);
    let flooded = flood(&broker, &flooder, "flood", 16);
    let taken = |pool| {
        let figures = broker.pool_figures();
        let found = figures.into_iter().find(|one| one.pool == pool);
        found.expect("all pools are listed")
    };
    let bytes = taken(Pool::QueueBytes);
    assert!(bytes.taken <= bytes.limit * 55 / 100, "{bytes:?}");
    assert!(bytes.refused > 0);
    let others = flood(&broker, &account(&broker), "other", 1);
    assert!(others > flooded / 4, "{others} of {flooded}");
    // Its messages still count after its end, until they are consumed.
    drop(flooder);
    assert!(flood(&broker, &account(&broker), "third", 1) < others);
    for number in 0..16 {
        broker.remove_queue(&as_name(&format!("flood.{number}")));
    }
    assert!(flood(&broker, &account(&broker), "fourth", 1) > others / 2);
    assert_eq!(counts(&broker, "other.0").0, others as u64);
}

#[test]
fn charges_for_queues_are_released() {
    let broker = small_broker();
    let account = account(&broker);
    for round in 0..5 {
        assert!(flood(&broker, &account, "q", 3) > 0);
        assert!(account.held(Pool::QueueBytes) > 100_000);
        assert_eq!(account.held(Pool::Queues), 3);
        if round % 2 == 0 {
            let mut client = Client::attach(&broker, "c");
            client.consume(&broker, queue("q.*"));
            while let taken @ [_, ..] = &client.take()[..] {
                taken.iter().for_each(|one| client.accept(&broker, one));
            }
            client.detach(&broker);
        }
        for number in 0..3 {
            broker.remove_queue(&as_name(&format!("q.{number}")));
        }
        assert_eq!(account.held(Pool::QueueBytes), 0);
        assert_eq!(account.held(Pool::Queues), 0);
    }
}

/// The selector of a subscription whose messages the broker collects is evaluated while the broker is locked, for each
/// message. So one client cannot make all others wait with many of them.
#[test]
fn the_work_of_selectors_for_collected_messages_is_shared() {
    let broker = broker(|_| {});
    let on_body = || selector("body.data.temp > 20");
    let work = u64::from(on_body().expect("a selector").work());
    let limit = broker.pools().limit(Pool::SelectorWork);
    let fill = |client: &Client, name: &str| {
        (0..)
            .take_while(|number| {
                let consume = Consume {
                    selector: on_body(),
                    ..durable(&format!("{name}{number}"), "t")
                };
                client.try_consume(&broker, consume).is_ok()
            })
            .count() as u64
    };
    let greedy = Client::connect(&broker, "greedy");
    let count = fill(&greedy, "a");
    let half = limit / 2 / work;
    assert!((half..=half + 1).contains(&count), "{count} of {limit}");
    // Selectors on headers are not affected.
    let on_headers = Consume {
        selector: selector("colour = 'blue'"),
        ..durable("headers", "t")
    };
    let accepted = greedy.try_consume(&broker, on_headers);
    accepted.expect("it reads no body");
    let private = Consume {
        selector: on_body(),
        ..topics("t", Start::New)
    };
    let refused = greedy.try_consume(&broker, private);
    let error = refused.expect_err("its share is used").to_string();
    assert!(error.contains("work of selectors"), "{error}");
    let other = Client::connect(&broker, "other");
    assert!(fill(&other, "b") > limit / 8 / work);
    let taken = || broker.pools().taken(Pool::SelectorWork);
    let before = taken();
    greedy.detach(&broker);
    assert_eq!(taken(), before, "its durable subscriptions are kept");
    for number in 0..count {
        let deleted = broker.delete_durable(&durable_name(&format!("a{number}")));
        deleted.expect("nobody uses it");
    }
    assert_eq!(taken(), before - count * work);
}
