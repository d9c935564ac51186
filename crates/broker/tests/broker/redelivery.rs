//! The delay before a redelivery: what waits, what does not, and what happens meanwhile.

use std::task::{Poll, Waker};

use broker::{BackOff, Broker, Consume, DueWork, Outcome, Redelivery, Verdict};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{bodies, counts, expire, figures, message, publish_one, queue, send},
};

const REDELIVERY: Redelivery = Redelivery {
    maximum_redeliveries: 6,
    initial_delay_ms: 100,
    delay_ms: 1_000,
    back_off: None,
    maximum_delay_ms: None,
};

fn delaying() -> Broker {
    broker(|limits| limits.redelivery = REDELIVERY)
}

fn release_due(broker: &Broker, now_ms: u64) {
    while broker.deliver_due(now_ms, &mut Outcome::default()) == DueWork::More {}
}

/// Returns a client that has the message `first` of the queue `q`, which is followed by `rest`.
fn consumer_of(broker: &Broker, rest: &[&str]) -> (Client, crate::queue_harness::Taken) {
    let mut client = Client::attach(broker, "c");
    let one = Consume {
        prefetch: 1,
        ..queue("q")
    };
    client.consume(broker, one);
    send(broker, "q", &["first"]);
    send(broker, "q", rest);
    let mut taken = client.take();
    (client, taken.remove(0))
}

#[test]
fn a_returned_message_waits_and_does_not_hold_up_the_others() {
    let broker = delaying();
    let (mut client, first) = consumer_of(&broker, &["second", "third"]);
    client.settle_at(&broker, &first, Verdict::Return, 1_000);
    let second = client.take();
    assert_eq!(bodies(&second), ["second"]);
    assert_eq!(counts(&broker, "q"), (2, 1));
    assert_eq!(figures(&broker, "q").delayed, 1);
    client.settle_at(&broker, &second[0], Verdict::Accept, 1_000);
    release_due(&broker, 1_099);
    let third = client.take();
    assert_eq!(bodies(&third), ["third"]);
    client.settle_at(&broker, &third[0], Verdict::Accept, 1_099);
    assert_eq!(client.take_bodies(), [""; 0]);
    release_due(&broker, 1_100);
    let again = client.take();
    assert_eq!((&*again[0].body, again[0].count), ("first", 2));
    assert_eq!(figures(&broker, "q").delayed, 0);
    client.accept(&broker, &again[0]);
}

#[test]
fn a_message_whose_time_has_come_has_its_old_place() {
    let broker = delaying();
    let (mut client, first) = consumer_of(&broker, &["second", "third"]);
    client.settle_at(&broker, &first, Verdict::Return, 0);
    let second = client.take();
    release_due(&broker, 100);
    client.settle_at(&broker, &second[0], Verdict::Accept, 100);
    let next = client.take();
    assert_eq!(bodies(&next), ["first"]);
    client.settle_at(&broker, &next[0], Verdict::Accept, 100);
    assert_eq!(client.take_bodies(), ["third"]);
}

#[test]
fn each_redelivery_has_its_delay_and_the_last_one_is_followed_by_death() {
    let redelivery = Redelivery {
        maximum_redeliveries: 4,
        back_off: BackOff::new(2.0),
        maximum_delay_ms: Some(300),
        delay_ms: 0,
        ..REDELIVERY
    };
    let broker = broker(|limits| limits.redelivery = redelivery);
    let (mut client, mut taken) = consumer_of(&broker, &[]);
    let mut now_ms = 0;
    for delay_ms in [100, 200, 300, 300] {
        client.settle_at(&broker, &taken, Verdict::Return, now_ms);
        now_ms += delay_ms;
        release_due(&broker, now_ms - 1);
        assert_eq!(client.take_bodies(), [""; 0], "at {now_ms}");
        release_due(&broker, now_ms);
        taken = client.take().remove(0);
    }
    assert_eq!(taken.count, 5);
    client.settle_at(&broker, &taken, Verdict::Return, now_ms);
    assert_eq!(counts(&broker, "q"), (0, 0));
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
}

#[test]
fn the_messages_of_a_consumer_that_ends_go_to_others_at_once() {
    let broker = delaying();
    let (client, _first) = consumer_of(&broker, &[]);
    client.detach(&broker);
    let mut other = Client::attach(&broker, "d");
    other.consume(&broker, queue("q"));
    assert_eq!(other.take_bodies(), ["first"]);
}

#[test]
fn later_messages_of_the_group_wait_and_those_of_other_groups_do_not() {
    let broker = delaying();
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        let group = format!("JMSXGroupID:{group}");
        publish_one(&broker, message("q", body, &[&group])).expect("room");
    }
    let taken = client.take();
    assert_eq!(bodies(&taken), ["a1"]);
    client.settle_at(&broker, &taken[0], Verdict::Return, 0);
    let taken = client.take();
    assert_eq!(bodies(&taken), ["b1"]);
    // One that comes while its group waits.
    publish_one(&broker, message("q", "a3", &["JMSXGroupID:a"])).expect("room");
    client.accept(&broker, &taken[0]);
    assert_eq!(client.take_bodies(), [""; 0]);
    send(&broker, "q", &["no group"]);
    let taken = client.take();
    assert_eq!(bodies(&taken), ["no group"]);
    client.accept(&broker, &taken[0]);
    release_due(&broker, 100);
    for expected in ["a1", "a2", "a3"] {
        let taken = client.take();
        assert_eq!(bodies(&taken), [expected]);
        client.accept(&broker, &taken[0]);
    }
}

#[test]
fn the_group_of_a_message_that_expires_while_it_waits_goes_on() {
    let broker = delaying();
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    let group = ["JMSXGroupID:a"];
    publish_one(&broker, message("q", "a1", &group).expiring(50)).expect("room");
    publish_one(&broker, message("q", "a2", &group)).expect("room");
    let taken = client.take();
    client.settle_at(&broker, &taken[0], Verdict::Return, 0);
    assert_eq!(client.take_bodies(), [""; 0]);
    expire(&broker, 60);
    assert_eq!(figures(&broker, "q").delayed, 0);
    release_due(&broker, 100);
    assert_eq!(client.take_bodies(), ["a2"]);
}

#[test]
fn a_new_consumer_gets_a_waiting_message_when_its_time_comes() {
    let broker = delaying();
    let (client, first) = consumer_of(&broker, &[]);
    client.settle_at(&broker, &first, Verdict::Return, 0);
    client.detach(&broker);
    let mut other = Client::attach(&broker, "d");
    other.consume(&broker, queue("q"));
    assert_eq!(other.take_bodies(), [""; 0]);
    send(&broker, "q", &["new"]);
    assert_eq!(other.take_bodies(), ["new"]);
    release_due(&broker, 100);
    assert_eq!(other.take_bodies(), ["first"]);
}

#[test]
fn a_paused_queue_keeps_its_messages_when_their_time_comes() {
    let broker = delaying();
    let (mut client, first) = consumer_of(&broker, &[]);
    client.settle_at(&broker, &first, Verdict::Return, 0);
    broker.set_queue_paused(&as_name("q"), true, &mut Outcome::default());
    release_due(&broker, 100);
    assert_eq!(client.take_bodies(), [""; 0]);
    broker.set_queue_paused(&as_name("q"), false, &mut Outcome::default());
    assert_eq!(client.take_bodies(), ["first"]);
}

#[test]
fn a_waiting_message_can_be_seen_expire_and_be_purged() {
    let broker = delaying();
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let expiring = message("q", "short", &[]).expiring(50);
    publish_one(&broker, expiring).expect("room");
    send(&broker, "q", &["long"]);
    for taken in client.take() {
        client.settle_at(&broker, &taken, Verdict::Return, 10);
    }
    let browsed = broker.browse(&as_name("q"), 0, 9).expect("a queue");
    assert_eq!(browsed.entries.len(), 2);
    expire(&broker, 60);
    assert_eq!(figures(&broker, "q").delayed, 1);
    assert_eq!(broker.purge(&as_name("q")), Some(1));
    assert_eq!(figures(&broker, "q").delayed, 0);
    release_due(&broker, 1_000);
    assert_eq!(client.take_bodies(), [""; 0]);
    send(&broker, "q", &["next"]);
    assert_eq!(client.take_bodies(), ["next"]);
}

#[test]
fn a_transaction_may_return_messages_too() {
    let broker = delaying();
    let (mut client, first) = consumer_of(&broker, &[]);
    let settlement = client.stage(&broker, &first, Verdict::Return);
    client
        .commit(&broker, Vec::new(), &[settlement])
        .expect("it is staged");
    assert_eq!(client.take_bodies(), [""; 0]);
    release_due(&broker, 100);
    assert_eq!(client.take_bodies(), ["first"]);
}

#[test]
fn the_alarm_is_set_to_the_redelivery() {
    let broker = delaying();
    let (client, first) = consumer_of(&broker, &[]);
    assert_eq!(broker.poll_alarm(u64::MAX, Waker::noop()), Poll::Pending);
    client.settle_at(&broker, &first, Verdict::Return, 7);
    assert_eq!(broker.poll_alarm(u64::MAX, Waker::noop()), Poll::Ready(107));
    release_due(&broker, 50);
    assert_eq!(broker.poll_alarm(u64::MAX, Waker::noop()), Poll::Ready(107));
    release_due(&broker, 107);
    assert_eq!(broker.poll_alarm(u64::MAX, Waker::noop()), Poll::Pending);
}
