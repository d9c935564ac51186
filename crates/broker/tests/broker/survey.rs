//! The survey of queues and lags for monitoring.

use broker::{
    DestinationKind, LagSurvey, Outcome, Overflow, Publication, QueueAmounts, QueueResults,
    RefusalCause, Start,
};

use crate::{
    harness::{Client, as_name, broker, publish, try_publish},
    queue_harness::send,
};

#[test]
fn the_largest_queues_are_listed_by_name_and_the_others_are_added_up() {
    let broker = broker(|_| {});
    for (name, messages) in [("a", 1), ("b", 5), ("c", 3), ("e", 2)] {
        send(&broker, name, &vec!["body"; messages]);
    }
    let survey = broker.survey(2);
    let listed: Vec<_> = survey
        .largest
        .iter()
        .map(|one| (one.figures.name.as_str(), one.figures.waiting))
        .collect();
    assert_eq!(listed, [("b", 5), ("c", 3)]);
    let QueueAmounts {
        queues, waiting, ..
    } = survey.others;
    assert_eq!((queues, waiting), (2, 3));
    let all = broker.survey(10);
    assert_eq!(all.largest.len(), 4);
    assert_eq!(all.others, QueueAmounts::default());
}

#[test]
fn temporary_queues_are_never_listed() {
    let broker = broker(|_| {});
    let owner = Client::attach(&broker, "o");
    let name = as_name("$TEMP.o.q");
    let created = broker.create_temporary(owner.reader.session(), DestinationKind::Queue, &name);
    created.expect("within the limits");
    send(&broker, "$TEMP.o.q", &["x"]);
    let survey = broker.survey(10);
    assert_eq!(survey.largest, []);
    assert_eq!((survey.others.queues, survey.others.waiting), (1, 1));
}

#[test]
fn a_survey_of_more_queues_than_one_step_has_all_of_them() {
    let broker = broker(|_| {});
    for at in 0..300 {
        send(&broker, &format!("q{at:03}"), &["body"]);
    }
    send(&broker, "ActiveMQ.DLQ", &["body"]);
    send(&broker, "DLQ.q001", &["body"]);
    let survey = broker.survey(0);
    assert_eq!(survey.others.queues, 302);
    assert_eq!(survey.others.waiting, 302);
    assert_eq!(survey.dead_letters, 2);
    assert_eq!(broker.survey(302).dead_letters, 2);
}

#[test]
fn lags_are_counted_by_their_size() {
    let broker = broker(|_| {});
    let mut reader = Client::attach(&broker, "reader");
    reader.subscribe(&broker, "read", Start::New, Overflow::DropOldest);
    let slow = Client::attach(&broker, "slow");
    slow.subscribe(&broker, "one", Start::New, Overflow::DropOldest);
    slow.subscribe(&broker, "many", Start::New, Overflow::DropOldest);
    publish(&broker, "read", 1);
    publish(&broker, "one", 1);
    publish(&broker, "many", 11);
    reader.read_all();
    let LagSurvey { greatest, cursors } = broker.survey(0).lag;
    assert_eq!(greatest, 11);
    assert_eq!(cursors, [1, 1, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn all_cursors_of_a_topic_with_many_are_counted_once() {
    let broker = broker(|_| {});
    let clients: Vec<_> = (0..300)
        .map(|at| Client::attach(&broker, &format!("c{at}")))
        .collect();
    for client in &clients {
        client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    }
    publish(&broker, "t", 1);
    assert_eq!(broker.survey(0).lag.cursors.iter().sum::<u64>(), 300);
}

#[test]
fn refused_publications_and_skipped_messages_have_their_cause() {
    let broker = broker(|limits| limits.lag_entries = 2);
    let slow = Client::attach(&broker, "slow");
    slow.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    publish(&broker, "t", 5);
    assert!(try_publish(&broker, "$SYS.t", 1).is_err());
    let figures = broker.figures();
    assert_eq!((figures.refused, figures.refusals.total()), (1, 1));
    assert_eq!(figures.refusals.of(RefusalCause::Reserved), 1);
    assert_eq!(figures.dropped_for_lag, figures.dropped);
    assert!(figures.dropped > 0);
    assert_eq!(figures.queue_results, QueueResults::default());
}

#[test]
fn the_results_of_messages_count_after_their_queue_is_removed() {
    let broker = broker(|_| {});
    send(&broker, "q", &["one", "two"]);
    assert_eq!(broker.purge(&as_name("q")), Some(2));
    assert_eq!(broker.remove_queue(&as_name("q")), Some(0));
    assert_eq!(broker.figures().queue_results.discarded, 2);
}

#[test]
fn the_oldest_waiting_message_has_its_time() {
    let broker = broker(|_| {});
    for ms in [2_000, 3_000] {
        let publication = Publication::to_queue(as_name("q"), "p".into(), ms, b"body");
        broker.publish(&mut vec![publication], &mut Outcome::default());
    }
    let survey = broker.survey(1);
    assert_eq!(survey.largest[0].oldest_ms, Some(2_000));
    assert_eq!(broker.survey(0).others.oldest_ms, Some(2_000));
}
