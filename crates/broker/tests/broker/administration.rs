//! Queue figures and operations for administrators.

use broker::{Consume, Verdict};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{counts, expire, figures, message, publish_one, queue, send},
};

#[test]
fn removing_a_queue_in_use_only_empties_it() {
    let broker = broker(|_| {});
    let name = as_name("q");
    assert_eq!(broker.purge(&name), None);
    assert_eq!(broker.remove_queue(&name), None);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3"]);
    let taken = client.take();
    assert_eq!(broker.purge(&name), Some(2));
    send(&broker, "q", &["4"]);
    assert_eq!(broker.remove_queue(&name), Some(1));
    assert_eq!(counts(&broker, "q"), (0, 1));
    client.accept(&broker, &taken[0]);
    send(&broker, "q", &["5"]);
    assert_eq!(client.take_bodies(), ["5"]);
    client.unsubscribe(&broker, id);
    assert_eq!(figures(&broker, "q").discarded, 3);
    assert_eq!(broker.remove_queue(&name), Some(1));
    assert!(broker.queue(&name).is_none());
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn queues_are_listed_by_name_up_to_a_number() {
    let broker = broker(|_| {});
    for name in ["c", "a.x", "b", "a"] {
        send(&broker, name, &[""]);
    }
    let names = |filter, most| {
        let (found, more) = broker.queues(&as_filter(filter), most);
        let names: Vec<_> = found.iter().map(|one| one.name.to_string()).collect();
        (names.join(" "), more)
    };
    assert_eq!(names(">", 9), ("a a.x b c".to_owned(), 0));
    assert_eq!(names(">", 2), ("a a.x".to_owned(), 2));
    assert_eq!(names("a.>", 4), ("a a.x".to_owned(), 0));
    assert_eq!(names(">", 0), (String::new(), 4));
}

#[test]
fn the_figures_of_a_queue_add_up() {
    let broker = broker(|limits| limits.redelivery.maximum_redeliveries = 0);
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 3,
            ..queue("q")
        },
    );
    send(&broker, "q", &["1", "2", "3", "4"]);
    let taken = client.take();
    client.accept(&broker, &taken[0]);
    client.settle(&broker, &taken[1], Verdict::Return);
    client.settle(&broker, &taken[2], Verdict::Reject);
    let late = message("q", "5", &[]).expiring(5);
    publish_one(&broker, late).expect("there is room");
    expire(&broker, 5);
    client.take_at(5, 9);
    publish_one(&broker, message("q", "6", &[])).expect("there is room");
    let figures = figures(&broker, "q");
    assert_eq!(figures.enqueued, 6);
    assert_eq!((figures.waiting, figures.unacknowledged), (0, 2));
    assert_eq!(
        (figures.acknowledged, figures.dead_lettered, figures.expired),
        (1, 2, 1)
    );
    assert_eq!(
        (figures.dispatched, figures.redelivered, figures.discarded),
        (4, 0, 0)
    );
    assert_eq!(figures.consumers, 1);
}
