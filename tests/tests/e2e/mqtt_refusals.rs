//! MQTT: well-formed requests that are refused. In 5.0 the acknowledgement has the reason. Before 5.0, a message that
//! the client may never publish is acknowledged and dropped; a message that could be accepted at another time is not
//! acknowledged, and the connection ends ([MQTT-3.3.5-2] of 3.1.1).

use harness::Carillon;
use harness::deadline::eventually;
use harness::http::get;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, RETAIN, Version, Will};

/// The broker's own topics.
const RESERVED: [&str; 6] = [
    "$SYS/broker/version",
    "$SYS/mine",
    "$SYS/broker/connection/bridge/state",
    "$share/g/a",
    "$queue/$SYS/a",
    "ActiveMQ/Advisory/Connection",
];

/// Returns topic names that are too deep or too long.
fn nameless_topics() -> [String; 2] {
    [vec!["a"; 201].join("/"), "a".repeat(4_097)]
}

async fn refused(server: &Carillon) -> u64 {
    let figures = get(server.url("/api/figures")).await.json();
    figures["refused"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_refused_publication_has_a_reason_code_in_5_0() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    // Not authorized, and topic name invalid.
    let reserved = RESERVED.map(|topic| (topic.to_owned(), 0x87));
    let nameless = nameless_topics().map(|topic| (topic, 0x90));
    for (topic, reason) in reserved.into_iter().chain(nameless) {
        let publish = Packet::publication(&topic, "x", 1);
        let puback = client.request(publish, Kind::Puback).await;
        assert_eq!(puback.reason(), reason, "{topic}: {puback:?}");
        let publish = Packet::publication(&topic, "x", 2);
        let pubrec = client.request(publish, Kind::Pubrec).await;
        assert_eq!(pubrec.reason(), reason, "{pubrec:?}");
        // 4.3.3: the identifier is free again, without PUBREL.
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
async fn a_forbidden_publication_is_dropped_and_the_connection_stays() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        for filter in ["behind", "$SYS/#", "a", "ActiveMQ/#"] {
            client.subscribe(filter, 1).await;
        }
        let before = refused(&server).await;
        for topic in RESERVED {
            client.publish(topic, "of qos 0", 0).await;
            if version != Version::V5 {
                client.publish(topic, "of qos 1", 1).await;
                client.publish(topic, "of qos 2", 2).await;
                let retained = Packet::publication(topic, "retained", 1).flagged(RETAIN);
                client.publish_packet(retained).await;
            }
        }
        let each = if version == Version::V5 { 1 } else { 4 };
        let after = refused(&server).await;
        assert_eq!(after - before, each * RESERVED.len() as u64, "{version:?}");
        client.publish("behind", "behind", 1).await;
        // The broker publishes to its own topics, and none of these messages is the client's.
        let ours = ["of qos 0", "of qos 1", "of qos 2", "retained"];
        loop {
            let message = client.message().await;
            assert!(
                !ours.contains(&&*message.text()),
                "{version:?}: {message:?}"
            );
            if message.topic == "behind" {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_publication_refused_for_now_is_not_acknowledged_before_5_0() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1, Version::V3_1_1] {
        for topic in nameless_topics() {
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
async fn a_name_far_beyond_the_limit_ends_the_connection() {
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
async fn a_full_queue_refuses_with_quota_exceeded() {
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
async fn only_the_filter_that_is_too_deep_is_refused() {
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
async fn a_will_that_can_never_be_published_is_refused() {
    let server = Carillon::with_mqtt(&["--max-body", "100"]).await;
    let small = |topic: &str| Will::new(topic, "x");
    let [deep, long] = nameless_topics();
    let refusals = [
        // Return code and reason of "not authorized".
        (small("$SYS/mine"), Some(5), 0x87),
        (small("$SYS/broker/connection"), Some(5), 0x87),
        (small("$share/g/a"), Some(5), 0x87),
        (small("$queue/$SYS/a"), Some(5), 0x87),
        (small("ActiveMQ/Advisory/Connection"), Some(5), 0x87),
        (small("$TEMP/tcp-1/a"), Some(5), 0x87),
        (small("$queue/$TEMP/tcp-1/a"), Some(5), 0x87),
        // There is no return code for these ([MQTT-3.2.2-6] of 3.1.1). The reasons are malformed packet, topic name
        // invalid and quota exceeded.
        (small("a/#"), None, 0x81),
        (small("a/+/b"), None, 0x81),
        (small(&deep), None, 0x90),
        (small(&long), None, 0x90),
        (Will::new("a", &"x".repeat(101)), None, 0x97),
    ];
    for (will, return_code, reason) in refusals {
        for version in Version::ALL {
            let connect = Connect::anyone(version).willing(will.clone());
            let mut client = MqttClient::open(&server, version).await;
            client.send_bytes(connect.encode()).await;
            let connack = client.next().await;
            let told = connack.map(|connack| {
                assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
                connack.reason()
            });
            let expected = if version == Version::V5 {
                Some(reason)
            } else {
                return_code
            };
            assert_eq!(told, expected, "{version:?}, {will:?}");
            assert_eq!(client.next().await, None);
        }
    }
}

/// Mosquitto's bridges have a will there in every version; in 5.0 nothing else identifies a bridge.
#[tokio::test]
async fn the_state_will_of_a_bridge_is_dropped() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let state = "$SYS/broker/connection/bridge/state";
        let mut watcher = MqttClient::subscriber(&server, version, state, 0).await;
        watcher.subscribe("end", 0).await;
        let before = refused(&server).await;
        let connect = Connect::anyone(version).willing(Will::new(state, "0"));
        let (client, _) = MqttClient::connect_with(&server, &connect).await;
        drop(client);
        let count = || refused(&server);
        eventually("the will to be counted", count, |count| *count > before).await;
        watcher.publish("end", "end", 0).await;
        assert_eq!(watcher.bodies(1).await, ["end"], "{version:?}");
    }
}

#[tokio::test]
async fn subscriptions_of_a_client_are_bounded() {
    let server = Carillon::with_mqtt(&["--max-subscriptions", "2"]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let subscribe = Packet::subscription(&[("a", 0), ("b", 0), ("c", 0)]);
    let suback = client.request(subscribe, Kind::Suback).await;
    // Quota exceeded.
    assert_eq!(suback.reasons, [0, 0, 0x97]);
    client.unsubscribe("a").await;
    client.subscribe("c", 0).await;
}
