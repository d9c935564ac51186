//! Messages that must survive a restart: the journal gets them, and replies to their publishers are owed.

use std::sync::{Arc, Mutex};

use broker::{Broker, Journal, Limits, Outcome, Overflow, Publication, SharedEntry, Start};

use crate::{
    harness::Client,
    queue_harness::{event, message},
};

/// A journal that keeps the bodies of its messages.
#[derive(Debug, Default)]
struct Recorded(Mutex<Vec<(u64, String)>>);

impl Journal for Recorded {
    fn append(&self, entry: &SharedEntry) {
        let body = String::from_utf8_lossy(entry.body()).into_owned();
        let mut recorded = self.0.lock().expect("no test panics while it is locked");
        recorded.push((entry.position(), body));
    }
}

fn with_journal() -> (Broker, Arc<Recorded>) {
    let journal = Arc::<Recorded>::default();
    let broker = Broker::with_journal(1, Limits::default(), journal.clone());
    (broker, journal)
}

fn publish(broker: &Broker, batch: Vec<Publication>) -> Option<u64> {
    let mut outcome = Outcome::default();
    broker.publish(&mut { batch }, &mut outcome);
    assert!(outcome.results.iter().all(Result::is_ok));
    outcome.owed
}

#[test]
fn persistent_and_retained_messages_are_recorded_in_the_order_of_positions() {
    let (broker, journal) = with_journal();
    let owed = publish(
        &broker,
        vec![
            event("t", "topic", &[]),
            message("q", "first", &[]).persistent(),
            message("q", "volatile", &[]),
            event("t", "retained", &[]).retained(),
            message("q", "second", &[]).persistent(),
            event("t", "last", &[]),
        ],
    );
    assert_eq!(owed, Some(5));
    let recorded = journal.0.lock().expect("not poisoned");
    let expected = [(2, "first"), (4, "retained"), (5, "second")];
    assert_eq!(
        *recorded,
        expected.map(|(position, body)| (position, body.to_owned()))
    );
}

#[test]
fn nothing_is_owed_for_messages_that_are_not_persistent() {
    let (broker, _) = with_journal();
    assert_eq!(publish(&broker, vec![event("t", "1", &[])]), None);
    assert_eq!(publish(&broker, vec![message("q", "2", &[])]), None);
}

#[test]
fn nothing_is_owed_without_a_journal() {
    let broker = Broker::new(1, Limits::default());
    let batch = vec![message("q", "1", &[]).persistent()];
    assert_eq!(publish(&broker, batch), None);
    assert!(broker.completion().is_complete(u64::MAX));
}

#[test]
fn a_delivery_does_not_wait_until_its_message_is_complete() {
    let (broker, _) = with_journal();
    let mut client = Client::attach(&broker, "reader");
    client.subscribe(&broker, "t", Start::New, Overflow::DropOldest);
    let owed = publish(&broker, vec![event("t", "1", &[]).persistent()]);
    let position = owed.expect("the message is persistent");
    assert!(!broker.completion().is_complete(position));
    assert_eq!(client.read_all().len(), 1);
    broker.completion().complete(position);
    assert!(broker.completion().is_complete(position));
    assert!(!broker.completion().is_complete(position + 1));
}

#[test]
fn a_refused_message_is_not_recorded() {
    let limits = Limits {
        queue_entries: 1,
        ..Limits::default()
    };
    let journal = Arc::<Recorded>::default();
    let broker = Broker::with_journal(1, limits, journal.clone());
    let mut batch = vec![
        message("q", "taken", &[]).persistent(),
        message("q", "refused", &[]).persistent(),
    ];
    let mut outcome = Outcome::default();
    broker.publish(&mut batch, &mut outcome);
    assert!(outcome.results[1].is_err());
    assert_eq!(outcome.owed, Some(1));
    let recorded = journal.0.lock().expect("not poisoned");
    assert_eq!(*recorded, [(1, "taken".to_owned())]);
}
