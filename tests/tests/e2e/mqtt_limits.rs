//! MQTT: the limits set on the command line, their values in CONNACK, and their effects.

use harness::Carillon;
use harness::mqtt::property::{
    RECEIVE_MAXIMUM, REQUEST_RESPONSE_INFORMATION, RESPONSE_INFORMATION, SERVER_KEEP_ALIVE,
    SESSION_EXPIRY, TOPIC_ALIAS, TOPIC_ALIAS_MAXIMUM, WILL_DELAY,
};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, Will};

const V5: Version = Version::V5;

#[tokio::test]
async fn the_server_limits_the_session_expiry() {
    let server = Carillon::with_mqtt(&["--session-expiry", "1"]).await;
    let mut watcher = MqttClient::subscriber(&server, V5, "will", 1).await;
    // A will is published at the end of the session at the latest, so it marks this end.
    let will = Will::new("will", "expired").with(WILL_DELAY, 600);
    let connect = Connect::lasting(V5, "c").willing(will);
    let (client, connack) = MqttClient::connect_with(&server, &connect).await;
    assert_eq!(connack.number(SESSION_EXPIRY), Some(1), "5.0, 3.2.2.3.2");
    drop(client);
    assert_eq!(watcher.bodies(1).await, ["expired"]);
    let (_, connack) = MqttClient::connect_with(&server, &Connect::lasting(V5, "c")).await;
    assert!(!connack.session_present);
}

#[tokio::test]
async fn a_shorter_session_expiry_of_the_client_is_kept() {
    let server = Carillon::with_mqtt(&["--session-expiry", "600"]).await;
    for asked in [0, 600] {
        let connect = Connect::anyone(V5).with(SESSION_EXPIRY, asked);
        let (_, connack) = MqttClient::connect_with(&server, &connect).await;
        let told = connack.number(SESSION_EXPIRY).unwrap_or(asked);
        assert_eq!(told, asked, "{connack:?}");
    }
}

#[tokio::test]
async fn a_keep_alive_below_the_limit_is_accepted() {
    let server = Carillon::with_mqtt(&["--keep-alive", "600"]).await;
    for (asked, expected) in [(0, 600), (601, 600), (600, 600), (60, 60)] {
        let connect = Connect {
            keep_alive_s: asked,
            ..Connect::anyone(V5)
        };
        let (_, connack) = MqttClient::connect_with(&server, &connect).await;
        let told = connack.number(SERVER_KEEP_ALIVE);
        assert_eq!(told.unwrap_or(asked.into()), expected, "{connack:?}");
    }
}

#[tokio::test]
async fn the_server_limits_the_messages_in_flight_to_a_client() {
    const COUNT: usize = 7;
    let server = Carillon::with_mqtt(&["--max-inflight", "2"]).await;
    for version in Version::ALL {
        for qos in [1, 2] {
            let mut consumer = MqttClient::subscriber(&server, version, "a", qos).await;
            let mut producer = MqttClient::anyone(&server, version).await;
            for number in 0..COUNT {
                producer.publish("a", &number.to_string(), qos).await;
            }
            let first = [consumer.delivery().await, consumer.delivery().await];
            // The PINGRESP comes after any third message that a server with a wrong count had sent.
            consumer.ping().await;
            assert_eq!(consumer.waiting(), 0, "{version:?}, QoS {qos}");
            for message in &first {
                consumer.acknowledge(message).await;
            }
            let rest = consumer.bodies(COUNT - first.len()).await;
            let expected: Vec<_> = (2..COUNT).map(|number| number.to_string()).collect();
            assert_eq!(rest, expected, "{version:?}, QoS {qos}");
            consumer.leave().await;
        }
    }
}

#[tokio::test]
async fn a_client_may_use_the_receive_maximum_of_the_server() {
    let server = Carillon::with_mqtt(&["--receive-maximum", "3"]).await;
    let (mut client, connack) = MqttClient::connect_with(&server, &Connect::anyone(V5)).await;
    assert_eq!(connack.number(RECEIVE_MAXIMUM), Some(3), "{connack:?}");
    let publish = |id| Packet::publication("a", "x", 2).numbered(id);
    for id in 1..=3 {
        client.send(&publish(id)).await;
        client.answer(Kind::Pubrec, id).await;
    }
    // A completed exchange does not count any more.
    client.release(2).await;
    client.send(&publish(4)).await;
    client.answer(Kind::Pubrec, 4).await;
    client.send(&publish(5)).await;
    // [MQTT-3.3.4-7]: receive maximum exceeded.
    client.is_sent_away(0x93).await;
}

#[tokio::test]
async fn topic_aliases_are_accepted_up_to_the_maximum() {
    for maximum in [0, 2] {
        let server = Carillon::with_mqtt(&["--topic-aliases", &maximum.to_string()]).await;
        let (mut client, connack) = MqttClient::connect_with(&server, &Connect::anyone(V5)).await;
        let told = connack.number(TOPIC_ALIAS_MAXIMUM).unwrap_or(0);
        assert_eq!(told, maximum, "{connack:?}");
        client.subscribe("a", 1).await;
        for alias in 1..=maximum {
            for topic in ["a", ""] {
                let publish = Packet::publication(topic, "x", 1).with(TOPIC_ALIAS, alias);
                client.publish_packet(publish).await;
                assert_eq!(client.message().await.topic, "a");
            }
        }
        let publish = Packet::publication("a", "x", 0).with(TOPIC_ALIAS, maximum + 1);
        client.send(&publish).await;
        // [MQTT-3.2.2-17]: topic alias invalid.
        client.is_sent_away(0x94).await;
    }
}

#[tokio::test]
async fn response_information_is_sent_on_request() {
    let server = Carillon::with_mqtt(&[]).await;
    let asking = || Connect::anyone(V5).with(REQUEST_RESPONSE_INFORMATION, 1);
    let (mut requester, connack) = MqttClient::connect_with(&server, &asking()).await;
    let prefix = connack.text_of(RESPONSE_INFORMATION).to_owned();
    assert_ne!(prefix, "", "{connack:?}");
    requester.subscribe(&format!("{prefix}/#"), 1).await;
    let (mut other, connack) = MqttClient::connect_with(&server, &asking()).await;
    assert_ne!(connack.text_of(RESPONSE_INFORMATION), prefix);
    other.publish(&format!("{prefix}/1"), "answer", 1).await;
    assert_eq!(requester.bodies(1).await, ["answer"]);

    let not = Connect::anyone(V5).with(REQUEST_RESPONSE_INFORMATION, 0);
    for connect in [not, Connect::anyone(V5)] {
        let (_, connack) = MqttClient::connect_with(&server, &connect).await;
        let told = connack.property(RESPONSE_INFORMATION);
        assert_eq!(told, None, "[MQTT-3.1.2-28]");
    }
}
