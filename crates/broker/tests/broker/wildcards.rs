//! The cursors of subscriptions with wildcards: made, bounded, taken back and released.

use std::{task::Poll, time::Duration};

use broker::{
    Acknowledgement, Broker, Consume, Missed, Outcome, Overflow, Pool, PoolFigures, Retained,
    Start, Subscribe, SubscriptionId,
};

use crate::{
    harness::{
        Bell, Client, as_filter, as_name, broker, publication, publish, publish_all, try_publish,
    },
    listing::median_beside,
    queue_harness::{bodies, publish_events, topics},
    retained::{retain, subscribe},
};

/// The figures of the pool of cursors.
fn cursors(broker: &Broker) -> PoolFigures {
    let figures = broker.pool_figures().into_iter();
    let mut cursors = figures.filter(|one| one.pool == Pool::Cursors);
    cursors.next().expect("the pool of cursors")
}

/// Publishes one message to each of the topics `t.0`, `t.1` and so on; returns how many were taken.
fn publish_each(broker: &Broker, count: usize) -> usize {
    let mut batch = (0..count)
        .map(|number| publication(&format!("t.{number}"), 0))
        .collect();
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    outcome.results.iter().filter(|one| one.is_ok()).count()
}

fn subscribe_to_all(broker: &Broker, client: &Client) -> SubscriptionId {
    client.subscribe(broker, ">", Start::New, Overflow::DropOldest)
}

#[test]
fn a_cursor_is_made_when_a_topic_is_published_to() {
    let broker = broker(|_| {});
    publish_each(&broker, 100);
    let mut client = Client::attach(&broker, "c");
    let id = subscribe_to_all(&broker, &client);
    assert_eq!(cursors(&broker).taken, 0);
    let topic = broker.topic(&as_name("t.7")).expect("a topic");
    assert_eq!(topic.subscriptions, 1, "it is counted where it covers");
    publish_each(&broker, 3);
    assert_eq!(cursors(&broker).taken, 3);
    assert_eq!(client.read_positions(), [101, 102, 103]);
    client.unsubscribe(&broker, id);
    assert_eq!(cursors(&broker).taken, 0);
    publish_each(&broker, 3);
    assert_eq!(client.read_all(), []);
    let topic = broker.topic(&as_name("t.7")).expect("a topic");
    assert_eq!(topic.subscriptions, 0);
}

#[test]
fn cursors_of_many_topics_let_go_of_all_messages_when_the_subscription_ends() {
    let broker = broker(|limits| limits.history_entries = 1);
    let mut client = Client::attach(&broker, "c");
    let id = subscribe_to_all(&broker, &client);
    for _ in 0..300 {
        publish_each(&broker, 300);
    }
    assert_eq!(cursors(&broker).taken, 300);
    let lagging = broker.figures().held_bytes;
    client.unsubscribe(&broker, id);
    let held = broker.figures().held_bytes;
    assert!(held < lagging / 3, "{held} of {lagging}");
    assert_eq!(client.read_all(), []);
    assert_eq!(cursors(&broker).taken, 0);
}

#[test]
fn a_session_with_many_cursors_leaves_in_steps() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    subscribe_to_all(&broker, &client);
    publish_each(&broker, 1_000);
    let mut leaving = broker.begin_detach(client.reader.session());
    let mut outcome = Outcome::default();
    let mut steps = 0;
    while broker.continue_detach(&mut leaving, 0, &mut outcome) {
        steps += 1;
        publish(&broker, "t.1", 1);
    }
    assert!(steps >= 1_000 / 128, "{steps}");
    drop(client);
    assert_eq!(cursors(&broker).taken, 0);
}

#[test]
fn cursors_that_were_read_to_the_end_make_room_for_others() {
    let broker = broker(|limits| limits.cursors = 10);
    let mut client = Client::attach(&broker, "c");
    subscribe_to_all(&broker, &client);
    for number in 0..100 {
        publish(&broker, &format!("t.{}", number % 50), 1);
        let got = client.read_all();
        assert_eq!(got.len(), 1, "{number}");
        assert_eq!(got[0].missed, None);
    }
    assert!(cursors(&broker).taken <= 10);
    assert_eq!((broker.figures().dropped, cursors(&broker).refused), (0, 0));
}

#[test]
fn tidying_takes_back_cursors_that_were_read_to_the_end() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe_to_all(&broker, &client);
    client.subscribe(&broker, "t.1", Start::New, Overflow::DropOldest);
    publish_each(&broker, 20);
    broker.tidy(0);
    assert_eq!(cursors(&broker).taken, 20, "they have something to read");
    client.read_all();
    publish(&broker, "t.3", 1);
    broker.tidy(0);
    assert_eq!(cursors(&broker).taken, 1);
    publish_each(&broker, 20);
    assert_eq!(client.read_all().len(), 22);
    assert_eq!(broker.figures().dropped, 0);
}

#[test]
fn a_client_beyond_its_share_misses_messages_and_nobody_else_does() {
    let broker = broker(|limits| limits.cursors = 300);
    let mut greedy = Client::connect(&broker, "greedy");
    for _ in 0..50 {
        subscribe_to_all(&broker, &greedy);
    }
    let mut other = Client::connect(&broker, "other");
    subscribe_to_all(&broker, &other);
    // It reads nothing, so that its cursors stay.
    for round in 1..=20 {
        assert_eq!(publish_each(&broker, round), round);
        assert_eq!(other.read_all().len(), round);
    }
    let figures = cursors(&broker);
    // Half of them, and those of the other one.
    assert!((150..=180).contains(&figures.taken), "{figures:?}");
    assert!(figures.refused > 0);
    let lost = broker.figures().dropped;
    assert!(lost > 0);
    // With what it read, its cursors are free for other topics, and these report that messages are missing.
    let read = greedy.read_all();
    assert!(read.iter().all(|one| one.missed.is_none()));
    let all: usize = (1..=20).sum();
    assert_eq!(read.len() as u64 + lost, 50 * all as u64);
    broker.tidy(0);
    publish(&broker, "t.19", 1);
    let late = greedy.read_all();
    assert_eq!(late.len(), 50);
    assert!(late.iter().all(|one| one.missed == Some(Missed::Unknown)));
    publish(&broker, "t.19", 1);
    assert!(greedy.read_all().iter().all(|one| one.missed.is_none()));
}

#[test]
fn a_removed_topic_is_read_to_its_end() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    subscribe_to_all(&broker, &client);
    publish(&broker, "t", 3);
    assert!(broker.clear(&as_name("t")));
    assert_eq!(broker.figures().topics, 0);
    publish(&broker, "t", 1);
    assert_eq!(client.read_positions(), [1, 2, 3, 4]);
    client.detach(&broker);
    broker.clear(&as_name("t"));
    drop(client);
    assert_eq!(
        (cursors(&broker).taken, broker.figures().held_bytes),
        (0, 0)
    );
}

#[test]
fn unread_messages_of_removed_topics_are_dropped_when_memory_is_needed() {
    for overflow in [Overflow::DropOldest, Overflow::Block, Overflow::Disconnect] {
        let broker = broker(|limits| limits.memory_bytes = 200_000);
        let mut stuck = Client::attach(&broker, "stuck");
        stuck.subscribe(&broker, ">", Start::New, overflow);
        for _ in 0..2_000 {
            try_publish(&broker, "t", 1_000).expect("there is room");
            broker.clear(&as_name("t"));
        }
        let figures = broker.figures();
        let read = stuck.read_all();
        let is_ended = overflow == Overflow::Disconnect;
        assert_eq!(stuck.reader.session().is_ended(), is_ended);
        if !is_ended {
            assert_eq!(read.len() as u64 + figures.dropped, 2_000);
            assert_eq!(read[0].missed, Some(Missed::Unknown));
            assert!(read[1..].iter().all(|one| one.missed.is_none()));
        }
    }
}

#[test]
fn a_session_reads_nothing_before_the_beginning_of_a_subscription_is_complete() {
    const TOPICS: usize = 1_000;
    let broker = broker(|_| {});
    publish_each(&broker, TOPICS);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "live", Start::New, Overflow::DropOldest);
    let id = client.subscribe(&broker, "t.*", Start::Last, Overflow::DropOldest);
    let mut calls = 0;
    let (got, is_done) = loop {
        // One topic that was not looked at yet, and one that is not covered.
        publish_all(&broker, &["t.999", "live"]);
        let (got, is_done) = client.read(usize::MAX);
        calls += 1;
        if is_done || !got.is_empty() {
            break (got, is_done);
        }
    };
    assert!(is_done);
    assert!(calls > 3, "{calls}");
    let positions: Vec<_> = got.iter().map(|one| one.position).collect();
    let all = 1..=(TOPICS + 2 * calls) as u64;
    assert_eq!(positions, all.collect::<Vec<_>>());
    assert_eq!(cursors(&broker).taken, TOPICS as u64);
    client.unsubscribe(&broker, id);
    assert_eq!(cursors(&broker).taken, 0);
}

#[test]
fn a_subscription_can_end_before_its_beginning_is_complete() {
    let broker = broker(|_| {});
    publish_each(&broker, 1_000);
    let mut client = Client::attach(&broker, "c");
    client.subscribe(&broker, "live", Start::New, Overflow::DropOldest);
    for read in [false, true] {
        let id = client.subscribe(&broker, ">", Start::Lost, Overflow::DropOldest);
        if read {
            assert!(!client.read(usize::MAX).1);
        }
        client.unsubscribe(&broker, id);
        publish_all(&broker, &["live", "t.1"]);
        assert_eq!(client.read_all().len(), 1);
        assert_eq!(cursors(&broker).taken, 0);
    }
}

#[test]
fn retained_messages_are_found_among_many_topics_without_a_walk() {
    let broker = broker(|_| {});
    publish_each(&broker, 3_000);
    for topic in ["t.17", "t.2500", "u"] {
        retain(&broker, topic, "x");
    }
    let mut client = Client::attach(&broker, "c");
    let filter = as_filter("t.*");
    let asked = |tag| Subscribe {
        retained: Retained::First,
        tag,
        ..Subscribe::to(&filter)
    };
    let (id, ready) = subscribe(&broker, &client, asked(&[1]));
    assert_eq!(ready, 1);
    publish_all(&broker, &["t.17"]);
    let marked = |got: Vec<crate::harness::Got>| -> Vec<_> {
        let marked = got
            .iter()
            .map(|one| (one.tag, one.position, one.is_retained));
        marked.collect()
    };
    // All at once: there are only two to look at.
    assert_eq!(
        marked(client.read_all()),
        [(1, 3_001, true), (1, 3_002, true), (1, 3_004, false)]
    );
    let session = client.reader.session();
    let again = broker.resubscribe(session, id, asked(&[2]), &mut Outcome::default());
    publish_all(&broker, &["t.18"]);
    assert_eq!(
        marked(client.read_all()),
        [(2, 3_001, true), (2, 3_002, true), (2, 3_005, false)]
    );
    client.unsubscribe(&broker, again.expect("there is one"));
    publish_all(&broker, &["t.18"]);
    assert_eq!(client.read_all(), []);
}

#[test]
fn a_publisher_waits_no_longer_when_a_blocking_subscription_is_replaced() {
    let broker = broker(|limits| limits.lag_entries = 2);
    let client = Client::attach(&broker, "c");
    let id = client.subscribe(&broker, ">", Start::New, Overflow::Block);
    let mut blocked = publish(&broker, "t", 4);
    let bell = std::sync::Arc::new(Bell::default());
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Pending
    );
    let filter = as_filter(">");
    let session = client.reader.session();
    let asked = Subscribe::to(&filter);
    let replaced = broker.resubscribe(session, id, asked, &mut Outcome::default());
    assert!(replaced.is_ok() && bell.rings() > 0);
    assert_eq!(
        broker.poll_unblocked(&mut blocked, &bell.waker()),
        Poll::Ready(())
    );
    assert!(publish(&broker, "t", 9).is_empty());
}

#[test]
fn queues_with_wildcards_get_what_is_published_while_they_are_bound() {
    let broker = broker(|_| {});
    publish_events(&broker, "t.a", &["0"]);
    let mut client = Client::attach(&broker, "c");
    let first = client.consume(&broker, topics("t.*", Start::New));
    publish_events(&broker, "t.a", &["1"]);
    client.consume(&broker, topics("t.>", Start::Last));
    publish_events(&broker, "t.b", &["2"]);
    assert_eq!(bodies(&client.take()), ["1", "1", "2", "2"]);
    let topic = broker.topic(&as_name("t.a")).expect("a topic");
    assert_eq!(topic.subscriptions, 2);
    client.unsubscribe(&broker, first);
    publish_events(&broker, "t.a", &["3"]);
    assert_eq!(bodies(&client.take()), ["3"]);
}

#[test]
fn a_queue_begins_with_each_message_once_while_others_publish() {
    const TOPICS: usize = 300;
    const MESSAGES: usize = 3_000;
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..MESSAGES {
                publish_events(&broker, &format!("t.{}", number % TOPICS), &["x"]);
            }
        });
        while broker.figures().published < 1_000 {
            std::thread::yield_now();
        }
        let consume = Consume {
            acknowledgement: Acknowledgement::Auto,
            prefetch: MESSAGES,
            ..topics("t.*", Start::AfterPosition(0))
        };
        client.consume(&broker, consume);
    });
    let positions: Vec<_> = client.take().iter().map(|one| one.position).collect();
    assert_eq!(positions, (1..=MESSAGES as u64).collect::<Vec<_>>());
}

#[test]
fn a_publisher_waits_little_for_those_who_subscribe_to_everything() {
    const TOPICS: usize = 50_000;
    let broker = broker(|_| {});
    for first in (0..TOPICS).step_by(1_000) {
        let names: Vec<_> = (first..first + 1_000).map(|at| format!("t.{at}")).collect();
        publish_all(
            &broker,
            &names.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    let median = median_beside(&broker, 3, |broker| {
        for start in [Start::New, Start::Last] {
            let mut client = Client::attach(broker, "c");
            let id = client.subscribe(broker, ">", start, Overflow::DropOldest);
            client.read(10);
            client.unsubscribe(broker, id);
            client.detach(broker);
        }
    });
    // A walk over all topics takes more than this, and each of the three would do two.
    assert!(median < Duration::from_millis(8), "{median:?}");
}
