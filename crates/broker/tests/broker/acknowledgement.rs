//! The deliveries that each acknowledgement mode holds, returns and counts.

use broker::{Acknowledgement, Consume, DeliveryId, MessageId, Verdict};

use crate::{
    harness::{Client, EPOCH, broker},
    queue_harness::{Taken, bodies, counts, figures, queue, send},
};

const FIVE: [&str; 5] = ["1", "2", "3", "4", "5"];

/// A consumer in this mode that has received five messages.
fn with_five(broker: &broker::Broker, acknowledgement: Acknowledgement) -> (Client, Vec<Taken>) {
    let mut client = Client::attach(broker, "c");
    client.consume(
        broker,
        Consume {
            acknowledgement,
            ..queue("q")
        },
    );
    send(broker, "q", &FIVE);
    let taken = client.take();
    assert_eq!(bodies(&taken), FIVE);
    (client, taken)
}

#[test]
fn a_settlement_covers_the_deliveries_of_its_mode() {
    use Acknowledgement::{Cumulative, Individual};
    use Verdict::{Accept, Reject, Return};
    // The mode, the verdict on the third of five, and then: redelivered, held, and dead-lettered
    // messages.
    let table: [(_, _, &[&str], u64, u64); 6] = [
        (Individual, Accept, &[], 4, 0),
        (Individual, Return, &["3"], 5, 0),
        (Individual, Reject, &[], 4, 1),
        (Cumulative, Accept, &[], 2, 0),
        (Cumulative, Return, &["1", "2", "3"], 5, 0),
        (Cumulative, Reject, &[], 2, 3),
    ];
    for (mode, verdict, again, held, dead) in table {
        let broker = broker(|_| {});
        let (mut client, taken) = with_five(&broker, mode);
        client.settle(&broker, &taken[2], verdict);
        let redelivered = client.take();
        assert_eq!(bodies(&redelivered), again, "{mode:?} {verdict:?}");
        assert!(redelivered.iter().all(|one| one.count == 2));
        let figures = figures(&broker, "q");
        assert_eq!(figures.unacknowledged, held, "{mode:?} {verdict:?}");
        assert_eq!(figures.dead_lettered, dead, "{mode:?} {verdict:?}");
        assert_eq!(figures.redelivered, again.len() as u64);
        let dead_letters = broker.browse(&crate::harness::as_name("ActiveMQ.DLQ"), 0, 9);
        assert_eq!(
            dead_letters.map_or(0, |found| found.entries.len() as u64),
            dead
        );
    }
}

#[test]
fn without_acknowledgement_read_messages_are_complete() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(
        &broker,
        Consume {
            acknowledgement: Acknowledgement::Auto,
            ..queue("q")
        },
    );
    send(&broker, "q", &FIVE);
    let taken = client.take_at(0, 2);
    assert!(taken.iter().all(|one| one.id.is_none() && one.count == 1));
    assert_eq!(figures(&broker, "q").acknowledged, 2);
    client.unsubscribe(&broker, id);
    assert_eq!(counts(&broker, "q"), (3, 0));
    assert_eq!(client.take(), []);
}

#[test]
fn a_delivery_is_settled_once_and_only_by_its_session() {
    let broker = broker(|_| {});
    let (client, taken) = with_five(&broker, Acknowledgement::Individual);
    let other = Client::attach(&broker, "other");
    let settle = |client: &Client, id| client.try_settle(&broker, id, Verdict::Accept).is_ok();
    let id = taken[0].id();
    assert!(!settle(&other, id));
    assert!(settle(&client, id));
    assert!(!settle(&client, id));
    let never = DeliveryId { number: 99, ..id };
    assert!(!settle(&client, never));
    client.settle(&broker, &taken[1], Verdict::Return);
    assert!(
        !settle(&client, taken[1].id()),
        "its next delivery has another id"
    );
    assert_eq!(counts(&broker, "q"), (0, 4));
}

#[test]
fn deliveries_of_a_cumulative_settlement_cannot_be_settled_again() {
    let broker = broker(|_| {});
    let (client, taken) = with_five(&broker, Acknowledgement::Cumulative);
    client.accept(&broker, &taken[2]);
    for one in &taken[..3] {
        assert!(
            client
                .try_settle(&broker, one.id(), Verdict::Accept)
                .is_err()
        );
    }
    client.accept(&broker, &taken[4]);
    assert_eq!(counts(&broker, "q"), (0, 0));
}

#[test]
fn unsettled_messages_return_to_their_old_position() {
    let broker = broker(|_| {});
    let (mut client, taken) = with_five(&broker, Acknowledgement::Individual);
    client.accept(&broker, &taken[1]);
    client.detach(&broker);
    send(&broker, "q", &["6"]);
    let mut next = Client::attach(&broker, "next");
    next.consume(&broker, queue("q"));
    let again = next.take();
    assert_eq!(bodies(&again), ["1", "3", "4", "5", "6"]);
    let counts: Vec<_> = again.iter().map(|one| one.count).collect();
    assert_eq!(counts, [2, 2, 2, 2, 1]);
    assert_eq!(client.take(), []);
}

#[test]
fn unread_messages_do_not_count_as_delivered() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &FIVE);
    assert_eq!(client.take_at(0, 2).len(), 2);
    assert_eq!(counts(&broker, "q"), (0, 5));
    client.detach(&broker);
    let mut next = Client::attach(&broker, "next");
    next.consume(&broker, queue("q"));
    let counts: Vec<_> = next.take().iter().map(|one| one.count).collect();
    assert_eq!(counts, [2, 2, 1, 1, 1]);
    let figures = figures(&broker, "q");
    assert_eq!((figures.dispatched, figures.redelivered), (7, 2));
}

#[test]
fn a_message_is_found_by_its_id_while_it_is_held() {
    for mode in [Acknowledgement::Individual, Acknowledgement::Cumulative] {
        let broker = broker(|_| {});
        let (client, taken) = with_five(&broker, mode);
        let session = client.reader.session();
        let find = |position, subscription| {
            let epoch = EPOCH;
            broker.find_delivery(session, subscription, MessageId { epoch, position })
        };
        for one in &taken {
            let id = Some(one.id());
            assert_eq!(find(one.position, None), id);
            assert_eq!(find(one.position, id.map(|id| id.subscription)), id);
        }
        assert_eq!(find(99, None), None);
        let other_run = MessageId {
            epoch: EPOCH + 1,
            position: taken[0].position,
        };
        assert_eq!(broker.find_delivery(session, None, other_run), None);
        client.accept(&broker, &taken[0]);
        assert_eq!(find(taken[0].position, None), None);
    }
}

#[test]
fn delivery_ids_parse_as_they_are_formatted() {
    let broker = broker(|_| {});
    let (_, taken) = with_five(&broker, Acknowledgement::Individual);
    let id = taken[0].id();
    assert_eq!(id.to_string().parse(), Ok(id));
    for text in [
        "", "1", "-", "1-", "-1", "a-1", "1-a", "+1-1", "1-01", "1-1-1", " 1-1",
    ] {
        assert!(text.parse::<DeliveryId>().is_err(), "{text}");
    }
}
