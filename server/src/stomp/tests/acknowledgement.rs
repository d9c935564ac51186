//! ACK, NACK, and the redelivery of unacknowledged messages.

use super::{House, NOTHING};

const A: &str = "MESSAGE; subscription:1; destination:/queue/q | a";
const B: &str = "MESSAGE; subscription:1; destination:/queue/q | b";
const C: &str = "MESSAGE; subscription:1; destination:/queue/q | c";

fn sent(house: &House, bodies: &[&str]) {
    let mut sender = house.client("sender");
    for body in bodies {
        let heard = sender.says(&format!("SEND; destination:/queue/q; receipt:r | {body}"));
        assert_eq!(heard, ["RECEIPT; receipt-id:r"]);
    }
}

#[test]
fn a_message_of_a_queue_goes_to_one_of_its_consumers() {
    let house = House::new();
    let mut first = house.client("first");
    let mut second = house.client("second");
    for client in [&mut first, &mut second] {
        assert_eq!(
            client.says("SUBSCRIBE; id:1; destination:/queue/q"),
            NOTHING
        );
    }
    sent(&house, &["a", "b", "c"]);
    assert_eq!(first.hears(), [A, C]);
    assert_eq!(second.hears(), [B]);
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
        let house = House::new();
        let mut client = house.connected("client", &format!("{version}; host:h"));
        client.says(&format!(
            "SUBSCRIBE; id:1; destination:/queue/q; ack:{mode}"
        ));
        sent(&house, &["a"]);
        assert_eq!(client.hears(), [A], "{version} {mode}");
        assert_eq!(
            client.ack.is_empty(),
            version != "accept-version:1.2",
            "{version}"
        );
        let target = target
            .replace("{id}", &client.message_id)
            .replace("{ack}", &client.ack);
        let heard = client.says(&format!("ACK; {target}; receipt:r"));
        assert_eq!(heard, ["RECEIPT; receipt-id:r"], "{version} {mode}");
        let again = client.says(&format!("ACK; {target}"));
        assert!(again[0].contains("message:unknown message"), "{again:?}");
    }
}

#[test]
fn with_client_an_ack_covers_all_earlier_messages() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client; prefetch-count:2");
    sent(&house, &["a", "b", "c"]);
    assert_eq!(client.hears(), [A, B]);
    assert_eq!(client.says(&format!("ACK; id:{}", client.ack)), [C]);
}

#[test]
fn with_client_individual_an_ack_covers_its_message_only() {
    let house = House::new();
    let mut client = house.client("client");
    client.says(
        "SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual; activemq.prefetchSize:2",
    );
    sent(&house, &["a", "b", "c"]);
    assert_eq!(client.hears(), [A, B]);
    assert_eq!(client.says(&format!("ACK; id:{}", client.ack)), [C]);
    client.leaves();
    let mut next = house.client("next");
    let heard = next.says("SUBSCRIBE; id:1; destination:/queue/q");
    let again = |body| {
        format!(
            "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/queue/q | {body}"
        )
    };
    assert_eq!(heard, [again("a"), again("c")]);
}

#[test]
fn an_unconsumed_message_is_redelivered_and_finally_a_dead_letter() {
    let house = House::with(broker::Limits {
        max_redeliveries: 1,
        ..broker::Limits::default()
    });
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    sent(&house, &["a"]);
    assert_eq!(client.hears(), [A]);
    let again = client.says(&format!("NACK; id:{}", client.ack));
    let wanted =
        "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/queue/q | a";
    assert_eq!(again, [wanted]);
    assert_eq!(client.says(&format!("NACK; id:{}", client.ack)), NOTHING);
    let dead = client.says("SUBSCRIBE; id:2; destination:/queue/ActiveMQ.DLQ");
    let wanted = "MESSAGE; subscription:2; destination:/queue/ActiveMQ.DLQ; original-destination:/queue/q; \
                  dlqDeliveryFailureCause:delivered 2 times and never acknowledged | a";
    assert_eq!(dead, [wanted]);
}

#[test]
fn a_nack_can_reject_without_redelivery() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client");
    sent(&house, &["a"]);
    assert_eq!(client.hears(), [A]);
    let heard = client.says(&format!(
        "NACK; id:{}; requeue:false; receipt:r",
        client.ack
    ));
    assert_eq!(heard, ["RECEIPT; receipt-id:r"]);
    let dead = client.says("SUBSCRIBE; id:2; destination:/queue/ActiveMQ.DLQ");
    assert_eq!(dead.len(), 1, "{dead:?}");
}

#[test]
fn topics_are_acknowledged_on_request() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/topic/t; ack:client-individual");
    assert_eq!(
        client.says("SEND; destination:/topic/t | a"),
        ["MESSAGE; subscription:1; destination:/topic/t | a"]
    );
    let heard = client.says(&format!("NACK; id:{}", client.ack));
    let again =
        "MESSAGE; subscription:1; redelivered:true; JMSXDeliveryCount:2; destination:/topic/t | a";
    assert_eq!(heard, [again]);
    let heard = client.says(&format!("ACK; id:{}; receipt:r", client.ack));
    assert_eq!(heard, ["RECEIPT; receipt-id:r"]);
}

#[test]
fn messages_without_acknowledgements_are_settled_at_once() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q");
    sent(&house, &["a"]);
    assert_eq!(client.hears(), [A]);
    assert_eq!(client.ack, "");
    let heard = client.says(&format!("ACK; message-id:{}", client.message_id));
    assert!(heard[0].contains("message:unknown message"), "{heard:?}");
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
            let house = House::new();
            let mut client = house.connected("client", &format!("{version}; host:h"));
            client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
            sent(&house, &["a"]);
            assert_eq!(client.hears(), [A]);
            let target = target
                .replace("{id}", &client.message_id)
                .replace("{ack}", &client.ack);
            client.says("UNSUBSCRIBE; id:1");
            // The id can be used again in the meantime.
            let heard = client.says("SUBSCRIBE; id:1; destination:/queue/other; receipt:s");
            assert_eq!(heard, ["RECEIPT; receipt-id:s"]);
            let mut other = house.client("other");
            assert_eq!(other.says("SUBSCRIBE; id:1; destination:/queue/q"), NOTHING);
            let heard = client.says(&format!("{verdict}; {target}; receipt:r"));
            assert_eq!(heard, ["RECEIPT; receipt-id:r"], "{version} {target}");
            assert_eq!(
                other.hears().len(),
                usize::from(is_again),
                "{version} {target}"
            );
            // A second settlement is ignored.
            let heard = client.says(&format!("{verdict}; {target}; receipt:r"));
            assert_eq!(heard, ["RECEIPT; receipt-id:r"], "{version} {target}");
            assert_eq!(other.hears(), NOTHING);
        }
    }
}

#[test]
fn a_late_acknowledgement_for_an_ended_subscription_is_ignored() {
    for (version, target) in TARGETS {
        let house = House::new();
        let mut client = house.connected("client", &format!("{version}; host:h"));
        client.says("SUBSCRIBE; id:1; destination:/topic/t; ack:client-individual");
        let heard = client.says("SEND; destination:/topic/t | a");
        assert_eq!(heard, ["MESSAGE; subscription:1; destination:/topic/t | a"]);
        let target = target
            .replace("{id}", &client.message_id)
            .replace("{ack}", &client.ack);
        client.says("UNSUBSCRIBE; id:1");
        for transaction in ["", "; transaction:t"] {
            if !transaction.is_empty() {
                client.says(&format!("BEGIN{transaction}"));
            }
            let heard = client.says(&format!("ACK; {target}; receipt:r{transaction}"));
            assert_eq!(heard, ["RECEIPT; receipt-id:r"], "{version} {target}");
            if !transaction.is_empty() {
                let heard = client.says("COMMIT; transaction:t; receipt:c");
                assert_eq!(heard, ["RECEIPT; receipt-id:c"], "{version} {target}");
            }
        }
    }
}

#[test]
fn a_wrong_acknowledgement_is_a_fault_after_unsubscribe_too() {
    let house = House::new();
    for wrong in [
        "id:1",
        "id:999-1",
        "message-id:no-id",
        "message-id:1-1; subscription:2",
    ] {
        let mut client = house.client("client");
        client.says("SUBSCRIBE; id:1; destination:/queue/q; ack:client-individual");
        client.says("UNSUBSCRIBE; id:1");
        let heard = client.says(&format!("ACK; {wrong}"));
        assert!(
            heard[0].contains("message:unknown message"),
            "{wrong}: {heard:?}"
        );
    }
}
