//! MQTT over WebSocket: 5.0, chapter 6.

use harness::Carillon;
use harness::http::get;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::stomp::{StompClient, upgrade};

const PATHS: [&str; 3] = ["/", "/mqtt", "/ws"];

/// The close code for "a type of data it cannot accept": RFC 6455, 7.4.1.
const UNSUPPORTED_DATA: u16 = 1003;

async fn connect(server: &Carillon, path: &str, version: Version) -> MqttClient {
    let client = MqttClient::over_websocket(server, path, version).await;
    let (client, _) = client.connected_with(&Connect::anyone(version)).await;
    client
}

#[tokio::test]
async fn each_path_accepts_each_mqtt_version() {
    let server = Carillon::with_mqtt(&[]).await;
    for path in PATHS {
        for version in Version::ALL {
            let mut client = connect(&server, path, version).await;
            let subprotocol = client.subprotocol.as_deref();
            assert_eq!(subprotocol, Some(version.subprotocol()), "{path}");
            for qos in 0..3 {
                let (filter, body) = (format!("a/{qos}"), format!("{path} {qos}"));
                client.subscribe(&filter, qos).await;
                client.publish(&filter, &body, qos).await;
                assert_eq!(client.bodies(1).await, [body]);
            }
        }
    }
}

#[tokio::test]
async fn without_a_subprotocol_the_first_bytes_decide() {
    let server = Carillon::with_mqtt(&[]).await;
    for path in PATHS {
        for version in Version::ALL {
            let request = upgrade(&server, path, &[]);
            let client = MqttClient::upgraded(request, version).await;
            let client = client.unwrap_or_else(|status| panic!("{path}: {status}"));
            let (mut client, _) = client.connected_with(&Connect::anyone(version)).await;
            client.ping().await;
        }
    }
}

#[tokio::test]
async fn a_known_subprotocol_is_chosen() {
    let server = Carillon::with_mqtt(&[]).await;
    for (offered, chosen) in [
        ("mqtt", "mqtt"),
        ("mqttv3.1", "mqttv3.1"),
        ("unheard-of, mqtt", "mqtt"),
        ("mqttv3.1, unheard-of", "mqttv3.1"),
    ] {
        let request = upgrade(&server, "/ws", &[("sec-websocket-protocol", offered)]);
        let client = MqttClient::upgraded(request, Version::V5).await;
        let subprotocol = client.expect("an upgrade").subprotocol;
        assert_eq!(subprotocol.as_deref(), Some(chosen), "of {offered}");
    }
}

#[tokio::test]
async fn the_page_at_the_root_path_is_still_served() {
    let server = Carillon::with_mqtt(&[]).await;
    connect(&server, "/", Version::V3_1_1).await;
    let page = get(server.url("/")).await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    let mut stomp = StompClient::connect(&server).await;
    stomp.subscribe("0", "a", &[]).await;
}

#[tokio::test]
async fn packets_may_be_split_over_frames_or_joined_in_one() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let stream = [
            Connect::new(version, "c").encode(),
            Packet::subscription(&[("a", 0)])
                .numbered(1)
                .encode(version),
            Packet::publication("a", "one", 0).encode(version),
            Packet::publication("a", "two", 0).encode(version),
        ]
        .concat();
        for bytes in [1, 5, stream.len()] {
            let mut client = MqttClient::over_websocket(&server, "/mqtt", version).await;
            for piece in stream.chunks(bytes) {
                client.send_bytes(piece).await;
            }
            let connack = client.packet().await;
            assert_eq!(connack.kind, Kind::Connack);
            client.answer(Kind::Suback, 1).await;
            assert_eq!(client.bodies(2).await, ["one", "two"], "{bytes}");
        }
    }
}

#[tokio::test]
async fn text_is_refused() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = connect(&server, "/mqtt", version).await;
        client.send_text("\u{c}\0").await;
        while client.next().await.is_some() {}
        assert_eq!(client.close_code, Some(UNSUPPORTED_DATA), "[MQTT-6.0.0-1]");

        let mut client = MqttClient::over_websocket(&server, "/mqtt", version).await;
        client.send_text("\u{10}\u{c}").await;
        while client.next().await.is_some() {}
        assert_eq!(client.close_code, Some(UNSUPPORTED_DATA), "and at first");
    }
}

#[tokio::test]
async fn messages_over_websocket_reach_clients_over_tcp() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut tcp = MqttClient::subscriber(&server, Version::V5, "a/#", 1).await;
    let mut websocket = connect(&server, "/", Version::V3_1_1).await;
    websocket.subscribe("a/#", 1).await;
    websocket.publish("a/b", "over WebSocket", 1).await;
    tcp.publish("a/c", "over TCP", 1).await;
    for client in [&mut tcp, &mut websocket] {
        assert_eq!(client.bodies(2).await, ["over WebSocket", "over TCP"]);
    }
}
