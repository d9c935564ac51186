//! MQTT: a client that reconnects while its old connection still exists ([MQTT-3.1.4-3], [MQTT-3.14.4-3]).

use harness::Carillon;
use harness::background::Background;
use harness::deadline::within;
use harness::flood::{FLOODS, Target, flood};
use harness::mqtt::property::SESSION_EXPIRY;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, Will};

const VERSIONS: [Version; 2] = [Version::V3_1_1, Version::V5];
const TIMES: usize = 200;

/// Returns the CONNECT of a client with a will that reconnects repeatedly.
fn device(version: Version) -> Connect {
    Connect::new(version, "device").willing(Will::new("wills", "not left in order"))
}

/// Returns these packets and a DISCONNECT, which the client sends at once before it closes.
fn bytes(version: Version, packets: &[Packet]) -> Vec<u8> {
    let last = Packet::disconnect(0);
    let all = packets.iter().chain([&last]);
    all.flat_map(|packet| packet.encode(version)).collect()
}

#[tokio::test]
async fn packets_before_disconnect_count_and_no_will_is_published() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        let mut watcher = MqttClient::subscriber(&server, version, "from/device", 0).await;
        watcher.subscribe("wills", 0).await;
        for number in 0..TIMES {
            let (mut client, _) = MqttClient::connect_with(&server, &device(version)).await;
            let publish = Packet::publication("from/device", number.to_string(), 0);
            client.send_bytes(bytes(version, &[publish])).await;
            // The end of the old connection and the new connection reach the server at about the same time.
            drop(client);
        }
        let (last, _) = MqttClient::connect_with(&server, &device(version)).await;
        last.leave().await;
        let all: Vec<_> = (0..TIMES).map(|number| number.to_string()).collect();
        assert_eq!(watcher.bodies(TIMES).await, all, "{version:?}");
        let mut other = MqttClient::anyone(&server, version).await;
        other.publish("wills", "the last", 1).await;
        assert_eq!(watcher.bodies(1).await, ["the last"], "{version:?}");
        watcher.leave().await;
    }
}

#[tokio::test]
async fn packets_count_when_their_acknowledgement_meets_a_closed_socket() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        let mut watcher = MqttClient::subscriber(&server, version, "from/device", 0).await;
        watcher.subscribe("wills", 0).await;
        let publish = |id: u16| Packet::publication("from/device", id.to_string(), 1).numbered(id);
        for _ in 0..20 {
            let (mut client, _) = MqttClient::connect_with(&server, &device(version)).await;
            // In two writes, so that the server may answer the first when the socket is closed already. With more
            // segments, some could still be in the client's system at that time, which discards them.
            client.send(&publish(1)).await;
            let rest: Vec<_> = (2..=20).map(publish).collect();
            client.send_bytes(bytes(version, &rest)).await;
            drop(client);
            let all: Vec<_> = (1..=20).map(|number| number.to_string()).collect();
            assert_eq!(watcher.bodies(20).await, all, "{version:?}");
        }
        watcher.leave().await;
    }
}

#[tokio::test]
async fn an_unsubscribe_before_disconnect_counts() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in VERSIONS {
        let lasting = Connect::lasting(version, "reader");
        for _ in 0..TIMES / 4 {
            let (mut client, _) = MqttClient::connect_with(&server, &lasting).await;
            client.subscribe("news", 1).await;
            let unsubscribe = Packet::unsubscription(&["news"]).numbered(9);
            client.send_bytes(bytes(version, &[unsubscribe])).await;
            drop(client);
            let (mut client, connack) = MqttClient::connect_with(&server, &lasting).await;
            assert!(connack.session_present, "{version:?}");
            client.publish("news", "x", 1).await;
            client.ping().await;
            assert_eq!(client.waiting(), 0, "{version:?}: it has unsubscribed");
        }
    }
}

#[tokio::test]
async fn an_expiry_of_zero_in_disconnect_counts() {
    let server = Carillon::with_mqtt(&[]).await;
    let lasting = Connect::lasting(Version::V5, "guest");
    for _ in 0..TIMES / 4 {
        let (mut client, connack) = MqttClient::connect_with(&server, &lasting).await;
        assert!(!connack.session_present, "the session has ended");
        let leave = Packet::disconnect(0).with(SESSION_EXPIRY, 0);
        client.send_bytes(leave.encode(Version::V5)).await;
        drop(client);
    }
}

#[tokio::test]
async fn an_old_connection_that_keeps_sending_does_not_block_a_takeover() {
    let server = Carillon::with_mqtt(&[]).await;
    let target = Target {
        address: server.address(),
        trust: None,
    };
    let mut publishing = FLOODS[0];
    assert!(publishing.name.starts_with("MQTT PUBLISH"));
    publishing.opening = || Connect::new(Version::V3_1_1, "twin").encode();
    let flooding: Background = flood(publishing, &target).await;
    // The flood reconnects and takes over the client id again.
    for _ in 0..3 {
        let mut client = MqttClient::open(&server, Version::V3_1_1).await;
        let twin = Connect::new(Version::V3_1_1, "twin");
        client.send_bytes(twin.encode()).await;
        let connack = within("CONNACK", client.packet()).await;
        assert_eq!((connack.kind, connack.reason()), (Kind::Connack, 0));
    }
    drop(flooding);
}
