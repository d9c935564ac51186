//! STOMP's own client for JavaScript, from npm: Carillon is what it takes for a STOMP server.

use harness::stomp::{Frame, StompClient};
use harness::{Carillon, node};
use serde_json::Value;

async fn echo(server: &Carillon, frames: &str) -> Value {
    let url = format!("ws://{}/ws", server.address());
    let printed = node::run("echo.js", &[&url, frames, frames]).await;
    serde_json::from_str(&printed).expect("a report in JSON")
}

#[tokio::test]
async fn it_publishes_and_subscribes_with_text_and_binary_frames() {
    let server = Carillon::start().await;
    for frames in ["text", "binary"] {
        let report = echo(&server, frames).await;
        assert_eq!(report["version"], "1.2");
        assert_eq!(report["bodies"], report["expected"], "{frames}");
        assert_eq!(report["sequences"], serde_json::json!([1, 2, 3, 4, 5]));
        assert_eq!(report["note"], "a:b\nc\\d");
    }
}

#[tokio::test]
async fn it_hears_what_others_published_before_and_after() {
    const COUNT: usize = 50;
    let server = Carillon::start().await;
    let mut producer = StompClient::connect(&server).await;
    producer.request(Frame::publication("a", "0")).await;
    let url = format!("ws://{}/ws", server.address());
    let count = COUNT.to_string();
    let arguments = [url.as_str(), "a", &count];
    let publishing = async {
        for number in 1..COUNT {
            producer
                .request(Frame::publication("a", number.to_string()))
                .await;
        }
    };
    let (heard, ()) = tokio::join!(node::run("listen.js", &arguments), publishing);
    let expected: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    assert_eq!(heard.lines().collect::<Vec<_>>(), expected);
}
