//! Sessions whose client is disconnected: their deliveries go to other consumers, and no publisher
//! waits for them.

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
    queue_harness::{
        Taken, bodies, briefs, counts, message, publish_events, publish_one, queue, send,
    },
    shared_subscriptions::shared,
};

fn pause(broker: &Broker, client: &Client) -> Outcome {
    let mut outcome = Outcome::default();
    broker.pause(client.reader.session(), 0, &mut outcome);
    outcome
}

/// Resumes the session; returns the number of sessions with something to read.
fn resume(broker: &Broker, client: &Client) -> usize {
    let mut outcome = Outcome::default();
    broker.resume(client.reader.session(), &mut outcome);
    outcome.ready.drain().count()
}

/// Returns body and delivery count of each message.
fn counted(taken: &[Taken]) -> Vec<(&str, u32)> {
    let counted = taken.iter().map(|one| (one.body.as_str(), one.count));
    counted.collect()
}

#[test]
fn deliveries_of_a_paused_session_go_to_others_in_order() {
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
            _ => publish_events(&broker, "t", &all),
        }
        let held = away.take_at(0, 2);
        other.consume(&broker, like(1_000));
        assert_eq!(other.take_bodies(), ["5", "6"]);
        assert_eq!(pause(&broker, &away).ready.drain().count(), 1);
        // A message that was read counts as delivered; one that was not read does not.
        let taken = other.take();
        assert_eq!(counted(&taken), [("1", 2), ("2", 2), ("3", 1), ("4", 1)]);
        let late = away.try_settle(&broker, held[0].id(), Verdict::Accept);
        assert!(late.is_err());
        // A paused session takes nothing, even if it is drained.
        assert_eq!(away.take(), []);
        other.detach(&broker);
        assert_eq!(away.take(), []);
        assert_eq!(resume(&broker, &away), 1);
        assert_eq!(away.take_bodies(), ["1", "2", "3", "4"]);
    }
}

#[test]
fn messages_sent_during_a_pause_go_to_active_consumers() {
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
fn a_message_read_by_too_many_disconnected_clients_is_dead_lettered() {
    let broker = broker(|limits| limits.redelivery.maximum_redeliveries = 1);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1", "2"]);
    for count in [1, 2] {
        assert_eq!(counted(&client.take_at(0, 1)), [("1", count)]);
        pause(&broker, &client);
        resume(&broker, &client);
    }
    // The second message was never read.
    assert_eq!(counted(&client.take()), [("2", 1)]);
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
}

#[test]
fn unread_deliveries_without_acknowledgement_go_to_others() {
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
fn groups_and_exclusive_queues_of_a_paused_session_go_to_others() {
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
    // The group has a new consumer; the exclusive consumer is exclusive again.
    let taken = away.take();
    assert_eq!((taken.len(), taken[0].queue.as_deref()), (1, Some("only")));
    assert_eq!(other.take_bodies(), ["4"]);
}

#[test]
fn staged_deliveries_of_a_paused_session_go_to_others() {
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
fn no_publisher_waits_for_a_paused_session_and_it_is_not_ended() {
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
fn pausing_a_session_unblocks_its_publishers() {
    let broker = broker(|limits| limits.lag_entries = 1);
    let client = Client::attach(&broker, "c");
    client.subscribe(&broker, "t", Start::New, Overflow::Block);
    let mut blocked = publish(&broker, "t", 3);
    let bell = Arc::new(Bell::default());
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Pending
    );
    pause(&broker, &client);
    assert_eq!(bell.rings(), 1);
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Ready(())
    );
}

#[test]
fn a_new_peer_is_notified_after_it_has_drained_once() {
    struct NoopPeer;
    impl Peer for NoopPeer {
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
        session.set_peer(Weak::<NoopPeer>::new());
        pause(&broker, &client);
        // The first notification goes to the old peer; later ones are not needed.
        assert!(is_told("t"));
        assert!(!is_told("t"));
        send(&broker, "q", &["1"]);
        let peer: Arc<dyn Peer> = Arc::new(NoopPeer);
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
fn the_state_of_a_paused_session_is_bounded_and_released() {
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
