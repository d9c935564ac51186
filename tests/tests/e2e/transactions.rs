//! BEGIN, COMMIT and ABORT: either all frames of a transaction take effect, or none.

use harness::http::get;
use harness::stomp::{CUMULATIVE, Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};
use http::StatusCode;

fn within(transaction: &str, frame: Frame) -> Frame {
    frame.with("transaction", transaction)
}

fn send(transaction: &str, destination: &str, body: &str) -> Frame {
    within(transaction, Frame::message_to(destination, body))
}

async fn begin(client: &mut StompClient, transaction: &str) {
    let begin = Frame::transaction("BEGIN", transaction);
    client.request(begin).await;
}

async fn commit(client: &mut StompClient, transaction: &str) {
    let commit = Frame::transaction("COMMIT", transaction);
    client.request(commit).await;
}

async fn abort(client: &mut StompClient, transaction: &str) {
    let abort = Frame::transaction("ABORT", transaction);
    client.request(abort).await;
}

/// Sends a frame that must be refused. Returns the text of the ERROR.
async fn refused(mut client: StompClient, frame: &Frame) -> String {
    client.send(frame).await;
    client.refusal().await.told()
}

#[tokio::test]
async fn messages_of_a_transaction_are_visible_after_commit_only() {
    let server = Carillon::start().await;
    for version in ["1.0", "1.1", "1.2"] {
        let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
        consumer.subscribe("topic", "a", &[]).await;
        let mut client = StompClient::connect_as(&server, version).await;
        begin(&mut client, "t").await;
        for (destination, body) in [("/queue/a", "1"), ("/topic/a", "2"), ("/queue/a", "3")] {
            client.request(send("t", destination, body)).await;
        }
        client.send_all("/queue/a", &["outside"]).await;
        assert_eq!(consumer.arrived_bodies().await, ["outside"]);
        commit(&mut client, "t").await;
        let mut arrived = consumer.arrived_bodies().await;
        arrived.sort();
        assert_eq!(arrived, ["1", "2", "3"], "{version}");
        consumer.leave().await;
    }
}

#[tokio::test]
async fn committed_messages_keep_their_order() {
    const COUNT: usize = 100;
    let server = Carillon::start().await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    let mut client = StompClient::connect(&server).await;
    begin(&mut client, "t").await;
    let bodies: Vec<_> = (0..COUNT).map(|number| number.to_string()).collect();
    for body in &bodies {
        client.send(&send("t", "/queue/a", body)).await;
    }
    commit(&mut client, "t").await;
    assert_eq!(consumer.bodies(COUNT).await, bodies);
}

#[tokio::test]
async fn abort_discards_the_sent_messages() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    begin(&mut client, "t").await;
    client.request(send("t", "/queue/a", "forgotten")).await;
    abort(&mut client, "t").await;
    begin(&mut client, "t").await;
    client.request(send("t", "/queue/a", "kept")).await;
    commit(&mut client, "t").await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    assert_eq!(consumer.arrived_bodies().await, ["kept"]);
}

#[tokio::test]
async fn several_transactions_can_be_open_at_once() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for transaction in ["one", "two"] {
        begin(&mut client, transaction).await;
    }
    client.request(send("one", "/queue/a", "1")).await;
    client.request(send("two", "/queue/a", "2")).await;
    client.request(send("one", "/queue/a", "3")).await;
    abort(&mut client, "one").await;
    commit(&mut client, "two").await;
    let mut consumer = StompClient::consumer(&server, "/queue/a", &[]).await;
    assert_eq!(consumer.arrived_bodies().await, ["2"]);
}

#[tokio::test]
async fn an_acknowledgement_takes_effect_at_commit() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    client.send_all("/queue/a", &["1", "2"]).await;
    let [one, two] = [client.message().await, client.message().await];
    begin(&mut client, "t").await;
    for (command, message) in [("ACK", &one), ("NACK", &two)] {
        let frame = client.settlement(command, message);
        client.request(within("t", frame)).await;
    }
    client.is_quiet().await;
    assert_eq!(queue::depth(&server, "a").await, (0, 2));
    commit(&mut client, "t").await;
    let again = client.message().await;
    assert_eq!(again.text(), "2");
    assert_eq!(again.header("redelivered"), "true");
    assert_eq!(queue::depth(&server, "a").await, (0, 1));
}

#[tokio::test]
async fn an_aborted_acknowledgement_leaves_the_message_unacknowledged() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    client.send_all("/queue/a", &["1", "2"]).await;
    let [one, two] = [client.message().await, client.message().await];
    begin(&mut client, "t").await;
    for message in [&one, &two] {
        let ack = client.settlement("ACK", message);
        client.request(within("t", ack)).await;
    }
    abort(&mut client, "t").await;
    assert_eq!(queue::depth(&server, "a").await, (0, 2));
    // The message can still be acknowledged.
    client.ack(&two).await;
    client.leave().await;
    let mut next = StompClient::consumer(&server, "/queue/a", &[]).await;
    let message = next.message().await;
    assert_eq!(message.text(), "1");
    assert_eq!(message.header("redelivered"), "true");
    next.is_quiet().await;
}

#[tokio::test]
async fn a_cumulative_acknowledgement_in_a_transaction_covers_earlier_messages() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[CUMULATIVE]).await;
    client.send_all("/queue/a", &["1", "2", "3"]).await;
    client.bodies(1).await;
    let two = client.message().await;
    begin(&mut client, "t").await;
    let ack = client.settlement("ACK", &two);
    client.request(within("t", ack)).await;
    commit(&mut client, "t").await;
    assert_eq!(queue::depth(&server, "a").await, (0, 1));
}

#[tokio::test]
async fn an_acknowledgement_in_a_transaction_makes_room_at_once() {
    let server = Carillon::start().await;
    let headers = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut client = StompClient::consumer(&server, "/queue/a", &headers).await;
    client.send_all("/queue/a", &["1", "2", "3"]).await;
    begin(&mut client, "t").await;
    for body in ["1", "2", "3"] {
        let message = client.message().await;
        assert_eq!(message.text(), body);
        let ack = client.settlement("ACK", &message);
        client.request(within("t", ack)).await;
    }
    commit(&mut client, "t").await;
    assert_eq!(queue::figure(&server, "a", "acknowledged").await, 3);
}

#[tokio::test]
async fn a_connection_that_ends_aborts_its_transactions() {
    let server = Carillon::start().await;
    for ending in ["disconnect", "vanish"] {
        let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
        client.send_all("/queue/a", &["1"]).await;
        let message = client.message().await;
        begin(&mut client, "t").await;
        client.request(send("t", "/queue/b", "x")).await;
        let ack = client.settlement("ACK", &message);
        client.request(within("t", ack)).await;
        if ending == "disconnect" {
            client.leave().await;
        } else {
            drop(client);
        }
        let mut next = StompClient::consumer(&server, "/queue/a", &[]).await;
        let again = next.message().await;
        assert_eq!(again.header("redelivered"), "true", "{ending}");
        assert!(queue::figures(&server, "b").await.is_null(), "{ending}");
        next.leave().await;
    }
}

#[tokio::test]
async fn transactions_are_identified_by_their_ids() {
    let server = Carillon::start().await;
    for frame in [
        Frame::transaction("COMMIT", "never"),
        Frame::transaction("ABORT", "never"),
        send("never", "/queue/a", "x"),
    ] {
        let client = StompClient::connect(&server).await;
        let told = refused(client, &frame).await;
        assert!(told.contains("never"), "{}: {told}", frame.command);
    }
    for frame in ["BEGIN", "COMMIT", "ABORT"].map(Frame::new) {
        let client = StompClient::connect(&server).await;
        let told = refused(client, &frame).await;
        assert!(told.contains("\"transaction\""), "{told}");
    }
    let mut client = StompClient::connect(&server).await;
    begin(&mut client, "same").await;
    let told = refused(client, &Frame::transaction("BEGIN", "same")).await;
    assert!(told.contains("same"), "{told}");

    let mut client = StompClient::connect(&server).await;
    begin(&mut client, "over").await;
    commit(&mut client, "over").await;
    let told = refused(client, &send("over", "/queue/a", "x")).await;
    assert!(told.contains("over"), "{told}");
    assert!(queue::figures(&server, "a").await.is_null());
}

#[tokio::test]
async fn an_acknowledgement_without_a_message_is_refused_at_once() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    begin(&mut client, "t").await;
    let ack = within("t", Frame::new("ACK").with("id", "0-999"));
    let told = refused(client, &ack).await;
    assert!(told.contains("acknowledge"), "{told}");
}

#[tokio::test]
async fn a_connection_has_at_most_16_open_transactions() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for number in 0..16 {
        begin(&mut client, &number.to_string()).await;
    }
    abort(&mut client, "7").await;
    begin(&mut client, "another in its place").await;
    let told = refused(client, &Frame::transaction("BEGIN", "one too many")).await;
    assert!(told.contains("16"), "{told}");
}

#[tokio::test]
async fn a_transaction_is_bounded_in_frames() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    begin(&mut client, "t").await;
    let frame = send("t", "/queue/a", "x").encode();
    for _ in 0..10 {
        client.send_bytes(frame.repeat(1_000)).await;
    }
    let told = refused(client, &send("t", "/queue/a", "one too many")).await;
    assert!(told.contains("10000") || told.contains("10,000"), "{told}");
    assert!(queue::figures(&server, "a").await.is_null());
}

#[tokio::test]
async fn a_transaction_is_bounded_in_bytes() {
    let server = Carillon::with(&["--max-transaction-bytes", "100000"]).await;
    let mut client = StompClient::connect(&server).await;
    let body = "x".repeat(40_000);
    begin(&mut client, "t").await;
    begin(&mut client, "u").await;
    client.request(send("t", "/queue/a", &body)).await;
    client.request(send("u", "/queue/a", &body)).await;
    commit(&mut client, "t").await;
    client.request(send("u", "/queue/a", &body)).await;
    let told = refused(client, &send("u", "/queue/a", &body)).await;
    assert!(told.contains("100000"), "{told}");
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
}

#[tokio::test]
async fn a_transaction_with_a_refused_message_has_no_effect() {
    let server = Carillon::with(&["--max-topics", "2"]).await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    client.send_all("/queue/a", &["1"]).await;
    let message = client.message().await;
    begin(&mut client, "t").await;
    for destination in ["/queue/b", "/topic/x", "/topic/y", "/topic/z"] {
        client.request(send("t", destination, "x")).await;
    }
    let ack = client.settlement("ACK", &message);
    client.request(within("t", ack)).await;
    let told = refused(client, &Frame::transaction("COMMIT", "t")).await;
    assert!(told.contains("topics"), "{told}");

    for topic in ["x", "y", "z"] {
        let topic = get(server.url(&format!("/api/topics/{topic}"))).await;
        assert_eq!(topic.status, StatusCode::NOT_FOUND);
    }
    assert!(queue::figures(&server, "b").await.is_null());
    let mut next = StompClient::consumer(&server, "/queue/a", &[]).await;
    assert_eq!(next.message().await.header("redelivered"), "true");
}
