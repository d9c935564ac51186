//! MQTT: delivery at each quality of service, flow control, and retransmission.

use harness::Carillon;
use harness::mqtt::property::RECEIVE_MAXIMUM;
use harness::mqtt::{Connect, DUP, Kind, MqttClient, Packet, Version, forget};

/// In these versions a packet that is sent again has the DUP flag.
const LASTING: [Version; 2] = [Version::V3_1_1, Version::V5];

#[tokio::test]
async fn a_message_has_the_lower_qos_of_publication_and_subscription() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut producer = MqttClient::anyone(&server, version).await;
        for subscribed in 0..3 {
            let mut consumer = MqttClient::subscriber(&server, version, "a", subscribed).await;
            for published in 0..3 {
                producer.publish("a", "x", published).await;
                let message = consumer.message().await;
                assert_eq!(message.qos(), published.min(subscribed), "{version:?}");
                assert!(!message.is_duplicate() && !message.is_retained());
            }
            consumer.leave().await;
        }
    }
}

#[tokio::test]
async fn packet_identifiers_of_both_directions_are_independent() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::subscriber(&server, version, "a", 2).await;
        // Several at once, with the server's own packets in between.
        for id in 1..=20 {
            let publish = Packet::publication("a", id.to_string(), 2).numbered(id);
            client.send(&publish).await;
        }
        for id in 1..=20 {
            client.answer(Kind::Pubrec, id).await;
            client.release(id).await;
        }
        let expected: Vec<_> = (1..=20).map(|id| id.to_string()).collect();
        assert_eq!(client.bodies(20).await, expected, "{version:?}");
    }
}

#[tokio::test]
async fn a_publish_of_qos_2_sent_twice_is_delivered_once() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut consumer = MqttClient::subscriber(&server, version, "a", 2).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        let publish = Packet::publication("a", "one", 2).numbered(7);
        producer.send(&publish).await;
        producer.answer(Kind::Pubrec, 7).await;
        producer.send(&publish.clone().flagged(DUP)).await;
        producer.answer(Kind::Pubrec, 7).await;
        producer.release(7).await;
        // From then on the identifier is free for another message.
        producer
            .send(&Packet {
                body: b"two".into(),
                ..publish
            })
            .await;
        producer.answer(Kind::Pubrec, 7).await;
        producer.release(7).await;
        producer.publish("a", "end", 2).await;
        assert_eq!(consumer.bodies_before("end").await, ["one", "two"]);
    }
}

#[tokio::test]
async fn a_publish_of_qos_2_sent_over_two_connections_is_delivered_once() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in LASTING {
        let mut consumer = MqttClient::subscriber(&server, version, "a", 2).await;
        let connect = Connect::lasting(version, &format!("producer of {version:?}"));
        let (mut producer, _) = MqttClient::connect_with(&server, &connect).await;
        let publish = Packet::publication("a", "one", 2).numbered(7);
        producer.send(&publish).await;
        producer.answer(Kind::Pubrec, 7).await;
        drop(producer);
        let (mut producer, connack) = MqttClient::connect_with(&server, &connect).await;
        assert!(connack.session_present, "{version:?}");
        producer.send(&publish.flagged(DUP)).await;
        producer.answer(Kind::Pubrec, 7).await;
        producer.release(7).await;
        producer.publish("a", "end", 2).await;
        assert_eq!(consumer.bodies_before("end").await, ["one"], "{version:?}");
    }
}

#[tokio::test]
async fn a_pubrel_without_a_message_gets_pubcomp() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::anyone(&server, version).await;
        let pubrel = Packet::acknowledgement(Kind::Pubrel, 9);
        client.send(&pubrel).await;
        let pubcomp = client.answer(Kind::Pubcomp, 9).await;
        // Packet identifier not found, which is not an error (5.0, 3.7.2.1).
        let expected = if version == Version::V5 { 0x92 } else { 0 };
        assert_eq!(pubcomp.reason(), expected, "{version:?}");
        client.ping().await;
    }
}

#[tokio::test]
async fn unacknowledged_messages_are_sent_again_in_order_with_dup() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in LASTING {
        for qos in [1, 2] {
            let connect = Connect::lasting(version, "consumer");
            let (mut consumer, _) = MqttClient::connect_with(&server, &connect).await;
            consumer.subscribe("a", qos).await;
            let mut producer = MqttClient::anyone(&server, version).await;
            for body in ["1", "2", "3", "4"] {
                producer.publish("a", body, qos).await;
            }
            let mut first = Vec::new();
            while first.len() < 4 {
                first.push(consumer.delivery().await);
            }
            // Acknowledges one message in the middle; only this one is not sent again.
            consumer.acknowledge(&first[1]).await;
            consumer.leave().await;
            producer.publish("a", "5", qos).await;

            let (mut consumer, connack) = MqttClient::connect_with(&server, &connect).await;
            assert!(connack.session_present);
            for earlier in [&first[0], &first[2], &first[3]] {
                let again = consumer.delivery().await;
                assert_eq!(again, earlier.clone().flagged(DUP), "[MQTT-4.4.0-1]");
                consumer.acknowledge(&again).await;
            }
            let last = consumer.message().await;
            assert_eq!((last.text().as_str(), last.is_duplicate()), ("5", false));
            forget(&server, consumer, &connect).await;
        }
    }
}

#[tokio::test]
async fn a_received_but_incomplete_message_gets_pubrel_again() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in LASTING {
        let connect = Connect::lasting(version, &format!("consumer of {version:?}"));
        let (mut consumer, _) = MqttClient::connect_with(&server, &connect).await;
        consumer.subscribe("a", 2).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        producer.publish("a", "1", 2).await;
        let publish = consumer.delivery().await;
        let pubrec = Packet::acknowledgement(Kind::Pubrec, publish.id);
        consumer.send(&pubrec).await;
        consumer.answer(Kind::Pubrel, publish.id).await;
        drop(consumer);

        let (mut consumer, _) = MqttClient::connect_with(&server, &connect).await;
        let pubrel = consumer.packet().await;
        assert_eq!((pubrel.kind, pubrel.id), (Kind::Pubrel, publish.id));
        let pubcomp = Packet::acknowledgement(Kind::Pubcomp, publish.id);
        consumer.send(&pubcomp).await;
        producer.publish("a", "end", 2).await;
        assert_eq!(consumer.bodies(1).await, ["end"], "and not again");
    }
}

#[tokio::test]
async fn the_receive_maximum_of_the_client_is_respected() {
    const MAXIMUM: u32 = 3;
    let server = Carillon::with_mqtt(&[]).await;
    for qos in [1, 2] {
        let connect = Connect::anyone(Version::V5).with(RECEIVE_MAXIMUM, MAXIMUM);
        let (mut consumer, _) = MqttClient::connect_with(&server, &connect).await;
        consumer.subscribe("a", qos).await;
        consumer.subscribe("free", 0).await;
        let mut producer = MqttClient::anyone(&server, Version::V5).await;
        for number in 0..10 {
            producer.publish("a", &number.to_string(), qos).await;
        }
        let mut unacknowledged = Vec::new();
        for _ in 0..MAXIMUM {
            unacknowledged.push(consumer.delivery().await);
        }
        // The PINGRESP comes after any fourth message that a server with a wrong count had sent.
        consumer.ping().await;
        assert_eq!(consumer.waiting(), 0, "[MQTT-3.3.4-9]");
        let mut seen = Vec::new();
        while seen.len() < 10 {
            let next = unacknowledged.remove(0);
            consumer.acknowledge(&next).await;
            seen.push(next.text());
            if seen.len() + unacknowledged.len() < 10 {
                unacknowledged.push(consumer.delivery().await);
            }
        }
        let expected: Vec<_> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_client_that_exceeds_the_receive_maximum_is_disconnected() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::anyone(Version::V5);
    let (mut client, connack) = MqttClient::connect_with(&server, &connect).await;
    let maximum = connack.number(RECEIVE_MAXIMUM).unwrap_or(65_535);
    let mut packets = Vec::new();
    for id in 1..=maximum {
        let publish = Packet::publication("a", "", 2).numbered(id as u16);
        packets.extend_from_slice(&publish.encode(Version::V5));
    }
    client.send_bytes(packets).await;
    for id in 1..=maximum {
        let pubrec = client.packet().await;
        assert_eq!((pubrec.kind, u32::from(pubrec.id)), (Kind::Pubrec, id));
    }
    if maximum < 65_535 {
        let publish = Packet::publication("a", "", 2).numbered(maximum as u16 + 1);
        client.send(&publish).await;
        // [MQTT-3.3.4-7].
        client.is_sent_away(0x93).await;
    }
}

#[tokio::test]
async fn a_message_of_a_megabyte_arrives_at_each_qos() {
    let server = Carillon::with_mqtt(&[]).await;
    let body = "x".repeat(1_000_000);
    for version in Version::ALL {
        for qos in 0..3 {
            let mut client = MqttClient::subscriber(&server, version, "a", qos).await;
            client.publish("a", &body, qos).await;
            assert!(client.message().await.text() == body);
        }
    }
}

#[tokio::test]
async fn a_thousand_messages_arrive_in_their_order() {
    const COUNT: u16 = 1_000;
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        for qos in 0..3 {
            let mut consumer = MqttClient::subscriber(&server, version, "a", qos).await;
            let mut producer = MqttClient::anyone(&server, version).await;
            let producing = async {
                for number in 0..COUNT {
                    producer.publish("a", &number.to_string(), qos.min(1)).await;
                }
            };
            let (bodies, ()) = tokio::join!(consumer.bodies(COUNT.into()), producing);
            let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
            assert_eq!(bodies, expected, "{version:?}");
            consumer.leave().await;
        }
    }
}

/// With the rule `block` a publisher waits for slow subscribers. The server still reads the acknowledgements for which
/// the publisher itself is the slow subscriber.
#[tokio::test]
async fn acknowledgements_of_a_blocked_publisher_are_read() {
    const COUNT: usize = 50;
    let server = Carillon::with_mqtt(&["--overflow", "block", "--lag", "10"]).await;
    for qos in 1..3 {
        let connect = Connect::anyone(Version::V5).with(RECEIVE_MAXIMUM, 1);
        let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
        let topic = format!("own/{qos}");
        client.subscribe(&topic, qos).await;
        let mut bytes = Vec::new();
        for number in 0..COUNT {
            let publish = Packet::publication(&topic, number.to_string(), qos);
            let publish = publish.numbered(client.fresh_id());
            bytes.extend(publish.encode(client.version));
        }
        client.send_bytes(bytes).await;
        let mut heard = Vec::new();
        while heard.len() < COUNT {
            let packet = client.packet().await;
            if packet.kind == Kind::Publish {
                client.acknowledge(&packet).await;
                heard.push(packet.text());
            }
        }
        let sent: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
        assert_eq!(heard, sent);
    }
}
