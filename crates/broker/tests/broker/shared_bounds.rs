//! The bound shared by all queues, and the ways to make room at it.

use broker::{Acknowledgement, Broker, Consume, Limits, Missed, PublishError, Start, Verdict};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{
        Taken, bodies, durable, durable_name, event, expire, figures, message, publish_events,
        publish_one, queue, send, topics,
    },
};

const BODY: usize = 1_000;

fn body() -> String {
    "x".repeat(BODY)
}

/// A broker with half a megabyte for all queues, whose topics keep only their last image.
fn small_broker() -> Broker {
    broker(|limits| {
        limits.memory_bytes = 1_000_000;
        limits.history_entries = 1;
    })
}

/// The number of queues that fill the whole memory of queues: each gets a half of the rest.
const FILLING: usize = 20;

/// Fills the remaining room of queues with messages of these sizes; returns their number.
fn fill(broker: &Broker, sizes: &[usize]) -> usize {
    let mut count = 0;
    for size in sizes {
        for number in 0..FILLING {
            count += fill_one(broker, &format!("fill.{number}"), *size);
        }
    }
    count
}

fn fill_one(broker: &Broker, queue: &str, size: usize) -> usize {
    let body = "x".repeat(size);
    let mut count = 0;
    let refused = loop {
        match publish_one(broker, message(queue, &body, &[])) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    let PublishError::QueueFull { of, .. } = refused else {
        panic!("{refused}");
    };
    assert!(of.ends_with("in all queues"), "{of}");
    count
}

fn empty(broker: &Broker) {
    for number in 0..FILLING {
        // One for which there was no room is not there.
        broker.remove_queue(&as_name(&format!("fill.{number}")));
    }
}

fn fill_and_empty(broker: &Broker) -> usize {
    let count = fill(broker, &[BODY]);
    empty(broker);
    count
}

#[test]
fn a_message_in_several_queues_counts_once() {
    let broker = small_broker();
    let mut clients: Vec<_> = (0..10)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.consume(&broker, topics("t", Start::New));
            client
        })
        .collect();
    for _ in 0..100 {
        publish_events(&broker, "t", &[&body()]);
    }
    // If it counted 10 times, it would need more than twice the available memory.
    send(&broker, "q", &[&body()]);
    for client in &mut clients {
        let taken = client.take();
        assert_eq!(taken.len(), 100);
        assert!(taken.iter().all(|one| one.missed.is_none()));
    }
}

#[test]
fn each_queue_entry_counts_a_few_bytes() {
    let broker = small_broker();
    let mut clients: Vec<_> = (0..80)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            let consume = Consume {
                acknowledgement: Acknowledgement::Auto,
                prefetch: 1,
                ..topics("t", Start::New)
            };
            client.consume(&broker, consume);
            client
        })
        .collect();
    publish_events(&broker, "t", &[""; 100]);
    let held: usize = clients.iter_mut().map(|client| client.take().len()).sum();
    assert!((2_000..4_000).contains(&held), "{held}");
}

#[test]
fn a_message_counts_fully_for_each_single_queue() {
    let broker = broker(|limits| limits.queue_bytes = 4_000);
    let mut clients = [(); 2].map(|()| Client::attach(&broker, "c"));
    for client in &clients {
        client.consume(
            &broker,
            Consume {
                prefetch: 1,
                ..topics("t", Start::New)
            },
        );
    }
    for _ in 0..10 {
        publish_events(&broker, "t", &[&body()]);
    }
    for client in &mut clients {
        let mut count = 0;
        while let [taken] = &client.take()[..] {
            client.accept(&broker, taken);
            count += 1;
        }
        assert_eq!(count, 3);
    }
}

/// One round of all the ways in which a message can leave several queues.
fn pass_through(broker: &Broker, round: usize) {
    let virtual_queue = "Consumer.a.VirtualTopic.t";
    let mut client = Client::attach(broker, "c");
    let mut other = Client::attach(broker, "other");
    let kept = client.consume(broker, topics("VirtualTopic.t", Start::New));
    client.consume(broker, topics("VirtualTopic.>", Start::Last));
    client.consume(broker, durable("d", "VirtualTopic.*"));
    other.consume(broker, queue(virtual_queue));
    let forgotten = other.consume(broker, durable("e", "VirtualTopic.t"));
    for number in 0..30 {
        let sent = event("VirtualTopic.t", &body(), &["JMSXGroupID:a"]);
        let expires_ms = if number % 3 == 0 { 10 } else { 0 };
        publish_one(broker, sent.expiring(expires_ms)).expect("there is room");
    }
    for (index, taken) in client.take_at(0, 50).iter().enumerate() {
        match (index + round) % 4 {
            0 => client.accept(broker, taken),
            1 => drop(client.settle(broker, taken, Verdict::Reject)),
            2 => drop(client.settle(broker, taken, Verdict::Return)),
            _ => {}
        }
    }
    if round.is_multiple_of(2) {
        client.unsubscribe(broker, kept);
        broker.purge(&as_name(virtual_queue));
    }
    expire(broker, 10);
    other.take_at(10, 10);
    other.unsubscribe(broker, forgotten);
    assert_eq!(broker.delete_durable(&durable_name("e")), Ok(()));
    if round.is_multiple_of(3) {
        client.consume(broker, durable("f", "other"));
        publish_events(broker, "other", &["1"]);
    }
    client.detach(broker);
    other.detach(broker);
    for name in ["d", "f"] {
        // The second name does not exist in each round.
        let _ = broker.delete_durable(&durable_name(name));
    }
    for name in [virtual_queue, "ActiveMQ.DLQ"] {
        assert!(broker.remove_queue(&as_name(name)).is_some(), "{name}");
    }
}

#[test]
fn memory_is_released_in_every_way_messages_leave_queues() {
    let broker = small_broker();
    let room = fill_and_empty(&broker);
    for round in 0..12 {
        pass_through(&broker, round);
        assert_eq!(fill_and_empty(&broker), room, "{round}");
    }
}

#[test]
fn memory_is_released_when_many_messages_leave_at_once() {
    /// So many fit.
    const COUNT: usize = 100;
    let broker = small_broker();
    let room = fill_and_empty(&broker);
    let mut clients = [(); 4].map(|()| Client::attach(&broker, "c"));
    for client in &clients {
        client.consume(&broker, topics("t", Start::New));
    }
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| accept_so_many(&broker, client, COUNT));
            }
            for _ in 0..COUNT {
                publish_events(&broker, "t", &[&body()]);
            }
        });
    }
    assert_eq!(fill_and_empty(&broker), room);
}

fn accept_so_many(broker: &Broker, client: &mut Client, count: usize) {
    let mut accepted = 0;
    while accepted < count {
        for taken in client.take() {
            client.accept(broker, &taken);
            accepted += 1;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_transaction_is_refused_if_its_entries_do_not_fit() {
    let broker = broker(|limits| limits.memory_bytes = 100_000);
    let client = Client::attach(&broker, "c");
    let batch = |count| (0..count).map(|_| message("q", "", &[])).collect();
    let fit = 50_000 / (size_of_message("") + 128);
    assert!(client.commit(&broker, batch(fit + 1), &[]).is_err());
    assert!(client.commit(&broker, batch(fit), &[]).is_ok());
    assert!(publish_one(&broker, message("q", "", &[])).is_err());
}

/// A durable subscription for which these messages wait, without a consumer.
fn keep(broker: &Broker, bodies: &[String]) {
    let client = Client::attach(broker, "keeper");
    client.consume(broker, durable("d", "t"));
    client.detach(broker);
    for body in bodies {
        publish_events(broker, "t", &[body]);
    }
}

fn take_kept(broker: &Broker) -> Vec<Taken> {
    let mut client = Client::attach(broker, "keeper");
    client.consume(
        broker,
        Consume {
            prefetch: 10_000,
            ..durable("d", "t")
        },
    );
    client.take()
}

/// Returns the bytes that the broker counts for a message with this body.
fn size_of_message(body: &str) -> u64 {
    let broker = broker(|_| {});
    send(&broker, "q", &[body]);
    figures(&broker, "q").bytes
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:04}")).collect()
}

/// Checks that all expected messages were received, and that the last one reports missed messages.
fn assert_only_the_large_is_missing(taken: &[Taken], mut wanted: Vec<String>) {
    wanted.push("last".to_owned());
    assert_eq!(bodies(taken), wanted);
    let (last, rest) = taken.split_last().expect("the last");
    assert!(rest.iter().all(|one| one.missed.is_none()));
    assert_eq!(last.missed, Some(Missed::Unknown));
}

#[test]
fn nothing_is_dropped_for_a_message_that_would_still_not_fit() {
    let broker = small_broker();
    let waiting = numbers(100);
    keep(&broker, &waiting);
    fill(&broker, &[10_000, 100, 0]);
    publish_events(&broker, "t", &[&"x".repeat(100_000)]);
    empty(&broker);
    publish_events(&broker, "t", &["last"]);
    assert_only_the_large_is_missing(&take_kept(&broker), waiting);
}

#[test]
fn one_message_drops_at_most_a_thousand_others() {
    for (count, is_taken) in [(900, true), (1_100, false)] {
        let waiting = numbers(2_000);
        let size = size_of_message("last");
        let large = "x".repeat(count * size as usize);
        let broker = broker(|limits: &mut Limits| {
            limits.queue_bytes = 2_001 * size;
            limits.history_entries = 1;
        });
        keep(&broker, &waiting);
        publish_events(&broker, "t", &[&large, "last"]);
        let taken = take_kept(&broker);
        if is_taken {
            let (first, rest) = (&taken[0], &taken[taken.len() - 2..]);
            assert!((850..950).contains(&(2_002 - taken.len())));
            assert_eq!(first.missed, Some(Missed::Unknown));
            assert_eq!(bodies(rest), [large, "last".to_owned()]);
        } else {
            assert_only_the_large_is_missing(&taken, waiting);
        }
    }
}

#[test]
fn held_messages_are_not_dropped_and_do_not_displace_waiting_ones() {
    let broker = broker(|limits| limits.queue_bytes = 10_000);
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            prefetch: 1,
            ..topics("t", Start::New)
        },
    );
    publish_events(&broker, "t", &[&"x".repeat(6_000)]);
    let held = client.take();
    assert_eq!(held.len(), 1);
    publish_events(&broker, "t", &["1", "2", &"x".repeat(5_000)]);
    client.accept(&broker, &held[0]);
    publish_events(&broker, "t", &["last"]);
    let mut taken = Vec::new();
    while let [one] = &client.take()[..] {
        client.accept(&broker, one);
        taken.push(one.clone());
    }
    assert_only_the_large_is_missing(&taken, vec!["1".to_owned(), "2".to_owned()]);
}
