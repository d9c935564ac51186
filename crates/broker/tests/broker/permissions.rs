//! Sessions that may read some topics and queues only.

use std::sync::{Arc, Mutex};

use broker::{
    Broker, Outcome, Overflow, Permissions, Retained, Start, Subscribe, TopicFilter, TopicName,
};

use crate::{
    harness::{Client, as_filter, broker, publish_all},
    queue_harness::{bodies, figures, publish_events, queue, send, topics},
    retained::{retain, subscribe},
};

/// Allows the topics and queues that a list of filters matches.
#[derive(Debug, Default)]
struct Allowed(Mutex<Vec<TopicFilter>>);

impl Allowed {
    fn set(&self, filters: &[&str]) {
        *self.0.lock().expect("not poisoned") =
            filters.iter().map(|filter| as_filter(filter)).collect();
    }

    fn has(&self, name: &TopicName) -> bool {
        let filters = self.0.lock().expect("not poisoned");
        filters.iter().any(|filter| filter.matches(name))
    }
}

impl Permissions for Allowed {
    fn may_subscribe(&self, topic: &TopicName) -> bool {
        self.has(topic)
    }

    fn may_receive(&self, queue: &TopicName) -> bool {
        self.has(queue)
    }
}

fn restricted(broker: &Broker, filters: &[&str]) -> (Client, Arc<Allowed>) {
    let client = Client::attach(broker, "restricted");
    let allowed = Arc::<Allowed>::default();
    allowed.set(filters);
    client
        .reader
        .session()
        .restrict(Arc::clone(&allowed) as Arc<dyn Permissions>);
    (client, allowed)
}

fn topics_read(client: &mut Client) -> Vec<String> {
    let read = client.read_all().into_iter();
    read.map(|got| got.topic).collect()
}

#[test]
fn a_wildcard_subscription_joins_the_allowed_topics_only() {
    let broker = broker(|_| {});
    publish_all(&broker, &["news.a", "secret.a"]);
    let (mut client, _) = restricted(&broker, &["news.>"]);
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    publish_all(&broker, &["secret.a", "news.a", "secret.new", "news.new"]);
    assert_eq!(topics_read(&mut client), ["news.a", "news.new"]);
}

#[test]
fn last_images_history_and_retained_messages_of_other_topics_are_not_collected() {
    let broker = broker(|_| {});
    for topic in ["news.a", "secret.a"] {
        retain(&broker, topic, "kept");
    }
    for start in [Start::Last, Start::AfterPosition(0)] {
        let (mut client, _) = restricted(&broker, &["news.>"]);
        client.subscribe(&broker, ">", start, Overflow::DropOldest);
        assert_eq!(topics_read(&mut client), ["news.a"], "{start:?}");
    }
    let (mut client, _) = restricted(&broker, &["news.>"]);
    let filter = as_filter(">");
    let wanted = Subscribe {
        retained: Retained::First,
        tag: &[0],
        ..Subscribe::to(&filter)
    };
    subscribe(&broker, &client, wanted);
    assert_eq!(topics_read(&mut client), ["news.a"]);
}

#[test]
fn a_consumer_with_wildcards_joins_the_allowed_queues_only() {
    let broker = broker(|_| {});
    send(&broker, "open.old", &["1"]);
    send(&broker, "secret.old", &["2"]);
    let (mut client, _) = restricted(&broker, &["open.>"]);
    client.consume(&broker, queue(">"));
    send(&broker, "secret.new", &["3"]);
    send(&broker, "open.new", &["4"]);
    assert_eq!(client.take_bodies(), ["1", "4"]);
}

#[test]
fn an_acknowledging_subscription_with_wildcards_gets_the_allowed_topics_only() {
    let broker = broker(|_| {});
    publish_events(&broker, "news.a", &["1"]);
    publish_events(&broker, "secret.a", &["2"]);
    let (mut client, _) = restricted(&broker, &["news.>"]);
    client.consume(&broker, topics(">", Start::AfterPosition(0)));
    publish_events(&broker, "secret.a", &["3"]);
    publish_events(&broker, "news.b", &["4"]);
    assert_eq!(client.take_bodies(), ["1", "4"]);
}

#[test]
fn a_session_whose_permissions_change_leaves_and_joins() {
    let broker = broker(|_| {});
    let (mut client, allowed) = restricted(&broker, &["a", "b"]);
    client.subscribe(&broker, ">", Start::New, Overflow::DropOldest);
    client.consume(&broker, queue("*"));
    send(&broker, "a", &["queue a"]);
    send(&broker, "b", &["queue b"]);
    publish_all(&broker, &["a", "b", "c"]);
    let session = Arc::clone(client.reader.session());
    broker.pause(&session, 0, &mut Outcome::default());
    allowed.set(&["b", "c"]);
    broker.recheck(&session, 0, &mut Outcome::default());
    broker.rejoin_wildcards();
    broker.resume(&session, &mut Outcome::default());
    publish_all(&broker, &["a", "b", "c"]);
    let read = bodies_and_topics(&mut client);
    // The first message to `b` was unread; the one to `a` is not delivered any more.
    assert_eq!(read, ["topic b", "topic b", "topic c", "queue b"]);
    // Another consumer gets what the session has left.
    let mut other = Client::attach(&broker, "other");
    other.consume(&broker, queue("a"));
    assert_eq!(bodies(&other.take()), ["queue a"]);
    assert_eq!(figures(&broker, "a").consumers, 1);
}

/// Reads everything: the topics first, then the queues.
fn bodies_and_topics(client: &mut Client) -> Vec<String> {
    let mut found = Vec::new();
    for one in client.take() {
        found.push(match one.queue {
            Some(_) => one.body,
            None => format!("topic {}", one.topic),
        });
    }
    found.sort_by_key(|text| text.starts_with("queue"));
    found
}
