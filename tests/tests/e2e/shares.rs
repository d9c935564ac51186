//! Pools that all clients share: a client that takes too much is refused, and the others are
//! served.

use harness::Carillon;
use harness::deadline::eventually;
use harness::http::{get, post};
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};
use serde_json::Value;

const V5: Version = Version::V5;
/// Larger than the room that is left when no empty message fits any more.
const BODY: &str = "a body that is longer than what differs between the sizes of two empty messages, as \
                    their media types and the names of those who published them differ";

/// Fills the pool of bytes in queues. Each queue gets half of the free room, so several queues are
/// needed.
async fn fill_queues(server: &Carillon) {
    for size in [1_000, 0] {
        for number in 0..16 {
            let url = server.url(&format!("/api/queues/fill.{number}"));
            while post(&url, "text/plain", "x".repeat(size)).await.status == 200 {}
        }
    }
}

async fn pool(server: &Carillon, name: &str) -> Value {
    let bounds = get(server.url("/api/bounds")).await.json();
    let pools = bounds["pools"].as_array().expect("a list");
    let found = pools.iter().find(|pool| pool["name"] == name);
    found.expect("all pools are listed").clone()
}

async fn reason(client: &mut MqttClient, topic: &str) -> u8 {
    let publish = Packet::publication(topic, BODY, 1);
    client.request(publish, Kind::Puback).await.reason()
}

#[tokio::test]
async fn a_waiting_consumer_is_served_while_all_queues_are_full() {
    let server = Carillon::with_mqtt(&["--memory", "300000"]).await;
    let mut shared = MqttClient::subscriber(&server, V5, "$share/g/t", 1).await;
    let destination = "/queue/Consumer.A.VirtualTopic.p";
    let mut virtual_consumer = StompClient::consumer(&server, destination, &[]).await;
    fill_queues(&server).await;

    let mut producer = MqttClient::anyone(&server, V5).await;
    let mut stomp_producer = StompClient::connect(&server).await;
    for number in 0..50 {
        let body = number.to_string();
        producer.publish("t", &body, 1).await;
        assert_eq!(shared.bodies(1).await, std::slice::from_ref(&body));
        let frame = Frame::message_to("/topic/VirtualTopic.p", body.clone());
        stomp_producer.request(frame).await;
        assert_eq!(virtual_consumer.bodies(1).await, [body]);
    }
    let figures = get(server.url("/api/figures")).await.json();
    assert_eq!(figures["dropped"], 0);
}

#[tokio::test]
async fn a_publisher_is_refused_when_a_fed_queue_has_no_room() {
    let server = Carillon::with_mqtt(&["--memory", "300000"]).await;
    let connect = Frame::connect().with("client-id", "away");
    let mut away = StompClient::open(&server)
        .await
        .connected_with(connect)
        .await;
    let durable = [("activemq.subscriptionName", "d"), ("ack", "client")];
    away.subscribe_to("d", "/topic/t", &durable).await;
    away.leave().await;
    fill_queues(&server).await;

    let mut producer = MqttClient::anyone(&server, V5).await;
    // Quota exceeded.
    assert_eq!(reason(&mut producer, "t").await, 0x97);
    assert_eq!(
        post(server.url("/api/topics/t"), "text/plain", BODY)
            .await
            .status,
        507
    );
    let mut old = MqttClient::anyone(&server, Version::V3_1_1).await;
    old.send(&Packet::publication("t", BODY, 1).numbered(1))
        .await;
    assert_eq!(
        old.next().await,
        None,
        "nothing is acknowledged that was not taken"
    );
    let mut stomp = StompClient::connect(&server).await;
    stomp
        .send(&Frame::message_to("/topic/t", BODY).with("receipt", "r"))
        .await;
    let error = stomp.refusal().await;
    assert!(error.text().contains("bytes in all queues"), "{error:?}");
    assert!(pool(&server, "bytes in all queues").await["refused"].as_u64() > Some(0));
}

#[tokio::test]
async fn one_client_cannot_use_all_topics() {
    let server = Carillon::with_mqtt(&["--max-topics", "100"]).await;
    let mut flooder = MqttClient::anyone(&server, V5).await;
    let mut made = 0;
    while reason(&mut flooder, &format!("flood/{made}")).await != 0x97 {
        made += 1;
    }
    assert!((45..=51).contains(&made), "{made}");
    let mut other = MqttClient::anyone(&server, V5).await;
    other.publish("others/topic", "x", 1).await;
    other.subscribe("others/other", 1).await;
    let topics = pool(&server, "topics").await;
    assert_eq!(topics["limit"], 100);
    assert_eq!(topics["refused"], 1);
    assert_eq!(topics["taken"], made + 2);
}

#[tokio::test]
async fn transactions_of_all_connections_share_a_bound() {
    let server = Carillon::with_mqtt(&["--memory", "400000"]).await;
    let mut client = StompClient::connect(&server).await;
    client
        .request(Frame::new("BEGIN").with("transaction", "t"))
        .await;
    let frame =
        |size: usize| Frame::message_to("/queue/q", "x".repeat(size)).with("transaction", "t");
    client.request(frame(10_000)).await;
    client.send(&frame(30_000)).await;
    let error = client.refusal().await;
    assert!(error.text().contains("bytes in transactions"), "{error:?}");
    // The memory of its transactions is free again.
    let held = || pool(&server, "bytes in transactions");
    eventually("nothing held", held, |pool| pool["taken"] == 0).await;
}

#[tokio::test]
async fn new_messages_are_accepted_when_memory_is_full_of_last_images() {
    const COUNT: usize = 40;
    let server = Carillon::with_mqtt(&["--memory", "300000"]).await;
    for number in 0..COUNT {
        let url = server.url(&format!("/api/topics/t.{number}"));
        let body = "x".repeat(10_000);
        assert_eq!(post(url, "text/plain", body).await.status, 200);
    }
    let bounds = get(server.url("/api/bounds")).await.json();
    assert!(bounds["memory"]["emptied"].as_u64() > Some(0), "{bounds}");
    let mut bystander = StompClient::connect(&server).await;
    for number in 0..98 {
        let topic = format!("/topic/new.{number}");
        bystander
            .request(Frame::message_to(&topic, "a small message"))
            .await;
    }
    let newest = server.url(&format!("/api/topics/t.{}", COUNT - 1));
    assert!(get(newest).await.json()["last"].is_object());
    assert_eq!(get(server.url("/api/topics/t.0")).await.status, 404);
}

#[tokio::test]
async fn a_topic_without_messages_is_removed_after_the_idle_time() {
    let server = Carillon::with(&["--topic-idle", "1"]).await;
    let url = server.url("/api/topics/t");
    assert_eq!(post(&url, "text/plain", "x").await.status, 200);
    let aged_out = || async {
        let bounds = get(server.url("/api/bounds")).await.json();
        bounds["agedOut"].as_u64()
    };
    eventually("the removal", aged_out, |count| *count == Some(1)).await;
    assert_eq!(get(&url).await.status, 404);
}
