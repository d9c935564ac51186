//! Lists of topics, queues and sessions: complete, in order, and in parts that do not delay other
//! threads.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use broker::{Broker, Overflow, Start, TopicFigures};

use crate::{
    harness::{Client, as_filter, as_name, broker, publish, publish_all, try_publish},
    queue_harness::{queue, send},
};

fn names(topics: &[TopicFigures]) -> Vec<&str> {
    topics.iter().map(|one| one.name.as_str()).collect()
}

#[test]
fn pages_of_any_length_together_are_the_whole_list() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let all: Vec<_> = (0..300).map(|at| format!("t.{at:03}")).collect();
    for (at, name) in all.iter().enumerate() {
        match at % 3 {
            0 => client.subscribe(&broker, name, Start::New, Overflow::DropOldest),
            _ => {
                publish(&broker, name, 1);
                continue;
            }
        };
    }
    publish_all(&broker, &["other", "t", "ta"]);
    let filter = as_filter("t.*");
    for most in [1, 7, 128, 129, 299, 300, 301] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = broker.topic_page(&filter, after.as_ref(), most);
            assert!(page.items.len() <= most);
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(names(&found), all, "{most}");
    }
    assert_eq!(names(&broker.topics(&filter, 5)), all[..5]);
    assert_eq!(broker.topic_page(&filter, None, 0).items, []);
}

#[test]
fn a_page_examines_a_bounded_number_of_names_and_has_the_next() {
    let broker = broker(|_| {});
    for at in 0..15_000 {
        publish(&broker, &format!("t{at:05}.a"), 1);
    }
    publish(&broker, "u.b", 1);
    let filter = as_filter("*.b");
    let page = broker.topic_page(&filter, None, 10);
    assert_eq!(page.items, []);
    assert_eq!(page.next, Some(as_name("t09999.a")));
    let page = broker.topic_page(&filter, page.next.as_ref(), 10);
    assert_eq!((names(&page.items), page.next), (vec!["u.b"], None));
    assert_eq!(broker.topics(&filter, 10).len(), 1);
}

#[test]
fn the_slowest_of_many_subscriptions_is_found() {
    let broker = broker(|_| {});
    let mut clients: Vec<_> = (0..3_000)
        .map(|_| {
            let client = Client::attach(&broker, "c");
            client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
            client
        })
        .collect();
    publish(&broker, "t", 3);
    for (at, client) in clients.iter_mut().enumerate() {
        client.read(if at == 2_500 { 1 } else { 3 });
    }
    let topic = broker.topic(&as_name("t")).expect("a topic");
    assert_eq!((topic.subscriptions, topic.greatest_lag), (3_000, 2));
    assert_eq!(broker.topics(&as_filter(">"), 9), [topic]);
}

#[test]
fn queues_are_listed_however_many_there_are() {
    let broker = broker(|_| {});
    let clients: Vec<_> = (0..500)
        .map(|at| Client::attach(&broker, &format!("c{:03}", (at * 7) % 500)))
        .collect();
    for at in 0..500 {
        send(&broker, &format!("q.{at:03}"), &["x"]);
    }
    clients[0].consume(&broker, queue("q.001"));
    let figures = broker.session_figures(clients[0].reader.session());
    let figures = figures.expect("an open session");
    assert_eq!((figures.name.as_str(), figures.subscriptions), ("c000", 1));
    for (filter, most, expected, more) in [
        (">", 2, 2, 498),
        (">", 1_000, 500, 0),
        ("q.*", 130, 130, 370),
        ("q.007", 5, 1, 0),
        ("other.>", 5, 0, 0),
    ] {
        let (found, omitted) = broker.queues(&as_filter(filter), most);
        assert_eq!((found.len(), omitted), (expected, more), "{filter}");
        assert!(found.is_sorted_by(|one, other| one.name < other.name));
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let page = broker.queue_page(&as_filter(filter), after.as_ref(), most);
            assert!(page.items.len() <= most);
            pages.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, broker.queues(&as_filter(filter), 1_000).0);
    }
}

#[test]
fn an_unused_queue_makes_room_at_any_place() {
    let broker = broker(|limits| limits.queues = 3_000);
    for at in 0..3_000 {
        send(&broker, &format!("q.{at:04}"), &["x"]);
    }
    assert_eq!(broker.purge(&as_name("q.2500")), Some(1));
    // Each attempt looks at some of them.
    let attempts = (0..3).position(|_| {
        let sent = crate::queue_harness::message("new", "x", &[]);
        crate::queue_harness::publish_one(&broker, sent).is_ok()
    });
    assert!(attempts.is_some());
    assert!(broker.queue(&as_name("q.2500")).is_none());
    assert!(broker.queue(&as_name("new")).is_some());
}

/// The median of what publishing takes while others do this again and again.
pub fn median_beside(broker: &Broker, others: usize, what: impl Fn(&Broker) + Sync) -> Duration {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..others {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    what(broker);
                }
            });
        }
        let mut took: Vec<_> = (0..201)
            .map(|_| {
                let begun = Instant::now();
                try_publish(broker, "bystander", 0).expect("within the limits");
                begun.elapsed()
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        took.sort_unstable();
        took[100]
    })
}

#[test]
fn listings_delay_publishers_only_briefly() {
    let broker = broker(|_| {});
    for at in 0..50_000 {
        publish(&broker, &format!("t.{at}"), 1);
    }
    let all = as_filter(">");
    let none = as_filter("*.none");
    let median = median_beside(&broker, 3, |broker| {
        let listed = (broker.topics(&all, 1_000), broker.topics(&none, 1));
        std::hint::black_box((listed, broker.queues(&all, 1_000)));
    });
    // A walk over all of them takes more than this, and each of the three would do one.
    assert!(median < Duration::from_millis(8), "{median:?}");
}
