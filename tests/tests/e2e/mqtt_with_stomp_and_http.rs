//! MQTT with STOMP and HTTP: the same topics and queues, and headers that correspond to properties.

use std::time::{SystemTime, UNIX_EPOCH};

use harness::http::{get, post, request, send};
use harness::mqtt::property::{
    CONTENT_TYPE, CORRELATION_DATA, MESSAGE_EXPIRY, RESPONSE_TOPIC, USER_PROPERTY,
};
use harness::mqtt::{MqttClient, Packet, RETAIN, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, queue};
use http::Method;
use serde_json::{Value, json};

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let milliseconds = since.expect("after 1970").as_millis();
    milliseconds.try_into().expect("not so far ahead")
}

/// Returns a message of MQTT with all properties that have a counterpart.
fn publication() -> Packet {
    Packet::publication("finance/stock/market", "90", 1)
        .with(CONTENT_TYPE, "application/json")
        .with(RESPONSE_TOPIC, "answers/here")
        .with(CORRELATION_DATA, b"c-1".as_slice())
        .with(MESSAGE_EXPIRY, 600)
        .with(USER_PROPERTY, ("colour", "blue: dark"))
        .with(USER_PROPERTY, ("size", "3"))
}

/// Returns the same message as a STOMP frame.
fn frame() -> Frame {
    Frame::publication("finance.stock.market", "90")
        .with("content-type", "application/json")
        .with("reply-to", "/topic/answers.here")
        .with("correlation-id", "c-1")
        .with("expires", &(unix_ms() + 600_000).to_string())
        .with("colour", "blue: dark")
        .with("size", "3")
}

#[tokio::test]
async fn an_mqtt_message_arrives_over_stomp_with_its_headers() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", "finance.>", &[]).await;
    let mut producer = MqttClient::connect(&server, Version::V5, "me").await;
    let before = unix_ms();
    producer.publish_packet(publication()).await;
    let message = stomp.message().await;
    for (name, value) in [
        ("destination", "/topic/finance.stock.market"),
        ("content-type", "application/json"),
        ("reply-to", "/topic/answers.here"),
        ("correlation-id", "c-1"),
        ("colour", "blue: dark"),
        ("size", "3"),
        ("producer", "me"),
    ] {
        assert_eq!(message.header(name), value, "{name}: {message:?}");
    }
    let expires: u64 = message.header("expires").parse().expect("a time");
    assert!((before + 600_000..=unix_ms() + 600_000).contains(&expires));
    assert_eq!(message.text(), "90");
}

/// A user property named like a header of STOMP's framing must not become one: its body could hold forged frames, of
/// topics that the publisher may not publish to.
#[tokio::test]
async fn a_user_property_cannot_forge_a_stomp_frame() {
    const FORGED: &str =
        "\0MESSAGE\nsubscription:0\nmessage-id:9\ndestination:/topic/bank\n\nforged";
    let server = Carillon::with_mqtt(&[]).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", ">", &[]).await;
    let mut producer = MqttClient::connect(&server, Version::V5, "me").await;
    let names = [
        "content-length",
        "content-length ",
        "destination",
        "subscription",
        "browser",
        "",
    ];
    for name in names {
        let packet = Packet::publication("low/a", FORGED, 1)
            .with(USER_PROPERTY, (name, "7"))
            .with(USER_PROPERTY, ("colour", "blue"));
        producer.publish_packet(packet).await;
        let message = stomp.message().await;
        assert_eq!(message.header("destination"), "/topic/low.a", "{name:?}");
        assert_eq!(message.header("subscription"), "0", "{name:?}");
        assert_eq!(message.header("colour"), "blue", "{name:?}");
        assert_eq!(message.text(), FORGED, "{name:?}");
        let has_property = message.headers.iter().any(|(_, value)| value == "7");
        assert!(!has_property, "{message:?}");
    }
    let mut publish = request(Method::POST, server.url("/api/topics/low.a"), FORGED);
    let length = "carillon-header-content-length";
    let headers = publish.headers_mut();
    headers.insert(length, "1".parse().expect("a value"));
    assert_eq!(send(publish).await.status, 200);
    assert_eq!(stomp.message().await.text(), FORGED);
}

#[tokio::test]
async fn a_stomp_message_arrives_over_mqtt_with_its_properties() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "finance/#", 1).await;
    let mut old = MqttClient::subscriber(&server, Version::V3_1_1, "finance/#", 2).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.request(frame()).await;
    let message = client.message().await;
    assert_eq!(message.topic, "finance/stock/market");
    assert_eq!(message.text_of(CONTENT_TYPE), "application/json");
    assert_eq!(message.text_of(RESPONSE_TOPIC), "answers/here");
    assert_eq!(message.bytes_of(CORRELATION_DATA), b"c-1");
    let left = message.number(MESSAGE_EXPIRY).expect("it expires");
    assert!((590..=600).contains(&left), "{left}");
    let pairs = message.pairs();
    for pair in [("colour", "blue: dark"), ("size", "3")] {
        assert!(pairs.contains(&pair), "{pairs:?}");
    }
    assert_eq!((message.text().as_str(), message.qos()), ("90", 1));
    let message = old.message().await;
    assert_eq!((message.text().as_str(), message.qos()), ("90", 2));
}

#[tokio::test]
async fn http_and_its_event_streams_use_the_same_topics() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut events = EventStream::open(server.url("/api/topics/finance.%3E/events")).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "finance/#", 1).await;
    client.publish_packet(publication()).await;
    let event: Value = events.message().await.json();
    assert_eq!(event["topic"], "finance.stock.market");
    assert_eq!(event["contentType"], "application/json");
    assert_eq!(event["body"], "90");
    let headers = &event["headers"];
    assert_eq!(headers["reply-to"], "/topic/answers.here", "{event}");
    assert_eq!(headers["correlation-id"], "c-1");
    assert_eq!(headers["colour"], "blue: dark");
    let last = get(server.url("/api/topics/finance.stock.market"))
        .await
        .json();
    assert_eq!(last["last"]["id"], event["id"]);
    client.message().await;

    let mut publish = request(Method::POST, server.url("/api/topics/finance.x"), "1");
    let headers = publish.headers_mut();
    headers.insert("content-type", "text/plain".parse().expect("a value"));
    headers.insert("carillon-header-colour", "red".parse().expect("a value"));
    assert_eq!(send(publish).await.status, 200);
    let message = client.message().await;
    assert_eq!(
        (message.topic.as_str(), message.text().as_str()),
        ("finance/x", "1")
    );
    assert_eq!(message.text_of(CONTENT_TYPE), "text/plain");
    assert_eq!(message.pairs(), [("colour", "red")]);
}

#[tokio::test]
async fn stomp_and_http_can_retain_too() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut stomp = StompClient::connect(&server).await;
    let retained = Frame::publication("by.stomp", "x").with("retain", "True");
    stomp.request(retained).await;
    stomp
        .request(Frame::publication("by.stomp", "not retained"))
        .await;
    post(
        server.url("/api/topics/by.http?retain=True"),
        "text/plain",
        "y",
    )
    .await;
    for (filter, body) in [("by/stomp", "x"), ("by/http", "y")] {
        let mut client = MqttClient::subscriber(&server, Version::V3_1_1, filter, 1).await;
        let message = client.message().await;
        assert_eq!(
            (message.text().as_str(), message.is_retained()),
            (body, true)
        );
    }
    // Both can also clear it.
    stomp
        .request(Frame::publication("by.stomp", "").with("retain", "true"))
        .await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "by/stomp", 1).await;
    client.publish("by/stomp", "live", 1).await;
    assert_eq!(client.bodies(1).await, ["live"]);
}

#[tokio::test]
async fn a_message_retained_by_mqtt_is_the_last_image_for_other_protocols() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V3_1_1).await;
    producer
        .publish_packet(Packet::publication("a/b", "x", 1).flagged(RETAIN))
        .await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", "a.b", &[("since", "last")]).await;
    assert_eq!(stomp.bodies(1).await, ["x"]);
    let last = get(server.url("/api/topics/a.b")).await.json();
    assert_eq!(last["last"]["body"], "x");
}

#[tokio::test]
async fn requests_are_answered_between_mqtt_and_stomp() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut mqtt = MqttClient::subscriber(&server, Version::V5, "answers/here", 1).await;
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", "finance.stock.market", &[]).await;
    mqtt.publish_packet(publication()).await;
    let request = stomp.message().await;
    let answer = Frame::message_to(request.header("reply-to"), "!")
        .with("correlation-id", request.header("correlation-id"));
    stomp.request(answer).await;
    let answer = mqtt.message().await;
    assert_eq!(
        (answer.text().as_str(), answer.bytes_of(CORRELATION_DATA)),
        ("!", b"c-1".as_slice())
    );

    mqtt.subscribe("questions", 1).await;
    stomp.subscribe_to("1", "/temp-queue/mine", &[]).await;
    let question = Frame::publication("questions", "?")
        .with("reply-to", "/temp-queue/mine")
        .with("correlation-id", "c-2");
    stomp.request(question).await;
    let question = mqtt.message().await;
    let answer = Packet::publication(question.text_of(RESPONSE_TOPIC), "!", 1)
        .with(CORRELATION_DATA, question.bytes_of(CORRELATION_DATA));
    mqtt.publish_packet(answer).await;
    let answer = stomp.message().await;
    assert_eq!(
        (answer.text().as_str(), answer.header("correlation-id")),
        ("!", "c-2")
    );
}

#[tokio::test]
async fn a_queue_is_shared_by_consumers_of_both_protocols() {
    const COUNT: usize = 20;
    let server = Carillon::with_mqtt(&[]).await;
    let mut mqtt = MqttClient::subscriber(&server, Version::V5, "$queue/orders", 1).await;
    let mut stomp = StompClient::consumer(&server, "/queue/orders", &[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V3_1_1).await;
    let mut sender = StompClient::connect(&server).await;
    for number in 0..COUNT / 2 {
        producer
            .publish("$queue/orders", &format!("mqtt {number}"), 1)
            .await;
        sender
            .send_all("/queue/orders", &[format!("stomp {number}")])
            .await;
    }
    mqtt.ping().await;
    let count = mqtt.waiting();
    assert!((1..COUNT).contains(&count), "both have some: {count}");
    let mut seen = Vec::new();
    for _ in 0..count {
        let message = mqtt.message().await;
        assert_eq!(message.topic, "$queue/orders");
        seen.push(message.text());
    }
    seen.extend(stomp.bodies(COUNT - count).await);
    seen.sort();
    let mut expected: Vec<_> = (0..COUNT / 2)
        .flat_map(|number| [format!("mqtt {number}"), format!("stomp {number}")])
        .collect();
    expected.sort();
    assert_eq!(seen, expected);
    queue::until(&server, "orders", "acknowledged", COUNT as u64).await;
}

#[tokio::test]
async fn a_shared_subscription_and_the_queue_of_a_virtual_topic_are_the_same() {
    const COUNT: usize = 20;
    let server = Carillon::with_mqtt(&[]).await;
    let queue = "Consumer.G.VirtualTopic.orders";
    let shared = "$share/G/VirtualTopic/orders";
    let mut mqtt = MqttClient::subscriber(&server, Version::V5, shared, 1).await;
    let mut stomp = StompClient::consumer(&server, &format!("/queue/{queue}"), &[]).await;
    let mut sender = StompClient::connect(&server).await;
    let expected: Vec<_> = (0..COUNT).map(|number| format!("{number:02}")).collect();
    for body in &expected {
        let topic = Frame::message_to("/topic/VirtualTopic.orders", body.as_str());
        sender.request(topic).await;
    }
    mqtt.ping().await;
    let count = mqtt.waiting();
    assert!((1..COUNT).contains(&count), "both have some: {count}");
    let mut seen = Vec::new();
    for _ in 0..count {
        let message = mqtt.message().await;
        assert_eq!(message.topic, "VirtualTopic/orders");
        seen.push(message.text());
    }
    seen.extend(stomp.bodies(COUNT - count).await);
    seen.sort();
    assert_eq!(seen, expected);
    queue::until(&server, queue, "acknowledged", COUNT as u64).await;
}

#[tokio::test]
async fn waiting_messages_of_a_queue_are_consumed_at_each_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut sender = StompClient::connect(&server).await;
    for version in Version::ALL {
        for qos in 0..3 {
            sender.send_all("/queue/jobs", &["1", "2"]).await;
            let mut consumer = MqttClient::subscriber(&server, version, "$queue/jobs", qos).await;
            assert_eq!(consumer.bodies(2).await, ["1", "2"]);
            consumer.leave().await;
            queue::until(&server, "jobs", "waiting", 0).await;
            queue::until(&server, "jobs", "unacknowledged", 0).await;
        }
    }
}

#[tokio::test]
async fn messages_unacknowledged_over_mqtt_go_to_a_stomp_consumer() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut mqtt = MqttClient::subscriber(&server, Version::V3_1_1, "$queue/orders", 1).await;
    mqtt.publish("$queue/orders", "left behind", 1).await;
    assert_eq!(mqtt.delivery().await.text(), "left behind");
    drop(mqtt);
    let mut stomp = StompClient::consumer(&server, "/queue/orders", &[]).await;
    let message = stomp.message().await;
    assert_eq!(message.text(), "left behind");
    assert_eq!(message.header("redelivered"), "true");
}

#[tokio::test]
async fn names_that_one_protocol_must_escape_are_the_same_topic() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut stomp = StompClient::connect(&server).await;
    let mut mqtt = MqttClient::anyone(&server, Version::V5).await;
    for (topic, destination) in [
        ("v1.5/x", "/topic/v1%2E5.x"),
        ("/a//", "/topic/%.a.%.%"),
        ("a*b", "/topic/a%2Ab"),
    ] {
        stomp.subscribe_to(topic, destination, &[]).await;
        mqtt.subscribe(topic, 1).await;
        mqtt.publish(topic, "1", 1).await;
        assert_eq!(stomp.message().await.header("destination"), destination);
        assert_eq!(mqtt.message().await.topic, topic);
        stomp.request(Frame::message_to(destination, "2")).await;
        assert_eq!(mqtt.message().await.topic, topic);
        stomp.message().await;
    }
}

#[tokio::test]
async fn the_overview_counts_mqtt_connections() {
    let server = Carillon::with_mqtt(&[]).await;
    let _client = MqttClient::subscriber(&server, Version::V5, "a", 1).await;
    let figures = get(server.url("/api/figures")).await.json();
    assert_eq!(figures["connections"], json!(1), "{figures}");
    assert_eq!(figures["subscriptions"], json!(1), "{figures}");
}
