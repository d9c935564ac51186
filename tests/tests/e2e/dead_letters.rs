//! Dead letters: messages that no consumer could process, their queues and their headers.

use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

const DEAD_LETTERS: &str = "/queue/ActiveMQ.DLQ";

async fn send(server: &Carillon, frame: Frame) {
    let mut producer = StompClient::connect(server).await;
    producer.request(frame).await;
    producer.leave().await;
}

/// Receives the next message and rejects it.
async fn reject(consumer: &mut StompClient) -> Frame {
    let message = consumer.message().await;
    consumer.nack(&message).await;
    message
}

/// Returns the message that must be in this dead letter queue, with the added headers.
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
    let at_once = ["--redelivery-delay", "0"];
    let server = Carillon::with(&[&["--max-redeliveries", "2"], &at_once[..]].concat()).await;
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
async fn six_redeliveries_are_the_default() {
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
async fn a_delivery_to_a_consumer_that_ended_counts() {
    let server = Carillon::with(&["--max-redeliveries", "1"]).await;
    send(&server, Frame::message_to("/queue/a", "poison")).await;
    for _ in 0..2 {
        let mut consumer = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
        consumer.message().await;
    }
    assert_eq!(dead_letter(&server, DEAD_LETTERS).await.text(), "poison");
}

#[tokio::test]
async fn a_queue_can_have_its_own_dead_letter_queue() {
    let options = ["--max-redeliveries", "0", "--dead-letters", "own"];
    let server = Carillon::with(&options).await;
    let mut consumer = StompClient::consumer(&server, "/queue/orders.eu", &[INDIVIDUAL]).await;
    send(&server, Frame::message_to("/queue/orders.eu", "poison")).await;
    reject(&mut consumer).await;
    let letter = dead_letter(&server, "/queue/DLQ.orders.eu").await;
    assert_eq!(letter.header("original-destination"), "/queue/orders.eu");
}

#[tokio::test]
async fn a_reject_without_requeue_makes_a_dead_letter_at_once() {
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
async fn only_an_expired_persistent_message_becomes_a_dead_letter() {
    let server = Carillon::start().await;
    let expired = |body: &str| Frame::message_to("/queue/a", body).with("expires", "1000");
    send(&server, expired("worth nothing now")).await;
    send(&server, expired("missed").with("persistent", "true")).await;
    queue::until(&server, "a", "expired", 2).await;
    let letter = dead_letter(&server, DEAD_LETTERS).await;
    assert_eq!(letter.text(), "missed");
    assert_eq!(letter.header("original-destination"), "/queue/a");
}
