//! Where messages go: composite, temporary and virtual destinations, and how they are named.

use super::{House, NOTHING};

#[test]
fn one_send_goes_to_several_destinations() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/a");
    client.says("SUBSCRIBE; id:2; destination:/topic/b");
    let heard = client.says("SEND; destination:/queue/a,/topic/b; receipt:r | hello");
    let wanted = [
        "RECEIPT; receipt-id:r",
        "MESSAGE; subscription:1; destination:/queue/a | hello",
        "MESSAGE; subscription:2; destination:/topic/b | hello",
    ];
    assert_eq!(heard, wanted);
}

#[test]
fn receipts_of_sends_come_in_their_order_and_before_what_follows() {
    let house = House::new();
    let mut client = house.client("client");
    let heard = client.says_all(&[
        "SEND; destination:/queue/a,/queue/b; receipt:1",
        "SEND; destination:/queue/a",
        "SEND; destination:/queue/a; receipt:2",
        "SUBSCRIBE; id:1; destination:/queue/b; receipt:3",
    ]);
    let wanted = [
        "RECEIPT; receipt-id:1",
        "RECEIPT; receipt-id:2",
        "RECEIPT; receipt-id:3",
        "MESSAGE; subscription:1; destination:/queue/b",
    ];
    assert_eq!(heard, wanted);
}

#[test]
fn a_request_is_answered_on_a_temporary_queue() {
    let house = House::new();
    let mut service = house.client("service");
    service.says("SUBSCRIBE; id:s; destination:/queue/service");
    let mut client = house.client("client");
    client.says("SEND; destination:/queue/service; reply-to:/temp-queue/answers | question");
    let reply_to = "/remote-temp-queue/$TEMP.client.answers";
    assert_eq!(
        service.hears(),
        [format!(
            "MESSAGE; subscription:s; destination:/queue/service; reply-to:{reply_to} | question"
        )]
    );
    // The answer is there before anybody listens to it.
    service.says(&format!("SEND; destination:{reply_to} | answer"));
    assert_eq!(
        client.says("SUBSCRIBE; id:a; destination:/temp-queue/answers"),
        ["MESSAGE; subscription:a; destination:/temp-queue/answers | answer"]
    );
    client.leaves();
    let late = service.says(&format!("SEND; destination:{reply_to}; receipt:r | late"));
    assert_eq!(late, ["RECEIPT; receipt-id:r"]);
    assert_eq!(house.surroundings.broker.figures().undeliverable, 1);
}

#[test]
fn a_temporary_topic_is_read_by_its_owner() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/temp-topic/t");
    let mut other = house.client("other");
    other.says("SEND; destination:/remote-temp-topic/$TEMP.client.t | hello");
    assert_eq!(
        client.hears(),
        ["MESSAGE; subscription:1; destination:/temp-topic/t | hello"]
    );
}

#[test]
fn a_virtual_topics_queue_gets_what_is_published_to_the_topic() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/Consumer.a.VirtualTopic.orders");
    client.says("SUBSCRIBE; id:2; destination:/topic/VirtualTopic.orders");
    let heard = client.says("SEND; destination:/topic/VirtualTopic.orders | hello");
    let wanted = [
        "MESSAGE; subscription:2; destination:/topic/VirtualTopic.orders | hello",
        "MESSAGE; subscription:1; destination:/queue/Consumer.a.VirtualTopic.orders | hello",
    ];
    let mut sorted = heard.clone();
    sorted.sort();
    let mut wanted_sorted = wanted.to_vec();
    wanted_sorted.sort_unstable();
    assert_eq!(sorted, wanted_sorted);
}

#[test]
fn wildcards_cover_queues_too() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/a.*");
    assert_eq!(
        client.says("SEND; destination:a/b | hello"),
        ["MESSAGE; subscription:1; destination:/queue/a.b | hello"]
    );
    assert_eq!(client.says("SEND; destination:/queue/b | hello"), NOTHING);
}

#[test]
fn what_is_too_late_is_not_delivered() {
    let house = House::new();
    let mut client = house.client("client");
    client.says("SUBSCRIBE; id:1; destination:/queue/q");
    client.says("SUBSCRIBE; id:2; destination:/topic/t");
    assert_eq!(
        client.says("SEND; destination:/queue/q,/topic/t; expires:1 | late"),
        NOTHING
    );
    assert_eq!(
        client
            .says("SEND; destination:/queue/q,/topic/t; expires:0 | never")
            .len(),
        2
    );
}
