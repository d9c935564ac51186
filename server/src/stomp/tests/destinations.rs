//! Routing: composite, temporary and virtual destinations, and their spellings.

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
fn receipts_of_sends_are_in_order_and_before_later_replies() {
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
    // The reply arrives before there is a subscription.
    service.says(&format!("SEND; destination:{reply_to} | answer"));
    assert_eq!(
        client.says("SUBSCRIBE; id:a; destination:/temp-queue/answers"),
        ["MESSAGE; subscription:a; destination:/temp-queue/answers | answer"]
    );
    client.leaves();
    let late = service.says(&format!("SEND; destination:{reply_to}; receipt:r | late"));
    assert_eq!(late, ["RECEIPT; receipt-id:r"]);
    assert_eq!(house.context.broker.figures().undeliverable, 1);
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
fn a_virtual_topics_queue_gets_messages_of_the_topic() {
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
        ["MESSAGE; subscription:1; destination:a/b | hello"]
    );
    assert_eq!(client.says("SEND; destination:/queue/b | hello"), NOTHING);
}

#[test]
fn an_expired_message_is_not_delivered() {
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

/// STOMP 1.2, "MESSAGE": the destination SHOULD be identical to that of the SEND.
#[test]
fn a_message_names_its_destination_as_the_send_did() {
    let house = House::new();
    // The destinations in SEND, in SUBSCRIBE, and in MESSAGE.
    let table = [
        (
            "/queue/test/ruby/s1.a",
            "/queue/test/ruby/s1.a",
            "/queue/test/ruby/s1.a",
        ),
        ("/queue/a/b", "/queue/a.b", "/queue/a/b"),
        ("/queue/a.b", "/queue/a/b", "/queue/a.b"),
        ("a.b", "/queue/a.b", "a.b"),
        ("queue://a.b", "/queue/>", "queue://a.b"),
        ("/topic/a/b", "/topic/a.b", "/topic/a/b"),
        ("/topic/a.b", "/topic/a/b", "/topic/a.b"),
        ("topic://a.b", "/topic/a.>", "topic://a.b"),
        ("/topic/a.b, /topic/a/c", "/topic/a.b", "/topic/a.b"),
        // Fed by a topic, so the SEND had another destination.
        (
            "/topic/VirtualTopic/x",
            "/queue/Consumer/a/VirtualTopic/x",
            "/queue/Consumer/a/VirtualTopic/x",
        ),
        // Its owner has another name for it.
        (
            "/remote-temp-queue/$TEMP.reader.t",
            "/temp-queue/t",
            "/temp-queue/t",
        ),
        (
            "/remote-temp-queue/$TEMP.reader.t",
            "temp-queue://t",
            "temp-queue://t",
        ),
    ];
    for (sent, subscribed, told) in table {
        for acknowledged in ["", "; ack:client-individual"] {
            let mut reader = house.client("reader");
            reader.says(&format!(
                "SUBSCRIBE; id:1; destination:{subscribed}{acknowledged}"
            ));
            let mut usual = house.client("usual");
            usual.says("SUBSCRIBE; id:1; destination:/topic/a.*");
            let mut sender = house.client("sender");
            sender.says(&format!("SEND; destination:{sent} | x"));
            let wanted = format!("MESSAGE; subscription:1; destination:{told} | x");
            assert_eq!(reader.hears(), [wanted], "{sent} {subscribed}");
            let ack = reader.ack.clone();
            if !ack.is_empty() {
                reader.says(&format!("ACK; id:{ack}"));
            }
            // Other subscribers of the same message are not affected.
            let is_topic = sent.contains("topic") && !sent.contains("Virtual");
            assert_eq!(usual.hears().is_empty(), !is_topic);
            [reader, usual, sender]
                .into_iter()
                .for_each(super::Client::leaves);
        }
    }
}

#[test]
fn a_message_of_another_protocol_has_the_destination_of_the_subscription() {
    let house = House::new();
    let broker = &house.context.broker;
    let table = [
        ("/topic/a/b", "/topic/a/b"),
        ("topic://a.b", "topic://a.b"),
        ("/topic/a.b", "/topic/a.b"),
        ("/topic/a/*", "/topic/a.b"),
        ("/topic/>", "/topic/a.b"),
    ];
    let mut readers = Vec::new();
    for (subscribed, told) in table {
        let mut reader = house.client("reader");
        reader.says(&format!("SUBSCRIBE; id:1; destination:{subscribed}"));
        readers.push((reader, told));
    }
    let name = broker::TopicName::new("a.b").expect("a name");
    let publication = broker::Publication::new(name, "http".into(), 0, b"x");
    broker.publish(&mut vec![publication], &mut broker::Outcome::default());
    for (mut reader, told) in readers {
        let wanted = format!("MESSAGE; subscription:1; destination:{told} | x");
        assert_eq!(reader.hears(), [wanted]);
    }
}
