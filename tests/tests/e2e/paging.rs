//! Queues on disk that are larger than `--memory`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::http::{get, post, request, send};
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, queue};
use http::{Method, StatusCode};

/// The value of `--memory`, in bytes: half of it is for queues.
const MEMORY: u64 = 16 << 20;
/// Messages in the queue: seven times the memory.
const MESSAGES: usize = 12_000;
const BODY: usize = 10_000;
/// Messages sent between two receipts, and messages that a consumer may have unacknowledged.
const BATCH: usize = 100;

async fn start(directory: &DataDirectory) -> Carillon {
    let memory = MEMORY.to_string();
    let [data, path, ..] = directory.options();
    Carillon::with(&[data, path, "--disk-free", "0", "--memory", &memory]).await
}

/// Returns a body that begins with a number.
fn body(number: usize) -> String {
    format!("{number:<BODY$}")
}

fn number(message: &Frame) -> usize {
    let text = message.text();
    text.trim_end().parse().expect("a number")
}

async fn fill(server: &Carillon) {
    let mut producer = StompClient::connect(server).await;
    for first in (0..MESSAGES).step_by(BATCH) {
        for number in first..first + BATCH {
            let send = Frame::message_to("/queue/jobs", body(number))
                .with("persistent", "true")
                .with("n", &number.to_string());
            if number + 1 < first + BATCH {
                producer.send(&send).await;
            } else {
                producer.request(send).await;
            }
        }
    }
    producer.leave().await;
}

/// Returns the resident memory of the server in bytes.
fn resident(server: &Carillon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id()));
    let status = status.expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.expect("VmRSS").parse::<u64>().expect("a number") * 1024
}

/// Waits until the memory is small: a start reads whole segments of the log, and the allocator returns memory some seconds
/// after it was freed.
async fn is_small(server: &Carillon) {
    let measure = || async { resident(server) };
    eventually("little memory", measure, |resident| *resident < 5 * MEMORY).await;
}

/// Consumes messages with these numbers, in order.
async fn consume(server: &Carillon, numbers: std::ops::Range<usize>) {
    let prefetch = BATCH.to_string();
    let options = [
        ("ack", "client"),
        ("activemq.prefetchSize", prefetch.as_str()),
    ];
    let mut consumer = StompClient::consumer(server, "/queue/jobs", &options).await;
    for expected in numbers.clone() {
        let message = consumer.message().await;
        assert_eq!(number(&message), expected);
        if (expected + 1) % (BATCH / 2) == 0 {
            consumer.ack(&message).await;
        }
    }
    // The receipt comes after the acknowledgements.
    let end = Frame::new("UNSUBSCRIBE").with("id", "0");
    consumer.request(end).await;
    drop(consumer);
}

#[tokio::test]
async fn a_queue_larger_than_memory_is_delivered_in_order_across_restarts() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    fill(&server).await;
    assert_eq!(queue::depth(&server, "jobs").await, (MESSAGES as u64, 0));
    let paged = queue::figure(&server, "jobs", "paged").await;
    assert!(paged > MESSAGES as u64 / 2, "{paged}");
    is_small(&server).await;

    server.kill().await;
    let server = start(&directory).await;
    is_small(&server).await;
    let half = MESSAGES / 2;
    consume(&server, 0..half).await;
    is_small(&server).await;
    let left = (MESSAGES - half) as u64;
    queue::until(&server, "jobs", "waiting", left).await;

    assert!(server.stop().await.success());
    let server = start(&directory).await;
    is_small(&server).await;
    consume(&server, half..MESSAGES).await;
    queue::until(&server, "jobs", "waiting", 0).await;
    is_small(&server).await;
}

#[tokio::test]
async fn a_selector_searches_the_disk_and_others_are_served_meanwhile() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    fill(&server).await;
    let wanted = MESSAGES - 2;
    let selector = format!("n = {wanted}");
    let mut searching =
        StompClient::consumer(&server, "/queue/jobs", &[("selector", &selector)]).await;
    let mut other = StompClient::consumer(&server, "/topic/news", &[]).await;
    let found = async {
        let message = searching.message().await;
        number(&message)
    };
    tokio::pin!(found);
    let found = loop {
        let sent = Instant::now();
        let publication = Frame::message_to("/topic/news", "tick");
        tokio::select! {
            number = &mut found => break number,
            () = async {
                other.send(&publication).await;
                other.message().await;
            } => assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed()),
        }
    };
    assert_eq!(found, wanted);
    is_small(&server).await;
}

#[tokio::test]
async fn the_messages_of_a_queue_on_disk_can_be_listed_and_deleted() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    fill(&server).await;
    let mut after = String::new();
    let mut seen = 0;
    loop {
        let path = format!("/api/queues/jobs/messages?limit=1000{after}");
        let page = get(server.url(&path)).await.json();
        let messages = page["messages"].as_array().expect("a list");
        for message in messages {
            let text = message["body"].as_str().expect("text").trim_end();
            assert_eq!(text.parse(), Ok(seen));
            seen += 1;
        }
        let last = messages.last().expect("a message")["id"]
            .as_str()
            .expect("an id");
        after = format!("&after={last}");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, MESSAGES);
    is_small(&server).await;
    let delete = request(Method::DELETE, server.url("/api/queues/jobs"), "");
    assert_eq!(send(delete).await.status, StatusCode::NO_CONTENT);
    server.kill().await;
    let server = start(&directory).await;
    assert!(queue::figures(&server, "jobs").await.is_null());
}

#[tokio::test]
async fn a_message_on_disk_is_moved_by_a_selector_in_several_requests() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    fill(&server).await;
    let wanted = MESSAGES - 2;
    let mut after = String::new();
    let mut requests = 0;
    let moved = loop {
        requests += 1;
        let body = format!(r#"{{"to": "/queue/found", "selector": "n = {wanted}"{after}}}"#);
        let answer = post(
            server.url("/api/queues/jobs/move"),
            "application/json",
            body,
        )
        .await;
        let done = answer.json();
        if done["done"] == 1 {
            break done;
        }
        let next = done["next"].as_str().expect("more to examine");
        after = format!(r#", "after": "{next}""#);
    };
    assert_eq!(moved["matched"], 1);
    assert!(requests > 1, "a request examines a bounded number of bytes");
    is_small(&server).await;
    server.kill().await;
    let server = start(&directory).await;
    assert_eq!(queue::depth(&server, "found").await, (1, 0));
    let left = MESSAGES as u64 - 1;
    assert_eq!(queue::depth(&server, "jobs").await, (left, 0));
}

/// Overwrites a byte of the first body in the log that begins with this number.
fn damage(directory: &DataDirectory, number: usize) {
    let pattern = body(number).into_bytes();
    for segment in fs::read_dir(directory.path().join("log")).expect("the log") {
        let path = segment.expect("a segment").path();
        let bytes = fs::read(&path).expect("a segment");
        let found = bytes
            .windows(pattern.len())
            .position(|part| part == pattern);
        if let Some(at) = found {
            let file = fs::File::options().write(true).open(&path);
            let file = file.expect("a segment");
            file.write_at(b"!", (at + BODY / 2) as u64).expect("a byte");
            return;
        }
    }
    panic!("{number} is not in the log");
}

#[tokio::test]
async fn a_damaged_message_on_disk_ends_the_server_and_is_never_skipped() {
    const DAMAGED: usize = 50;
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    fill(&server).await;
    // After a restart, the messages after the first ones are only on disk.
    server.kill().await;
    let server = start(&directory).await;
    let resident = MESSAGES - queue::figure(&server, "jobs", "paged").await as usize;
    let damaged = resident + DAMAGED;
    damage(&directory, damaged);
    let mut consumer = StompClient::connect(&server).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/queue/jobs");
    // Without a receipt: the server reads ahead, and may end before it sends one.
    consumer.send(&subscribe).await;
    let mut next = 0;
    while let Some(message) = consumer.next().await {
        if message.command != "MESSAGE" {
            break;
        }
        assert_eq!(number(&message), next);
        next += 1;
    }
    assert!(next <= damaged, "{next} after {damaged}");
    server.logged("log/").await;
    server
        .logged("the checksum of a message does not match its bytes")
        .await;
    assert_eq!(server.ended().await.code(), Some(74));
}
