//! Browsing a queue without consuming messages.

use broker::{Consume, DestinationKind};

use crate::{
    harness::{Client, as_name, broker},
    queue_harness::{Taken, bodies, browser, counts, message, publish_one, queue, selector, send},
};

/// Returns the messages that a browser received, without the end marker.
fn shown(taken: &[Taken]) -> Vec<String> {
    let (end, messages) = taken.split_last().expect("at least the end");
    assert_eq!((end.body.as_str(), end.id), ("", None));
    let has_no_position = |one: &Taken| one.position == 0;
    assert!(has_no_position(end));
    assert!(!messages.iter().any(has_no_position));
    assert!(taken.iter().all(|one| one.queue.as_deref() == Some("q")));
    bodies(messages)
}

#[test]
fn browsing_shows_all_messages_and_keeps_them() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2", "3", "4"]);
    let mut holder = Client::attach(&broker, "holder");
    holder.consume(
        &broker,
        Consume {
            prefetch: 2,
            ..queue("q")
        },
    );
    let held = holder.take_at(0, 1);
    holder.stage(&broker, &held[0], broker::Verdict::Accept);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, browser("q"));
    let taken = client.take();
    // First the waiting messages; then those that are staged in a transaction or not read yet.
    assert_eq!(shown(&taken), ["4", "1", "2", "3"]);
    assert!(taken.iter().all(|one| one.id.is_none() && one.count == 1));
    assert_eq!(counts(&broker, "q"), (1, 3));
    send(&broker, "q", &["5"]);
    assert_eq!(client.take(), [], "nothing follows the end");
    client.unsubscribe(&broker, id);
    let mut again = Client::attach(&broker, "again");
    again.consume(&broker, browser("q"));
    assert_eq!(shown(&again.take()), ["4", "5", "1", "2", "3"]);
}

#[test]
fn browsing_an_empty_queue_returns_the_end_marker() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, browser("q"));
    assert_eq!(shown(&client.take()), [""; 0]);
}

#[test]
fn a_long_queue_is_browsed_in_order_in_any_number_of_reads() {
    let broker = broker(|_| {});
    let texts: Vec<_> = (0..2_500).map(|number| number.to_string()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    send(&broker, "q", &texts);
    for most in [1, 7, 1_000, usize::MAX] {
        let mut client = Client::attach(&broker, "c");
        client.consume(
            &broker,
            Consume {
                prefetch: 1,
                ..browser("q")
            },
        );
        let mut taken = Vec::new();
        loop {
            let more = client.take_at(0, most);
            if more.is_empty() {
                break;
            }
            taken.extend(more);
        }
        assert_eq!(shown(&taken), texts);
        client.detach(&broker);
    }
    assert_eq!(counts(&broker, "q"), (2_500, 0));
}

#[test]
fn browsing_shows_only_selected_messages_and_the_end_marker() {
    let broker = broker(|_| {});
    for number in 0..3_000 {
        let header = format!("number:{number}");
        publish_one(&broker, message("q", &number.to_string(), &[&header])).expect("there is room");
    }
    let mut client = Client::attach(&broker, "c");
    client.consume(
        &broker,
        Consume {
            selector: selector("number = 2999"),
            ..browser("q")
        },
    );
    assert_eq!(shown(&client.take()), ["2999"]);
    client.consume(
        &broker,
        Consume {
            selector: selector("number < 0"),
            ..browser("q")
        },
    );
    assert_eq!(shown(&client.take()), [""; 0]);
}

#[test]
fn browsing_does_not_show_expired_messages() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1"]);
    publish_one(&broker, message("q", "2", &[]).expiring(10)).expect("there is room");
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, browser("q"));
    assert_eq!(shown(&client.take_at(10, usize::MAX)), ["1"]);
}

#[test]
fn browsing_can_be_stopped_before_the_end() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2"]);
    let mut client = Client::attach(&broker, "c");
    let id = client.consume(&broker, browser("q"));
    assert_eq!(client.take_at(0, 1).len(), 1);
    client.unsubscribe(&broker, id);
    assert_eq!(client.take(), []);
    let figures = broker.figures();
    assert_eq!(figures.subscriptions, 0);
}

#[test]
fn administrators_browse_a_page_after_a_position() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2", "3", "4", "5"]);
    let mut holder = Client::attach(&broker, "holder");
    holder.consume(
        &broker,
        Consume {
            prefetch: 2,
            ..queue("q")
        },
    );
    holder.take();
    let browse = |after, most| -> Vec<_> {
        let found = broker.browse(&as_name("q"), after, most).expect("a queue");
        let entries = found.entries.iter();
        entries.map(|entry| entry.position()).collect()
    };
    assert_eq!(browse(0, 9), [1, 2, 3, 4, 5]);
    assert_eq!(browse(0, 3), [1, 2, 3]);
    assert_eq!(browse(1, 2), [2, 3]);
    assert_eq!(browse(4, 9), [5]);
    assert_eq!(browse(5, 9), [0; 0]);
    assert_eq!(browse(0, 0), [0; 0]);
    assert_eq!(browse(u64::MAX, 9), [0; 0]);
    assert!(broker.browse(&as_name("other"), 0, 9).is_none());
}

#[test]
fn a_browsed_queue_does_not_make_room_for_others() {
    let broker = broker(|limits| limits.queues = 1);
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, browser("q"));
    assert!(publish_one(&broker, message("other", "", &[])).is_err());
    client.unsubscribe(&broker, id);
    client.detach(&broker);
    drop(client);
    publish_one(&broker, message("other", "", &[])).expect("an unused queue makes room");
    assert_eq!(broker.figures().queues, 1);
    assert!(
        broker
            .create_temporary(
                Client::attach(&broker, "t").reader.session(),
                DestinationKind::Queue,
                &as_name("$TEMP.t.x"),
            )
            .is_err()
    );
}
