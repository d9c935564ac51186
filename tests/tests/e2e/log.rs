//! The log has one line for each event, whatever bytes peers send.

use harness::Carillon;
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{StompClient, upgrade};
use serde_json::Value;

/// A log line that a peer tries to forge, after a line end.
const FORGED: &str =
    "x\n2026-11-29T00:00:00.000000Z ERROR carillon: forged\u{1b}[2J\u{9b}2J\u{202e}";

/// Makes the server log text from a peer: a client id, and an origin.
async fn provoke(server: &Carillon) {
    let mut client = MqttClient::open(server, Version::V3_1_1).await;
    client
        .send_bytes(Connect::new(Version::V3_1_1, FORGED).encode())
        .await;
    client.packet().await;
    drop(client);
    let origin = "https://\u{9b}31m\u{202e}.example";
    let refused = StompClient::upgraded(upgrade(server, "/ws", &[("origin", origin)])).await;
    assert!(refused.is_err());
    server.logged("connection ends").await;
    server.logged("--allow-origin").await;
}

#[tokio::test]
async fn peers_cannot_forge_lines_or_control_a_terminal() {
    let server = Carillon::with_mqtt(&["--log", "carillon=debug"]).await;
    provoke(&server).await;
    let log = server.transcript();
    let escaped = r"x\n2026-11-29T00:00:00.000000Z ERROR carillon: forged";
    assert!(log.contains(escaped), "{log}");
    let unprintable = |char: char| char != '\n' && (char.is_control() || char == '\u{202e}');
    assert!(!log.contains(unprintable), "{log:?}");
    assert!(
        !log.lines()
            .any(|line| line.starts_with("2026-11-29T00:00:00.000000Z"))
    );
}

#[tokio::test]
async fn json_logs_are_a_document_a_line_and_hold_the_original() {
    let options = ["--log", "carillon=debug", "--log-format", "json"];
    let server = Carillon::with_mqtt(&options).await;
    provoke(&server).await;
    let log = server.transcript();
    let events = log.lines().filter(|line| line.starts_with('{'));
    let events: Vec<Value> = events
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let session = |event: &Value| event["fields"]["session"] == FORGED;
    assert!(events.iter().any(session), "{log}");
    assert!(!log.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{log:?}");
}
