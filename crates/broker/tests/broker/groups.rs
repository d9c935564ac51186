//! Message groups and exclusive consumers.

use broker::{Consume, Verdict};

use crate::{
    harness::{Client, broker},
    queue_harness::{Taken, bodies, counts, message, publish_one, queue, selector, send},
};

/// Sends messages of groups, each as `GROUP NAME`, or `GROUP! NAME` for the last message of a
/// group.
fn send_grouped(broker: &broker::Broker, messages: &[&str]) {
    for text in messages {
        let (group, body) = text.split_once(' ').expect("a group and a body");
        let id = format!("JMSXGroupID:{}", group.trim_end_matches('!'));
        let last = "JMSXGroupSeq:-1";
        let headers: &[&str] = if group.ends_with('!') {
            &[&id, last]
        } else {
            &[&id]
        };
        publish_one(broker, message("q", body, headers)).expect("there is room");
    }
}

fn attach(broker: &broker::Broker, prefetch: usize) -> Client {
    let client = Client::attach(broker, "c");
    client.consume(
        broker,
        Consume {
            prefetch,
            ..queue("q")
        },
    );
    client
}

fn accept_all(broker: &broker::Broker, client: &Client, taken: &[Taken]) {
    taken.iter().for_each(|one| client.accept(broker, one));
}

#[test]
fn a_group_stays_with_its_consumer() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 100), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "b 2", "a 3", "a 4", "b 5", "c 6"]);
    assert_eq!(one.take_bodies(), ["1", "3", "4", "6"]);
    assert_eq!(other.take_bodies(), ["2", "5"]);
}

#[test]
fn a_group_waits_for_its_consumer_without_delaying_others() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 1), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "a 2", "b 3", "a 4"]);
    let taken = one.take();
    assert_eq!(bodies(&taken), ["1"]);
    assert_eq!(other.take_bodies(), ["3"]);
    assert_eq!(counts(&broker, "q"), (2, 2));
    one.accept(&broker, &taken[0]);
    assert_eq!(one.take_bodies(), ["2"]);
}

#[test]
fn a_group_is_reassigned_when_its_consumer_leaves() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 2), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "a 2", "a 3"]);
    let taken = one.take();
    one.accept(&broker, &taken[0]);
    assert_eq!(other.take(), []);
    one.detach(&broker);
    let taken = other.take();
    assert_eq!(bodies(&taken), ["2", "3"]);
    let counts: Vec<_> = taken.iter().map(|one| one.count).collect();
    assert_eq!(counts, [2, 1]);
    send_grouped(&broker, &["a 4"]);
    assert_eq!(other.take_bodies(), ["4"]);
}

#[test]
fn a_closed_group_is_reassigned() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 100), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "a! 2", "a 3", "a 4"]);
    assert_eq!(one.take_bodies(), ["1", "2"]);
    assert_eq!(other.take_bodies(), ["3", "4"]);
}

#[test]
fn consumers_that_skipped_a_group_scan_again_when_it_is_closed() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 1), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "a! 2", "a 3", "a 4"]);
    let taken = one.take();
    assert_eq!(other.take(), []);
    let mut outcome = one.settle(&broker, &taken[0], Verdict::Accept);
    // Messages after the last message of the group belong to another consumer.
    assert_eq!(outcome.ready.drain().count(), 2);
    assert_eq!(one.take_bodies(), ["2"]);
    assert_eq!(other.take_bodies(), ["3", "4"]);
}

#[test]
fn draining_wakes_the_consumers_that_receive_released_messages() {
    let broker = broker(|_| {});
    let mut one = Client::attach(&broker, "one");
    let acknowledgement = broker::Acknowledgement::Auto;
    one.consume(
        &broker,
        Consume {
            acknowledgement,
            prefetch: 1,
            ..queue("q")
        },
    );
    let mut other = attach(&broker, 100);
    send_grouped(&broker, &["a 1", "a! 2", "a 3", "a 4"]);
    assert_eq!(one.take_at(0, 1).len(), 1);
    assert!(other.woken() > 0);
    let (first, second) = (one.take_bodies(), other.take_bodies());
    assert_eq!(first.len() + second.len(), 3);
    assert_eq!(first[0], "2");
}

#[test]
fn messages_of_a_group_are_returned_in_order_when_its_consumer_leaves() {
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 3), attach(&broker, 100));
    send_grouped(&broker, &["a 1", "a 2", "a 3", "a 4", "a 5"]);
    let taken = one.take();
    accept_all(&broker, &one, &taken[..1]);
    one.detach(&broker);
    assert_eq!(other.take_bodies(), ["2", "3", "4", "5"]);
}

#[test]
fn groups_without_messages_are_remembered_up_to_a_maximum() {
    const REMEMBERED: usize = 1_000;
    let broker = broker(|_| {});
    let (mut one, mut other) = (attach(&broker, 100_000), attach(&broker, 100_000));
    send_grouped(&broker, &["first 1"]);
    let first = one.take();
    accept_all(&broker, &one, &first);
    // It is the other consumer's turn, and the messages of its group stay with it.
    send_grouped(&broker, &["kept 2"]);
    assert_eq!(other.take_bodies(), ["2"]);
    send_grouped(&broker, &["first 3"]);
    let again = one.take();
    assert_eq!(bodies(&again), ["3"], "it is remembered");
    accept_all(&broker, &one, &again);
    for number in 0..=REMEMBERED {
        send_grouped(&broker, &[&format!("g{number} x")]);
        let (taken, others) = (one.take(), other.take());
        accept_all(&broker, &one, &taken);
        accept_all(&broker, &other, &others);
    }
    send_grouped(&broker, &["kept 4"]);
    assert_eq!(other.take_bodies(), ["4"], "it has a message there");
}

#[test]
fn only_the_oldest_exclusive_consumer_receives_messages() {
    let broker = broker(|_| {});
    let mut shared = attach(&broker, 100);
    send(&broker, "q", &["1"]);
    let mut clients: Vec<_> = (0..2)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.consume(
                &broker,
                Consume {
                    exclusive: true,
                    prefetch: 2,
                    ..queue("q")
                },
            );
            client
        })
        .collect();
    send(&broker, "q", &["2", "3", "4"]);
    assert_eq!(shared.take_bodies(), ["1"]);
    assert_eq!(clients[1].take(), []);
    let taken = clients[0].take();
    assert_eq!(bodies(&taken), ["2", "3"]);
    clients[0].accept(&broker, &taken[0]);
    assert_eq!(clients[0].take_bodies(), ["4"]);
    clients.remove(0).detach(&broker);
    assert_eq!(clients[0].take_bodies(), ["3", "4"]);
    clients.remove(0).detach(&broker);
    assert_eq!(shared.take_bodies(), ["3", "4"]);
}

#[test]
fn an_exclusive_consumer_takes_over_groups() {
    let broker = broker(|_| {});
    let mut shared = attach(&broker, 1);
    send_grouped(&broker, &["a 1", "a 2"]);
    let mut only = Client::attach(&broker, "only");
    let id = only.consume(
        &broker,
        Consume {
            exclusive: true,
            ..queue("q")
        },
    );
    send_grouped(&broker, &["a 3"]);
    assert_eq!(only.take_bodies(), ["2", "3"]);
    assert_eq!(shared.take_bodies(), ["1"]);
    only.unsubscribe(&broker, id);
    send_grouped(&broker, &["a 4"]);
    assert_eq!(counts(&broker, "q"), (3, 1));
    shared.detach(&broker);
    let mut last = attach(&broker, 100);
    assert_eq!(last.take_bodies(), ["1", "2", "3", "4"]);
}

#[test]
fn an_exclusive_consumer_receives_only_selected_messages() {
    let broker = broker(|_| {});
    let mut shared = attach(&broker, 100);
    let mut only = Client::attach(&broker, "only");
    let id = only.consume(
        &broker,
        Consume {
            exclusive: true,
            selector: selector("JMSXGroupID = 'a'"),
            ..queue("q")
        },
    );
    send_grouped(&broker, &["a 1", "b 2", "a 3"]);
    assert_eq!(only.take_bodies(), ["1", "3"]);
    assert_eq!(shared.take(), []);
    only.unsubscribe(&broker, id);
    assert_eq!(shared.take_bodies(), ["1", "2", "3"]);
}
