//! BEGIN, COMMIT and ABORT.

use super::{NO_FRAMES, TestServer};

#[test]
fn a_transaction_takes_effect_at_commit() {
    let test_server = TestServer::new();
    let mut worker = test_server.client("worker");
    let mut next = test_server.client("next");
    next.send("SUBSCRIBE; id:1; destination:/queue/out");
    worker.send("SUBSCRIBE; id:1; destination:/queue/in; ack:client-individual");
    worker.send("SEND; destination:/queue/in | task");
    assert_eq!(
        worker.send("BEGIN; transaction:t; receipt:1"),
        ["RECEIPT; receipt-id:1"]
    );
    let ack = format!("ACK; id:{}; transaction:t; receipt:2", worker.ack);
    assert_eq!(worker.send(&ack), ["RECEIPT; receipt-id:2"]);
    let received = worker.send("SEND; destination:/queue/out; transaction:t; receipt:3 | done");
    assert_eq!(received, ["RECEIPT; receipt-id:3"]);
    assert_eq!(next.receive(), NO_FRAMES);
    assert_eq!(
        worker.send("COMMIT; transaction:t; receipt:4"),
        ["RECEIPT; receipt-id:4"]
    );
    assert_eq!(
        next.receive(),
        ["MESSAGE; subscription:1; destination:/queue/out | done"]
    );
    worker.disconnect();
    let mut other = test_server.client("other");
    assert_eq!(
        other.send("SUBSCRIBE; id:1; destination:/queue/in"),
        NO_FRAMES
    );
}

#[test]
fn a_transaction_that_is_aborted_or_disconnected_has_no_effect() {
    for aborts in [true, false] {
        let test_server = TestServer::new();
        let mut worker = test_server.client("worker");
        worker.send("SUBSCRIBE; id:1; destination:/queue/in; ack:client");
        worker.send("SEND; destination:/queue/in | task");
        worker.send_all(&[
            "BEGIN; transaction:t",
            "SEND; destination:/queue/out; transaction:t | done",
            &format!("ACK; id:{}; transaction:t", worker.ack.clone()),
        ]);
        if aborts {
            assert_eq!(
                worker.send("ABORT; transaction:t; receipt:r"),
                ["RECEIPT; receipt-id:r"]
            );
        }
        worker.disconnect();
        let mut other = test_server.client("other");
        assert_eq!(
            other.send("SUBSCRIBE; id:1; destination:/queue/out"),
            NO_FRAMES
        );
        let again = other.send("SUBSCRIBE; id:2; destination:/queue/in");
        assert_eq!(again.len(), 1, "{again:?}");
        assert!(again[0].contains("redelivered:true"), "{again:?}");
    }
}

#[test]
fn a_message_acknowledged_in_an_aborted_transaction_can_be_acknowledged_again() {
    let test_server = TestServer::new();
    let mut worker = test_server.client("worker");
    worker.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
    worker.send("SEND; destination:/queue/q | task");
    let id = worker.ack.clone();
    let received = worker.send_all(&[
        "BEGIN; transaction:t",
        &format!("ACK; id:{id}; transaction:t"),
        "ABORT; transaction:t",
        &format!("ACK; id:{id}; receipt:r"),
    ]);
    assert_eq!(received, ["RECEIPT; receipt-id:r"]);
}

#[test]
fn an_acknowledgement_in_a_transaction_makes_room_for_more() {
    let test_server = TestServer::new();
    let mut worker = test_server.client("worker");
    worker.send("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual; prefetch-count:1");
    worker.send_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | b",
    ]);
    worker.send("BEGIN; transaction:t");
    let received = worker.send(&format!("ACK; id:{}; transaction:t", worker.ack.clone()));
    assert_eq!(
        received,
        ["MESSAGE; subscription:1; destination:/queue/q | b"]
    );
}

#[test]
fn a_refused_commit_has_no_effect() {
    let test_server = TestServer::with(broker::Limits {
        queue_entries: 1,
        ..broker::Limits::default()
    });
    let mut client = test_server.client("client");
    let received = client.send_all(&[
        "BEGIN; transaction:t",
        "SEND; destination:/queue/a; transaction:t | 1",
        "SEND; destination:/queue/b; transaction:t | 1",
        "SEND; destination:/queue/b; transaction:t | 2",
        "COMMIT; transaction:t; receipt:r",
    ]);
    assert!(
        received[0].contains("message:cannot commit") && received[0].contains("receipt-id:r"),
        "{received:?}"
    );
    let mut reader = test_server.client("reader");
    assert_eq!(
        reader.send("SUBSCRIBE; id:1; destination:/queue/>"),
        NO_FRAMES
    );
}

#[test]
fn transactions_are_bounded() {
    let begin = |count: usize| -> Vec<String> {
        (0..count)
            .map(|number| format!("BEGIN; transaction:{number}"))
            .collect()
    };
    let send = |count: usize, body: usize| -> Vec<String> {
        let send = format!(
            "SEND; destination:/queue/q; transaction:0 | {}",
            "x".repeat(body)
        );
        begin(1).into_iter().chain(vec![send; count]).collect()
    };
    let ack = "ACK; id:1-1; transaction:none".to_owned();
    let table = [
        (begin(16), None),
        (begin(17), Some("no more than 16 transactions")),
        (send(2, 4_000), None),
        (send(3, 4_000), Some("no more than 10000 bytes")),
        (
            vec![begin(1)[0].clone(), begin(1)[0].clone()],
            Some("there is a transaction \"0\""),
        ),
        (
            vec!["COMMIT; transaction:none".to_owned()],
            Some("there is no transaction \"none\""),
        ),
        (
            vec!["ABORT; transaction:none".to_owned()],
            Some("there is no transaction \"none\""),
        ),
        (
            vec!["SEND; destination:/queue/q; transaction:none".to_owned()],
            Some("there is no transaction \"none\""),
        ),
        (vec![ack], Some("there is no transaction \"none\"")),
        (
            vec![format!(
                "SEND; destination:/queue/q; transaction:{}",
                "t".repeat(500)
            )],
            Some("t…\" on this connection"),
        ),
    ];
    for (frames, expected) in table {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let received = TestServer::new().client("client").send_all(&frames);
        match expected {
            None => assert_eq!(received, NO_FRAMES),
            Some(expected) => assert!(
                received.len() == 1 && received[0].contains(expected),
                "{received:?}"
            ),
        }
    }
}
