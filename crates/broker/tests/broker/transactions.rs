//! Publications and settlements that are executed together, or not at all.

use broker::{Acknowledgement, Consume, Verdict};

use crate::{
    harness::{Client, broker},
    queue_harness::{bodies, counts, event, figures, message, queue, send},
};

#[test]
fn staged_deliveries_make_room_and_cannot_be_settled_otherwise() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let prefetch = Consume {
        prefetch: 2,
        ..queue("q")
    };
    client.consume(&broker, prefetch);
    send(&broker, "q", &["1", "2", "3", "4"]);
    let first = client.take();
    assert_eq!(bodies(&first), ["1", "2"]);
    client.stage(&broker, &first[0], Verdict::Accept);
    assert_eq!(client.take_bodies(), ["3"]);
    assert_eq!(counts(&broker, "q"), (1, 3));
    assert!(
        client
            .try_settle(&broker, first[0].id(), Verdict::Accept)
            .is_err()
    );
    assert!(
        client
            .try_settle(&broker, first[1].id(), Verdict::Accept)
            .is_ok()
    );
}

#[test]
fn staged_deliveries_are_held_again_after_an_abort() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3"]);
    let first = client.take();
    let settlement = client.stage(&broker, &first[0], Verdict::Accept);
    let second = client.take();
    broker.unstage(client.reader.session(), &[settlement]);
    client.accept(&broker, &second[0]);
    assert_eq!(
        client.take_bodies(),
        [""; 0],
        "one more than the prefetch is held"
    );
    client.accept(&broker, &first[0]);
    assert_eq!(client.take_bodies(), ["3"]);
}

#[test]
fn two_transactions_of_a_cumulative_consumer_do_not_overlap() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            acknowledgement: Acknowledgement::Cumulative,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3", "4", "5"]);
    let taken = client.take();
    let one = client.stage(&broker, &taken[1], Verdict::Accept);
    let other = client.stage(&broker, &taken[3], Verdict::Accept);
    client
        .commit(&broker, vec![], &[other])
        .expect("all is there");
    assert_eq!(figures(&broker, "q").acknowledged, 2);
    broker.unstage(client.reader.session(), &[other]);
    assert_eq!(counts(&broker, "q"), (0, 3));
    client
        .commit(&broker, vec![], &[one])
        .expect("all is there");
    assert_eq!(figures(&broker, "q").acknowledged, 4);
    client.accept(&broker, &taken[4]);
    assert_eq!(counts(&broker, "q"), (0, 0));
}

#[test]
fn staged_deliveries_are_returned_when_the_connection_ends() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1", "2"]);
    let taken = client.take();
    let settlement = client.stage(&broker, &taken[0], Verdict::Accept);
    client.detach(&broker);
    assert!(client.commit(&broker, vec![], &[settlement]).is_err());
    assert_eq!(counts(&broker, "q"), (2, 0));
}

#[test]
fn a_commit_publishes_and_settles_in_its_order() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("in"));
    send(&broker, "in", &["1", "2", "3"]);
    let taken = client.take();
    let settlements: Vec<_> = [Verdict::Accept, Verdict::Reject, Verdict::Return]
        .into_iter()
        .zip(&taken)
        .map(|(verdict, one)| client.stage(&broker, one, verdict))
        .collect();
    let batch = vec![
        message("out", "a", &[]),
        event("events", "b", &[]),
        message("out", "c", &[]),
    ];
    let outcome = client
        .commit(&broker, batch, &settlements)
        .expect("there is room");
    let positions: Vec<_> = outcome
        .results
        .iter()
        .map(|one| one.as_ref().expect("published").id.position)
        .collect();
    assert_eq!(positions, [4, 5, 6]);
    assert_eq!(counts(&broker, "out"), (2, 0));
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
    assert_eq!(client.take()[0].count, 2);
    let figures = figures(&broker, "in");
    assert_eq!((figures.acknowledged, figures.dead_lettered), (1, 1));
}
