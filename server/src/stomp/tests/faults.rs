//! Faults of a client, and their errors.

use super::TestServer;

#[test]
fn each_error_has_the_frames_receipt_and_a_valid_form() {
    // The frame, the header `message`, and a part of the body.
    let table = [
        (
            "SEND; destination:/exchange/amq.topic/a",
            "invalid header",
            "/topic/KEY",
        ),
        (
            "SEND; destination:/queue/a..b",
            "invalid destination",
            "a level is empty",
        ),
        (
            "SEND; destination:/topic/$SYS.figures",
            "cannot publish",
            "broker's own",
        ),
        (
            "SEND; destination:/queue/a; reply-to:/temp-queue/",
            "invalid header",
            "/temp-queue/NAME",
        ),
        (
            "SUBSCRIBE; id:1; destination:/amq/queue/a",
            "invalid header",
            "/queue/NAME",
        ),
        (
            "SUBSCRIBE; id:1; destination:/queue/a,/queue/b",
            "invalid header",
            "SUBSCRIBE of its own",
        ),
        (
            "SUBSCRIBE; id:1; destination:/remote-temp-queue/$TEMP.other.x",
            "invalid header",
            "its owner's",
        ),
        (
            "SUBSCRIBE; id:1; destination:/topic/a; browser:true",
            "invalid header",
            "only queues can be browsed",
        ),
        (
            "SUBSCRIBE; id:1; destination:/queue/*; browser:true",
            "invalid header",
            "without wildcards",
        ),
        (
            "SUBSCRIBE; id:1; destination:/queue/a; since:last",
            "invalid header",
            "it is for topics",
        ),
        (
            "SUBSCRIBE; id:1; destination:/queue/a; overflow:latest",
            "invalid header",
            "ack:auto",
        ),
        (
            "SUBSCRIBE; id:1; destination:/topic/a; since:x-1",
            "invalid header",
            "message-id",
        ),
        (
            "SUBSCRIBE; id:1; destination:/topic/a; selector:a >",
            "invalid selector",
            "column 4: expected a value, found the end, after \"a >\"",
        ),
        (
            "SUBSCRIBE; id:1; destination:/topic/a; activemq.subscriptionName:s",
            "invalid header",
            "client-id of CONNECT",
        ),
        (
            "SUBSCRIBE; id:1; destination:/queue/a; activemq.subscriptionName:s",
            "invalid header",
            "are for topics",
        ),
        (
            "UNSUBSCRIBE; id:1",
            "unknown subscription",
            "no subscription with id",
        ),
        (
            "UNSUBSCRIBE; activemq.subscriptionName:s",
            "cannot unsubscribe",
            "no durable subscription",
        ),
        ("ACK; id:1-1", "unknown message", "1-1"),
        ("NACK; id:x", "unknown message", "x"),
    ];
    for (frame, message, expected) in table {
        let received = TestServer::new()
            .client("client")
            .send(&format!("{frame}; receipt:r"));
        let begin = format!("ERROR; message:{message}; receipt-id:r;");
        assert_eq!(received.len(), 1, "{frame}: {received:?}");
        assert!(received[0].starts_with(&begin), "{frame}: {received:?}");
        assert!(received[0].contains(expected), "{frame}: {received:?}");
    }
}

#[test]
fn an_acknowledgement_must_be_for_a_message_of_the_client() {
    let test_server = TestServer::new();
    let mut owner = test_server.client("owner");
    owner.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    owner.send("SEND; destination:/queue/q | a");
    let mut other = test_server.client("other");
    let received = other.send(&format!("ACK; id:{}", owner.ack));
    assert!(
        received[0].contains("message:unknown message"),
        "{received:?}"
    );
    let received = owner.send(&format!("ACK; id:{}; receipt:r", owner.ack));
    assert_eq!(received, ["RECEIPT; receipt-id:r"]);
}

#[test]
fn frames_before_a_fault_are_processed() {
    let test_server = TestServer::new();
    let received = test_server.client("client").send_all(&[
        "SEND; destination:/queue/q; receipt:1 | a",
        "SEND; destination:/nowhere; receipt:2",
    ]);
    assert_eq!(received[0], "RECEIPT; receipt-id:1");
    assert!(
        received[1].starts_with("ERROR; message:invalid header; receipt-id:2"),
        "{received:?}"
    );
    let received = test_server
        .client("reader")
        .send("SUBSCRIBE; id:1; destination:/queue/q");
    assert_eq!(received.len(), 1, "{received:?}");
}

#[test]
fn the_error_of_a_composite_send_names_the_refusing_destination() {
    let test_server = TestServer::with(broker::Limits {
        queue_entries: 1,
        ..broker::Limits::default()
    });
    let mut client = test_server.client("client");
    client.send("SEND; destination:/queue/b");
    let received = client.send_all(&[
        "SEND; destination:/queue/other",
        "SEND; destination:/queue/a,/queue/b; receipt:r",
    ]);
    assert_eq!(received.len(), 1, "{received:?}");
    assert!(
        received[0].starts_with("ERROR; message:cannot publish; receipt-id:r"),
        "{received:?}"
    );
    assert!(received[0].contains("queue b is full"), "{received:?}");
}
