//! Sessions that are detached while others continue.

use std::sync::Arc;

use broker::{Kind, Outcome, Overflow, Start};

use crate::harness::{Client, as_name, broker, publish, publish_all};

#[test]
fn a_leaving_session_is_not_notified_and_is_finally_released() {
    let broker = broker(|_| {});
    let mut client = Client::attach(&broker, "c");
    let mut other = Client::attach(&broker, "o");
    for filter in ["a", "awaited", "*", ">", "a"] {
        client.subscribe(&broker, filter, Start::New, Overflow::Block);
    }
    other.subscribe(&broker, "a", Start::New, Overflow::DropOldest);
    let session = Arc::clone(client.reader.session());
    let temporary = as_name("$TEMP.c.t");
    let created = broker.create_temporary(&session, Kind::Topic, &temporary);
    created.expect("within the limits");
    publish_all(&broker, &["a"]);
    let mut outcome = Outcome::default();
    let mut leaving = broker.leave(&session, 0, &mut outcome);
    assert!(session.is_ended());
    assert_eq!(client.read_all(), []);
    // While the session leaves, others publish, also to its topics, and no publisher is blocked by
    // it.
    let mut rounds = 0;
    while broker.go_on_leaving(&mut leaving, 0, &mut outcome) {
        let blocked = publish(&broker, "a", 1);
        assert!(blocked.is_empty());
        publish(&broker, "awaited", 1);
        assert_eq!(client.read_all(), []);
        rounds += 1;
    }
    assert_eq!(rounds, 5, "one for each subscription");
    assert_eq!(other.read_all().len(), 1 + rounds);
    let figures = broker.figures();
    assert_eq!((figures.sessions, figures.subscriptions), (1, 1));
    assert!(broker.topic(&temporary).is_none());
    let weak = Arc::downgrade(&session);
    drop((leaving, client, session));
    assert!(weak.upgrade().is_none(), "nothing refers to it");
}
