//! Routing: composite, temporary and virtual destinations, and their spellings.

use super::{NO_FRAMES, TestServer};

#[test]
fn one_send_goes_to_several_destinations() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/a");
    client.send("SUBSCRIBE; id:2; destination:/topic/b");
    let received = client.send("SEND; destination:/queue/a,/topic/b; receipt:r | hello");
    let expected = [
        "RECEIPT; receipt-id:r",
        "MESSAGE; subscription:1; destination:/queue/a | hello",
        "MESSAGE; subscription:2; destination:/topic/b | hello",
    ];
    assert_eq!(received, expected);
}

#[test]
fn receipts_of_sends_are_in_order_and_before_later_replies() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    let received = client.send_all(&[
        "SEND; destination:/queue/a,/queue/b; receipt:1",
        "SEND; destination:/queue/a",
        "SEND; destination:/queue/a; receipt:2",
        "SUBSCRIBE; id:1; destination:/queue/b; receipt:3",
    ]);
    let expected = [
        "RECEIPT; receipt-id:1",
        "RECEIPT; receipt-id:2",
        "RECEIPT; receipt-id:3",
        "MESSAGE; subscription:1; destination:/queue/b",
    ];
    assert_eq!(received, expected);
}

#[test]
fn a_request_is_answered_on_a_temporary_queue() {
    let test_server = TestServer::new();
    let mut service = test_server.client("service");
    service.send("SUBSCRIBE; id:s; destination:/queue/service");
    let mut client = test_server.client("client");
    client.send("SEND; destination:/queue/service; reply-to:/temp-queue/answers | question");
    let reply_to = "/remote-temp-queue/$TEMP.client.answers";
    assert_eq!(
        service.receive(),
        [format!(
            "MESSAGE; subscription:s; destination:/queue/service; reply-to:{reply_to} | question"
        )]
    );
    // The reply arrives before there is a subscription.
    service.send(&format!("SEND; destination:{reply_to} | answer"));
    assert_eq!(
        client.send("SUBSCRIBE; id:a; destination:/temp-queue/answers"),
        ["MESSAGE; subscription:a; destination:/temp-queue/answers | answer"]
    );
    client.disconnect();
    let late = service.send(&format!("SEND; destination:{reply_to}; receipt:r | late"));
    assert_eq!(late, ["RECEIPT; receipt-id:r"]);
    assert_eq!(test_server.context.broker.figures().undeliverable, 1);
}

#[test]
fn a_temporary_topic_is_read_by_its_owner() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/temp-topic/t");
    let mut other = test_server.client("other");
    other.send("SEND; destination:/remote-temp-topic/$TEMP.client.t | hello");
    assert_eq!(
        client.receive(),
        ["MESSAGE; subscription:1; destination:/temp-topic/t | hello"]
    );
}

#[test]
fn a_virtual_topics_queue_gets_messages_of_the_topic() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/Consumer.a.VirtualTopic.orders");
    client.send("SUBSCRIBE; id:2; destination:/topic/VirtualTopic.orders");
    let received = client.send("SEND; destination:/topic/VirtualTopic.orders | hello");
    let expected = [
        "MESSAGE; subscription:2; destination:/topic/VirtualTopic.orders | hello",
        "MESSAGE; subscription:1; destination:/queue/Consumer.a.VirtualTopic.orders | hello",
    ];
    let mut sorted = received.clone();
    sorted.sort();
    let mut wanted_sorted = expected.to_vec();
    wanted_sorted.sort_unstable();
    assert_eq!(sorted, wanted_sorted);
}

#[test]
fn wildcards_cover_queues_too() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/a.*");
    assert_eq!(
        client.send("SEND; destination:a/b | hello"),
        ["MESSAGE; subscription:1; destination:a/b | hello"]
    );
    assert_eq!(client.send("SEND; destination:/queue/b | hello"), NO_FRAMES);
}

#[test]
fn an_expired_message_is_not_delivered() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send("SUBSCRIBE; id:1; destination:/queue/q");
    client.send("SUBSCRIBE; id:2; destination:/topic/t");
    assert_eq!(
        client.send("SEND; destination:/queue/q,/topic/t; expires:1 | late"),
        NO_FRAMES
    );
    assert_eq!(
        client
            .send("SEND; destination:/queue/q,/topic/t; expires:0 | never")
            .len(),
        2
    );
}

/// STOMP 1.2, "MESSAGE": the destination SHOULD be identical to that of the SEND.
#[test]
fn a_message_names_its_destination_as_the_send_did() {
    let test_server = TestServer::new();
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
    for (sent, subscribed, expected) in table {
        for acknowledged in ["", "; ack:client-individual"] {
            let mut reader = test_server.client("reader");
            reader.send(&format!(
                "SUBSCRIBE; id:1; destination:{subscribed}{acknowledged}"
            ));
            let mut usual = test_server.client("usual");
            usual.send("SUBSCRIBE; id:1; destination:/topic/a.*");
            let mut sender = test_server.client("sender");
            sender.send(&format!("SEND; destination:{sent} | x"));
            let expected = format!("MESSAGE; subscription:1; destination:{expected} | x");
            assert_eq!(reader.receive(), [expected], "{sent} {subscribed}");
            let ack = reader.ack.clone();
            if !ack.is_empty() {
                reader.send(&format!("ACK; id:{ack}"));
            }
            // Other subscribers of the same message are not affected.
            let is_topic = sent.contains("topic") && !sent.contains("Virtual");
            assert_eq!(usual.receive().is_empty(), !is_topic);
            [reader, usual, sender]
                .into_iter()
                .for_each(super::Client::disconnect);
        }
    }
}

#[test]
fn a_message_of_another_protocol_has_the_destination_of_the_subscription() {
    let test_server = TestServer::new();
    let broker = &test_server.context.broker;
    let table = [
        ("/topic/a/b", "/topic/a/b"),
        ("topic://a.b", "topic://a.b"),
        ("/topic/a.b", "/topic/a.b"),
        ("/topic/a/*", "/topic/a.b"),
        ("/topic/>", "/topic/a.b"),
    ];
    let mut readers = Vec::new();
    for (subscribed, expected) in table {
        let mut reader = test_server.client("reader");
        reader.send(&format!("SUBSCRIBE; id:1; destination:{subscribed}"));
        readers.push((reader, expected));
    }
    let name = broker::TopicName::new("a.b").expect("a name");
    let publication = broker::Publication::new(name, "http".into(), 0, b"x");
    broker.publish(&mut vec![publication], &mut broker::Outcome::default());
    for (mut reader, expected) in readers {
        let expected = format!("MESSAGE; subscription:1; destination:{expected} | x");
        assert_eq!(reader.receive(), [expected]);
    }
}
