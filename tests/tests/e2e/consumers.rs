//! The choice of a consumer for each message of a queue: exclusive consumers, message groups, wildcards, and the queues
//! of virtual topics.

use std::collections::BTreeSet;

use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

const EXCLUSIVE: (&str, &str) = ("activemq.exclusive", "true");

async fn consumer(server: &Carillon, headers: &[(&str, &str)]) -> StompClient {
    StompClient::consumer(server, "/queue/a", headers).await
}

async fn producer(server: &Carillon) -> StompClient {
    StompClient::connect(server).await
}

#[tokio::test]
async fn the_oldest_exclusive_consumer_gets_everything() {
    let server = Carillon::start().await;
    let mut ordinary = consumer(&server, &[INDIVIDUAL]).await;
    let mut master = consumer(&server, &[INDIVIDUAL, EXCLUSIVE]).await;
    let mut standby = consumer(&server, &[INDIVIDUAL, EXCLUSIVE]).await;
    let mut producer = producer(&server).await;
    producer.send_all("/queue/a", &["1", "2", "3"]).await;
    assert_eq!(master.bodies(3).await, ["1", "2", "3"]);
    ordinary.is_quiet().await;
    standby.is_quiet().await;

    drop(master);
    assert_eq!(standby.bodies(3).await, ["1", "2", "3"], "it takes over");
    producer.send_all("/queue/a", &["4"]).await;
    assert_eq!(standby.bodies(1).await, ["4"]);
    ordinary.is_quiet().await;

    standby.leave().await;
    assert_eq!(ordinary.bodies(4).await, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn messages_wait_for_a_full_exclusive_consumer() {
    let server = Carillon::start().await;
    let prefetch = ("activemq.prefetchSize", "1");
    let mut master = consumer(&server, &[INDIVIDUAL, EXCLUSIVE, prefetch]).await;
    let mut other = consumer(&server, &[]).await;
    producer(&server)
        .await
        .send_all("/queue/a", &["1", "2"])
        .await;
    let first = master.message().await;
    other.is_quiet().await;
    master.is_quiet().await;
    master.ack(&first).await;
    assert_eq!(master.bodies(1).await, ["2"]);
}

fn of_group(group: &str, body: &str) -> Frame {
    Frame::message_to("/queue/a", body).with("JMSXGroupID", group)
}

/// Returns all messages that these consumers have received.
async fn shares(consumers: &mut [StompClient]) -> Vec<Vec<String>> {
    let mut shares = Vec::new();
    for consumer in consumers {
        shares.push(consumer.arrived_bodies().await);
    }
    shares
}

#[tokio::test]
async fn messages_of_a_group_go_to_one_consumer_in_order() {
    const GROUPS: [&str; 4] = ["red", "green", "blue", "grey"];
    let server = Carillon::start().await;
    let mut consumers = [
        consumer(&server, &[]).await,
        consumer(&server, &[]).await,
        consumer(&server, &[]).await,
    ];
    let mut producer = producer(&server).await;
    for number in 0..5 {
        for group in GROUPS {
            let body = format!("{group} {number}");
            producer.request(of_group(group, &body)).await;
        }
    }
    queue::until(&server, "a", "acknowledged", 20).await;
    let shares = shares(&mut consumers).await;
    for group in GROUPS {
        let share = shares.iter().find(|share| share.concat().contains(group));
        let share = share.expect("a consumer has the group");
        let ours: Vec<_> = share
            .iter()
            .filter(|body| body.starts_with(group))
            .collect();
        let expected: Vec<_> = (0..5).map(|number| format!("{group} {number}")).collect();
        assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    }
    assert!(shares.iter().all(|share| !share.is_empty()), "{shares:?}");
}

/// Returns two consumers with room for two messages each; the first message was delivered to the first consumer.
async fn one_with_a_group(server: &Carillon) -> (StompClient, StompClient, StompClient) {
    let headers = [INDIVIDUAL, ("activemq.prefetchSize", "2")];
    let mut owner = consumer(server, &headers).await;
    let mut producer = producer(server).await;
    producer.request(of_group("g", "1")).await;
    assert_eq!(owner.bodies(1).await, ["1"]);
    let other = consumer(server, &headers).await;
    (owner, other, producer)
}

#[tokio::test]
async fn a_group_waits_for_its_consumer() {
    let server = Carillon::start().await;
    let (mut owner, mut other, mut producer) = one_with_a_group(&server).await;
    producer.request(of_group("g", "2")).await;
    producer.request(of_group("g", "3")).await;
    producer.send_all("/queue/a", &["of no group"]).await;
    assert_eq!(owner.bodies(1).await, ["2"]);
    assert_eq!(other.bodies(1).await, ["of no group"], "others pass it");
    other.is_quiet().await;
    assert_eq!(queue::depth(&server, "a").await, (1, 3));
}

#[tokio::test]
async fn a_group_gets_another_consumer_when_its_consumer_ends() {
    let server = Carillon::start().await;
    let (mut owner, mut other, mut producer) = one_with_a_group(&server).await;
    producer.request(of_group("g", "2")).await;
    assert_eq!(owner.bodies(1).await, ["2"]);
    producer.request(of_group("g", "3")).await;
    drop(owner);
    let [one, two] = [other.message().await, other.message().await];
    assert_eq!([one.text(), two.text()], ["1", "2"]);
    other.is_quiet().await;
    other.ack(&one).await;
    assert_eq!(other.bodies(1).await, ["3"], "in order all the same");
}

#[tokio::test]
async fn a_closed_group_can_get_another_consumer() {
    let server = Carillon::start().await;
    let (mut owner, mut other, mut producer) = one_with_a_group(&server).await;
    let last = of_group("g", "2").with("JMSXGroupSeq", "-1");
    producer.request(last).await;
    assert_eq!(owner.bodies(1).await, ["2"], "the last of the old one");
    producer.request(of_group("g", "3")).await;
    assert_eq!(other.bodies(1).await, ["3"], "the old consumer is full");
    producer.request(of_group("g", "4")).await;
    assert_eq!(other.bodies(1).await, ["4"]);
}

#[tokio::test]
async fn a_wildcard_covers_existing_and_later_queues() {
    let server = Carillon::start().await;
    let mut producer = producer(&server).await;
    producer.send_all("/queue/a.x", &["before"]).await;
    producer.send_all("/queue/b.x", &["another"]).await;
    producer.send_all("/topic/a.x", &["a topic"]).await;
    let mut one_level = StompClient::consumer(&server, "/queue/a.*", &[INDIVIDUAL]).await;
    let before = one_level.message().await;
    assert_eq!(before.header("destination"), "/queue/a.x");
    assert_eq!(before.text(), "before");
    producer.send_all("/queue/a.y", &["after"]).await;
    producer.send_all("/queue/a.y.z", &["below"]).await;
    let after = one_level.message().await;
    assert_eq!(after.header("destination"), "/queue/a.y");
    one_level.is_quiet().await;
    one_level.ack(&before).await;
    one_level.ack(&after).await;
    assert_eq!(queue::depth(&server, "a.x").await, (0, 0));

    let mut all = StompClient::consumer(&server, "/queue/>", &[]).await;
    let bodies = BTreeSet::from_iter(all.bodies(2).await);
    assert_eq!(
        bodies,
        BTreeSet::from(["another", "below"].map(str::to_owned))
    );
}

#[tokio::test]
async fn a_wildcard_competes_with_the_consumers_of_the_queue() {
    let server = Carillon::start().await;
    let mut wild = StompClient::consumer(&server, "/queue/a.>", &[]).await;
    let mut exact = StompClient::consumer(&server, "/queue/a.x", &[]).await;
    let mut producer = producer(&server).await;
    producer.send_all("/queue/a.x", &["1", "2", "3", "4"]).await;
    queue::until(&server, "a.x", "acknowledged", 4).await;
    let mut all = [wild.arrived_bodies().await, exact.arrived_bodies().await];
    assert_eq!(all.each_ref().map(Vec::len), [2, 2], "{all:?}");
    all.sort();
    assert_eq!(all, [["1", "3"], ["2", "4"]]);
}

#[tokio::test]
async fn a_virtual_topic_feeds_a_queue_for_each_name() {
    const COUNT: usize = 20;
    let server = Carillon::start().await;
    let mut producer = producer(&server).await;
    let topic = "/topic/VirtualTopic.orders";
    producer
        .send_all(topic, &["before the first consumer"])
        .await;

    let of = |name: &str| format!("/queue/Consumer.{name}.VirtualTopic.orders");
    let mut sharing = [
        StompClient::consumer(&server, &of("A"), &[]).await,
        StompClient::consumer(&server, &of("A"), &[]).await,
    ];
    let mut alone = StompClient::consumer(&server, &of("B"), &[]).await;
    let mut reader = StompClient::consumer(&server, topic, &[]).await;
    let bodies: Vec<_> = (0..COUNT).map(|number| format!("{number:02}")).collect();
    producer.send_all(topic, &bodies).await;

    assert_eq!(alone.bodies(COUNT).await, bodies);
    assert_eq!(reader.bodies(COUNT).await, bodies, "the topic is one, too");
    let name = "Consumer.A.VirtualTopic.orders";
    queue::until(&server, name, "acknowledged", COUNT as u64).await;
    let shares = shares(&mut sharing).await;
    for share in &shares {
        assert_eq!(share.len(), COUNT / 2);
        assert!(share.is_sorted(), "{share:?}");
    }
    let all = BTreeSet::from_iter(shares.concat());
    assert_eq!(all, BTreeSet::from_iter(bodies));
}

#[tokio::test]
async fn the_queue_of_a_virtual_topic_stays_without_consumers() {
    let server = Carillon::start().await;
    let queue = "/queue/Consumer.A.VirtualTopic.orders";
    consumer_of(&server, queue).await.leave().await;
    let mut producer = producer(&server).await;
    let topic = "/topic/VirtualTopic.orders";
    producer.send_all(topic, &["without a consumer"]).await;
    let mut back = consumer_of(&server, queue).await;
    let message = back.message().await;
    assert_eq!(message.text(), "without a consumer");
    assert_eq!(message.header("destination"), queue);
}

async fn consumer_of(server: &Carillon, queue: &str) -> StompClient {
    StompClient::consumer(server, queue, &[]).await
}
