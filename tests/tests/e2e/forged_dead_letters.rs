//! Messages that clients send to a dead letter queue themselves, with the headers of dead letters.

use harness::data::DataDirectory;
use harness::http::{get, post, request, send};
use harness::mqtt::property::USER_PROPERTY;
use harness::mqtt::{MqttClient, Packet, Version};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::Method;
use serde_json::{Value, json};

const DEAD_LETTERS: &str = "ActiveMQ.DLQ";
const ORIGIN: &str = "original-destination";

/// Sends forged dead letters over STOMP, MQTT and HTTP.
async fn forge(server: &Carillon) {
    let forged = Frame::message_to("/queue/ActiveMQ.DLQ", "stomp")
        .with(ORIGIN, "/queue/victim")
        .with("persistent", "true");
    let mut stomp = StompClient::connect(server).await;
    stomp.request(forged).await;
    let mut mqtt = MqttClient::connect(server, Version::V5, "forger").await;
    let forged = Packet::publication("$queue/ActiveMQ/DLQ", "mqtt", 1)
        .with(USER_PROPERTY, (ORIGIN, "/queue/victim"));
    mqtt.publish_packet(forged).await;
    let url = server.url("/api/queues/ActiveMQ.DLQ");
    let mut forged = request(Method::POST, &url, "http");
    let header = "carillon-header-original-destination";
    let value = "/queue/victim".parse().expect("a header");
    forged.headers_mut().insert(header, value);
    assert!(send(forged).await.status.is_success());
}

async fn dead_letters(server: &Carillon) -> Vec<Value> {
    let list = get(server.url("/api/queues/ActiveMQ.DLQ/messages")).await;
    list.json()["messages"]
        .as_array()
        .expect("messages")
        .clone()
}

#[tokio::test]
async fn only_what_the_broker_has_sent_there_is_a_dead_letter() {
    let directory = DataDirectory::fresh();
    let server = directory.server().await;
    forge(&server).await;
    let mut producer = StompClient::connect(&server).await;
    let poison = Frame::message_to("/queue/jobs", "real")
        .with(ORIGIN, "/queue/victim")
        .with("persistent", "true");
    producer.request(poison).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    let message = consumer.message().await;
    let nack = consumer.settlement("NACK", &message);
    consumer.request(nack.with("requeue", "false")).await;
    queue::until(&server, "jobs", "deadLettered", 1).await;
    consumer.leave().await;

    // The mark of the real one is in the journal.
    let server = directory.after_stop(server).await;
    let letters = dead_letters(&server).await;
    assert_eq!(letters.len(), 4, "{letters:?}");
    for letter in &letters {
        let origin = match letter["body"].as_str() {
            Some("real") => json!("/queue/jobs"),
            _ => Value::Null,
        };
        assert_eq!(letter["originalDestination"], origin, "{letter}");
    }
    // A client's header is passed on like any other.
    assert_eq!(letters[0]["headers"][ORIGIN], "/queue/victim");

    let retry = server.url(&format!("/api/queues/{DEAD_LETTERS}/retry"));
    let retried = post(retry, "application/json", "{}").await;
    assert_eq!(retried.json()["done"], 1, "{}", retried.text());
    assert_eq!(queue::depth(&server, "jobs").await, (1, 0));
    assert_eq!(queue::depth(&server, DEAD_LETTERS).await, (3, 0));
    let victim = get(server.url("/api/queues/victim")).await;
    assert_eq!(victim.status, http::StatusCode::NOT_FOUND);
}
