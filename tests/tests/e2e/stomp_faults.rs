//! Faults of STOMP clients: the server answers each with an ERROR that names the fault, and ends
//! only the connection of this client.

use harness::Carillon;
use harness::stomp::{Frame, StompClient};

/// Sends these bytes after CONNECT. Returns the ERROR.
async fn refusal(server: &Carillon, bytes: impl Into<Vec<u8>>) -> Frame {
    let mut client = StompClient::connect(server).await;
    client.send_bytes(bytes).await;
    client.refusal().await
}

#[tokio::test]
async fn every_fault_is_named_in_the_error() {
    let server = Carillon::start().await;
    let mut bystander = StompClient::connect(&server).await;
    bystander.subscribe("0", "a", &[]).await;
    for (frame, said) in [
        ("NONSENSE\n\n\0", "unknown command"),
        ("CONNECT\naccept-version:1.2\nhost:x\n\n\0", "CONNECT"),
        ("MESSAGE\ndestination:/topic/a\n\n\0", "MESSAGE"),
        ("SEND\n\nx\0", "destination"),
        ("SEND\nno colon\n\nx\0", "malformed"),
        (
            "SEND\ndestination:/topic/a\nnote:bad\\t\n\nx\0",
            "malformed",
        ),
        (
            "SEND\ndestination:/topic/a\ncontent-length:x\n\nx\0",
            "malformed",
        ),
        (
            "SEND\ndestination:/topic/a\ncontent-length:1\n\nxy\0",
            "malformed",
        ),
        ("SEND\ndestination:/topic/a..b\n\nx\0", "empty"),
        ("SEND\ndestination:/topic/a.*\n\nx\0", "wildcard"),
        ("SEND\ndestination:/topic/$SYS.x\n\nx\0", "$SYS.x"),
        ("SUBSCRIBE\ndestination:/topic/a\n\n\0", "id"),
        ("SUBSCRIBE\nid:0\n\n\0", "destination"),
        ("SUBSCRIBE\nid:0\ndestination:/topic/>.a\n\n\0", "'>'"),
        (
            "SUBSCRIBE\nid:0\ndestination:/topic/a\nack:sometimes\n\n\0",
            "ack",
        ),
        (
            "SUBSCRIBE\nid:0\ndestination:/topic/a\nsince:yesterday\n\n\0",
            "since",
        ),
        (
            "SUBSCRIBE\nid:0\ndestination:/topic/a\noverflow:block\n\n\0",
            "overflow",
        ),
        ("UNSUBSCRIBE\nid:never\n\n\0", "never"),
    ] {
        let error = refusal(&server, frame).await;
        assert!(
            error.told().contains(said),
            "{frame:?} was answered with {error:?}"
        );
        assert!(!error.header("message").is_empty(), "{error:?}");
    }
    bystander.publish("a", "others go on").await;
    assert_eq!(bystander.bodies(1).await, ["others go on"]);
}

#[tokio::test]
async fn an_error_names_the_receipt_of_the_frame_at_fault() {
    let server = Carillon::start().await;
    let error = refusal(&server, "SEND\nreceipt:r-9\n\nx\0").await;
    assert_eq!(error.header("receipt-id"), "r-9");
}

#[tokio::test]
async fn a_subscription_id_is_used_once_at_a_time() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.subscribe("same", "a", &[]).await;
    client
        .send_text("SUBSCRIBE\nid:same\ndestination:/topic/b\n\n\0")
        .await;
    let error = client.refusal().await;
    assert!(error.told().contains("same"), "{error:?}");
}

#[tokio::test]
async fn connect_comes_first() {
    let server = Carillon::start().await;
    for frame in [Frame::publication("a", "x"), Frame::new("DISCONNECT")] {
        let mut client = StompClient::open(&server).await;
        client.send(&frame).await;
        let error = client.refusal().await;
        assert!(error.told().contains("CONNECT"), "{error:?}");
    }
    let topic = harness::http::get(server.url("/api/topics/a")).await;
    assert_eq!(
        topic.status,
        http::StatusCode::NOT_FOUND,
        "nothing was published"
    );
}

#[tokio::test]
async fn an_unsupported_version_is_refused_with_the_supported_ones() {
    let server = Carillon::start().await;
    let mut client = StompClient::open(&server).await;
    client
        .send_text("CONNECT\naccept-version:9.9\nhost:x\n\n\0")
        .await;
    let error = client.refusal().await;
    assert!(error.header("version").contains("1.2"), "{error:?}");
}

#[tokio::test]
async fn frames_before_a_fault_are_processed() {
    let server = Carillon::start().await;
    let sent = Frame::publication("a", "good")
        .with("receipt", "r")
        .encode();
    let mut client = StompClient::connect(&server).await;
    client
        .send_bytes([sent.as_slice(), b"NONSENSE\n\n\0"].concat())
        .await;
    assert_eq!(client.frame().await.command, "RECEIPT");
    client.refusal().await;
    let topic = harness::http::get(server.url("/api/topics/a")).await.json();
    assert_eq!(topic["last"]["body"], "good");
}

#[tokio::test]
async fn a_frame_over_a_limit_is_refused_and_one_at_the_limit_is_not() {
    const BODY: usize = 1 << 20;
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client
        .request(Frame::publication("a", vec![b'x'; BODY]))
        .await;

    let too_long = Frame::publication("a", vec![b'x'; BODY + 1]).encode();
    let many: String = (0..1000).map(|n| format!("h{n}:v\n")).collect();
    for bytes in [
        too_long,
        format!(
            "SEND\ndestination:/topic/a\nh:{}\n\nx\0",
            "v".repeat(100_000)
        )
        .into_bytes(),
        format!("SEND\ndestination:/topic/a\n{many}\nx\0").into_bytes(),
        "X".repeat(10_000).into_bytes(),
    ] {
        let start = String::from_utf8_lossy(&bytes[..40.min(bytes.len())]).into_owned();
        let error = refusal(&server, bytes).await;
        assert!(
            error.told().contains("large"),
            "{start:?} was answered with {error:?}"
        );
    }
    client
        .request(Frame::publication("a", "others go on"))
        .await;
}

#[tokio::test]
async fn a_body_without_an_end_is_bounded() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    client.send_bytes(*b"SEND\ndestination:/topic/a\n\n").await;
    for _ in 0..3 {
        // The refusal may arrive while these bytes are being sent.
        let _ = client.try_send_bytes(vec![b'x'; 500_000]).await;
    }
    let error = client.refusal().await;
    assert!(error.told().contains("large"), "{error:?}");
}
