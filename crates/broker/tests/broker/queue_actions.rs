//! Actions of an operator: move, copy, retry and delete messages, and pause the delivery from a queue.

use std::sync::Arc;

use broker::{
    ActionError, Broker, Consume, DestinationKind, JournalError, Limits, MessageAction,
    PublishError, Start, Verdict, WaitingPart,
};

use crate::{
    action_harness::{Operator, copy_to, move_to},
    harness::{Client, as_name, broker},
    journal_harness::MemoryJournal,
    queue_harness::{
        Taken, bodies, counts, event, figures, message, publish_events, publish_one, queue, send,
        topics,
    },
};

/// Returns the messages that a new consumer of a queue gets.
fn content(broker: &Broker, name: &str) -> Vec<Taken> {
    let mut client = Client::attach(broker, "collector");
    client.consume(broker, queue(name));
    client.take()
}

fn to_topic(name: &str) -> MessageAction {
    MessageAction::Move(DestinationKind::Topic, as_name(name))
}

/// Consumes from a queue and holds `count` messages.
fn holder(broker: &Broker, name: &str, count: usize) -> (Client, Vec<Taken>) {
    let mut client = Client::attach(broker, "holder");
    let consume = Consume {
        prefetch: count,
        ..queue(name)
    };
    client.consume(broker, consume);
    let taken = client.take();
    assert_eq!(taken.len(), count);
    (client, taken)
}

#[test]
fn moved_messages_keep_their_content_and_order() {
    let broker = broker(|_| {});
    for body in ["1", "2"] {
        let headers = ["colour:red", "priority:7", "persistent:true"];
        let publication = message("from", body, &headers).expiring(90);
        publish_one(&broker, publication).expect("there is room");
    }
    send(&broker, "to", &["0"]);
    let work = Operator::of(&broker).act("from", None, &move_to("to"));
    assert_eq!(work.error, None);
    assert_eq!(work.moved.len(), 2);
    assert_eq!(
        (counts(&broker, "from"), counts(&broker, "to")),
        ((0, 0), (3, 0))
    );
    assert_eq!(figures(&broker, "from").moved, 2);
    let taken = content(&broker, "to");
    assert_eq!(bodies(&taken), ["0", "1", "2"]);
    assert_eq!(taken[1].header("colour"), Some("red"));
    assert_eq!(taken[1].header("priority"), Some("7"));
    assert_eq!((taken[1].count, taken[1].position), (1, work.moved[0].to));
    let mut late = Client::attach(&broker, "late");
    late.consume(&broker, queue("to"));
    assert_eq!(late.take_at(90, 9), [], "they still expire");
}

#[test]
fn messages_that_consumers_hold_are_left_alone() {
    let broker = broker(|_| {});
    send(&broker, "from", &["1", "2", "3"]);
    let (client, taken) = holder(&broker, "from", 1);
    let work = Operator::of(&broker).act("from", None, &move_to("to"));
    assert_eq!(work.moved.len(), 2);
    assert_eq!(
        (counts(&broker, "from"), counts(&broker, "to")),
        ((0, 1), (2, 0))
    );
    client.accept(&broker, &taken[0]);
    assert_eq!(counts(&broker, "from"), (0, 0));
}

#[test]
fn only_the_messages_at_the_given_positions_are_moved() {
    let broker = broker(|_| {});
    send(&broker, "from", &["1", "2", "3", "4"]);
    let only = Some(vec![4, 2, 2, 99]);
    let work = Operator::of(&broker).act("from", only, &move_to("to"));
    assert_eq!(work.moved.len(), 2);
    assert_eq!(bodies(&content(&broker, "to")), ["2", "4"]);
    assert_eq!(bodies(&content(&broker, "from")), ["1", "3"]);
}

#[test]
fn a_walk_after_the_greatest_position_finds_nothing() {
    let broker = broker(|_| {});
    send(&broker, "from", &["1"]);
    let name = as_name("from");
    let walk = || broker.walk_waiting(&name, u64::MAX, None);
    let mut for_content = walk().expect("the queue");
    let found = broker.next_waiting(&mut for_content);
    assert!(matches!(found, WaitingPart::End), "{found:?}");
    let mut for_positions = walk().expect("the queue");
    assert_eq!(broker.next_positions(&mut for_positions, 9), [0_u64; 0]);
}

#[test]
fn messages_that_arrive_during_a_walk_are_left_alone() {
    let broker = broker(|_| {});
    // The topic feeds the queue that its messages come from.
    let name = "Consumer.a.VirtualTopic.t";
    publish_one(&broker, message(name, "1", &[])).expect("there is room");
    let work = Operator::of(&broker).act(name, None, &to_topic("VirtualTopic.t"));
    assert_eq!(work.moved.len(), 1);
    assert_eq!(counts(&broker, name), (1, 0));
}

#[test]
fn a_consumer_of_the_destination_gets_moved_messages_at_once() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("to"));
    client.consume(&broker, topics("news", Start::New));
    send(&broker, "from", &["1", "2"]);
    Operator::of(&broker).act("from", Some(vec![1]), &move_to("to"));
    Operator::of(&broker).act("from", None, &to_topic("news"));
    assert_eq!(client.take_bodies(), ["1", "2"]);
}

#[test]
fn a_copied_message_is_in_both_queues() {
    let broker = broker(|_| {});
    send(&broker, "from", &["1"]);
    let work = Operator::of(&broker).act("from", None, &copy_to("to"));
    assert_ne!(work.moved[0].to, work.moved[0].entry.position());
    assert_eq!(bodies(&content(&broker, "to")), ["1"]);
    assert_eq!(bodies(&content(&broker, "from")), ["1"]);
    assert_eq!(figures(&broker, "from").moved, 0);
}

#[test]
fn what_the_destination_refuses_stays_in_its_place() {
    let broker = broker(|limits| limits.queue_entries = 3);
    send(&broker, "from", &["1", "2", "3"]);
    send(&broker, "to", &["0", "0"]);
    let (client, taken) = holder(&broker, "from", 1);
    client.settle(&broker, &taken[0], Verdict::Return);
    let work = Operator::of(&broker).act("from", None, &move_to("to"));
    assert_eq!(work.moved.len(), 1);
    let full =
        |error: &ActionError| matches!(error, ActionError::Publish(PublishError::QueueFull { .. }));
    assert!(work.error.as_ref().is_some_and(full), "{:?}", work.error);
    assert_eq!(counts(&broker, "to"), (3, 0));
    let figures = figures(&broker, "from");
    assert_eq!(figures.waiting + figures.unacknowledged, 2);
    drop(client);
}

#[test]
fn a_refused_message_goes_to_a_consumer_in_its_old_order() {
    let broker = broker(|limits| limits.queue_entries = 2);
    send(&broker, "full", &["0", "0"]);
    send(&broker, "from", &["1", "2"]);
    let work = Operator::of(&broker).act("from", None, &move_to("full"));
    assert!(work.error.is_some() && work.moved.is_empty());
    assert_eq!(bodies(&content(&broker, "from")), ["1", "2"]);
}

#[test]
fn destinations_of_the_broker_and_of_connections_are_refused() {
    let broker = broker(|_| {});
    send(&broker, "from", &["1"]);
    for name in ["$SYS.x", "$TEMP.c.x"] {
        let work = Operator::of(&broker).act("from", None, &move_to(name));
        assert!(work.error.is_some(), "{name}");
    }
    assert_eq!(bodies(&content(&broker, "from")), ["1"]);
}

#[test]
fn a_retried_dead_letter_is_a_new_message_at_its_origin() {
    let broker = broker(|limits| limits.redelivery.maximum_redeliveries = 0);
    let headers = ["colour:red", "persistent:true"];
    publish_one(&broker, message("q", "1", &headers)).expect("there is room");
    let (client, taken) = holder(&broker, "q", 1);
    client.settle(&broker, &taken[0], Verdict::Return);
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (1, 0));
    client.detach(&broker);
    let work = Operator::of(&broker).act("ActiveMQ.DLQ", None, &MessageAction::Retry);
    assert_eq!((work.moved.len(), work.error), (1, None));
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (0, 0));
    let taken = content(&broker, "q");
    assert_eq!((taken[0].count, &*taken[0].body), (1, "1"));
    let expected = [("colour", "red"), ("persistent", "true")];
    assert_eq!(
        taken[0].headers,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn a_dead_letter_of_a_topic_goes_to_the_topic() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, topics("news.*", Start::New));
    publish_events(&broker, "news.eu", &["1"]);
    let taken = client.take();
    client.settle(&broker, &taken[0], Verdict::Reject);
    Operator::of(&broker).act("ActiveMQ.DLQ", None, &MessageAction::Retry);
    let again = client.take();
    assert_eq!((&*again[0].topic, &*again[0].body), ("news.eu", "1"));
}

#[test]
fn a_dead_letter_that_was_moved_can_be_retried() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    publish_one(
        &broker,
        message("q", "1", &["original-destination:/queue/forged"]),
    )
    .expect("there is room");
    let taken = client.take();
    client.settle(&broker, &taken[0], Verdict::Reject);
    let operator = Operator::of(&broker);
    let parked = operator.act("ActiveMQ.DLQ", None, &move_to("parked"));
    assert_eq!(parked.error, None);
    let back = operator.act("parked", None, &MessageAction::Retry);
    assert_eq!((back.moved.len(), back.error), (1, None));
    let again = client.take();
    assert_eq!(
        (&*again[0].topic, again[0].header("original-destination")),
        ("q", None)
    );
}

#[test]
fn only_a_dead_letter_of_the_broker_can_be_retried() {
    let broker = broker(|_| {});
    for origin in [
        "",
        "original-destination:/queue/forged",
        "original-destination:/queue/a..b",
    ] {
        let headers: &[&str] = if origin.is_empty() { &[] } else { &[origin] };
        publish_one(&broker, message("ActiveMQ.DLQ", "1", headers)).expect("there is room");
    }
    for position in 1..=3 {
        let only = Some(vec![position]);
        let work = Operator::of(&broker).act("ActiveMQ.DLQ", only, &MessageAction::Retry);
        assert_eq!(work.error, Some(ActionError::NoOrigin));
    }
    assert_eq!(counts(&broker, "ActiveMQ.DLQ"), (3, 0));
}

#[test]
fn deleted_messages_count_as_discarded() {
    let broker = broker(|_| {});
    send(&broker, "q", &["1", "2", "3", "4", "5", "6"]);
    let operator = Operator::of(&broker);
    assert_eq!(operator.delete("q", Some(vec![2, 5])), 2);
    let (client, taken) = holder(&broker, "q", 1);
    assert_eq!(operator.delete("q", None), 3);
    assert_eq!(counts(&broker, "q"), (0, 1));
    assert_eq!(figures(&broker, "q").discarded, 5);
    client.accept(&broker, &taken[0]);
    assert_eq!(operator.delete("nothing", None), 0);
    assert_eq!(broker.figures().held_bytes, 0);
}

#[test]
fn a_paused_queue_keeps_new_messages_until_it_is_resumed() {
    let broker = broker(|_| {});
    let operator = Operator::of(&broker);
    assert!(!operator.set_paused("q", true), "there is no such queue");
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("q"));
    send(&broker, "q", &["1"]);
    let first = client.take();
    assert!(operator.set_paused("q", true));
    assert!(figures(&broker, "q").is_paused);
    send(&broker, "q", &["2", "3"]);
    assert_eq!(client.take(), []);
    // A message that was delivered before can be acknowledged, or returned.
    client.settle(&broker, &first[0], Verdict::Return);
    assert_eq!(client.take(), []);
    assert_eq!(counts(&broker, "q"), (3, 0));
    // A new consumer gets nothing either, and others see the messages.
    let mut other = Client::attach(&broker, "o");
    let id = other.consume(&broker, queue("*"));
    assert_eq!(other.take(), []);
    other.unsubscribe(&broker, id);
    let browsed = broker.browse(&as_name("q"), 0, 9).expect("the queue");
    assert_eq!(browsed.entries.len(), 3);
    assert!(operator.set_paused("q", false));
    let taken = client.take();
    assert_eq!(bodies(&taken), ["1", "2", "3"]);
    assert_eq!(taken[0].count, 2);
    send(&broker, "q", &["4"]);
    assert_eq!(client.take_bodies(), ["4"]);
}

#[test]
fn a_paused_queue_is_not_removed_to_make_room() {
    let broker = broker(|limits| limits.queues = 1);
    send(&broker, "q", &["1"]);
    let operator = Operator::of(&broker);
    operator.set_paused("q", true);
    operator.delete("q", None);
    assert!(publish_one(&broker, message("other", "", &[])).is_err());
    operator.set_paused("q", false);
    publish_one(&broker, message("other", "", &[])).expect("an unused queue makes room");
}

#[test]
fn a_paused_queue_of_a_virtual_topic_drops_the_oldest_at_its_bound() {
    let broker = broker(|limits| limits.queue_entries = 2);
    let name = "Consumer.a.VirtualTopic.t";
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue(name));
    Operator::of(&broker).set_paused(name, true);
    publish_events(&broker, "VirtualTopic.t", &["1", "2", "3"]);
    assert_eq!(client.take(), []);
    Operator::of(&broker).set_paused(name, false);
    let taken = client.take();
    assert_eq!(bodies(&taken), ["2", "3"]);
    assert!(taken[0].missed.is_some());
}

#[test]
fn the_consumers_of_a_queue_are_listed_with_what_they_hold() {
    let broker = broker(|_| {});
    let mut first = Client::attach(&broker, "first");
    let id = first.consume(
        &broker,
        Consume {
            prefetch: 2,
            ..queue("q")
        },
    );
    let second = Client::attach(&broker, "second");
    second.consume(&broker, queue("*"));
    send(&broker, "q", &["1", "2", "3"]);
    send(&broker, "other", &["4"]);
    first.take_at(1_000, 1);
    first.take_at(5_000, 9);
    let list = |after, most| broker.queue_consumers(&as_name("q"), after, most);
    let all = list(0, 9).expect("the queue");
    let short: Vec<_> = all
        .iter()
        .map(|one| {
            (
                &**one.session.name(),
                one.prefetch,
                one.held,
                one.oldest_held_ms,
            )
        })
        .collect();
    assert_eq!(
        short,
        [("first", 2, 2, Some(1_000)), ("second", 1_000, 1, None),]
    );
    assert_eq!(all[0].id, id);
    assert_eq!(list(id.number(), 9).expect("the queue").len(), 1);
    assert_eq!(list(0, 1).expect("the queue").len(), 1);
    assert!(broker.queue_consumers(&as_name("none"), 0, 9).is_none());
}

/// A broker that keeps hardly any waiting message in memory, with 300 messages of queue `q`, and its journal.
fn paged() -> (Arc<MemoryJournal>, Broker) {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits {
        page_out_bytes: Some(1),
        ..Limits::default()
    });
    for number in 1..=300 {
        let publication = message("q", &number.to_string(), &[]).persistent();
        journal.complete(&broker);
        publish_one(&broker, publication).expect("there is room");
    }
    journal.complete(&broker);
    publish_one(&broker, message("other", "", &[])).expect("there is room");
    assert_eq!(figures(&broker, "q").paged, 300);
    (journal, broker)
}

#[test]
fn messages_on_disk_are_moved_and_deleted() {
    let (journal, broker) = paged();
    let operator = Operator {
        journal: Some(&journal),
        ..Operator::of(&broker)
    };
    assert_eq!(operator.delete("q", Some((1..=100).collect())), 100);
    assert_eq!(journal.open_requests(), 0, "deleting reads nothing");
    let work = operator.act("q", None, &move_to("to"));
    assert_eq!((work.moved.len(), work.error), (200, None));
    assert_eq!(counts(&broker, "q"), (0, 0));
    assert_eq!(figures(&broker, "q").bytes, 0);
    let found = journal.browse(&broker, "to", 0).expect("the queue");
    let numbers: Vec<_> = found
        .iter()
        .map(|entry| String::from_utf8_lossy(entry.body()).into_owned())
        .collect();
    let expected: Vec<_> = (101..=300).map(|number: u64| number.to_string()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(journal.recorded().waiting(), 200);
}

#[test]
fn a_message_on_disk_that_is_refused_stays() {
    let (journal, broker) = paged();
    let operator = Operator {
        journal: Some(&journal),
        ..Operator::of(&broker)
    };
    journal.recorded().refuses = Some(JournalError::DiskFull {
        free: 1,
        required: 2,
    });
    let work = operator.act("q", None, &move_to("to"));
    assert!(matches!(
        work.error,
        Some(ActionError::Publish(PublishError::Journal(_)))
    ));
    assert_eq!(counts(&broker, "q"), (300, 0));
    assert!(
        broker
            .queue(&as_name("to"))
            .is_none_or(|to| to.waiting == 0)
    );
    journal.recorded().refuses = None;
    let work = operator.act("q", None, &move_to("to"));
    assert_eq!(work.moved.len(), 300);
}

#[test]
fn a_move_is_one_transaction_of_the_journal() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    for name in ["to", "from"] {
        publish_one(&broker, message(name, "1", &[]).persistent()).expect("there is room");
    }
    let first = journal.recorded().changes.len();
    Operator::of(&broker).act("from", None, &move_to("to"));
    let changes = journal.recorded().changes[first..].join(", ");
    assert_eq!(changes, "begin, append 1 to 1, settle [2], end");
}

#[test]
fn a_message_is_in_exactly_one_queue_after_a_crash_at_any_point_of_a_move() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    publish_one(&broker, message("from", "1", &[]).persistent()).expect("there is room");
    let before = journal.calls();
    Operator::of(&broker).act("from", None, &move_to("to"));
    for calls in before..=journal.calls() {
        let part = journal.prefix(calls);
        let next = part.newest_position() + 1;
        let broker = part.restart_after_crash(Limits::default(), next);
        let waiting = |name| {
            broker
                .queue(&as_name(name))
                .map_or(0, |queue| queue.waiting)
        };
        assert_eq!(waiting("from") + waiting("to"), 1, "after {calls} calls");
    }
}

#[test]
fn a_pause_survives_a_crash_and_a_clean_stop() {
    let journal = Arc::<MemoryJournal>::default();
    let broker = journal.broker(Limits::default());
    for name in ["a", "b"] {
        publish_one(&broker, message(name, "1", &[]).persistent()).expect("there is room");
        Operator::of(&broker).set_paused(name, true);
        Operator::of(&broker).set_paused(name, true);
    }
    Operator::of(&broker).set_paused("b", false);
    let pauses = journal.recorded().changes.clone();
    let pauses: Vec<_> = pauses
        .iter()
        .filter(|one| one.starts_with("pause") || one.starts_with("resume"))
        .collect();
    assert_eq!(pauses, ["pause a", "pause b", "resume b"]);
    let broker = journal.restart_after_crash(Limits::default(), 3);
    let is_paused = |broker: &Broker| ["a", "b"].map(|name| figures(broker, name).is_paused);
    assert_eq!(is_paused(&broker), [true, false]);
    let mut client = Client::attach(&broker, "c");
    client.consume(&broker, queue("a"));
    assert_eq!(client.take(), []);
    client.detach(&broker);
    let broker = journal.restart_cleanly(broker);
    assert_eq!(is_paused(&broker), [true, false]);
    Operator::of(&broker).set_paused("a", false);
    assert_eq!(bodies(&content(&broker, "a")), ["1"]);
}

#[test]
fn a_message_of_a_topic_leaves_the_history_of_its_queue() {
    let broker = broker(|_| {});
    let name = "Consumer.a.VirtualTopic.t";
    let client = Client::attach(&broker, "c");
    let id = client.consume(&broker, queue(name));
    client.unsubscribe(&broker, id);
    publish_one(&broker, event("VirtualTopic.t", "1", &[]).retained()).expect("there is room");
    Operator::of(&broker).act(name, None, &move_to("to"));
    let taken = content(&broker, "to");
    assert_eq!((&*taken[0].topic, &*taken[0].body), ("to", "1"));
    assert_eq!(counts(&broker, name), (0, 0));
    assert!(broker.retained(&as_name("VirtualTopic.t")).is_some());
}
