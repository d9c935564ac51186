//! Temporary topics and queues, and names reserved for the broker.

use broker::{Broker, DestinationKind, Limits, Overflow, PublishError, Start, SubscribeError};

use crate::{
    harness::{Client, as_filter, as_name, broker},
    queue_harness::{browser, counts, event, message, publish_one, queue, send},
};

fn create(
    broker: &Broker,
    client: &Client,
    kind: DestinationKind,
    name: &str,
) -> Result<(), SubscribeError> {
    broker.create_temporary(client.reader.session(), kind, &as_name(name))
}

#[test]
fn a_temporary_queue_exists_until_its_session_ends() {
    let broker = broker(|_| {});
    let mut owner = Client::attach(&broker, "o");
    for _ in 0..2 {
        create(&broker, &owner, DestinationKind::Queue, "$TEMP.o.q").expect("within the limits");
    }
    send(&broker, "$TEMP.o.q", &["early"]);
    owner.consume(&broker, queue("$TEMP.o.q"));
    send(&broker, "$TEMP.o.q", &["1", "2"]);
    assert_eq!(owner.take_bodies(), ["early", "1", "2"]);
    owner.detach(&broker);
    let figures = broker.figures();
    assert_eq!(
        (figures.queues, figures.held_bytes, figures.undeliverable),
        (0, 0, 0)
    );
    let late = publish_one(&broker, message("$TEMP.o.q", "late", &[]));
    assert!(late.is_ok(), "a late reply is not an error");
    assert_eq!(broker.figures().undeliverable, 1);
    assert_eq!(broker.figures().queues, 0);
}

#[test]
fn a_temporary_topic_exists_until_its_session_ends() {
    let broker = broker(|_| {});
    let mut owner = Client::attach(&broker, "o");
    create(&broker, &owner, DestinationKind::Topic, "$TEMP.o.t").expect("within the limits");
    owner.subscribe(&broker, "$TEMP.o.t", Start::New, Overflow::DropOldest);
    owner.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    publish_one(&broker, event("$TEMP.o.t", "1", &[])).expect("it is there");
    assert_eq!(owner.take_bodies(), ["1"]);
    owner.detach(&broker);
    publish_one(&broker, event("$TEMP.o.t", "2", &[])).expect("not at fault");
    let figures = broker.figures();
    assert_eq!(
        (figures.topics, figures.held_bytes, figures.undeliverable),
        (0, 0, 1)
    );
    assert_eq!((figures.published, figures.delivered), (1, 1));
}

#[test]
fn a_transaction_may_publish_to_a_deleted_temporary_destination() {
    let broker = broker(|_| {});
    let client = Client::attach(&broker, "c");
    let batch = vec![message("$TEMP.gone.q", "1", &[]), message("q", "2", &[])];
    client.commit(&broker, batch, &[]).expect("not at fault");
    assert_eq!(counts(&broker, "q"), (1, 0));
    assert_eq!(broker.figures().undeliverable, 1);
}

#[test]
fn temporary_queues_do_not_make_room_for_others() {
    let broker = broker(|limits| limits.queues = 2);
    let owner = Client::attach(&broker, "o");
    create(&broker, &owner, DestinationKind::Queue, "$TEMP.o.q").expect("within the limits");
    let idle = owner.consume(&broker, queue("idle"));
    owner.unsubscribe(&broker, idle);
    send(&broker, "q", &["1"]);
    assert!(broker.queue(&as_name("idle")).is_none());
    assert!(broker.queue(&as_name("$TEMP.o.q")).is_some());
    assert!(publish_one(&broker, message("other", "", &[])).is_err());
}

#[test]
fn temporary_destinations_of_a_session_are_bounded() {
    let broker = broker(|limits| limits.subscriptions_per_session = 3);
    let owner = Client::attach(&broker, "o");
    for number in 0..3 {
        let kind = if number == 0 {
            DestinationKind::Topic
        } else {
            DestinationKind::Queue
        };
        create(&broker, &owner, kind, &format!("$TEMP.o.{number}")).expect("within the limits");
    }
    let refused = create(&broker, &owner, DestinationKind::Queue, "$TEMP.o.4");
    assert_eq!(
        refused,
        Err(SubscribeError::TooManySubscriptions { limit: 3 })
    );
    create(&broker, &owner, DestinationKind::Queue, "$TEMP.o.2").expect("it is there");
}

#[test]
fn temporary_destinations_count_as_topics_and_queues() {
    type Case = (
        fn(&mut Limits),
        DestinationKind,
        fn(&SubscribeError) -> bool,
    );
    let table: [Case; 3] = [
        (
            |limits| limits.queues = 0,
            DestinationKind::Queue,
            |error| matches!(error, SubscribeError::TooManyQueues { .. }),
        ),
        (
            |limits| limits.topics = 0,
            DestinationKind::Topic,
            |error| matches!(error, SubscribeError::TooManyTopics { .. }),
        ),
        (
            |limits| limits.cursors = 0,
            DestinationKind::Topic,
            |error| matches!(error, SubscribeError::TooManyCursors { .. }),
        ),
    ];
    for (change, kind, wanted) in table {
        let broker = broker(change);
        let owner = Client::attach(&broker, "o");
        let refused = create(&broker, &owner, kind, "$TEMP.o.x");
        assert!(refused.as_ref().is_err_and(wanted), "{refused:?}");
        owner.detach(&broker);
        let ended = create(&broker, &owner, kind, "$TEMP.o.x");
        assert_eq!(ended, Err(SubscribeError::SessionEnded));
    }
}

#[test]
fn reserved_names_are_refused() {
    let table = [
        (DestinationKind::Queue, "$SYS.q", false),
        (DestinationKind::Queue, "ActiveMQ.Advisory.x", true),
        (DestinationKind::Queue, "ActiveMQ.DLQ", true),
        (DestinationKind::Topic, "$SYS.t", false),
        (DestinationKind::Topic, "ActiveMQ.Advisory", false),
        (DestinationKind::Topic, "ActiveMQ.Advisory.x", false),
        (DestinationKind::Topic, "ActiveMQ.AdvisoryX", true),
        (DestinationKind::Topic, "$TEMP.x.y", true),
        (DestinationKind::Topic, "$TEMP", false),
    ];
    for (kind, name, allowed) in table {
        let broker = broker(|_| {});
        let publication = || match kind {
            DestinationKind::Queue => message(name, "", &[]),
            DestinationKind::Topic => event(name, "", &[]),
        };
        let result = publish_one(&broker, publication());
        assert_eq!(result.is_ok(), allowed, "{kind:?} {name}");
        let own = matches!(result, Err(PublishError::Reserved(_)));
        assert_eq!(own, !allowed, "{kind:?} {name}");
        if let Err(error) = result {
            let text = format!("{name} is the broker's own; clients cannot publish to it");
            assert_eq!(error.to_string(), text);
        }
        let client = Client::attach(&broker, "c");
        assert_eq!(
            client.commit(&broker, vec![publication()], &[]).is_ok(),
            allowed
        );
    }
}

#[test]
fn consuming_from_reserved_queues_is_refused() {
    let table = [
        ("$SYS.q", false),
        ("$SYS.>", false),
        ("$TEMP", false),
        ("$TEMPORARY.q", false),
        ("$TEMP.c.q", true),
        ("ActiveMQ.Advisory.x", true),
        (">", true),
    ];
    for (filter, allowed) in table {
        let broker = broker(|_| {});
        let client = Client::attach(&broker, "c");
        let mut asked = vec![queue(filter)];
        if as_filter(filter).exact().is_some() {
            asked.push(browser(filter));
        }
        for consume in asked {
            let result = client.try_consume(&broker, consume);
            let refused = (!allowed).then(|| SubscribeError::Reserved(as_filter(filter)));
            assert_eq!(result.err(), refused, "{filter}");
        }
        if !allowed {
            let figures = broker.figures();
            assert_eq!((figures.queues, figures.subscriptions), (0, 0), "{filter}");
        }
    }
}
