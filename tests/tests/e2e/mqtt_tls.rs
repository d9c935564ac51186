//! MQTT over TLS: at each port, and with widely used clients.

use std::net::SocketAddr;

use harness::Carillon;
use harness::carillon::run;
use harness::mosquitto::{self, VERSIONS};
use harness::mqtt::{Connect, MqttClient, Version};
use harness::tls::{Pair, Trust, text};
use harness::{node, python};
use serde_json::{Value, json};

async fn connect(address: SocketAddr, trust: &Trust, version: Version) -> MqttClient {
    let client = MqttClient::over_tls(address, trust, version).await;
    let (client, _) = client.connected_with(&Connect::anyone(version)).await;
    client
}

#[tokio::test]
async fn each_port_accepts_tls_in_each_mqtt_version() {
    let pair = Pair::new();
    let server = pair.server(&["--mqtt", "127.0.0.1:0"]).await;
    let trust = pair.trust();
    // The ports without TLS of their own detect it by the first byte.
    let doors = [
        server.mqtt_tls_address().await,
        server.mqtt_address().await,
        server.address(),
    ];
    for version in Version::ALL {
        let mut plain = MqttClient::subscriber(&server, version, "a", 1).await;
        for address in doors {
            let mut secure = connect(address, &trust, version).await;
            secure.subscribe("a", 1).await;
            secure.publish("a", "x", 1).await;
            for client in [&mut secure, &mut plain] {
                assert_eq!(client.bodies(1).await, ["x"], "{address}, {version:?}");
            }
            secure.leave().await;
        }
    }
}

#[tokio::test]
async fn a_megabyte_arrives_over_tls_at_each_qos() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let body = "x".repeat(1_000_000);
    for qos in 0..3 {
        let address = server.mqtt_tls_address().await;
        let mut client = connect(address, &pair.trust(), Version::V5).await;
        client.subscribe("a", qos).await;
        client.publish("a", &body, qos).await;
        assert!(client.message().await.text() == body, "QoS {qos}");
    }
}

#[tokio::test]
async fn a_plain_connection_to_a_tls_port_is_closed() {
    let pair = Pair::new();
    let server = pair.server(&["--tls-only", "--mqtt", "127.0.0.1:0"]).await;
    let doors = [server.mqtt_tls_address().await, server.mqtt_address().await];
    for address in doors {
        let mut client = MqttClient::over_tcp(address, Version::V5).await;
        client
            .send_bytes(Connect::anyone(Version::V5).encode())
            .await;
        assert_eq!(client.rest().await, b"", "{address}");
        connect(address, &pair.trust(), Version::V5).await;
    }
}

#[tokio::test]
async fn mosquitto_clients_publish_and_subscribe_over_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let address = server.mqtt_tls_address().await;
    let certificate = text(&pair.cert());
    for version in VERSIONS {
        let trust = ["--cafile", certificate.as_str()];
        let message = ["-t", "a", "-m", version, "-q", "2", "-r"];
        mosquitto::publish_at(address, version, &[&trust[..], &message].concat()).await;
        let one = ["-t", "a", "-C", "1", "-q", "2"];
        let lines = mosquitto::subscribe_at(address, version, &[&trust[..], &one].concat()).await;
        assert_eq!(lines, [version]);
    }
}

fn published(name: &str) -> Vec<Value> {
    let each = (0..3).map(|qos| json!([format!("{name}/{qos}"), format!("鐘 {qos}"), qos, false]));
    each.collect()
}

/// Returns the URLs of the ports that accept TLS.
async fn urls(server: &Carillon) -> Vec<String> {
    let address = server.address();
    let tcp = format!("mqtts://{}", server.mqtt_tls_address().await);
    let paths = ["", "/mqtt", "/ws"].map(|path| format!("wss://{address}{path}"));
    [&[tcp][..], &paths].concat()
}

#[tokio::test]
async fn mqtt_js_publishes_and_subscribes_over_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    for package in ["mqtt4", "mqtt5"] {
        for (door, url) in urls(&server).await.iter().enumerate() {
            let level = ["4", "5"][door % 2];
            let name = format!("{package}-{door}");
            let arguments = [package, url.as_str(), level, "publish", &name];
            let printed = node::run_trusting(&pair.cert(), "mqttjs/scenario.js", &arguments).await;
            let seen: Value = serde_json::from_str(&printed).expect("a report in JSON");
            let expected = [published(&name), vec![json!("end")]].concat();
            assert_eq!(seen, json!(expected), "{package} {url}");
        }
    }
}

#[tokio::test]
async fn paho_publishes_and_subscribes_over_tls_on_both_transports() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let certificate = text(&pair.cert());
    let doors = [
        ("tcp", server.mqtt_tls_address().await),
        ("websockets", server.address()),
    ];
    for (transport, address) in doors {
        for version in ["3.1.1", "5"] {
            let port = address.port().to_string();
            let arguments = ["publish", version, transport, &port, "tls", &certificate];
            let printed = python::run("paho/scenario.py", &arguments).await;
            let seen: Value = serde_json::from_str(&printed).expect("a report in JSON");
            assert_eq!(seen, json!(published("tls")), "{transport} {version}");
        }
    }
}

#[tokio::test]
async fn carillons_clients_publish_and_subscribe_over_tls() {
    let pair = Pair::new();
    let server = pair.server(&[]).await;
    let certificate = text(&pair.cert());
    let tcp = format!(
        "mqtts://localhost:{}",
        server.mqtt_tls_address().await.port()
    );
    let websocket = format!("wss://localhost:{}/mqtt", server.address().port());
    for url in [&tcp, &websocket] {
        let at = ["--protocol", "mqtt", "--server", url.as_str()];
        let stranger = run(&[&["pub"], &at[..], &["a", "x"]].concat()).await;
        assert!(!stranger.status.success(), "{url}: {stranger:?}");
        for trust in [&["--ca", certificate.as_str()][..], &["--insecure"]] {
            let publish = [&["pub"], &at[..], trust, &["--retain", "a", url]].concat();
            let published = run(&publish).await;
            assert!(published.status.success(), "{published:?}");
            let subscribe = [&["sub"], &at[..], trust, &["--count", "1", "a"]].concat();
            let heard = run(&subscribe).await;
            assert!(heard.status.success(), "{heard:?}");
            assert_eq!(heard.stdout, format!("{url}\n").into_bytes());
        }
    }
}
