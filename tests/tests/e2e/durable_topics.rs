//! `--durable-topics`: the history of a topic after a kill.

use harness::data::DataDirectory;
use harness::http::{get, post, request, send};
use harness::mqtt::{MqttClient, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, carillon};
use http::{Method, StatusCode};

const DURABLE: &[&str] = &["--durable-topics", "board.>"];

/// Publishes messages that are not persistent.
async fn post_all(server: &Carillon, topic: &str, bodies: &[&str]) {
    for body in bodies {
        let url = server.url(&format!("/api/topics/{topic}"));
        let answer = post(url, "text/plain", (*body).to_owned()).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

async fn last_of(server: &Carillon, topic: &str) -> serde_json::Value {
    let answer = get(server.url(&format!("/api/topics/{topic}"))).await;
    assert_eq!(answer.status, StatusCode::OK, "{topic}");
    answer.json()["last"].clone()
}

#[tokio::test]
async fn the_history_survives_kills_and_resumes_without_a_gap() {
    let directory = DataDirectory::fresh();
    let mut server = directory.server_with(DURABLE).await;
    post_all(&server, "board.a", &["1", "2"]).await;
    post_all(&server, "other", &["lost"]).await;
    let mut events = EventStream::open(server.url("/api/topics/board.a/events?since=0")).await;
    let seen = events.message().await.id;
    drop(events);
    let mut client = MqttClient::anyone(&server, Version::V5).await;
    // The reply to a PINGREQ comes when everything before it is on the disk.
    client.publish("board/a", "3", 0).await;
    client.leave().await;
    let mut client = StompClient::connect(&server).await;
    // Waits for the receipt.
    client
        .request(Frame::message_to("/topic/board.a", "4"))
        .await;
    client.leave().await;

    let mut expected = vec!["2", "3", "4"];
    for (sequence, next) in [(4, "5"), (5, "6")] {
        server.kill().await;
        server = directory.server_with(DURABLE).await;
        let last = last_of(&server, "board.a").await;
        assert_eq!(last["sequence"], sequence);
        assert_eq!(last["body"], *expected.last().expect("a message"));
        let url = server.url("/api/topics/board.a/events");
        let mut events = EventStream::resume(url, Some(&seen)).await;
        // A report of missed messages would be another event.
        assert_eq!(events.bodies(expected.len()).await, expected);
        post_all(&server, "board.a", &[next]).await;
        assert_eq!(events.bodies(1).await, [next]);
        expected.push(next);
        let other = get(server.url("/api/topics/other")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_topic_keeps_its_number_of_messages_over_a_kill() {
    let directory = DataDirectory::fresh();
    let options = [DURABLE, &["--history", "2"]].concat();
    let server = directory.server_with(&options).await;
    post_all(&server, "board.a", &["1", "2", "3", "4"]).await;
    server.kill().await;
    let server = directory.server_with(&options).await;
    let mut events = EventStream::open(server.url("/api/topics/board.a/events?since=0")).await;
    let missed = events.next().await.expect("an event");
    assert_eq!(missed.name, "missed", "{missed:?}");
    assert_eq!(
        (&missed.json()["from"], &missed.json()["to"]),
        (&1.into(), &2.into())
    );
    assert_eq!(events.bodies(2).await, ["3", "4"]);
}

#[tokio::test]
async fn an_empty_topic_reports_a_gap_after_a_kill_only_if_it_had_messages() {
    let directory = DataDirectory::fresh();
    let server = directory.server_with(DURABLE).await;
    post_all(&server, "board.a", &["1"]).await;
    let seen = last_of(&server, "board.a").await["id"].clone();
    let seen = seen.as_str().expect("an id");
    post_all(&server, "board.b", &["2"]).await;
    let delete = request(Method::DELETE, server.url("/api/topics/board.b"), "");
    assert_eq!(send(delete).await.status, StatusCode::NO_CONTENT);
    post_all(&server, "board.a", &["3"]).await;
    server.kill().await;
    // Another filter that matches the same topics.
    let server = directory
        .server_with(&["--durable-topics", "board.*"])
        .await;
    for (topic, has_missed) in [("board.a", false), ("board.b", true)] {
        let url = server.url(&format!("/api/topics/{topic}/events"));
        let mut events = EventStream::resume(url, Some(seen)).await;
        post_all(&server, topic, &["4"]).await;
        let first = events.next().await.expect("an event");
        assert_eq!(first.name == "missed", has_missed, "{topic}: {first:?}");
    }
    // A message of this topic would have been the newest one that was removed.
    let last = last_of(&server, "board.a").await["id"].clone();
    let last = last.as_str().expect("an id").to_owned();
    post_all(&server, "board.a", &["5"]).await;
    server.kill().await;
    let server = directory
        .server_with(&["--durable-topics", "board.*"])
        .await;
    let url = server.url("/api/topics/board.c/events");
    let mut events = EventStream::resume(url, Some(&last)).await;
    post_all(&server, "board.c", &["6"]).await;
    assert_eq!(events.bodies(1).await, ["6"]);
}

#[tokio::test]
async fn without_the_option_the_topic_reports_what_a_later_kill_has_lost() {
    let directory = DataDirectory::fresh();
    let server = directory.server_with(DURABLE).await;
    post_all(&server, "board.a", &["1"]).await;
    let seen = last_of(&server, "board.a").await["id"].clone();
    let seen = seen.as_str().expect("an id");
    let server = directory.after_kill(server).await;
    assert_eq!(last_of(&server, "board.a").await["body"], "1");
    post_all(&server, "board.a", &["lost"]).await;
    // Its response comes when everything before it is on the disk.
    post(server.url("/api/queues/end"), "text/plain", "").await;
    server.kill().await;
    let server = directory.server_with(DURABLE).await;
    let url = server.url("/api/topics/board.a/events");
    let mut events = EventStream::resume(url, Some(seen)).await;
    post_all(&server, "board.a", &["2"]).await;
    let missed = events.next().await.expect("an event");
    assert_eq!(missed.name, "missed", "{missed:?}");
    assert_eq!(events.bodies(1).await, ["2"]);
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_messages_of_durable_topics() {
    let directory = DataDirectory::fresh();
    let required = u64::MAX.to_string();
    let options = [
        &directory.options()[..],
        DURABLE,
        &["--disk-free", &required],
    ]
    .concat();
    let server = Carillon::with(&options).await;
    server.logged("the disk is nearly full").await;
    let refused = post(server.url("/api/topics/board.a"), "text/plain", "1").await;
    assert_eq!(refused.status, StatusCode::INSUFFICIENT_STORAGE);
    post_all(&server, "other", &["2"]).await;
}

/// Sends messages that are not persistent until the connection ends. Returns the number of receipts.
async fn send_until_end(mut client: StompClient) -> usize {
    let mut receipts = 0;
    loop {
        let receipt = receipts.to_string();
        let send = Frame::message_to("/topic/board.a", &*receipt).with("receipt", &receipt);
        if client.try_send_bytes(send.encode()).await.is_err() {
            return receipts;
        }
        match client.next().await {
            Some(frame) if frame.command == "RECEIPT" => receipts += 1,
            _ => return receipts,
        }
    }
}

#[tokio::test]
async fn messages_with_a_receipt_survive_a_kill_at_any_write() {
    let mut all_receipts = 0;
    for number in [10, 15, 24] {
        let directory = DataDirectory::fresh();
        let fault = format!("pwrite64:signal=SIGKILL:when={number}");
        let options = [&directory.options()[..], DURABLE, &["--disk-free", "0"]].concat();
        let server = Carillon::with_fault(&fault, &options).await;
        let receipts = send_until_end(StompClient::connect(&server).await).await;
        server.ended().await;
        let server = directory.server_with(DURABLE).await;
        let mut expected: Vec<_> = (0..receipts).map(|number| number.to_string()).collect();
        let mut events = EventStream::open(server.url("/api/topics/board.a/events?since=0")).await;
        post_all(&server, "board.a", &["end"]).await;
        let mut found = Vec::new();
        while found.last().is_none_or(|last| last != "end") {
            found.extend(events.bodies(1).await);
        }
        found.pop();
        // The message at the kill may have been written.
        if found.len() > receipts {
            expected.push(receipts.to_string());
        }
        assert_eq!(found, expected, "{fault}");
        all_receipts += receipts;
    }
    assert!(
        all_receipts > 0,
        "no message was acknowledged before a kill"
    );
}

#[tokio::test]
async fn the_option_needs_a_directory_and_a_filter() {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--durable-topics"];
    for (filter, text) in [
        ("board.>", "--durable-topics needs --data"),
        ("board/#", "'/' is not allowed"),
        ("$SYS.>", "the server's own topics"),
    ] {
        let refused = carillon::run(&[&serve[..], &[filter]].concat()).await;
        assert!(!refused.status.success());
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(error.contains(text), "{error}");
    }
}
