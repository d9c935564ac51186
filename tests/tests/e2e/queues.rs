//! Queues: each message goes to one consumer, and stays until this consumer has acknowledged it.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::stomp::{CUMULATIVE, Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

/// Returns the bodies `1`, `2`, up to this number.
fn numbers(last: usize) -> Vec<String> {
    (1..=last).map(|number| number.to_string()).collect()
}

/// Sends the numbers up to this number to `/queue/a`.
async fn fill(server: &Carillon, last: usize) {
    let mut producer = StompClient::connect(server).await;
    producer.send_all("/queue/a", &numbers(last)).await;
    producer.leave().await;
}

fn is_first(message: &Frame) {
    assert_eq!(message.find("redelivered"), None, "{message:?}");
}

fn is_again(message: &Frame, count: &str) {
    assert_eq!(message.header("redelivered"), "true", "{message:?}");
    assert_eq!(message.header("JMSXDeliveryCount"), count, "{message:?}");
}

#[tokio::test]
async fn a_message_has_the_sent_headers_and_an_ack_header() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    let sent = Frame::message_to("/queue/a", "hello")
        .with("content-type", "text/plain")
        .with("note", "colon: and\nline end");
    consumer.request(sent).await;
    let message = consumer.message().await;
    assert_eq!(message.header("subscription"), "0");
    assert_eq!(message.header("destination"), "/queue/a");
    assert_eq!(message.header("content-type"), "text/plain");
    assert_eq!(message.header("note"), "colon: and\nline end");
    assert_eq!(message.text(), "hello");
    assert!(!message.header("message-id").is_empty(), "{message:?}");
    assert!(!message.header("ack").is_empty(), "{message:?}");
    is_first(&message);
}

#[tokio::test]
async fn a_queue_keeps_messages_without_consumers() {
    let server = Carillon::start().await;
    fill(&server, 3).await;
    assert_eq!(queue::depth(&server, "a").await, (3, 0));
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    assert_eq!(consumer.bodies(3).await, numbers(3));
    consumer.is_quiet().await;
}

#[tokio::test]
async fn competing_consumers_share_and_each_message_is_delivered_once() {
    const COUNT: usize = 300;
    let server = Carillon::start().await;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        consumers.push(StompClient::consumer(&server, "/queue/a", &[]).await);
    }
    fill(&server, COUNT).await;
    queue::until(&server, "a", "acknowledged", COUNT as u64).await;
    let mut all = Vec::new();
    for consumer in &mut consumers {
        let arrived = consumer.arrived_bodies().await;
        let mut its: Vec<usize> = arrived.iter().map(|body| body.parse().expect("")).collect();
        assert!(its.is_sorted(), "each sees the queue's order: {its:?}");
        assert!(!its.is_empty(), "each has a part of the work");
        all.append(&mut its);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn consumers_take_turns() {
    let server = Carillon::start().await;
    let mut one = StompClient::consumer(&server, "/queue/a", &[]).await;
    let mut two = StompClient::consumer(&server, "/queue/a", &[]).await;
    fill(&server, 6).await;
    let turns = BTreeSet::from([one.bodies(3).await, two.bodies(3).await]);
    let expected = [["1", "3", "5"], ["2", "4", "6"]];
    let expected = expected.map(|turn| turn.map(str::to_owned).to_vec());
    assert_eq!(turns, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_busy_consumer_is_skipped() {
    let server = Carillon::start().await;
    let prefetch = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut busy = StompClient::consumer(&server, "/queue/a", &prefetch).await;
    fill(&server, 1).await;
    assert_eq!(busy.bodies(1).await, ["1"]);
    let mut idle = StompClient::consumer(&server, "/queue/a", &[]).await;
    idle.send_all("/queue/a", &["2", "3", "4"]).await;
    assert_eq!(idle.bodies(3).await, ["2", "3", "4"]);
    busy.is_quiet().await;
}

#[tokio::test]
async fn no_more_than_the_prefetch_is_unacknowledged() {
    for name in ["activemq.prefetchSize", "prefetch-count"] {
        let server = Carillon::start().await;
        fill(&server, 4).await;
        let headers = [INDIVIDUAL, (name, "2")];
        let mut consumer = StompClient::consumer(&server, "/queue/a", &headers).await;
        let first = consumer.message().await;
        assert_eq!(consumer.bodies(1).await, ["2"]);
        consumer.is_quiet().await;
        assert_eq!(queue::depth(&server, "a").await, (2, 2), "{name}");
        consumer.ack(&first).await;
        assert_eq!(consumer.bodies(1).await, ["3"]);
        consumer.is_quiet().await;
    }
}

#[tokio::test]
async fn a_prefetch_of_0_is_refused_and_no_limit_is_the_maximum() {
    let server = Carillon::start().await;
    fill(&server, 1_200).await;
    let unlimited = [INDIVIDUAL, ("prefetch-count", "0")];
    let mut consumer = StompClient::consumer(&server, "/queue/a", &unlimited).await;
    consumer.bodies(1_200).await;
    consumer.leave().await;

    let mut default = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    default.bodies(1_000).await;
    default.is_quiet().await;

    let mut wrong = StompClient::connect(&server).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/queue/a")
        .with("activemq.prefetchSize", "0");
    wrong.send(&subscribe).await;
    let told = wrong.refusal().await.told();
    assert!(told.contains("activemq.prefetchSize"), "{told}");
}

#[tokio::test]
async fn unacknowledged_messages_of_an_ended_consumer_go_to_another() {
    let server = Carillon::start().await;
    for ending in ["disconnect", "vanish"] {
        let mut first = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
        fill(&server, 3).await;
        let messages = [
            first.message().await,
            first.message().await,
            first.message().await,
        ];
        messages.iter().for_each(is_first);
        first.ack(&messages[1]).await;
        let mut second = StompClient::consumer(&server, "/queue/a", &[]).await;
        second.is_quiet().await;
        match ending {
            "disconnect" => first.leave().await,
            _ => drop(first),
        }
        for left in [&messages[0], &messages[2]] {
            let message = second.message().await;
            is_again(&message, "2");
            assert_eq!(message.body, left.body, "{ending}");
            assert_eq!(message.header("message-id"), left.header("message-id"));
        }
        second.is_quiet().await;
        second.leave().await;
    }
}

#[tokio::test]
async fn a_job_in_flight_at_unsubscribe_is_not_delivered_twice() {
    let server = Carillon::start().await;
    let mut first = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    fill(&server, 3).await;
    let messages = [
        first.message().await,
        first.message().await,
        first.message().await,
    ];
    first
        .request(Frame::new("UNSUBSCRIBE").with("id", "0"))
        .await;
    let mut second = StompClient::consumer(&server, "/queue/a", &[]).await;
    second.is_quiet().await;
    for message in &messages[..2] {
        first.ack(message).await;
    }
    second.is_quiet().await;
    assert_eq!(queue::figure(&server, "a", "acknowledged").await, 2);
    // At the end of the connection its unacknowledged messages go to another consumer.
    first.leave().await;
    let message = second.message().await;
    is_again(&message, "2");
    assert_eq!(message.body, messages[2].body);
}

#[tokio::test]
async fn a_rejected_message_is_redelivered_in_its_old_place() {
    let server = Carillon::with(&["--redelivery-delay", "0"]).await;
    fill(&server, 3).await;
    let one_by_one = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut consumer = StompClient::consumer(&server, "/queue/a", &one_by_one).await;
    let message = consumer.message().await;
    is_first(&message);
    consumer.nack(&message).await;
    for count in ["2", "3"] {
        let again = consumer.message().await;
        is_again(&again, count);
        assert_eq!(again.text(), "1", "before those that came after it");
        if count == "2" {
            consumer.nack(&again).await;
        } else {
            consumer.ack(&again).await;
        }
    }
    let next = consumer.message().await;
    is_first(&next);
    assert_eq!(next.text(), "2");
    assert_eq!(queue::figure(&server, "a", "redelivered").await, 2);
}

#[tokio::test]
async fn a_browser_sees_everything_and_takes_nothing() {
    let server = Carillon::start().await;
    let prefetch = [INDIVIDUAL, ("activemq.prefetchSize", "2")];
    let mut holder = StompClient::consumer(&server, "/queue/a", &prefetch).await;
    fill(&server, 4).await;
    let held = holder.message().await;
    holder.message().await;

    let browser = [("browser", "true")];
    let mut browser = StompClient::consumer(&server, "/queue/a", &browser).await;
    // First the waiting messages, then those that consumers hold.
    assert_eq!(browser.bodies(4).await, ["3", "4", "1", "2"]);
    let end = browser.message().await;
    assert_eq!(end.header("browser"), "end", "{end:?}");
    assert_eq!(end.header("subscription"), "0");
    assert_eq!(end.text(), "");
    browser.is_quiet().await;
    let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", "0");
    browser.request(unsubscribe).await;

    assert_eq!(queue::depth(&server, "a").await, (2, 2));
    holder.ack(&held).await;
    assert_eq!(holder.bodies(1).await, ["3"]);
}

#[tokio::test]
async fn browsing_an_empty_queue_ends_at_once() {
    let server = Carillon::start().await;
    let browser = [("browser", "true")];
    let mut browser = StompClient::consumer(&server, "/queue/a", &browser).await;
    assert_eq!(browser.message().await.header("browser"), "end");
}

#[tokio::test]
async fn an_expired_message_is_not_delivered() {
    let server = Carillon::start().await;
    for destination in ["/queue/a", "/topic/a"] {
        let mut consumer = StompClient::consumer(&server, destination, &[]).await;
        let long_ago = Frame::message_to(destination, "too late").with("expires", "1000");
        let never = Frame::message_to(destination, "for ever").with("expires", "0");
        consumer.request(long_ago).await;
        consumer.request(never).await;
        assert_eq!(consumer.bodies(1).await, ["for ever"], "{destination}");
        consumer.is_quiet().await;
    }
}

#[tokio::test]
async fn a_message_that_expires_while_it_waits_is_removed() {
    let server = Carillon::start().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.expect("after 1970").as_millis();
    let mut producer = StompClient::connect(&server).await;
    let short = Frame::message_to("/queue/a", "short-lived");
    let short = short.with("expires", &(now_ms + 1_500).to_string());
    producer.request(short).await;
    producer.send_all("/queue/a", &["kept"]).await;
    queue::until(&server, "a", "expired", 1).await;
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    assert_eq!(consumer.bodies(1).await, ["kept"]);
}

#[tokio::test]
async fn one_connection_can_consume_from_many_queues_and_topics() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for (id, destination, mode) in [
        ("auto", "/queue/a", ("ack", "auto")),
        ("single", "/queue/b", INDIVIDUAL),
        ("all", "/queue/c", CUMULATIVE),
        ("topic", "/topic/a", ("ack", "auto")),
    ] {
        client.subscribe_to(id, destination, &[mode]).await;
        client.send_all(destination, &[id]).await;
        let message = client.message().await;
        assert_eq!(message.header("subscription"), id);
        assert_eq!(message.header("destination"), destination);
        assert_eq!(message.text(), id);
    }
}
