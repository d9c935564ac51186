//! MQTT: wills.

use harness::Carillon;
use harness::mqtt::property::{CONTENT_TYPE, SESSION_EXPIRY, USER_PROPERTY, WILL_DELAY};
use harness::mqtt::{Connect, MqttClient, Packet, Version, Will, forget, sealed};

#[tokio::test]
async fn a_will_is_published_after_a_broken_connection_but_not_after_disconnect() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        for qos in 0..3 {
            let mut watcher = MqttClient::subscriber(&server, version, "will", 2).await;
            let connect = |body: &str| {
                let will = Will::new("will", body);
                Connect::anyone(version).willing(Will { qos, ..will })
            };
            let (polite, _) = MqttClient::connect_with(&server, &connect("left")).await;
            polite.leave().await;
            let (broken, _) = MqttClient::connect_with(&server, &connect("broken")).await;
            drop(broken);
            let will = watcher.message().await;
            assert_eq!((will.text().as_str(), will.qos()), ("broken", qos));
            assert!(!will.is_retained());
            watcher.leave().await;
        }
    }
}

#[tokio::test]
async fn a_will_is_published_after_a_fault_and_after_silence() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut watcher = MqttClient::subscriber(&server, version, "will", 1).await;
        let connect = Connect::anyone(version).willing(Will::new("will", "a fault"));
        let (mut client, _) = MqttClient::connect_with(&server, &connect).await;
        client.send_bytes(sealed(0x30, b"\0\x03a/+")).await;
        assert_eq!(watcher.bodies(1).await, ["a fault"]);

        let connect = Connect {
            keep_alive_s: 1,
            ..Connect::anyone(version).willing(Will::new("will", "silence"))
        };
        let (silent, _) = MqttClient::connect_with(&server, &connect).await;
        assert_eq!(watcher.bodies(1).await, ["silence"]);
        drop(silent);
    }
}

#[tokio::test]
async fn disconnect_with_will_message_publishes_the_will() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let connect = Connect::anyone(Version::V5).willing(Will::new("will", "on purpose"));
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    // Disconnect with will message.
    client.leave_with(Packet::disconnect(0x04)).await;
    assert_eq!(watcher.bodies(1).await, ["on purpose"]);
}

#[tokio::test]
async fn a_will_may_be_retained_and_have_properties() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let will = Will::new("will", "gone")
        .with(CONTENT_TYPE, "text/plain")
        .with(USER_PROPERTY, ("who", "me"));
    let retained = Will {
        retain: true,
        ..will
    };
    let connect = Connect::anyone(Version::V5).willing(retained);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    drop(client);
    let said = watcher.message().await;
    assert!(!said.is_retained(), "it was live");
    let mut late = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let kept = late.message().await;
    assert!(kept.is_retained());
    for will in [said, kept] {
        assert_eq!(will.text(), "gone");
        assert_eq!(will.text_of(CONTENT_TYPE), "text/plain");
        assert_eq!(will.pairs(), [("who", "me")]);
        assert_eq!(will.number(WILL_DELAY), None);
    }
}

#[tokio::test]
async fn a_delayed_will_is_dropped_if_the_client_reconnects_in_time() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let will = |body, delay_s: u32| Will::new("will", body).with(WILL_DELAY, delay_s);
    let connect = Connect::lasting(Version::V5, "back");
    let willing = connect.clone().willing(will("is back", 1));
    let (client, _) = MqttClient::connect_with(&server, &willing).await;
    drop(client);
    let (client, connack) = MqttClient::connect_with(&server, &connect).await;
    assert!(connack.session_present);
    client.leave().await;

    // The second will has a longer delay: the first would have been published by then.
    let willing = Connect::lasting(Version::V5, "away").willing(will("stays away", 2));
    let (client, _) = MqttClient::connect_with(&server, &willing).await;
    drop(client);
    assert_eq!(watcher.bodies_before("stays away").await, [""; 0]);
}

#[tokio::test]
async fn a_delayed_will_is_published_when_the_session_ends() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let will = Will::new("will", "at once").with(WILL_DELAY, 600);
    let connect = Connect::anyone(Version::V5).willing(will);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    drop(client);
    assert_eq!(watcher.bodies(1).await, ["at once"]);

    // A clean start also ends the session.
    let will = Will::new("will", "started anew").with(WILL_DELAY, 600);
    let connect = Connect::lasting(Version::V5, "c").willing(will);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    drop(client);
    MqttClient::connect(&server, Version::V5, "c").await;
    assert_eq!(watcher.bodies(1).await, ["started anew"]);
}

#[tokio::test]
async fn a_will_is_published_on_takeover() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut watcher = MqttClient::subscriber(&server, version, "will", 1).await;
        let connect = Connect::lasting(version, "twin");
        let willing = connect.clone().willing(Will::new("will", "the first"));
        let (_first, _) = MqttClient::connect_with(&server, &willing).await;
        let (second, _) = MqttClient::connect_with(&server, &connect).await;
        assert_eq!(watcher.bodies(1).await, ["the first"]);
        forget(&server, second, &connect).await;
    }
}

#[tokio::test]
async fn a_disconnect_with_expiry_0_withdraws_the_will() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::subscriber(&server, Version::V5, "will", 1).await;
    let will = Will::new("will", "withdrawn");
    let connect = Connect::lasting(Version::V5, "c").willing(will);
    let (client, _) = MqttClient::connect_with(&server, &connect).await;
    let disconnect = Packet::disconnect(0).with(SESSION_EXPIRY, 0);
    client.leave_with(disconnect).await;
    watcher.publish("will", "end", 1).await;
    assert_eq!(
        watcher.bodies_before("end").await,
        [""; 0],
        "[MQTT-3.14.4-3]"
    );
}
