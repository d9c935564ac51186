//! stompjs from npm, a widely used STOMP client for JavaScript.

use harness::stomp::{Frame, StompClient};
use harness::users::UsersFile;
use harness::{Carillon, node, queue};
use serde_json::{Value, json};

/// The addresses for WebSocket and for TCP, on the same port.
fn doors(server: &Carillon) -> [String; 2] {
    let address = server.address();
    [format!("ws://{address}/ws"), format!("tcp://{address}")]
}

async fn report(script: &str, arguments: &[&str]) -> Value {
    let printed = node::run(script, arguments).await;
    serde_json::from_str(&printed).expect("a report in JSON")
}

#[tokio::test]
async fn it_publishes_and_subscribes_with_text_and_binary_frames() {
    let server = Carillon::start().await;
    for (door, url) in doors(&server).iter().enumerate() {
        for frames in ["text", "binary"] {
            let topic = format!("{frames}.{door}");
            let report = report("stompjs/echo.js", &[url, frames, &topic]).await;
            assert_eq!(report["version"], "1.2");
            assert_eq!(report["bodies"], report["expected"], "{url} {frames}");
            assert_eq!(report["sequences"], json!([1, 2, 3, 4, 5]));
            assert_eq!(report["note"], "a:b\nc\\d");
        }
    }
}

#[tokio::test]
async fn it_gets_messages_published_before_and_after_its_subscription() {
    const COUNT: usize = 50;
    let server = Carillon::start().await;
    let mut producer = StompClient::connect(&server).await;
    producer.request(Frame::publication("a", "0")).await;
    let [url, _] = doors(&server);
    let count = COUNT.to_string();
    let arguments = [url.as_str(), "a", &count];
    let publishing = async {
        for number in 1..COUNT {
            producer
                .request(Frame::publication("a", number.to_string()))
                .await;
        }
    };
    let (heard, ()) = tokio::join!(node::run("stompjs/listen.js", &arguments), publishing);
    let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    assert_eq!(heard.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn it_acknowledges_rejects_and_commits_over_both_transports() {
    let server = Carillon::start().await;
    // stompjs offers the versions that it is configured with; for 1.0 it has no NACK.
    for version in ["1.1", "1.2"] {
        for (door, url) in doors(&server).iter().enumerate() {
            let name = format!("work{door}.{}", version.replace('.', ""));
            let report = report("stompjs/work.js", &[url, version, &name]).await;
            assert_eq!(report["version"], version);
            let expected = json!([
                ["accept", null, null],
                ["reject", null, null],
                ["reject", "true", "2"],
                ["later", null, null],
                ["committed", null, null],
            ]);
            assert_eq!(report["seen"], expected, "{url} {version}");
            assert!(report["receipts"].as_u64() > Some(0), "{report}");

            // Only the messages that stompjs has not acknowledged are left for other consumers.
            let destination = format!("/queue/{name}");
            let mut next = StompClient::consumer(&server, &destination, &[]).await;
            let left = next.message().await;
            assert_eq!(left.text(), report["unacknowledged"]);
            assert_eq!(left.header("redelivered"), "true");
            next.is_quiet().await;
            assert_eq!(queue::figure(&server, &name, "acknowledged").await, 4);
        }
    }
}

#[tokio::test]
async fn it_has_the_rights_of_its_user() {
    let (file, token) = UsersFile::for_visitor().await;
    let server = file.server(&[]).await;
    for url in doors(&server) {
        let report = report("stompjs/rights.js", &[&url, &token]).await;
        let refused = "not authorized";
        let expected = json!({
            "wrong": refused,
            "subscribed": [null, refused],
            "published": [null, refused],
        });
        assert_eq!(report, expected, "{url}");
    }
}
