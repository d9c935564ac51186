//! SUBSCRIBE with its options, and UNSUBSCRIBE.

use super::{NO_FRAMES, TestServer};

#[test]
fn a_selector_applies_to_messages_of_any_destination() {
    let table = [
        "destination:/topic/d",
        "destination:/topic/d; ack:client",
        "destination:/queue/d",
        "destination:/topic/d; activemq.subscriptionName:s",
    ];
    for subscribe in table {
        let test_server = TestServer::new();
        let mut client =
            test_server.connect_with("client", "accept-version:1.2; host:h; client-id:c");
        client.send(&format!(
            "SUBSCRIBE; id:1; {subscribe}; selector:price > 10"
        ));
        let received = client.send_all(&[
            "SEND; destination:/topic/d,/queue/d; price:9 | cheap",
            "SEND; destination:/topic/d,/queue/d; price:11 | dear",
        ]);
        assert_eq!(received.len(), 1, "{subscribe}: {received:?}");
        assert!(received[0].ends_with("| dear"), "{subscribe}: {received:?}");
    }
}

#[test]
fn a_browser_gets_the_waiting_messages_and_an_end_mark() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    client.send_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | b",
    ]);
    let received = client.send("SUBSCRIBE; id:b; destination:/queue/q; browser:true");
    let expected = [
        "MESSAGE; subscription:b; destination:/queue/q | a",
        "MESSAGE; subscription:b; destination:/queue/q | b",
        "MESSAGE; subscription:b; browser:end; destination:/queue/q",
    ];
    assert_eq!(received, expected);
    let received = client.send("SUBSCRIBE; id:1; destination:/queue/q");
    assert_eq!(received.len(), 2, "they are still there: {received:?}");
}

#[test]
fn the_oldest_exclusive_consumer_gets_everything_until_it_ends() {
    let test_server = TestServer::new();
    let mut first = test_server.client("first");
    let mut second = test_server.client("second");
    for client in [&mut first, &mut second] {
        client.send("SUBSCRIBE; id:1; destination:/queue/q; activemq.exclusive:true");
    }
    let mut sender = test_server.client("sender");
    let message = "MESSAGE; subscription:1; destination:/queue/q | a";
    sender.send_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | a",
    ]);
    assert_eq!(first.receive(), [message, message]);
    assert_eq!(second.receive(), NO_FRAMES);
    first.send("UNSUBSCRIBE; id:1");
    sender.send("SEND; destination:/queue/q | a");
    assert_eq!(second.receive(), [message]);
}

#[test]
fn a_durable_subscription_is_kept_without_a_connection_of_its_client() {
    // The headers of the subscription, and those that delete it.
    let table = [
        (
            "activemq.subscriptionName:s",
            "UNSUBSCRIBE; activemq.subscriptionName:s",
        ),
        (
            "activemq.subscriptionName:s",
            "UNSUBSCRIBE; id:1; activemq.subscriptionName:s",
        ),
        (
            "durable:true; auto-delete:false",
            "UNSUBSCRIBE; id:1; durable:true",
        ),
    ];
    for (durable, unsubscribe) in table {
        let test_server = TestServer::new();
        let subscribe = format!("SUBSCRIBE; id:1; destination:/topic/t; {durable}");
        let connect = "accept-version:1.2; host:h; client-id:c";
        let mut sender = test_server.client("sender");
        let mut client = test_server.connect_with("client", connect);
        client.send(&subscribe);
        client.disconnect();
        sender.send("SEND; destination:/topic/t | a");
        let mut client = test_server.connect_with("again", connect);
        let received = client.send(&subscribe);
        assert_eq!(
            received,
            ["MESSAGE; subscription:1; destination:/topic/t | a"],
            "{durable}"
        );
        client.disconnect();
        let mut client = test_server.connect_with("once more", connect);
        let unsubscribed = client.send(&format!("{unsubscribe}; receipt:r"));
        assert_eq!(unsubscribed, ["RECEIPT; receipt-id:r"], "{unsubscribe}");
        sender.send("SEND; destination:/topic/t | b");
        assert_eq!(client.send(&subscribe), NO_FRAMES, "{unsubscribe}");
    }
}

#[test]
fn an_unsubscribe_deletes_a_durable_subscription_only_by_name() {
    let test_server = TestServer::new();
    let mut client = test_server.connect_with("client", "accept-version:1.2; host:h; client-id:c");
    let subscribe = "SUBSCRIBE; id:1; destination:/topic/t; activemq.subscriptionName:s";
    client.send_all(&[
        subscribe,
        "UNSUBSCRIBE; id:1",
        "SEND; destination:/topic/t | a",
    ]);
    assert_eq!(client.send(subscribe).len(), 1);
    for unsubscribe in [
        "UNSUBSCRIBE; id:1; activemq.subscriptionName:s",
        "UNSUBSCRIBE; activemq.subscriptionName:s",
    ] {
        client.send_all(&[unsubscribe, "SEND; destination:/topic/t | b"]);
        assert_eq!(client.send(subscribe), NO_FRAMES, "{unsubscribe}");
    }
}

#[test]
fn durable_has_no_effect_for_a_queue() {
    let test_server = TestServer::new();
    let mut client = test_server.client("client");
    let received = client.send_all(&[
        "SUBSCRIBE; id:1; destination:/queue/q; durable:true; receipt:1",
        "UNSUBSCRIBE; id:1; durable:true; receipt:2",
    ]);
    assert_eq!(received, ["RECEIPT; receipt-id:1", "RECEIPT; receipt-id:2"]);
}

#[test]
fn a_retroactive_subscription_starts_with_the_history() {
    for mode in ["auto", "client"] {
        let test_server = TestServer::new();
        let mut client = test_server.client("client");
        client.send_all(&[
            "SEND; destination:/topic/t | a",
            "SEND; destination:/topic/t | b",
        ]);
        let subscribe = format!("SUBSCRIBE; id:1; destination:/topic/t; ack:{mode}");
        let received = client.send(&format!("{subscribe}; activemq.retroactive:true"));
        let expected = [
            "MESSAGE; subscription:1; destination:/topic/t | a",
            "MESSAGE; subscription:1; destination:/topic/t | b",
        ];
        assert_eq!(received, expected, "{mode}");
    }
}

#[test]
fn without_an_id_a_subscription_is_identified_by_its_destination() {
    let test_server = TestServer::new();
    let mut client = test_server.connect_with("client", "");
    client.send("SUBSCRIBE; destination:/queue/q");
    let received = client.send("SEND; destination:/queue/q | a");
    assert_eq!(received, ["MESSAGE; destination:/queue/q | a"]);
    let received = client.send("UNSUBSCRIBE; destination:/queue/q; receipt:r");
    assert_eq!(received, ["RECEIPT; receipt-id:r"]);
}
