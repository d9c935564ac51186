//! ACK, NACK, and the redelivery of unacknowledged messages.

use super::{NO_FRAMES, TestServer};

const A: &str = "MESSAGE; subscription:1; destination:/queue/q | a";
const B: &str = "MESSAGE; subscription:1; destination:/queue/q | b";
const C: &str = "MESSAGE; subscription:1; destination:/queue/q | c";

fn sent(test_server: &TestServer, bodies: &[&str]) {
    let mut sender = test_server.client("sender");
    for body in bodies {
        let received = sender.send(&format!("SEND; destination:/queue/q; receipt:r | {body}"));
        assert_eq!(received, ["RECEIPT; receipt-id:r"]);
    }
}

#[test]
fn a_message_of_a_queue_goes_to_one_of_its_consumers() {
    let test_server = TestServer::new();
    let mut first = test_server.client("first");
    let mut second = test_server.client("second");
    for client in [&mut first, &mut second] {
        assert_eq!(
            client.send("SUBSCRIBE; id:1; destination:/queue/q"),
            NO_FRAMES
        );
    }
    sent(&test_server, &["a", "b", "c"]);
    assert_eq!(first.receive(), [A, C]);
    assert_eq!(second.receive(), [B]);
}

#[test]
fn each_version_acknowledges_with_its_own_headers() {
    // The versions, the client's mode, and the header that an acknowledgement repeats.
    let table = [
        ("", "client", "message-id:{id}"),
        (
            "accept-version:1.1",
            "client",
            "message-id:{id}; subscription:1",
        ),
        (
            "accept-version:1.1",
            "client-individual",
            "message-id:{id}; subscription:1",
        ),
        ("accept-version:1.2", "client-individual", "id:{ack}"),
        // A header that 1.2 no longer has, but that its clients may send.
        (
            "accept-version:1.2",
            "client",
            "message-id:{id}; subscription:1",
        ),
    ];
    for (version, mode, target) in table {
        let test_server = TestServer::new();
        let mut client = test_server.connect_with("client", &format!("{version}; host:h"));
        client.send(&format!(
            "SUBSCRIBE; id:1; destination:/queue/q; ack:{mode}"
        ));
        sent(&test_server, &["a"]);
        assert_eq!(client.receive(), [A], "{version} {mode}");
        assert_eq!(
            client.ack.is_empty(),
            version != "accept-version:1.2",
            "{version}"
        );
        let target = target
            .replace("{id}", &client.message_id)
            .replace("{ack}", &client.ack);
        let received = client.send(&format!("ACK; {target}; receipt:r"));
        assert_eq!(received, ["RECEIPT; receipt-id:r"], "{version} {mode}");
        let again = client.send(&format!("ACK; {target}"));
        assert!(again[0].contains("message:unknown message"), "{again:?}");
    }
}

#[test]
fn with_client_an_ack_covers_all_earlier_messages() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client; prefetch-count:2");
    sent(&test_server, &["a", "b", "c"]);
    assert_eq!(client.receive(), [A, B]);
    assert_eq!(client.send(&format!("ACK; id:{}", client.ack)), [C]);
}

#[test]
fn with_client_individual_an_ack_covers_its_message_only() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send(
        "SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual; activemq.prefetchSize:2",
    );
    sent(&test_server, &["a", "b", "c"]);
    assert_eq!(client.receive(), [A, B]);
    assert_eq!(client.send(&format!("ACK; id:{}", client.ack)), [C]);
    client.disconnect();
    let mut next = test_server.client("next");
    let received = next.send("SUBSCRIBE; id:1; destination:/queue/q");
    let again = |body| {
        format!(
            "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/queue/q | {body}"
        )
    };
    assert_eq!(received, [again("a"), again("c")]);
}

#[test]
fn an_unconsumed_message_is_redelivered_and_finally_a_dead_letter() {
    let test_server = TestServer::with(broker::Limits {
        redelivery: broker::Redelivery {
            maximum_redeliveries: 1,
            ..broker::Redelivery::default()
        },
        ..broker::Limits::default()
    });
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    sent(&test_server, &["a"]);
    assert_eq!(client.receive(), [A]);
    let again = client.send(&format!("NACK; id:{}", client.ack));
    let expected =
        "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/queue/q | a";
    assert_eq!(again, [expected]);
    assert_eq!(client.send(&format!("NACK; id:{}", client.ack)), NO_FRAMES);
    let dead = client.send("SUBSCRIBE; id:2; destination:/queue/ActiveMQ.DLQ");
    let expected = "MESSAGE; subscription:2; destination:/queue/ActiveMQ.DLQ; original-destination:/queue/q; \
                  dlqDeliveryFailureCause:delivered 2 times and never acknowledged | a";
    assert_eq!(dead, [expected]);
}

#[test]
fn a_nack_can_reject_without_redelivery() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    sent(&test_server, &["a"]);
    assert_eq!(client.receive(), [A]);
    let received = client.send(&format!(
        "NACK; id:{}; requeue:false; receipt:r",
        client.ack
    ));
    assert_eq!(received, ["RECEIPT; receipt-id:r"]);
    let dead = client.send("SUBSCRIBE; id:2; destination:/queue/ActiveMQ.DLQ");
    assert_eq!(dead.len(), 1, "{dead:?}");
}

#[test]
fn topics_are_acknowledged_on_request() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/topic/t; ack:client-individual");
    assert_eq!(
        client.send("SEND; destination:/topic/t | a"),
        ["MESSAGE; subscription:1; destination:/topic/t | a"]
    );
    let received = client.send(&format!("NACK; id:{}", client.ack));
    let again =
        "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/topic/t | a";
    assert_eq!(received, [again]);
    let received = client.send(&format!("ACK; id:{}; receipt:r", client.ack));
    assert_eq!(received, ["RECEIPT; receipt-id:r"]);
}

#[test]
fn messages_without_acknowledgements_are_settled_at_once() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q");
    sent(&test_server, &["a"]);
    assert_eq!(client.receive(), [A]);
    assert_eq!(client.ack, "");
    let received = client.send(&format!("ACK; message-id:{}", client.message_id));
    assert!(
        received[0].contains("message:unknown message"),
        "{received:?}"
    );
}

/// The versions, and the header that an acknowledgement repeats.
const TARGETS: [(&str, &str); 4] = [
    ("", "message-id:{id}"),
    ("accept-version:1.1", "message-id:{id}"),
    ("accept-version:1.1", "message-id:{id}; subscription:1"),
    ("accept-version:1.2", "id:{ack}"),
];

#[test]
fn a_message_of_a_queue_can_be_acknowledged_after_unsubscribe() {
    for (version, target) in TARGETS {
        for (verdict, is_again) in [("ACK", false), ("NACK", true)] {
            if is_again && version.is_empty() {
                continue;
            }
            let test_server = TestServer::new();
            let mut client = test_server.connect_with("client", &format!("{version}; host:h"));
            client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
            sent(&test_server, &["a"]);
            assert_eq!(client.receive(), [A]);
            let target = target
                .replace("{id}", &client.message_id)
                .replace("{ack}", &client.ack);
            client.send("UNSUBSCRIBE; id:1");
            // The id can be used again in the meantime.
            let received = client.send("SUBSCRIBE; id:1; destination:/queue/other; receipt:s");
            assert_eq!(received, ["RECEIPT; receipt-id:s"]);
            let mut other = test_server.client("other");
            assert_eq!(
                other.send("SUBSCRIBE; id:1; destination:/queue/q"),
                NO_FRAMES
            );
            let received = client.send(&format!("{verdict}; {target}; receipt:r"));
            assert_eq!(received, ["RECEIPT; receipt-id:r"], "{version} {target}");
            assert_eq!(
                other.receive().len(),
                usize::from(is_again),
                "{version} {target}"
            );
            // A second settlement is ignored.
            let received = client.send(&format!("{verdict}; {target}; receipt:r"));
            assert_eq!(received, ["RECEIPT; receipt-id:r"], "{version} {target}");
            assert_eq!(other.receive(), NO_FRAMES);
        }
    }
}

#[test]
fn a_late_acknowledgement_for_an_ended_subscription_is_ignored() {
    for (version, target) in TARGETS {
        let test_server = TestServer::new();
        let mut client = test_server.connect_with("client", &format!("{version}; host:h"));
        client.send("SUBSCRIBE; id:1; destination:/topic/t; ack:client-individual");
        let received = client.send("SEND; destination:/topic/t | a");
        assert_eq!(
            received,
            ["MESSAGE; subscription:1; destination:/topic/t | a"]
        );
        let target = target
            .replace("{id}", &client.message_id)
            .replace("{ack}", &client.ack);
        client.send("UNSUBSCRIBE; id:1");
        for transaction in ["", "; transaction:t"] {
            if !transaction.is_empty() {
                client.send(&format!("BEGIN{transaction}"));
            }
            let received = client.send(&format!("ACK; {target}; receipt:r{transaction}"));
            assert_eq!(received, ["RECEIPT; receipt-id:r"], "{version} {target}");
            if !transaction.is_empty() {
                let received = client.send("COMMIT; transaction:t; receipt:c");
                assert_eq!(received, ["RECEIPT; receipt-id:c"], "{version} {target}");
            }
        }
    }
}

#[test]
fn a_wrong_acknowledgement_is_a_fault_after_unsubscribe_too() {
    let test_server = TestServer::new();
    for wrong in [
        "id:1",
        "id:999-1",
        "message-id:no-id",
        "message-id:1-1; subscription:2",
    ] {
        let mut client = test_server.client("client");
        client.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
        client.send("UNSUBSCRIBE; id:1");
        let received = client.send(&format!("ACK; {wrong}"));
        assert!(
            received[0].contains("message:unknown message"),
            "{wrong}: {received:?}"
        );
    }
}
