//! MQTT: what is well-formed and yet refused. In 5.0 the acknowledgement says so; before, nothing is
//! acknowledged that was not taken, and the connection ends ([MQTT-3.3.5-2] of 3.1.1).

use harness::Carillon;
use harness::http::get;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, Will};

/// Topics that nobody may publish to: the broker's own, and what is too deep or too long.
fn refused_topics() -> Vec<String> {
    vec![
        "$SYS/broker/version".to_owned(),
        "$SYS/mine".to_owned(),
        vec!["a"; 1_000].join("/"),
        "a".repeat(4_000),
    ]
}

#[tokio::test]
async fn a_refused_publication_has_its_reason_in_5_0() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    for topic in refused_topics() {
        let publish = Packet::publication(&topic, "x", 1);
        let puback = client.request(publish, Kind::Puback).await;
        // Not authorized, topic name invalid, or quota exceeded.
        let reason = puback.reason();
        assert!([0x87, 0x90, 0x97].contains(&reason), "{puback:?}");
        let publish = Packet::publication(&topic, "x", 2);
        let pubrec = client.request(publish, Kind::Pubrec).await;
        assert_eq!(pubrec.reason(), reason, "{pubrec:?}");
        // 4.3.3: the identifier is free from then on, without PUBREL.
        let again = Packet::publication("a", "x", 2).numbered(pubrec.id);
        client.send(&again).await;
        assert_eq!(
            client.answer(Kind::Pubrec, pubrec.id).await.reason() & 0x80,
            0
        );
        client.release(pubrec.id).await;
    }
    client.ping().await;
}

#[tokio::test]
async fn a_refused_publication_is_not_acknowledged_before_5_0() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1, Version::V3_1_1] {
        for topic in refused_topics() {
            for qos in [1, 2] {
                let mut client = MqttClient::anyone(&server, version).await;
                let publish = Packet::publication(&topic, "x", qos).numbered(1);
                let next = Packet::publication("behind", "x", 0);
                let bytes = [publish.encode(version), next.encode(version)].concat();
                client.send_bytes(bytes).await;
                assert_eq!(client.next().await, None);
            }
        }
    }
    let topic = get(server.url("/api/topics/behind")).await;
    assert_eq!(topic.status, 404, "nothing behind it was done: {topic:?}");
}

#[tokio::test]
async fn a_name_that_is_not_even_read_ends_the_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        let publish = Packet::publication(&"a".repeat(20_000), "x", 1);
        client.send(&publish.numbered(1)).await;
        // Quota exceeded.
        client.is_sent_away(0x97).await;
    }
}

#[tokio::test]
async fn a_full_queue_is_a_reason() {
    let server = Carillon::with_mqtt(&["--queue-length", "2"]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let publish = Packet::publication("$queue/jobs", "x", 1);
        reasons.push(client.request(publish, Kind::Puback).await.reason());
    }
    // Quota exceeded.
    assert_eq!(reasons, [0, 0, 0x97]);
}

#[tokio::test]
async fn a_filter_that_is_too_deep_is_refused_alone() {
    let server = Carillon::with_mqtt(&[]).await;
    let deep = vec!["+"; 1_000].join("/");
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        let subscribe = Packet::subscription(&[(&deep, 1), ("a", 1)]);
        let suback = client.request(subscribe, Kind::Suback).await;
        let [refused, granted] = suback.reasons[..] else {
            panic!("not two reasons: {suback:?}");
        };
        assert!(refused >= 0x80, "{suback:?}");
        assert_eq!(granted, 1);
        client.publish("a", "x", 1).await;
        assert_eq!(client.bodies(1).await, ["x"]);
    }
}

#[tokio::test]
async fn a_will_that_could_not_be_said_is_refused_or_dropped() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "$SYS/mine", 0).await;
    let connect = Connect::anyone(Version::V5).willing(Will::new("$SYS/mine", "x"));
    let mut client = MqttClient::open(&server, Version::V5).await;
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!(connack.kind, Kind::Connack);
    drop(client);
    watcher.subscribe("end", 0).await;
    watcher.publish("end", "end", 0).await;
    assert_eq!(watcher.bodies(1).await, ["end"]);
}

#[tokio::test]
async fn subscriptions_have_a_bound() {
    let server = Carillon::with_mqtt(&["--max-subscriptions", "2"]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let subscribe = Packet::subscription(&[("a", 0), ("b", 0), ("c", 0)]);
    let suback = client.request(subscribe, Kind::Suback).await;
    // Quota exceeded.
    assert_eq!(suback.reasons, [0, 0, 0x97]);
    client.unsubscribe("a").await;
    client.subscribe("c", 0).await;
}
