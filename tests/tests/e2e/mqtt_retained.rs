//! MQTT: retained messages.

use harness::Carillon;
use harness::mqtt::property::{CONTENT_TYPE, MESSAGE_EXPIRY, USER_PROPERTY};
use harness::mqtt::{Connect, MqttClient, Packet, RETAIN, Version, forget};

/// Options of a subscription with QoS 1 (5.0, 3.8.3.1).
const RETAIN_AS_PUBLISHED: u8 = 8;
const IF_NEW: u8 = 1 << 4;
const DO_NOT_SEND: u8 = 2 << 4;

async fn retain(producer: &mut MqttClient, topic: &str, body: &str) {
    let publish = Packet::publication(topic, body, 1).flagged(RETAIN);
    producer.publish_packet(publish).await;
}

/// Returns the messages that a subscription receives at once, with their RETAIN flags, up to a live
/// message.
async fn subscribed(server: &Carillon, version: Version, filter: &str) -> Vec<(String, bool)> {
    let mut client = MqttClient::subscriber(server, version, filter, 1).await;
    client.subscribe("end", 1).await;
    client.publish("end", "end", 1).await;
    let mut seen = Vec::new();
    loop {
        let message = client.message().await;
        if message.topic == "end" {
            seen.sort();
            return seen;
        }
        seen.push((message.text(), message.is_retained()));
    }
}

fn retained(bodies: &[&str]) -> Vec<(String, bool)> {
    bodies
        .iter()
        .map(|body| ((*body).to_owned(), true))
        .collect()
}

#[tokio::test]
async fn a_later_subscriber_gets_the_last_retained_message_of_each_topic() {
    for version in Version::ALL {
        let server = Carillon::with_mqtt(&[]).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        retain(&mut producer, "a/b", "old").await;
        retain(&mut producer, "a/b", "new").await;
        retain(&mut producer, "a/c", "other").await;
        producer.publish("a/b", "not retained", 1).await;
        for (filter, expected) in [
            ("a/b", retained(&["new"])),
            ("a/+", retained(&["new", "other"])),
            ("a/#", retained(&["new", "other"])),
            ("+/b", retained(&["new"])),
            ("a/b/c", Vec::new()),
        ] {
            assert_eq!(
                subscribed(&server, version, filter).await,
                expected,
                "{filter}"
            );
        }
        retain(&mut producer, "a/b", "").await;
        let left = subscribed(&server, version, "a/#").await;
        assert_eq!(left, retained(&["other"]), "[MQTT-3.3.1-6]");
    }
}

#[tokio::test]
async fn retained_messages_have_the_lower_qos_of_publication_and_subscription() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut producer = MqttClient::anyone(&server, version).await;
        for published in 0..3 {
            let publish = Packet::publication("a", "x", published).flagged(RETAIN);
            producer.publish_packet(publish).await;
            for subscribed in 0..3 {
                let mut client = MqttClient::subscriber(&server, version, "a", subscribed).await;
                assert_eq!(client.message().await.qos(), published.min(subscribed));
            }
        }
    }
}

#[tokio::test]
async fn an_existing_subscriber_gets_retained_messages_as_live() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::subscriber(&server, version, "a", 1).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        for body in ["x", ""] {
            retain(&mut producer, "a", body).await;
            let message = client.message().await;
            // [MQTT-3.3.1-8]: "an empty payload ... as normal".
            assert_eq!(
                (message.text().as_str(), message.is_retained()),
                (body, false)
            );
        }
    }
}

#[tokio::test]
async fn a_subscription_may_keep_the_flag_of_the_publication() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client =
        MqttClient::subscriber(&server, Version::V5, "a", 1 | RETAIN_AS_PUBLISHED).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    retain(&mut producer, "a", "retained").await;
    assert!(client.message().await.is_retained(), "[MQTT-3.3.1-13]");
    producer.publish("a", "not", 1).await;
    assert!(!client.message().await.is_retained());
}

#[tokio::test]
async fn retain_handling_controls_retained_messages() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    retain(&mut producer, "a", "retained").await;
    for (handling, at_first, again) in [(0, 1, 1), (IF_NEW, 1, 0), (DO_NOT_SEND, 0, 0)] {
        let mut client = MqttClient::anyone(&server, Version::V5).await;
        for expected in [at_first, again] {
            client.subscribe("a", 1 | handling).await;
            producer.publish("a", "live", 1).await;
            let seen = client.bodies_before("live").await;
            assert_eq!(seen.len(), expected, "{handling:#x}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn every_subscribe_sends_retained_messages_before_5_0() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1, Version::V3_1_1] {
        let mut client = MqttClient::anyone(&server, version).await;
        retain(&mut client, "a", "retained").await;
        for _ in 0..2 {
            client.subscribe("a", 1).await;
            // [MQTT-3.8.4-3] of 3.1.1.
            assert_eq!(client.bodies(1).await, ["retained"]);
        }
    }
}

#[tokio::test]
async fn retained_messages_keep_their_properties() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    let publish = Packet::publication("a", "x", 1)
        .flagged(RETAIN)
        .with(CONTENT_TYPE, "text/plain")
        .with(USER_PROPERTY, ("one", "1"))
        .with(USER_PROPERTY, ("one", "2"));
    producer.publish_packet(publish).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "a", 1).await;
    let message = client.message().await;
    assert_eq!(message.text_of(CONTENT_TYPE), "text/plain");
    assert_eq!(message.pairs(), [("one", "1"), ("one", "2")]);
}

#[tokio::test]
async fn retained_messages_expire() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    let publish = Packet::publication("a", "x", 1)
        .flagged(RETAIN)
        .with(MESSAGE_EXPIRY, 1);
    producer.publish_packet(publish).await;
    let ask = || subscribed(&server, Version::V5, "a");
    let gone = harness::deadline::eventually("its end", ask, Vec::is_empty).await;
    assert!(gone.is_empty());
}

#[tokio::test]
async fn retained_messages_outlive_their_publishers_session() {
    for version in Version::ALL {
        let server = Carillon::with_mqtt(&[]).await;
        let connect = Connect::lasting(version, "c");
        let (mut producer, _) = MqttClient::connect_with(&server, &connect).await;
        retain(&mut producer, "a", "retained").await;
        forget(&server, producer, &connect).await;
        // [MQTT-3.1.2-7] of 3.1.1.
        let kept = subscribed(&server, version, "a").await;
        assert_eq!(kept, retained(&["retained"]), "{version:?}");
    }
}

#[tokio::test]
async fn a_shared_subscription_gets_no_retained_messages() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    retain(&mut producer, "a", "retained").await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "$share/g/a", 1).await;
    producer.publish("a", "live", 1).await;
    assert_eq!(client.bodies(1).await, ["live"], "5.0, 4.8.2");
}
