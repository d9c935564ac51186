//! "A RECEIPT frame is sent from the server to the client once a server has successfully processed a client frame that
//! requests a receipt": then the frame's effect is visible to all clients.

use harness::stomp::{CUMULATIVE, Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

async fn figures(server: &Carillon, names: [&str; 3]) -> [u64; 3] {
    let mut values = [0; 3];
    for (value, name) in values.iter_mut().zip(names) {
        *value = queue::figure(server, "a", name).await;
    }
    values
}

const DEPTH: [&str; 3] = ["consumers", "waiting", "unacknowledged"];

#[tokio::test]
async fn the_effect_of_each_frame_is_visible_before_its_receipt() {
    let server = Carillon::start().await;
    for version in ["1.1", "1.2"] {
        let mut client = StompClient::connect_as(&server, version).await;
        let send = Frame::message_to("/queue/a", "1");
        client.request(send.clone()).await;
        assert_eq!(figures(&server, DEPTH).await, [0, 1, 0], "SEND");

        client.subscribe_to("s", "/queue/a", &[INDIVIDUAL]).await;
        assert_eq!(figures(&server, DEPTH).await, [1, 0, 1], "SUBSCRIBE");
        let message = client.message().await;
        client.nack(&message).await;
        let again = client.message().await;
        assert_eq!(again.header("redelivered"), "true", "NACK");
        client.ack(&again).await;
        assert_eq!(figures(&server, DEPTH).await, [1, 0, 0], "ACK");

        client.request(send.clone()).await;
        client.bodies(1).await;
        let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", "s");
        client.request(unsubscribe).await;
        // The consumer stays until its delivery is settled or its connection ends.
        assert_eq!(figures(&server, DEPTH).await, [1, 0, 1], "UNSUBSCRIBE");

        client.request(Frame::transaction("BEGIN", "t")).await;
        client.request(send.clone().with("transaction", "t")).await;
        client.request(Frame::transaction("ABORT", "t")).await;
        client.request(Frame::transaction("BEGIN", "t")).await;
        client.request(send.clone().with("transaction", "t")).await;
        assert_eq!(figures(&server, DEPTH).await, [1, 0, 1], "BEGIN and ABORT");
        client.request(Frame::transaction("COMMIT", "t")).await;
        assert_eq!(figures(&server, DEPTH).await, [1, 1, 1], "COMMIT");

        client.send(&send).await;
        client.leave().await;
        assert_eq!(figures(&server, DEPTH).await, [0, 3, 0], "DISCONNECT");

        let mut next = StompClient::consumer(&server, "/queue/a", &[]).await;
        next.bodies(3).await;
        next.leave().await;
        queue::until(&server, "a", "consumers", 0).await;
    }
}

#[tokio::test]
async fn receipts_come_in_the_order_of_their_frames() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[CUMULATIVE]).await;
    client.send_all("/queue/a", &["1", "2"]).await;
    let [one, two] = [client.message().await, client.message().await];
    let frames = [
        client.settlement("NACK", &one),
        client.settlement("ACK", &two),
        Frame::transaction("BEGIN", "t"),
        Frame::message_to("/queue/b", "x").with("transaction", "t"),
        Frame::transaction("COMMIT", "t"),
        Frame::new("UNSUBSCRIBE").with("id", "0"),
        Frame::message_to("/queue/b", "x"),
        Frame::new("DISCONNECT"),
    ];
    let numbered = frames.into_iter().zip(0..);
    let numbered = numbered.map(|(frame, number): (Frame, u32)| {
        let receipt = number.to_string();
        frame.with("receipt", &receipt).encode()
    });
    let batch = numbered.collect::<Vec<_>>().concat();
    client.send_bytes(batch).await;
    let mut receipts = Vec::new();
    while let Some(frame) = client.next().await {
        match frame.command.as_str() {
            "RECEIPT" => receipts.push(frame.header("receipt-id").to_owned()),
            "MESSAGE" => assert_eq!(frame.text(), "1", "given back"),
            _ => panic!("{frame:?}"),
        }
    }
    let expected: Vec<_> = (0..8).map(|number| number.to_string()).collect();
    assert_eq!(receipts, expected);
    assert_eq!(queue::depth(&server, "b").await, (2, 0));
}

#[tokio::test]
async fn messages_of_a_client_are_released_before_the_receipt_of_its_disconnect() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[INDIVIDUAL]).await;
    client.send_all("/queue/a", &["1"]).await;
    client.message().await;
    client.leave().await;
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
    assert_eq!(queue::figure(&server, "a", "consumers").await, 0);
}

#[tokio::test]
async fn a_client_gets_no_messages_after_disconnect() {
    let server = Carillon::start().await;
    let headers = [INDIVIDUAL, ("activemq.prefetchSize", "1")];
    let mut client = StompClient::consumer(&server, "/queue/a", &headers).await;
    client.send_all("/queue/a", &["1", "2"]).await;
    let first = client.message().await;
    let mut last_words = client.settlement("ACK", &first).encode();
    last_words.extend(Frame::new("DISCONNECT").with("receipt", "bye").encode());
    client.send_bytes(last_words).await;
    let told = client.frame().await;
    assert_eq!(told.header("receipt-id"), "bye");
    assert_eq!(client.next().await, None);
    assert_eq!(queue::depth(&server, "a").await, (1, 0));
    assert_eq!(queue::figure(&server, "a", "dispatched").await, 1);
}
