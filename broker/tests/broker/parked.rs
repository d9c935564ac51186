//! Sessions whose client is away: what they had goes to others, and nobody waits for them.

use std::{
    sync::{Arc, Weak},
    task::Poll,
};

use broker::{
    Acknowledgement, Broker, CommitError, Consume, Missed, Outcome, Overflow, Peer, Source, Start,
    Verdict,
};

use crate::{
    harness::{Bell, Client, as_name, broker, publish, publish_all},
    queue_harness::{Taken, bodies, briefs, counts, message, publish_one, queue, send, tell},
    shared_subscriptions::shared,
};

fn pause(broker: &Broker, client: &Client) -> Outcome {
    let mut outcome = Outcome::default();
    broker.pause(client.reader.session(), 0, &mut outcome);
    outcome
}

/// Tells how many sessions have something to read then.
fn resume(broker: &Broker, client: &Client) -> usize {
    let mut outcome = Outcome::default();
    broker.resume(client.reader.session(), &mut outcome);
    outcome.ready.drain().count()
}

/// Body and count of deliveries.
fn counted(taken: &[Taken]) -> Vec<(&str, u32)> {
    let counted = taken.iter().map(|one| (one.body.as_str(), one.count));
    counted.collect()
}

#[test]
fn what_its_consumers_had_goes_to_others_in_the_old_order() {
    for consume in [queue("t"), shared("g", "t")] {
        let source = &consume.source;
        let like = |prefetch| Consume {
            source: source.clone(),
            prefetch,
            ..queue("t")
        };
        let broker = broker(|_| {});
        let mut away = Client::attach(&broker, "away");
        let mut other = Client::attach(&broker, "other");
        away.consume(&broker, like(4));
        let all = ["1", "2", "3", "4", "5", "6"];
        match source {
            Source::Queues(_) => send(&broker, "t", &all),
            _ => tell(&broker, "t", &all),
        }
        let held = away.take_at(0, 2);
        other.consume(&broker, like(1_000));
        assert_eq!(other.take_bodies(), ["5", "6"]);
        assert_eq!(pause(&broker, &away).ready.drain().count(), 1);
        // What was read counts as the delivery that it was, and what was not counts as none.
        let taken = other.take();
        assert_eq!(counted(&taken), [("1", 2), ("2", 2), ("3", 1), ("4", 1)]);
        let late = away.try_settle(&broker, held[0].id(), Verdict::Accept);
        assert!(late.is_err());
        // It takes nothing, whoever may drain it.
        assert_eq!(away.take(), []);
        other.detach(&broker);
        assert_eq!(away.take(), []);
        assert_eq!(resume(&broker, &away), 1);
        assert_eq!(away.take_bodies(), ["1", "2", "3", "4"]);
    }
}

#[test]
fn what_comes_meanwhile_waits_for_who_is_there() {
    let broker = broker(|_| {});
    let mut away = Client::attach(&broker, "away");
    away.consume(&broker, queue("q"));
    pause(&broker, &away);
    send(&broker, "q", &["1", "2"]);
    assert_eq!(counts(&broker, "q"), (2, 0));
    let mut other = Client::attach(&broker, "other");
    let id = other.consume(&broker, queue("q"));
    send(&broker, "q", &["3"]);
    assert_eq!(other.take_bodies(), ["1", "2", "3"]);
    other.unsubscribe(&broker, id);
    send(&broker, "q", &["4"]);
    assert_eq!(resume(&broker, &away), 1);
    assert_eq!(away.take_bodies(), ["1", "2", "3", "4"]);
    send(&broker, "q", &["5"]);
    assert_eq!(away.take_bodies(), ["5"]);
}

#[test]
fn a_message_that_went_away_with_too_many_clients_is_dead() {
    let broker = broker(|limits| limits.max_redeliveries = 1);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1", "2"]);
    for count in [1, 2] {
        assert_eq!(counted(&client.take_at(0, 1)), [("1", count)]);
        pause(&broker, &client);
        resume(&broker, &client);
    }
    // The second was never read.
    assert_eq!(counted(&client.take()), [("2", 1)]);
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
}

#[test]
fn what_need_not_be_acknowledged_goes_to_others_as_far_as_it_was_not_read() {
    let broker = broker(|_| {});
    let mut away = Client::attach(&broker, "away");
    let auto = Consume {
        acknowledgement: Acknowledgement::Auto,
        ..queue("q")
    };
    away.consume(&broker, auto);
    send(&broker, "q", &["1", "2", "3"]);
    assert_eq!(bodies(&away.take_at(0, 1)), ["1"]);
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue("q"));
    pause(&broker, &away);
    assert_eq!(counted(&other.take()), [("2", 1), ("3", 1)]);
}

#[test]
fn its_groups_and_what_only_it_could_have_are_for_others() {
    let broker = broker(|_| {});
    let mut away = Client::attach(&broker, "away");
    let mut other = Client::attach(&broker, "other");
    let only = Consume {
        exclusive: true,
        ..queue("only")
    };
    for consume in [queue("groups"), only] {
        away.consume(&broker, consume);
    }
    for name in ["groups", "only"] {
        other.consume(&broker, queue(name));
    }
    let publish = |name: &str, body: &str| {
        let message = message(name, body, &["JMSXGroupID:g"]);
        publish_one(&broker, message).expect("there is room");
    };
    for body in ["1", "2"] {
        publish("groups", body);
        publish("only", body);
    }
    assert_eq!(away.take().len(), 4);
    pause(&broker, &away);
    publish("groups", "3");
    publish("only", "3");
    assert_eq!(other.take_bodies(), ["1", "1", "2", "2", "3", "3"]);
    resume(&broker, &away);
    publish("groups", "4");
    publish("only", "4");
    // The group has a new consumer; who was the only one is it again.
    let taken = away.take();
    assert_eq!((taken.len(), taken[0].queue.as_deref()), (1, Some("only")));
    assert_eq!(other.take_bodies(), ["4"]);
}

#[test]
fn what_a_transaction_had_goes_to_others_too() {
    let broker = broker(|_| {});
    let mut away = Client::attach(&broker, "away");
    away.consume(&broker, queue("q"));
    send(&broker, "q", &["1"]);
    let taken = away.take();
    let settlement = away.stage(&broker, &taken[0], Verdict::Accept);
    pause(&broker, &away);
    assert_eq!(counts(&broker, "q"), (1, 0));
    let late = away.commit(&broker, Vec::new(), &[settlement]);
    assert!(matches!(late, Err(CommitError::Settle(_))));
}

#[test]
fn nobody_waits_for_it_and_it_is_not_ended() {
    for overflow in [Overflow::Block, Overflow::Disconnect, Overflow::DropOldest] {
        let broker = broker(|limits| limits.lag_entries = 3);
        let mut away = Client::attach(&broker, "away");
        away.subscribe(&broker, "t", Start::New, overflow);
        publish(&broker, "t", 1);
        pause(&broker, &away);
        for _ in 0..9 {
            assert!(
                publish_all(&broker, &["t"]).blocked.is_empty(),
                "{overflow:?}"
            );
        }
        assert!(!away.reader.session().is_ended(), "{overflow:?}");
        resume(&broker, &away);
        let got = away.read_all();
        assert_eq!(
            got.iter().map(|one| one.sequence).collect::<Vec<_>>(),
            [8, 9, 10]
        );
        let missed = Missed::Range { from: 1, to: 7 };
        assert_eq!(got[0].missed, Some(missed), "{overflow:?}");
    }
}

#[test]
fn who_waited_for_it_goes_on() {
    let broker = broker(|limits| limits.lag_entries = 1);
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::Block);
    let mut blocked = publish(&broker, "t", 3);
    let bell = Arc::new(Bell::default());
    assert_eq!(
        broker.poll_clear(&mut blocked, &bell.waker()),
        Poll::Pending
    );
    pause(&broker, &client);
    assert_eq!(bell.rings(), 1);
    assert_eq!(
        broker.poll_clear(&mut blocked, &bell.waker()),
        Poll::Ready(())
    );
}

#[test]
fn its_next_peer_is_told_of_what_comes_after_it_has_drained_once() {
    struct Nobody;
    impl Peer for Nobody {
        fn deliver(&self) {}
        fn wake(&self) {}
    }
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    client.consume(&broker, queue("q"));
    let session = Arc::clone(client.reader.session());
    let is_told = |topic: &str| publish_all(&broker, &[topic]).ready.drain().count() == 1;
    for _ in 0..3 {
        session.set_peer(Weak::<Nobody>::new());
        pause(&broker, &client);
        // The first is told, to nobody; the others need not be.
        assert!(is_told("t"));
        assert!(!is_told("t"));
        send(&broker, "q", &["1"]);
        let peer: Arc<dyn Peer> = Arc::new(Nobody);
        session.set_peer(Arc::downgrade(&peer));
        resume(&broker, &client);
        let taken = client.take();
        assert_eq!(taken.len(), 3);
        client.accept(&broker, &taken[2]);
        assert!(is_told("t"));
        assert_eq!(client.take().len(), 1);
    }
}

#[test]
fn what_is_noted_of_it_is_bounded_and_goes_with_it() {
    let broker = broker(|limits| {
        limits.lag_entries = 10;
        limits.history_entries = 1;
    });
    let watcher = Client::attach(&broker, "watcher");
    watcher.subscribe(
        &broker,
        "ActiveMQ.Advisory.>",
        Start::New,
        Overflow::DropOldest,
    );
    let mut away = Client::attach(&broker, "away");
    away.subscribe(&broker, "t.*", Start::New, Overflow::DropOldest);
    away.consume(&broker, shared("g", "t.*"));
    publish_all(&broker, &["t.0"]);
    away.read(1);
    pause(&broker, &away);
    let mut notices = Vec::new();
    for _ in 0..1_000 {
        let outcome = publish_all(&broker, &["t.0", "t.1", "t.2"]);
        notices.extend(briefs(&outcome));
    }
    assert_eq!(notices, ["slow t.* away"]);
    for topic in broker.topics(&crate::harness::as_filter("t.*"), 10) {
        assert!(topic.greatest_lag <= 10, "{topic:?}");
    }
    let session = Arc::downgrade(away.reader.session());
    away.detach(&broker);
    drop(away);
    assert_eq!(session.strong_count(), 0);
    for topic in ["t.0", "t.1", "t.2"] {
        broker.clear(&as_name(topic));
    }
    assert_eq!(broker.figures().held_bytes, 0);
}
