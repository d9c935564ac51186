//! BEGIN, COMMIT and ABORT.

use super::{House, NOTHING};

#[test]
fn a_transaction_takes_effect_at_commit() {
    let house = House::new();
    let mut worker = house.client("worker");
    let mut next = house.client("next");
    next.says("SUBSCRIBE; id:1; destination:/queue/out");
    worker.says("SUBSCRIBE; id:1; destination:/queue/in; ack:client-individual");
    worker.says("SEND; destination:/queue/in | task");
    assert_eq!(
        worker.says("BEGIN; transaction:t; receipt:1"),
        ["RECEIPT; receipt-id:1"]
    );
    let ack = format!("ACK; id:{}; transaction:t; receipt:2", worker.ack);
    assert_eq!(worker.says(&ack), ["RECEIPT; receipt-id:2"]);
    let heard = worker.says("SEND; destination:/queue/out; transaction:t; receipt:3 | done");
    assert_eq!(heard, ["RECEIPT; receipt-id:3"]);
    assert_eq!(next.hears(), NOTHING);
    assert_eq!(
        worker.says("COMMIT; transaction:t; receipt:4"),
        ["RECEIPT; receipt-id:4"]
    );
    assert_eq!(
        next.hears(),
        ["MESSAGE; subscription:1; destination:/queue/out | done"]
    );
    worker.leaves();
    let mut other = house.client("other");
    assert_eq!(
        other.says("SUBSCRIBE; id:1; destination:/queue/in"),
        NOTHING
    );
}

#[test]
fn a_transaction_that_is_aborted_or_disconnected_has_no_effect() {
    for aborts in [true, false] {
        let house = House::new();
        let mut worker = house.client("worker");
        worker.says("SUBSCRIBE; id:1; destination:/queue/in; ack:client");
        worker.says("SEND; destination:/queue/in | task");
        worker.says_all(&[
            "BEGIN; transaction:t",
            "SEND; destination:/queue/out; transaction:t | done",
            &format!("ACK; id:{}; transaction:t", worker.ack.clone()),
        ]);
        if aborts {
            assert_eq!(
                worker.says("ABORT; transaction:t; receipt:r"),
                ["RECEIPT; receipt-id:r"]
            );
        }
        worker.leaves();
        let mut other = house.client("other");
        assert_eq!(
            other.says("SUBSCRIBE; id:1; destination:/queue/out"),
            NOTHING
        );
        let again = other.says("SUBSCRIBE; id:2; destination:/queue/in");
        assert_eq!(again.len(), 1, "{again:?}");
        assert!(again[0].contains("redelivered:true"), "{again:?}");
    }
}

#[test]
fn a_message_acknowledged_in_an_aborted_transaction_can_be_acknowledged_again() {
    let house = House::new();
    let mut worker = house.client("worker");
    worker.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
    worker.says("SEND; destination:/queue/q | task");
    let id = worker.ack.clone();
    let heard = worker.says_all(&[
        "BEGIN; transaction:t",
        &format!("ACK; id:{id}; transaction:t"),
        "ABORT; transaction:t",
        &format!("ACK; id:{id}; receipt:r"),
    ]);
    assert_eq!(heard, ["RECEIPT; receipt-id:r"]);
}

#[test]
fn an_acknowledgement_in_a_transaction_makes_room_for_more() {
    let house = House::new();
    let mut worker = house.client("worker");
    worker.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual; prefetch-count:1");
    worker.says_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | b",
    ]);
    worker.says("BEGIN; transaction:t");
    let heard = worker.says(&format!("ACK; id:{}; transaction:t", worker.ack.clone()));
    assert_eq!(heard, ["MESSAGE; subscription:1; destination:/queue/q | b"]);
}

#[test]
fn a_refused_commit_has_no_effect() {
    let house = House::with(broker::Limits {
        queue_entries: 1,
        ..broker::Limits::default()
    });
    let mut client = house.client("client");
    let heard = client.says_all(&[
        "BEGIN; transaction:t",
        "SEND; destination:/queue/a; transaction:t | 1",
        "SEND; destination:/queue/b; transaction:t | 1",
        "SEND; destination:/queue/b; transaction:t | 2",
        "COMMIT; transaction:t; receipt:r",
    ]);
    assert!(
        heard[0].contains("message:cannot commit") && heard[0].contains("receipt-id:r"),
        "{heard:?}"
    );
    let mut reader = house.client("reader");
    assert_eq!(
        reader.says("SUBSCRIBE; id:1; destination:/queue/>"),
        NOTHING
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
    for (frames, wanted) in table {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        let heard = House::new().client("client").says_all(&frames);
        match wanted {
            None => assert_eq!(heard, NOTHING),
            Some(wanted) => assert!(heard.len() == 1 && heard[0].contains(wanted), "{heard:?}"),
        }
    }
}
