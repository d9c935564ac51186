//! Hostile peers do not affect the other clients.

use std::io;
use std::pin::pin;
use std::time::Duration;

use harness::Carillon;
use harness::deadline::within;
use harness::http::{get, post};
use harness::stomp::{Frame, StompClient};
use harness::topic::{lags_more_than, sequence, stopped_at};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::interval;

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

/// Publications with a receipt each: in all 12 MB in each direction, which is more than the sockets of
/// both sides hold.
const PUBLICATIONS: usize = 3_000;
/// Size of the buffers of the client's socket, in bytes.
const BUFFER_BYTES: u32 = 64 << 10;

/// Returns the bytes of CONNECT and the publications. Their receipt ids are their numbers, filled up
/// to 4,000 characters.
fn publications() -> Vec<u8> {
    let mut bytes = Frame::connect().encode();
    for number in 0..PUBLICATIONS {
        let receipt = format!("{number:0>4000}");
        let frame = Frame::publication("a", "x").with("receipt", &receipt);
        bytes.extend(frame.encode());
    }
    bytes
}

/// Returns a TCP connection whose buffers are small on the client's side.
async fn narrow_connection(server: &Carillon) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    within("a connection", socket.connect(server.address())).await
}

#[tokio::test]
async fn a_publisher_that_reads_no_receipts_is_not_read_until_it_does() {
    let server = Carillon::start().await;
    let socket = narrow_connection(&server).await;
    let (mut reading, mut writing) = socket.expect("a listening server").into_split();
    let bytes = publications();
    let sending = async {
        writing.write_all(&bytes).await.expect("an open connection");
    };
    let mut sending = pin!(sending);
    let read = tokio::select! {
        () = &mut sending => panic!("the server has read all publications"),
        read = stopped_at(&server, "a") => read,
    };
    assert!(read < PUBLICATIONS as u64, "{read}");
    is_answering(&server).await;

    let receiving = async {
        let mut unread = Vec::new();
        let mut receipts = 0;
        while receipts < PUBLICATIONS {
            let count = within("receipts", reading.read_buf(&mut unread)).await;
            assert!(count.expect("an open connection") > 0);
            while let Some(frame) = Frame::take(&mut unread) {
                if frame.command == "CONNECTED" {
                    continue;
                }
                assert_eq!(frame.header("receipt-id").parse(), Ok(receipts));
                receipts += 1;
            }
        }
    };
    tokio::join!(sending, receiving);
    assert_eq!(sequence(&server, "a").await, PUBLICATIONS as u64);
    assert!(server.stop().await.success());
}

/// Waits for the next frame, or until a subscription of the topic `a` lags, and sends heart-beats
/// meanwhile. Returns None if a subscription lags.
async fn receipt_or_lag(server: &Carillon, client: &mut StompClient) -> Option<Frame> {
    let mut lags = pin!(lags_more_than(server, "a", 1));
    let mut heart_beats = interval(HEART_BEAT / 2);
    loop {
        tokio::select! {
            frame = client.read_frame() => return Some(frame.expect("an open connection")),
            () = &mut lags => return None,
            _ = heart_beats.tick() => {}
        }
        client.send_text("\n").await;
    }
}

const HEART_BEAT: Duration = Duration::from_millis(400);

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
    loop {
        let receipt = published.to_string();
        let frame = Frame::publication("a", vec![b'x'; MEGABYTE]).with("receipt", &receipt);
        producer.send(&frame).await;
        published += 1;
        let Some(frame) = receipt_or_lag(&server, &mut producer).await else {
            break;
        };
        assert_eq!(frame.command, "RECEIPT", "{frame:?}");
        assert!(published < 60, "a stuck reader makes its publisher wait");
    }

    // For several times the agreed interval both sides send heart-beats, and neither closes the connection.
    let mut beats = 0;
    while beats < 6 {
        let message = within("a heart-beat", producer.read_message()).await;
        let message = message.expect("an open connection");
        assert!(message.iter().all(|byte| *byte == b'\n'), "a receipt");
        beats += message.len();
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
