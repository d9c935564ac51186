//! MQTT: sessions that outlive their connections, and sessions that end with them.

use harness::Carillon;
use harness::mqtt::property::{SESSION_EXPIRY, WILL_DELAY};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, Will, forget};

const TAKEN_OVER: u8 = 0x8E;

#[tokio::test]
async fn a_client_that_reconnects_gets_missed_messages_in_order() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let connect = Connect::lasting(version, "sleeper");
        let (mut sleeper, connack) = MqttClient::connect_with(&server, &connect).await;
        assert!(!connack.session_present, "it is new");
        sleeper.subscribe("a/#", 2).await;
        sleeper.leave().await;

        let mut producer = MqttClient::anyone(&server, version).await;
        for (number, qos) in [1, 2, 1, 2].into_iter().enumerate() {
            let topic = format!("a/{}", number % 2);
            producer.publish(&topic, &number.to_string(), qos).await;
        }
        let (mut sleeper, connack) = MqttClient::connect_with(&server, &connect).await;
        assert_eq!(
            connack.session_present,
            version != Version::V3_1,
            "{version:?}"
        );
        assert_eq!(sleeper.bodies(4).await, ["0", "1", "2", "3"]);
        producer.publish("a", "live", 1).await;
        assert_eq!(sleeper.bodies(1).await, ["live"]);
        forget(&server, sleeper, &connect).await;
    }
}

#[tokio::test]
async fn a_clean_start_has_no_earlier_state() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let lasting = Connect::lasting(version, "c");
        let (mut client, _) = MqttClient::connect_with(&server, &lasting).await;
        client.subscribe("a", 1).await;
        client.leave().await;
        let mut producer = MqttClient::anyone(&server, version).await;
        producer.publish("a", "missed", 1).await;

        let clean = Connect::new(version, "c");
        let (mut client, connack) = MqttClient::connect_with(&server, &clean).await;
        assert!(!connack.session_present, "[MQTT-3.2.2-2]");
        producer.publish("a", "not subscribed", 1).await;
        client.subscribe("end", 1).await;
        producer.publish("end", "end", 1).await;
        assert_eq!(client.bodies(1).await, ["end"]);
        client.leave().await;

        let (_, connack) = MqttClient::connect_with(&server, &lasting).await;
        assert!(
            !connack.session_present,
            "the earlier session ended with its connection"
        );
    }
}

#[tokio::test]
async fn a_session_without_expiry_ends_with_its_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect {
        clean: false,
        ..Connect::new(Version::V5, "c")
    };
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    client.leave().await;
    let (_, connack) = MqttClient::connect_with(&server, &connect).await;
    assert!(!connack.session_present);
}

#[tokio::test]
async fn a_session_ends_when_it_has_expired() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    // A will is published at the end of the session at the latest ([MQTT-3.1.2-10]), so it marks
    // this end.
    let will = Will::new("will", "expired").with(WILL_DELAY, 600);
    let connect = Connect {
        clean: false,
        ..Connect::new(Version::V5, "c")
    };
    let mortal = connect.clone().with(SESSION_EXPIRY, 1).willing(will);
    let (client, _) = MqttClient::connect_with(&server, &mortal).await;
    drop(client);
    assert_eq!(watcher.bodies(1).await, ["expired"]);
    let (_, connack) = MqttClient::connect_with(&server, &connect).await;
    assert!(!connack.session_present);
}

#[tokio::test]
async fn disconnect_may_change_the_expiry() {
    let server = Carillon::with_mqtt(&[]).await;
    let lasting = Connect::lasting(Version::V5, "c");
    let (client, _) = MqttClient::connect_with(&server, &lasting).await;
    let at_once = Packet::disconnect(0).with(SESSION_EXPIRY, 0);
    client.leave_with(at_once).await;
    let (client, connack) = MqttClient::connect_with(&server, &lasting).await;
    assert!(!connack.session_present, "it ended at once");
    let later = Packet::disconnect(0).with(SESSION_EXPIRY, 60);
    client.leave_with(later).await;
    let (_, connack) = MqttClient::connect_with(&server, &lasting).await;
    assert!(connack.session_present);
}

#[tokio::test]
async fn a_session_without_expiry_cannot_be_extended_at_disconnect() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    let disconnect = Packet::disconnect(0).with(SESSION_EXPIRY, 60);
    client.send(&disconnect).await;
    // 3.14.2.2.2: "It is a Protocol Error".
    client.is_sent_away(0x82).await;
}

#[tokio::test]
async fn a_connect_with_the_same_client_id_takes_over() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let connect = Connect::lasting(version, "twin");
        let (mut first, _) = MqttClient::connect_with(&server, &connect).await;
        first.subscribe("a", 1).await;
        let (mut second, connack) = MqttClient::connect_with(&server, &connect).await;
        assert_eq!(connack.session_present, version != Version::V3_1);
        first.is_sent_away(TAKEN_OVER).await;
        second.publish("a", "to the second", 1).await;
        assert_eq!(
            second.bodies(1).await,
            ["to the second"],
            "it is subscribed"
        );
        forget(&server, second, &connect).await;
    }
}

#[tokio::test]
async fn a_session_continues_over_another_transport_and_version() {
    let server = Carillon::with_mqtt(&[]).await;
    let connect = Connect::lasting(Version::V3_1_1, "mover");
    let (mut first, _) = MqttClient::connect_with(&server, &connect).await;
    first.subscribe("a", 1).await;
    let second = MqttClient::over_websocket(&server, "/mqtt", Version::V5).await;
    let connect = Connect::lasting(Version::V5, "mover");
    let (mut second, connack) = second.connected_with(&connect).await;
    assert!(connack.session_present);
    first.is_sent_away(TAKEN_OVER).await;
    second.publish("a", "x", 1).await;
    assert_eq!(second.bodies(1).await, ["x"]);
}

#[tokio::test]
async fn repeated_takeovers_lose_no_message() {
    const COUNT: usize = 200;
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1_1, Version::V5] {
        let connect = Connect::lasting(version, &format!("busy with {version:?}"));
        let (mut consumer, _) = MqttClient::connect_with(&server, &connect).await;
        consumer.subscribe("a", 2).await;
        let mut producer = MqttClient::anyone(&server, version).await;
        let producing = async {
            for number in 0..COUNT {
                producer.publish("a", &number.to_string(), 2).await;
            }
        };
        let consuming = async {
            let mut seen = Vec::new();
            while seen.len() < COUNT {
                let message = consumer.packet().await;
                match message.kind {
                    Kind::Publish => seen.push(message.text()),
                    kind => assert_eq!(kind, Kind::Pubrel, "of the connection before"),
                }
                let answer = match message.kind {
                    Kind::Publish => Kind::Pubrec,
                    _ => Kind::Pubcomp,
                };
                consumer
                    .send(&Packet::acknowledgement(answer, message.id))
                    .await;
                if seen.len() % 20 == 7 && message.kind == Kind::Publish {
                    // The server has processed the PUBREC before the next connection takes over.
                    consumer.answer(Kind::Pubrel, message.id).await;
                    (consumer, _) = MqttClient::connect_with(&server, &connect).await;
                }
            }
            seen
        };
        let (seen, ()) = tokio::join!(consuming, producing);
        let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
        assert_eq!(seen, expected, "{version:?}");
    }
}
