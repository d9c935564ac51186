//! The delay before a redelivery, and policies of queues in the configuration file.

use std::fs;

use harness::Carillon;
use harness::carillon::run;
use harness::data::fresh_path;
use harness::deadline::eventually;
use harness::http::{get, post};
use harness::queue;
use harness::stomp::{INDIVIDUAL, StompClient};
use http::StatusCode;

async fn send(server: &Carillon, queue: &str, body: &str) -> StatusCode {
    let url = server.url(&format!("/api/queues/{queue}"));
    post(url, "text/plain", body.to_owned()).await.status
}

#[tokio::test]
async fn a_returned_message_comes_again_at_once_and_then_after_its_delay() {
    let server = Carillon::with(&["--redelivery-delay", "300"]).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    send(&server, "jobs", "poison").await;
    let first = consumer.message().await;
    consumer.nack(&first).await;
    let second = consumer.message().await;
    assert_eq!(second.text(), "poison");
    consumer.nack(&second).await;
    queue::until(&server, "jobs", "delayed", 1).await;
    // Others are not held up.
    send(&server, "jobs", "fine").await;
    let fine = consumer.message().await;
    assert_eq!(fine.text(), "fine");
    consumer.ack(&fine).await;
    let third = consumer.message().await;
    assert_eq!(third.text(), "poison");
    consumer.ack(&third).await;
    queue::until(&server, "jobs", "delayed", 0).await;
}

#[tokio::test]
async fn a_message_waits_longer_each_time_until_it_is_dead() {
    let options = [
        "--max-redeliveries",
        "3",
        "--initial-redelivery-delay",
        "20",
        "--use-exponential-back-off",
        "--back-off-multiplier",
        "3",
        "--maximum-redelivery-delay",
        "100",
        "--redelivery-delay",
        "0",
    ];
    let server = Carillon::with(&options).await;
    let mut consumer = StompClient::consumer(&server, "/queue/jobs", &[INDIVIDUAL]).await;
    send(&server, "jobs", "poison").await;
    for _ in 0..4 {
        let message = consumer.message().await;
        consumer.nack(&message).await;
    }
    queue::until(&server, "ActiveMQ.DLQ", "waiting", 1).await;
    let rules = get(server.url("/api/queues/jobs")).await.json()["rules"].clone();
    assert_eq!(rules["backOffMultiplier"], 3.0, "{rules}");
    assert!(rules.get("policy").is_none(), "{rules}");
}

/// A configuration file that is removed when the value is dropped.
struct ConfigFile(std::path::PathBuf);

impl ConfigFile {
    fn new(text: &str) -> Self {
        let path = fresh_path("config").with_extension("toml");
        fs::write(&path, text).expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for ConfigFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const POLICIES: &str = r#"
[[policy]]
for = "/queue/orders.>"
length = 2
max-redeliveries = 0
dead-letters = "/queue/failed"

[[policy]]
for = "/queue/orders.ring"
length = 2
overflow = "drop-oldest"
"#;

#[tokio::test]
async fn the_policy_with_the_most_specific_filter_holds_and_can_be_changed() {
    let file = ConfigFile::new(POLICIES);
    let server = Carillon::with(&["--config", file.path()]).await;
    for body in ["1", "2"] {
        assert_eq!(send(&server, "orders.a", body).await, StatusCode::OK);
    }
    let refused = send(&server, "orders.a", "3").await;
    assert_eq!(refused, StatusCode::INSUFFICIENT_STORAGE);
    for body in ["1", "2", "3"] {
        assert_eq!(send(&server, "orders.ring", body).await, StatusCode::OK);
    }
    let mut consumer = StompClient::consumer(&server, "/queue/orders.ring", &[]).await;
    assert_eq!(consumer.bodies(2).await, ["2", "3"]);
    let mut consumer = StompClient::consumer(&server, "/queue/orders.a", &[INDIVIDUAL]).await;
    let first = consumer.message().await;
    consumer.nack(&first).await;
    queue::until(&server, "failed", "waiting", 1).await;

    let url = server.url("");
    let show = ["queues", "show", "orders.a", "--server", &url];
    let text = String::from_utf8(run(&show).await.stdout).expect("UTF-8");
    assert!(
        text.contains("orders.>") && text.contains("/queue/failed"),
        "{text}"
    );

    fs::write(&file.0, "policy = [\"/queue/orders.a length=50\"]\n").expect("a file");
    server.hang_up().await;
    let length = || async {
        let queue = get(server.url("/api/queues/orders.a")).await.json();
        queue["rules"]["length"].clone()
    };
    eventually("the new length", length, |length| *length == 50).await;
    assert_eq!(send(&server, "orders.a", "3").await, StatusCode::OK);
}

#[tokio::test]
async fn faults_of_policies_have_their_place() {
    for (text, expected) in [
        (
            "[[policy]]\nfor = \"/queue/a\"\nlength = 0\n",
            "line 3, column 10: length: expected a number from 1",
        ),
        (
            "[[policy]]\nfor = \"/queue/a\"\nlenght = 1\n",
            "line 3, column 10: lenght: is none of the settings",
        ),
        (
            "policy = [\"/queue/a length=1\", \"/queue/a bytes=1\"]\n",
            "line 1, column 1: --policy: there are two policies for the same queues with the filter a",
        ),
        (
            "policy = [\"/queue/a dead-letters=/queue/b\", \"/queue/b dead-letters=/queue/a\"]\n",
            "line 1, column 1: --policy: the dead letters of queue b come back to it",
        ),
    ] {
        let file = ConfigFile::new(text);
        let output = run(&["config", "check", "--config", file.path()]).await;
        assert!(!output.status.success(), "{text}");
        let faults = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(faults.contains(expected), "{faults}");
    }
}
