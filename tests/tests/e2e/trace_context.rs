//! The trace context of a message (<https://www.w3.org/TR/trace-context/>) passes from each protocol to all others.

use harness::Carillon;
use harness::http::{get, request, send};
use harness::mqtt::property::USER_PROPERTY;
use harness::mqtt::{MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use http::{HeaderValue, Method};
use serde_json::Value;

const CONTEXT: [(&str, &str); 2] = [
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
];

/// A subscriber of each protocol.
struct Subscribers {
    stomp: StompClient,
    mqtt: MqttClient,
    events: EventStream,
}

impl Subscribers {
    async fn new(server: &Carillon) -> Self {
        let mut stomp = StompClient::connect(server).await;
        stomp.subscribe("0", "a", &[]).await;
        Self {
            stomp,
            mqtt: MqttClient::subscriber(server, Version::V5, "a", 1).await,
            events: EventStream::open(server.url("/api/topics/a/events")).await,
        }
    }

    /// Checks that the next message has the context, over every protocol and once.
    async fn receive_the_context(&mut self, from: &str) {
        let message = self.stomp.message().await;
        for (name, value) in CONTEXT {
            assert_eq!(message.find(name), Some(value), "{from} to STOMP");
        }
        let message = self.mqtt.message().await;
        let pairs = message.pairs();
        let pairs: Vec<_> = pairs.iter().filter(|pair| is_context(pair.0)).collect();
        assert_eq!(pairs, CONTEXT.each_ref(), "{from} to MQTT");
        let event = self.events.message().await.json();
        assert_context(&event, &format!("{from} to events"));
    }
}

fn is_context(name: &str) -> bool {
    CONTEXT.iter().any(|(known, _)| *known == name)
}

fn assert_context(message: &Value, what: &str) {
    for (name, value) in CONTEXT {
        assert_eq!(message["headers"][name], value, "{what}: {message}");
    }
}

/// Publishes over HTTP, with the context in the headers of the request itself, as libraries for tracing do.
async fn post_with_context(server: &Carillon, path: &str) {
    let mut request = request(Method::POST, server.url(path), "x");
    for (name, value) in CONTEXT {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    let answer = send(request).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn a_trace_context_passes_between_all_protocols() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut subscribers = Subscribers::new(&server).await;

    post_with_context(&server, "/api/topics/a").await;
    subscribers.receive_the_context("HTTP").await;

    let mut stomp = StompClient::connect(&server).await;
    let frame = Frame::publication("a", "x");
    let with = |frame: Frame, (name, value)| frame.with(name, value);
    stomp.request(CONTEXT.into_iter().fold(frame, with)).await;
    subscribers.receive_the_context("STOMP").await;

    let mut mqtt = MqttClient::connect(&server, Version::V5, "me").await;
    let packet = Packet::publication("a", "x", 1);
    let with = |packet: Packet, pair| packet.with(USER_PROPERTY, pair);
    mqtt.publish_packet(CONTEXT.into_iter().fold(packet, with))
        .await;
    subscribers.receive_the_context("MQTT").await;
    let last = get(server.url("/api/topics/a/messages")).await;
    for message in last.json()["messages"].as_array().expect("a list") {
        assert_context(message, "the history");
    }
}

#[tokio::test]
async fn a_trace_context_passes_through_queues() {
    let server = Carillon::with_mqtt(&[]).await;
    post_with_context(&server, "/api/queues/jobs").await;
    post_with_context(&server, "/api/queues/jobs").await;

    let mut stomp = StompClient::consumer(&server, "/queue/jobs", &[]).await;
    let message = stomp.message().await;
    for (name, value) in CONTEXT {
        assert_eq!(message.find(name), Some(value), "{message:?}");
    }
    let second = stomp.message().await;
    assert_eq!(second.find(CONTEXT[0].0), Some(CONTEXT[0].1));
}

#[tokio::test]
async fn a_request_with_a_false_trace_context_is_published_without_it() {
    let server = Carillon::start().await;
    let mut events = EventStream::open(server.url("/api/topics/a/events")).await;
    let mut request = request(Method::POST, server.url("/api/topics/a"), "x");
    for (name, value) in [("traceparent", "00-1-2-3"), ("tracestate", "a=1")] {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    assert!(send(request).await.status.is_success());

    assert_eq!(events.message().await.json().get("headers"), None);
}
