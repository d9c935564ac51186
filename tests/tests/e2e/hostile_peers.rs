//! Hostile peers do not affect the other clients.

use std::time::Duration;

use harness::Carillon;
use harness::deadline::within;
use harness::http::{get, post};
use harness::stomp::{Frame, StompClient};

const MEGABYTE: usize = 1_000_000;

async fn is_answering(server: &Carillon) {
    for _ in 0..4 {
        assert_eq!(get(server.url("/healthz")).await.status, 200);
    }
}

#[tokio::test]
async fn readers_stuck_on_large_messages_do_not_affect_others() {
    let server = Carillon::with(&["--lag-bytes", "4000000"]).await;
    let mut stuck = Vec::new();
    for _ in 0..8 {
        let mut reader = StompClient::connect(&server).await;
        reader.subscribe("0", "a", &[]).await;
        stuck.push(reader);
    }
    // More than the socket buffers hold.
    for _ in 0..12 {
        let body = vec![b'x'; MEGABYTE];
        assert_eq!(
            post(server.url("/api/topics/a"), "text/plain", body)
                .await
                .status,
            200
        );
    }
    is_answering(&server).await;
    drop(stuck);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_publisher_that_reads_no_receipts_is_not_read() {
    let server = Carillon::start().await;
    let mut rude = StompClient::connect(&server).await;
    let receipt = "r".repeat(4_000);
    let frame = Frame::publication("a", "x")
        .with("receipt", &receipt)
        .encode();
    let batch = frame.repeat(16);
    // It can send only as long as the server reads.
    let mut is_read = true;
    for _ in 0..2_000 {
        let sending = rude.try_send_bytes(batch.clone());
        is_read = tokio::time::timeout(Duration::from_secs(1), sending)
            .await
            .is_ok();
        if !is_read {
            break;
        }
    }
    assert!(!is_read, "replies would pile up without end");
    is_answering(&server).await;
    assert!(server.stop().await.success());
}

/// Waits a second for a frame and sends heart-beats in the meantime.
async fn receipt_or_heart_beats(client: &mut StompClient) -> Option<Frame> {
    for _ in 0..5 {
        let answer = tokio::time::timeout(Duration::from_millis(200), client.read_frame()).await;
        match answer {
            Ok(frame) => return Some(frame.expect("an open connection")),
            Err(_) => client.send_text("\n").await,
        }
    }
    None
}

#[tokio::test]
async fn a_publisher_that_waits_for_a_reader_keeps_its_connection() {
    let options = ["--overflow", "block", "--lag", "1", "--heart-beat", "400"];
    let server = Carillon::with(&options).await;
    let mut stuck = StompClient::connect(&server).await;
    stuck.subscribe("0", "a", &[]).await;
    let mut producer = StompClient::open(&server).await;
    producer
        .send(&Frame::connect().with("heart-beat", "400,400"))
        .await;
    assert_eq!(producer.frame().await.command, "CONNECTED");

    let mut published = 0;
    let is_waiting = loop {
        let receipt = published.to_string();
        let frame = Frame::publication("a", vec![b'x'; MEGABYTE]).with("receipt", &receipt);
        producer.send(&frame).await;
        published += 1;
        match receipt_or_heart_beats(&mut producer).await {
            Some(frame) => assert_eq!(frame.command, "RECEIPT", "{frame:?}"),
            None => break true,
        }
        if published == 60 {
            break false;
        }
    };
    assert!(is_waiting, "a stuck reader makes its publisher wait");

    // For several times the agreed interval both sides send heart-beats, and neither closes the connection.
    let mut beats = 0;
    while beats < 6 {
        let message = within("a heart-beat", producer.read_message()).await;
        let message = message.expect("an open connection");
        beats += message.iter().filter(|byte| **byte == b'\n').count();
        producer.send_text("\n").await;
    }
    let reading = async {
        for _ in 0..published {
            stuck.message().await;
        }
    };
    let (receipt, ()) = tokio::join!(producer.frame(), reading);
    assert_eq!(receipt.command, "RECEIPT", "{receipt:?}");
}

#[tokio::test]
async fn a_frame_over_the_limit_gets_a_stomp_error_over_websocket() {
    let server = Carillon::with(&["--max-body", "1000"]).await;
    let mut client = StompClient::connect(&server).await;
    let body = vec![b'x'; MEGABYTE];
    // The server may close the connection before everything is sent.
    let _ = client
        .try_send_bytes(Frame::publication("a", body).encode())
        .await;
    let error = client.refusal().await;
    assert_eq!(error.header("message"), "frame too large");
}

#[tokio::test]
async fn frames_after_a_refused_frame_are_not_published() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let frames = [
        Frame::publication("a", "one").with("receipt", "1"),
        Frame::publication("$x", "two").with("receipt", "2"),
        Frame::publication("a", "three").with("receipt", "3"),
    ];
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
    client.send_bytes(bytes).await;
    assert_eq!(client.frame().await.header("receipt-id"), "1");
    let error = client.refusal().await;
    assert_eq!(error.header("receipt-id"), "2");
    let topic = get(server.url("/api/topics/a")).await.json();
    assert_eq!(topic["sequence"], 1);
}
