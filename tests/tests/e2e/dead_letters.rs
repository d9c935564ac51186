//! Messages that nobody could use: where they go, and what they say about it.

use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

const DEAD_LETTERS: &str = "/queue/ActiveMQ.DLQ";

async fn send(server: &Carillon, frame: Frame) {
    let mut producer = StompClient::connect(server).await;
    producer.request(frame).await;
    producer.leave().await;
}

/// Receives the next message and gives it back.
async fn reject(consumer: &mut StompClient) -> Frame {
    let message = consumer.message().await;
    consumer.nack(&message).await;
    message
}

/// The message that must be in this queue, with what was added to it.
async fn dead_letter(server: &Carillon, queue: &str) -> Frame {
    let mut undertaker = StompClient::consumer(server, queue, &[]).await;
    let message = undertaker.message().await;
    assert_eq!(message.header("destination"), queue);
    let cause = message.header("dlqDeliveryFailureCause");
    assert!(!cause.is_empty(), "{message:?}");
    undertaker.is_quiet().await;
    message
}

#[tokio::test]
async fn a_message_rejected_too_often_becomes_a_dead_letter() {
    let server = Carillon::with(&["--max-redeliveries", "2"]).await;
    let poison = Frame::message_to("/queue/a", "poison").with("note", "kept");
    send(&server, poison).await;
    send(&server, Frame::message_to("/queue/a", "good")).await;
    let one_by_one = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut consumer = StompClient::consumer(&server, "/queue/a", &one_by_one).await;
    for count in [None, Some("2"), Some("3")] {
        let message = reject(&mut consumer).await;
        assert_eq!(message.text(), "poison");
        assert_eq!(message.find("JMSXDeliveryCount"), count);
    }
    assert_eq!(consumer.bodies(1).await, ["good"]);
    assert_eq!(queue::depth(&server, "a").await, (0, 1));
    assert_eq!(queue::figure(&server, "a", "deadLettered").await, 1);

    let letter = dead_letter(&server, DEAD_LETTERS).await;
    assert_eq!(letter.text(), "poison");
    assert_eq!(letter.header("note"), "kept");
    assert_eq!(letter.header("original-destination"), "/queue/a");
    assert_eq!(letter.find("redelivered"), None, "{letter:?}");
}

#[tokio::test]
async fn six_redeliveries_are_the_rule() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    send(&server, Frame::message_to("/queue/a", "poison")).await;
    assert_eq!(reject(&mut consumer).await.find("JMSXDeliveryCount"), None);
    for count in 2..=7 {
        let again = reject(&mut consumer).await;
        assert_eq!(again.header("JMSXDeliveryCount"), count.to_string());
    }
    consumer.is_quiet().await;
    dead_letter(&server, DEAD_LETTERS).await;
}

#[tokio::test]
async fn consumers_that_go_count_as_well() {
    let server = Carillon::with(&["--max-redeliveries", "1"]).await;
    send(&server, Frame::message_to("/queue/a", "poison")).await;
    for _ in 0..2 {
        let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
        consumer.message().await;
    }
    assert_eq!(dead_letter(&server, DEAD_LETTERS).await.text(), "poison");
}

#[tokio::test]
async fn a_queue_can_have_dead_letters_of_its_own() {
    let options = ["--max-redeliveries", "0", "--dead-letters", "own"];
    let server = Carillon::with(&options).await;
    let mut consumer = StompClient::consumer(&server, "/queue/orders.eu", &[INDIVIDUAL]).await;
    send(&server, Frame::message_to("/queue/orders.eu", "poison")).await;
    reject(&mut consumer).await;
    let letter = dead_letter(&server, "/queue/DLQ.orders.eu").await;
    assert_eq!(letter.header("original-destination"), "/queue/orders.eu");
}

#[tokio::test]
async fn who_rejects_for_good_makes_a_dead_letter_at_once() {
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    send(&server, Frame::message_to("/queue/a", "poison")).await;
    let message = consumer.message().await;
    let nack = consumer.settlement("NACK", &message);
    consumer.request(nack.with("requeue", "false")).await;
    consumer.is_quiet().await;
    assert_eq!(dead_letter(&server, DEAD_LETTERS).await.text(), "poison");
}

#[tokio::test]
async fn what_expires_is_a_dead_letter_where_it_was_meant_to_last() {
    let server = Carillon::start().await;
    let expired = |body: &str| Frame::message_to("/queue/a", body).with("expires", "1000");
    send(&server, expired("worth nothing now")).await;
    send(&server, expired("missed").with("persistent", "true")).await;
    queue::until(&server, "a", "expired", 2).await;
    let letter = dead_letter(&server, DEAD_LETTERS).await;
    assert_eq!(letter.text(), "missed");
    assert_eq!(letter.header("original-destination"), "/queue/a");
}
