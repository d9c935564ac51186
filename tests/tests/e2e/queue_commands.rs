//! The commands that act on the messages of queues: `carillon queues move`, `copy`, `retry`, `delete-messages`, `pause`, `resume`
//! and `consumers`.

use harness::Carillon;
use harness::carillon::run;
use harness::http::{get, post};
use harness::queue;
use harness::stomp::{INDIVIDUAL, StompClient};
use serde_json::Value;

/// Runs `carillon queues` with these arguments. Returns the output if it succeeds, and else the error text.
async fn queues(server: &Carillon, arguments: &[&str]) -> Result<String, String> {
    let url = server.url("");
    let output = run(&[&["queues"], arguments, &["--server", &url]].concat()).await;
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    match output.status.code() {
        Some(0) => Ok(text(output.stdout)),
        Some(1) => Err(text(output.stderr)),
        _ => panic!("{arguments:?}: {output:?}"),
    }
}

/// Fills a queue with messages that have their number as body and as header.
async fn fill(server: &Carillon, queue: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let url = server.url(&format!("/api/queues/{queue}"));
        let answer = post(url, "text/plain", number.to_string()).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

async fn bodies(server: &Carillon, queue: &str) -> Vec<String> {
    let url = server.url(&format!("/api/queues/{queue}/messages"));
    let found = get(url).await.json();
    let messages = found["messages"].as_array().cloned().unwrap_or_default();
    let bodies = messages.iter().map(|one| one["body"].as_str());
    bodies
        .map(|body| body.expect("a body").to_owned())
        .collect()
}

#[tokio::test]
async fn messages_are_moved_and_copied_after_a_count() {
    let server = Carillon::start().await;
    fill(&server, "a", 0..5).await;
    let refused = queues(&server, &["move", "a", "/queue/b"]).await;
    let refused = refused.expect_err("nobody is asked");
    assert!(
        refused.contains("5 messages of queue a will be moved to /queue/b."),
        "{refused}"
    );
    assert_eq!(bodies(&server, "a").await.len(), 5);

    let copied = queues(&server, &["copy", "a", "/queue/b", "--limit", "2", "--yes"]).await;
    assert_eq!(
        copied.as_deref(),
        Ok("2 messages of queue a were copied to /queue/b\n")
    );
    assert_eq!(bodies(&server, "b").await, ["0", "1"]);
    let id = get(server.url("/api/queues/a/messages")).await.json();
    let id = id["messages"][3]["id"].as_str().expect("an id").to_owned();
    let moved = queues(&server, &["move", "a", "/queue/c", "--id", &id, "-y"]).await;
    assert_eq!(
        moved.as_deref(),
        Ok("1 message of queue a was moved to /queue/c\n")
    );
    assert_eq!(bodies(&server, "c").await, ["3"]);
    let moved = queues(&server, &["move", "a", "/queue/c", "-y", "--json"]).await;
    let moved: Value = serde_json::from_str(&moved.expect("moved")).expect("JSON");
    assert_eq!(
        (&moved["done"], &moved["remaining"]),
        (&4.into(), &0.into())
    );
    assert_eq!(bodies(&server, "a").await, Vec::<String>::new());
    assert_eq!(bodies(&server, "c").await, ["3", "0", "1", "2", "4"]);
}

#[tokio::test]
async fn messages_are_deleted_and_the_queue_stays() {
    let server = Carillon::start().await;
    fill(&server, "a", 0..4).await;
    let deleted = queues(&server, &["delete-messages", "a", "--limit", "1", "-y"]).await;
    assert_eq!(deleted.as_deref(), Ok("1 message of queue a was deleted\n"));
    let purged = queues(&server, &["purge", "a", "-y"]).await;
    assert_eq!(
        purged.as_deref(),
        Ok("3 messages of queue a were deleted\n")
    );
    assert_eq!(queue::depth(&server, "a").await, (0, 0));
    // Without a message nothing is asked.
    let none = queues(&server, &["purge", "a"]).await;
    assert_eq!(none.as_deref(), Ok("0 messages of queue a were deleted\n"));
    let missing = queues(&server, &["purge", "none"]).await;
    assert_eq!(
        missing.expect_err("no queue"),
        "carillon: there is no queue none\n"
    );
}

#[tokio::test]
async fn dead_letters_go_back_to_their_queue() {
    let server = Carillon::with(&["--max-redeliveries", "0"]).await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    fill(&server, "a", 0..1).await;
    let message = consumer.message().await;
    consumer.nack(&message).await;
    drop(consumer);
    queue::until(&server, "ActiveMQ.DLQ", "waiting", 1).await;
    let retried = queues(&server, &["retry", "ActiveMQ.DLQ", "--yes"]).await;
    assert_eq!(
        retried.as_deref(),
        Ok("1 message of queue ActiveMQ.DLQ was sent back to where they came from\n")
    );
    assert_eq!(bodies(&server, "a").await, ["0"]);
}

#[tokio::test]
async fn a_paused_queue_delivers_nothing_and_lists_its_consumers() {
    let server = Carillon::start().await;
    fill(&server, "a", 0..1).await;
    assert_eq!(
        queues(&server, &["pause", "a"]).await.as_deref(),
        Ok("queue \"a\" is paused\n")
    );
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    consumer.is_quiet().await;
    let table = queues(&server, &[]).await.expect("a table");
    assert!(
        table.lines().nth(1).expect("a row").ends_with("paused"),
        "{table}"
    );
    let table = queues(&server, &["consumers", "a"]).await.expect("a table");
    let row = table.lines().nth(1).expect("a row");
    assert!(row.split_whitespace().any(|word| word == "1000"), "{table}");
    assert_eq!(
        queues(&server, &["resume", "a"]).await.as_deref(),
        Ok("queue \"a\" is resumed\n")
    );
    assert_eq!(consumer.bodies(1).await, ["0"]);
    let list = queues(&server, &["consumers", "a", "--json"]).await;
    let list: Value = serde_json::from_str(&list.expect("a list")).expect("JSON");
    assert_eq!(list["consumers"][0]["held"], 1);
}
