//! Advisory topics: messages of the broker about its clients and their messages.

use harness::Carillon;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use serde_json::Value;

/// Returns a subscriber of this topic below `ActiveMQ.Advisory`.
async fn watch(server: &Carillon, advisory: &str) -> StompClient {
    let destination = format!("/topic/ActiveMQ.Advisory.{advisory}");
    StompClient::consumer(server, &destination, &[]).await
}

/// Returns the next advisory, which has a JSON body.
async fn advisory(watcher: &mut StompClient) -> (Frame, Value) {
    let message = watcher.message().await;
    assert_eq!(message.header("content-type"), "application/json");
    let body = serde_json::from_slice(&message.body).expect("JSON");
    (message, body)
}

/// Returns a header's values in the next advisories.
async fn counts<const N: usize>(watcher: &mut StompClient, header: &str) -> [String; N] {
    let mut counts = [const { String::new() }; N];
    for count in &mut counts {
        *count = advisory(watcher).await.0.header(header).to_owned();
    }
    counts
}

#[tokio::test]
async fn advisories_report_new_and_ended_consumers() {
    let server = Carillon::start().await;
    for (kind, destination) in [("Queue", "/queue/orders"), ("Topic", "/topic/orders")] {
        let topic = format!("Consumer.{kind}.orders");
        let mut watcher = watch(&server, &topic).await;
        let mut one = StompClient::consumer(&server, destination, &[]).await;
        let two = StompClient::consumer(&server, destination, &[]).await;
        let (message, _) = advisory(&mut watcher).await;
        let said = format!("/topic/ActiveMQ.Advisory.{topic}");
        assert_eq!(message.header("destination"), said);
        assert_eq!(message.header("consumerCount"), "1");
        assert_eq!(counts(&mut watcher, "consumerCount").await, ["2"]);
        one.request(Frame::new("UNSUBSCRIBE").with("id", "0")).await;
        assert_eq!(counts(&mut watcher, "consumerCount").await, ["1"]);
        drop(two);
        assert_eq!(counts(&mut watcher, "consumerCount").await, ["0"]);
        watcher.leave().await;
    }
}

#[tokio::test]
async fn advisories_report_new_and_ended_producers() {
    let server = Carillon::start().await;
    for (kind, destination) in [("Queue", "/queue/orders"), ("Topic", "/topic/orders")] {
        let mut watcher = watch(&server, &format!("Producer.{kind}.orders")).await;
        let mut one = StompClient::connect(&server).await;
        one.send_all(destination, &["1", "2", "3"]).await;
        let mut two = StompClient::connect(&server).await;
        two.send_all(destination, &["4"]).await;
        assert_eq!(counts(&mut watcher, "producerCount").await, ["1", "2"]);
        one.leave().await;
        drop(two);
        assert_eq!(counts(&mut watcher, "producerCount").await, ["1", "0"]);
        watcher.is_quiet().await;
        watcher.leave().await;
    }
}

#[tokio::test]
async fn an_advisory_reports_a_dead_letter() {
    let server = Carillon::start().await;
    let mut watcher = watch(&server, "MessageDLQd.Queue.orders").await;
    let mut consumer = StompClient::consumer(&server, "/queue/orders", &[INDIVIDUAL]).await;
    consumer.send_all("/queue/orders", &["poison"]).await;
    let message = consumer.message().await;
    let nack = consumer.settlement("NACK", &message);
    consumer.request(nack.with("requeue", "false")).await;
    advisory(&mut watcher).await;
    watcher.is_quiet().await;
}

#[tokio::test]
async fn an_advisory_reports_an_expired_message() {
    let server = Carillon::start().await;
    let mut watcher = watch(&server, "Expired.Queue.orders").await;
    let expired = Frame::message_to("/queue/orders", "x").with("expires", "1000");
    watcher.request(expired).await;
    advisory(&mut watcher).await;
}

#[tokio::test]
async fn an_advisory_reports_a_slow_consumer() {
    const MESSAGES: usize = 400;
    let limits = ["--lag", "100", "--lag-bytes", "1000000"];
    let server = Carillon::with(&limits).await;
    let mut watcher = watch(&server, "SlowConsumer.Topic.large").await;
    let mut stuck = StompClient::connect(&server).await;
    stuck.subscribe("0", "large", &[]).await;
    let mut producer = StompClient::connect(&server).await;
    // More than the socket buffers hold.
    let body = "x".repeat(100_000);
    for _ in 0..MESSAGES {
        producer.publish("large", &body).await;
    }
    producer.send_all("/topic/large", &["the end"]).await;
    advisory(&mut watcher).await;
}

#[tokio::test]
async fn advisories_report_connections_and_match_wildcards() {
    let server = Carillon::start().await;
    let mut all = watch(&server, "Consumer.>").await;
    let mut watcher = watch(&server, "Connection").await;
    let client = StompClient::consumer(&server, "/queue/a", &[]).await;
    advisory(&mut watcher).await;
    let (message, _) = advisory(&mut all).await;
    let said = "/topic/ActiveMQ.Advisory.Consumer.Queue.a";
    assert_eq!(message.header("destination"), said);
    drop(client);
    advisory(&mut watcher).await;
    assert_eq!(counts(&mut all, "consumerCount").await, ["0"]);
}
