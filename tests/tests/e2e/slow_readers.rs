//! Slow readers: their lag is bounded, they are informed of missed messages, and they delay no
//! other client.

use harness::Carillon;
use harness::http::post;
use harness::sse::EventStream;
use harness::stomp::{Frame, StompClient};

/// Several times larger than the socket buffers between server and reader.
const MESSAGES: usize = 400;
const BODY_BYTES: usize = 100_000;

/// Returns a body that contains its number.
fn body(number: usize) -> String {
    format!("{}{number:020}", "0".repeat(BODY_BYTES))
}

fn number(body: &str) -> usize {
    body.parse().expect("a number")
}

/// At most a hundred messages: far less than the number published.
const LITTLE: [&str; 4] = ["--lag", "100", "--lag-bytes", "1000000"];

async fn publish_all(server: &Carillon) {
    let mut producer = StompClient::connect(server).await;
    for number in 1..=MESSAGES {
        producer.publish("a", &body(number)).await;
    }
    producer.request(Frame::publication("end", "")).await;
}

#[tokio::test]
async fn a_stuck_subscriber_skips_messages_and_gets_their_number() {
    let server = Carillon::with(&LITTLE).await;
    let mut stuck = StompClient::connect(&server).await;
    stuck.subscribe("0", "a", &[]).await;
    let mut live = StompClient::connect(&server).await;
    live.subscribe("0", "a", &[("overflow", "drop-oldest")])
        .await;

    let reading = async {
        for number in 1..=MESSAGES {
            let message = live.message().await;
            assert_eq!(
                message.find("missed"),
                None,
                "the live reader misses nothing"
            );
            assert_eq!(message.header("sequence"), number.to_string());
        }
    };
    let mut paced = StompClient::connect(&server).await;
    let publishing = async {
        for number in 1..=MESSAGES {
            paced.request(Frame::publication("a", body(number))).await;
        }
    };
    tokio::join!(reading, publishing);

    let mut next = 1;
    let mut missed = 0;
    while next <= MESSAGES {
        let message = stuck.message().await;
        if let Some(range) = message.find("missed") {
            let (from, to) = range.split_once('-').expect("a range");
            let (from, to) = (number(from), number(to));
            assert_eq!(from, next, "the gap begins after what was delivered");
            missed += to - from + 1;
            next = to + 1;
        }
        assert_eq!(message.header("sequence"), next.to_string());
        assert_eq!(number(&message.text()), next);
        next += 1;
    }
    assert!(missed > 0, "its lag exceeded the limit");
}

#[tokio::test]
async fn a_slow_event_stream_gets_the_number_of_missed_messages() {
    let server = Carillon::with(&LITTLE).await;
    let mut stream = EventStream::open(server.url("/api/topics/a/events")).await;
    publish_all(&server).await;
    let mut next = 1;
    let mut missed = 0;
    while next <= MESSAGES as u64 {
        let event = stream.next().await.expect("an event");
        let json = event.json();
        if event.name == "missed" {
            assert_eq!(json["from"], next, "{json}");
            let to = json["to"].as_u64().expect("an end");
            missed += to + 1 - next;
            next = to + 1;
        } else {
            assert_eq!(json["sequence"], next);
            next += 1;
        }
    }
    assert!(missed > 0, "its lag exceeded the limit");
}

#[tokio::test]
async fn a_subscriber_with_latest_gets_the_newest_message() {
    let server = Carillon::start().await;
    let mut screen = StompClient::connect(&server).await;
    screen.subscribe("0", "a", &[("delivery", "latest")]).await;
    publish_all(&server).await;
    let mut received = 0;
    let mut last = 0;
    while last < MESSAGES {
        let newest = number(&screen.message().await.text());
        assert!(newest > last, "{newest} after {last}");
        (last, received) = (newest, received + 1);
    }
    assert!(received < MESSAGES, "some messages were skipped");
}

#[tokio::test]
async fn a_subscriber_can_choose_to_be_disconnected() {
    let server = Carillon::with(&LITTLE).await;
    let mut strict = StompClient::connect(&server).await;
    strict
        .subscribe("0", "a", &[("overflow", "disconnect")])
        .await;
    publish_all(&server).await;
    let mut next = 1;
    let error = loop {
        let frame = strict.frame().await;
        if frame.command == "ERROR" {
            break frame;
        }
        assert_eq!(
            number(&frame.text()),
            next,
            "nothing was skipped before the end"
        );
        next += 1;
    };
    assert!(next <= MESSAGES);
    assert!(!error.header("message").is_empty(), "{error:?}");
    assert_eq!(strict.next().await, None);
}

#[tokio::test]
async fn publishers_wait_with_the_rule_block() {
    let server = Carillon::with(&["--overflow", "block", "--lag", "10"]).await;
    let mut reader = StompClient::connect(&server).await;
    reader.subscribe("0", "a", &[]).await;
    let publishing = async {
        for number in 1..=MESSAGES {
            let answer = post(server.url("/api/topics/a"), "text/plain", body(number)).await;
            assert_eq!(answer.json()["sequence"], number);
        }
    };
    let reading = async {
        for next in 1..=MESSAGES {
            let message = reader.message().await;
            assert_eq!(message.find("missed"), None);
            assert_eq!(number(&message.text()), next);
        }
    };
    tokio::join!(publishing, reading);
}

#[tokio::test]
async fn a_closed_reader_has_no_subscription() {
    let server = Carillon::start().await;
    let mut reader = StompClient::connect(&server).await;
    reader.subscribe("0", "a", &[]).await;
    drop(reader);
    let subscriptions = || async {
        let answer = post(server.url("/api/topics/a"), "text/plain", "x").await;
        answer.json()["subscriptions"].clone()
    };
    harness::deadline::eventually("no subscription", subscriptions, |count| *count == 0).await;
}
