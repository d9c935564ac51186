//! MQTT 5.0: the effects of properties of messages and connections.

use harness::Carillon;
use harness::mqtt::property::{
    CONTENT_TYPE, CORRELATION_DATA, MAXIMUM_PACKET_SIZE, MESSAGE_EXPIRY, PAYLOAD_FORMAT,
    REASON_STRING, RECEIVE_MAXIMUM, REQUEST_PROBLEM_INFORMATION, RESPONSE_TOPIC, TOPIC_ALIAS,
    TOPIC_ALIAS_MAXIMUM, USER_PROPERTY, WILL_DELAY,
};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, Will};

const V5: Version = Version::V5;

#[tokio::test]
async fn properties_of_a_message_are_passed_on_unchanged() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, V5, "a", 2).await;
    let publish = Packet::publication("a", "鐘", 2)
        .with(PAYLOAD_FORMAT, 1)
        .with(CONTENT_TYPE, "text/plain; charset=utf-8")
        .with(RESPONSE_TOPIC, "answers/to/me")
        .with(CORRELATION_DATA, b"\0\xFF:\n\\".as_slice())
        .with(USER_PROPERTY, ("a", "1"))
        .with(USER_PROPERTY, ("", ""))
        .with(USER_PROPERTY, ("a", "2: ä\n\\"))
        .with(USER_PROPERTY, ("destination", "mine"))
        .with(USER_PROPERTY, ("content-type", "mine too"));
    client.publish_packet(publish.clone()).await;
    let message = client.message().await;
    assert_eq!(message.text(), "鐘");
    // [MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-16], [MQTT-3.3.2-20].
    for property in [
        PAYLOAD_FORMAT,
        CONTENT_TYPE,
        RESPONSE_TOPIC,
        CORRELATION_DATA,
    ] {
        assert_eq!(message.property(property), publish.property(property));
    }
    assert_eq!(
        message.pairs(),
        publish.pairs(),
        "[MQTT-3.3.2-17], [MQTT-3.3.2-18]"
    );
}

#[tokio::test]
async fn a_response_is_matched_to_its_request() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut responder = MqttClient::subscriber(&server, V5, "questions", 1).await;
    let mut requester = MqttClient::subscriber(&server, V5, "answers/1", 1).await;
    for number in 0..3u8 {
        let request = Packet::publication("questions", "?", 1)
            .with(RESPONSE_TOPIC, "answers/1")
            .with(CORRELATION_DATA, [number].as_slice());
        requester.publish_packet(request).await;
        let request = responder.message().await;
        let response = Packet::publication(request.text_of(RESPONSE_TOPIC), "!", 1)
            .with(CORRELATION_DATA, request.bytes_of(CORRELATION_DATA));
        responder.publish_packet(response).await;
        let response = requester.message().await;
        assert_eq!(response.bytes_of(CORRELATION_DATA), [number]);
    }
}

#[tokio::test]
async fn a_message_expires_and_counts_down() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::lasting(V5, "sleeper");
    let (mut sleeper, _) = MqttClient::connect_with(&server, &connect).await;
    sleeper.subscribe("a", 1).await;
    sleeper.leave().await;
    let mut producer = MqttClient::anyone(&server, V5).await;
    for (body, seconds) in [("mortal", 1), ("patient", 600)] {
        let publish = Packet::publication("a", body, 1).with(MESSAGE_EXPIRY, seconds);
        producer.publish_packet(publish).await;
    }
    producer.publish("a", "immortal", 1).await;
    two_seconds_later(&server).await;
    let (mut sleeper, _) = MqttClient::connect_with(&server, &connect).await;
    let patient = sleeper.message().await;
    assert_eq!(patient.text(), "patient", "[MQTT-3.3.2-5]");
    let left = patient.number(MESSAGE_EXPIRY).expect("it has an expiry");
    assert!(left < 600, "[MQTT-3.3.2-6]: {left}");
    let immortal = sleeper.message().await;
    assert_eq!(immortal.text(), "immortal");
    assert_eq!(immortal.number(MESSAGE_EXPIRY), None);
}

/// Waits two seconds of the server's clock, with a delayed will.
async fn two_seconds_later(server: &Carillon) {
    let mut watcher = MqttClient::subscriber(server, V5, "clock", 1).await;
    let will = Will::new("clock", "it is time").with(WILL_DELAY, 2);
    let connect = Connect::lasting(V5, "clock").willing(will);
    let (clock, _) = MqttClient::connect_with(server, &connect).await;
    drop(clock);
    watcher.message().await;
}

#[tokio::test]
async fn a_client_may_use_topic_aliases() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, V5, "a/#", 1).await;
    let connect = Connect::anyone(V5);
    let (mut client, connack) = MqttClient::connect_with(&server, &connect).await;
    let maximum = connack.number(TOPIC_ALIAS_MAXIMUM).unwrap_or_default();
    assert!(maximum > 0, "aliases are taken: {connack:?}");
    for (topic, alias, meant) in [
        ("a/b", 1, "a/b"),
        ("", 1, "a/b"),
        ("a/c", maximum, "a/c"),
        ("", 1, if maximum == 1 { "a/c" } else { "a/b" }),
        ("a/d", 1, "a/d"),
        ("", 1, "a/d"),
    ] {
        let publish = Packet::publication(topic, "x", 1).with(TOPIC_ALIAS, alias);
        client.publish_packet(publish).await;
        let message = watcher.message().await;
        assert_eq!(message.topic, meant);
        assert_eq!(message.number(TOPIC_ALIAS), None, "it is the producer's");
    }
    drop(client);

    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    let publish = Packet::publication("", "x", 0).with(TOPIC_ALIAS, 1);
    client.send(&publish).await;
    let disconnect = client.packet().await;
    assert_eq!(
        disconnect.kind,
        Kind::Disconnect,
        "the alias belonged to the earlier connection"
    );
    // Protocol error, or topic alias invalid (3.3.4).
    assert!(
        [0x82, 0x94].contains(&disconnect.reason()),
        "{disconnect:?}"
    );
}

#[tokio::test]
async fn the_server_uses_topic_aliases_up_to_the_clients_maximum() {
    const MAXIMUM: u32 = 2;
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::anyone(V5).with(TOPIC_ALIAS_MAXIMUM, MAXIMUM);
    let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
    client.subscribe("long/#", 1).await;
    let mut names = vec![String::new(); MAXIMUM as usize + 1];
    let mut by_alias_alone = 0;
    for number in [1, 1, 2, 2, 3, 3, 1, 2, 3, 1] {
        let topic = format!("long/and/winding/{number}");
        client.publish(&topic, "x", 1).await;
        let message = client.message().await;
        let Some(alias) = message.number(TOPIC_ALIAS) else {
            assert_eq!(message.topic, topic);
            continue;
        };
        assert!(
            (1..=MAXIMUM).contains(&alias),
            "[MQTT-3.1.2-26]: {message:?}"
        );
        let name = &mut names[alias as usize];
        match message.topic.is_empty() {
            true => by_alias_alone += 1,
            false => name.clone_from(&message.topic),
        }
        assert_eq!(*name, topic);
    }
    assert!(by_alias_alone > 0, "allowed aliases are used");
}

#[tokio::test]
async fn a_client_without_topic_aliases_gets_none() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, V5, "a", 1).await;
    for _ in 0..3 {
        client.publish("a", "x", 1).await;
        let message = client.message().await;
        assert_eq!(message.number(TOPIC_ALIAS), None, "[MQTT-3.1.2-27]");
        assert_eq!(message.topic, "a");
    }
}

#[tokio::test]
async fn a_message_too_large_for_a_client_is_not_sent() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut producer = MqttClient::anyone(&server, V5).await;
    for qos in 0..3 {
        let connect = Connect::anyone(V5).with(MAXIMUM_PACKET_SIZE, 100);
        let (mut small, _) = MqttClient::connect_with(&server, &connect).await;
        small.subscribe("a", qos).await;
        let mut large = MqttClient::subscriber(&server, V5, "a", qos).await;
        let body = "x".repeat(200);
        for body in ["before", &body, "behind"] {
            producer.publish("a", body, qos).await;
        }
        assert_eq!(
            small.bodies(2).await,
            ["before", "behind"],
            "[MQTT-3.1.2-25]"
        );
        assert_eq!(large.bodies(3).await[1], body, "others get it");
    }
}

#[tokio::test]
async fn a_message_too_large_for_a_client_does_not_block_later_ones() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::anyone(V5)
        .with(MAXIMUM_PACKET_SIZE, 100)
        .with(RECEIVE_MAXIMUM, 1);
    let (mut small, _) = MqttClient::connect_with(&server, &connect).await;
    small.subscribe("$queue/q", 1).await;
    let mut producer = MqttClient::anyone(&server, V5).await;
    for body in [&*"x".repeat(200), "behind"] {
        producer.publish("$queue/q", body, 1).await;
    }
    assert_eq!(small.bodies(1).await, ["behind"]);
}

#[tokio::test]
async fn a_packet_too_large_for_the_server_ends_the_connection() {
    let server = Carillon::with_mqtt(&["--max-body", "1000"]).await;
    let connect = Connect::anyone(V5);
    let (mut client, connack) = MqttClient::connect_with(&server, &connect).await;
    let maximum = connack
        .number(MAXIMUM_PACKET_SIZE)
        .expect("it is in CONNACK");
    assert!(maximum >= 1_000, "{connack:?}");
    let publish = Packet::publication("a", vec![b'x'; maximum as usize], 1);
    // The server may close the connection before everything is sent.
    let bytes = publish.numbered(1).encode(V5);
    let _ = client.try_send_bytes(bytes).await;
    client.is_sent_away(0x95).await;
}

#[tokio::test]
async fn a_client_without_problem_information_gets_no_reason_strings() {
    let server = Carillon::with_mqtt(&[]).await;
    for wanted in [0, 1] {
        let connect = Connect::anyone(V5).with(REQUEST_PROBLEM_INFORMATION, wanted);
        let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
        let publish = Packet::publication("$SYS/mine", "x", 1);
        let puback = client.request(publish, Kind::Puback).await;
        assert!(puback.reason() >= 0x80, "{puback:?}");
        let is_told = !puback.text_of(REASON_STRING).is_empty();
        assert_eq!(is_told, wanted == 1, "[MQTT-3.1.2-29]: {puback:?}");
    }
}
