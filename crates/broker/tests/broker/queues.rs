//! The distribution of messages among several consumers.

use broker::{Acknowledgement, Consume, Verdict};

use crate::{
    harness::{Client, broker},
    queue_harness::{bodies, counts, figures, message, publish_one, queue, selector, send},
};

#[test]
fn messages_wait_for_the_first_consumer() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2", "3"]);
    assert_eq!(counts(&broker, "q"), (3, 0));
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "2", "3"]);
    assert!(
        taken
            .iter()
            .all(|one| one.queue.as_deref() == Some("q") && one.count == 1)
    );
    assert_eq!(counts(&broker, "q"), (0, 3));
}

#[test]
fn consumers_with_room_take_turns() {
    let broker = broker(|_| {});
    let mut clients: Vec<_> = (0..3)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.consume(&broker, queue("q"));
            client
        })
        .collect();
    send(&broker, "q", &["1", "2", "3", "4", "5", "6", "7"]);
    let taken: Vec<_> = clients.iter_mut().map(Client::take_bodies).collect();
    assert_eq!(taken[0], ["1", "4", "7"]);
    assert_eq!(taken[1], ["2", "5"]);
    assert_eq!(taken[2], ["3", "6"]);
}

#[test]
fn no_consumer_holds_more_than_its_prefetch() {
    let broker = broker(|_| {});
    let mut small = Client::attach(&broker, "small");
    small.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    let mut large = Client::attach(&broker, "large");
    large.consume(
        &broker,
        Consume {
            prefetch: 3,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3", "4", "5", "6"]);
    let (one, others) = (small.take(), large.take());
    assert_eq!(bodies(&one), ["1"]);
    assert_eq!(bodies(&others), ["2", "3", "4"]);
    assert_eq!(counts(&broker, "q"), (2, 4));
    small.accept(&broker, &one[0]);
    large.accept(&broker, &others[2]);
    assert_eq!(small.take_bodies(), ["5"]);
    assert_eq!(large.take_bodies(), ["6"]);
}

#[test]
fn a_prefetch_of_zero_is_one() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 0,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2"]);
    assert_eq!(client.take_bodies(), ["1"]);
}

#[test]
fn without_acknowledgement_only_unread_messages_count_for_the_prefetch() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let acknowledgement = Acknowledgement::Auto;
    client.consume(
        &broker,
        Consume {
            acknowledgement,
            prefetch: 2,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3", "4", "5"]);
    assert_eq!(counts(&broker, "q"), (3, 2));
    assert_eq!(client.take_bodies(), ["1", "2", "3", "4", "5"]);
    assert_eq!(counts(&broker, "q"), (0, 0));
}

#[test]
fn messages_of_an_ended_consumer_are_shared_by_the_others() {
    let broker = broker(|_| {});
    let leaving = Client::attach(&broker, "leaving");
    let id = leaving.consume(&broker, queue("q"));
    let texts: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    send(&broker, "q", &texts);
    let mut others: Vec<_> = (0..2)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.consume(&broker, queue("q"));
            client
        })
        .collect();
    leaving.unsubscribe(&broker, id);
    let taken: Vec<_> = others
        .iter_mut()
        .map(|one| one.take_bodies().len())
        .collect();
    // A few at a time, so that no consumer waits until another one is full.
    assert_eq!(taken.iter().sum::<usize>(), 40);
    assert!(taken.iter().all(|count| *count >= 16), "{taken:?}");
}

#[test]
fn a_returned_message_goes_to_a_consumer_with_room() {
    let broker = broker(|_| {});
    let mut first = Client::attach(&broker, "first");
    first.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2"]);
    let mut second = Client::attach(&broker, "second");
    second.consume(
        &broker,
        Consume {
            prefetch: 2,
            ..queue("q")
        },
    );
    assert_eq!(second.take_bodies(), ["2"]);
    let taken = first.take();
    first.settle(&broker, &taken[0], Verdict::Return);
    let again = (first.take(), second.take());
    assert_eq!(again.0.len() + again.1.len(), 1);
    assert_eq!(counts(&broker, "q"), (0, 2));
}

#[test]
fn an_outcome_lists_the_sessions_to_drain() {
    let broker = broker(|_| {});
    let mut holder = Client::attach(&broker, "holder");
    holder.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    let mut other = Client::attach(&broker, "other");
    other.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    let mut outcome = publish_one(&broker, message("q", "1", &[])).expect("there is room");
    assert_eq!(outcome.ready.drain().count(), 1);
    let taken = holder.take();
    send(&broker, "q", &["2", "3"]);
    let held = other.take();
    // The settlement makes room for its own session, which has to be drained for the next message.
    let mut outcome = holder.settle(&broker, &taken[0], Verdict::Accept);
    assert_eq!(outcome.ready.drain().count(), 1);
    assert_eq!(holder.take_bodies(), ["3"]);
    let mut outcome = broker::Outcome::default();
    other.accept(&broker, &held[0]);
    broker.detach(holder.reader.session(), 0, &mut outcome);
    assert_eq!(outcome.ready.drain().count(), 1);
    assert_eq!(other.take_bodies(), ["3"]);
}

#[test]
fn a_wildcard_consumer_receives_from_queues_created_later() {
    let broker = broker(|_| {});
    send(&broker, "a.1", &["1"]);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, queue("a.*"));
    send(&broker, "a.2", &["2"]);
    send(&broker, "b.1", &["3"]);
    let mut taken = client.take();
    taken.sort_by_key(|one| one.position);
    assert_eq!(bodies(&taken), ["1", "2"]);
    assert_eq!(taken[1].queue.as_deref(), Some("a.2"));
    client.unsubscribe(&broker, id);
    for name in ["a.1", "a.2"] {
        assert_eq!(counts(&broker, name), (1, 0));
        assert_eq!(figures(&broker, name).consumers, 0);
    }
    send(&broker, "a.3", &["4"]);
    assert_eq!(client.take(), []);
}

#[test]
fn no_queue_of_many_is_starved() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q.*")
        },
    );
    for _ in 0..10 {
        for name in ["q.1", "q.2", "q.3"] {
            send(&broker, name, &[name]);
        }
    }
    let mut seen = Vec::new();
    for _ in 0..9 {
        let taken = client.take();
        seen.extend(bodies(&taken));
        client.accept(&broker, &taken[0]);
    }
    for name in ["q.1", "q.2", "q.3"] {
        let count = seen.iter().filter(|one| *one == name).count();
        assert!((2..=4).contains(&count), "{seen:?}");
    }
}

#[test]
fn unselected_messages_wait_without_delaying_others() {
    let broker = broker(|_| {});
    let mut red = Client::attach(&broker, "red");
    red.consume(
        &broker,
        Consume {
            selector: selector("colour = 'red'"),
            ..queue("q")
        },
    );
    for (body, colour) in [("1", "red"), ("2", "blue"), ("3", "red"), ("4", "green")] {
        let header = format!("colour:{colour}");
        publish_one(&broker, message("q", body, &[&header])).expect("there is room");
    }
    assert_eq!(red.take_bodies(), ["1", "3"]);
    let mut blue = Client::attach(&broker, "blue");
    blue.consume(
        &broker,
        Consume {
            selector: selector("colour = 'blue'"),
            ..queue("q")
        },
    );
    assert_eq!(blue.take_bodies(), ["2"]);
    let mut any = Client::attach(&broker, "any");
    any.consume(&broker, queue("q"));
    assert_eq!(any.take_bodies(), ["4"]);
}
