//! SUBSCRIBE with its options, and UNSUBSCRIBE.

use super::{House, NOTHING};

#[test]
fn a_selector_applies_to_messages_of_any_destination() {
    let table = [
        "destination:/topic/d",
        "destination:/topic/d; ack:client",
        "destination:/queue/d",
        "destination:/topic/d; activemq.subscriptionName:s",
    ];
    for subscribe in table {
        let house = House::new();
        let mut client = house.connected("client", "accept-version:1.2; host:h; client-id:c");
        client.says(&format!(
            "SUBSCRIBE; id:1; {subscribe}; selector:price > 10"
        ));
        let heard = client.says_all(&[
            "SEND; destination:/topic/d,/queue/d; price:9 | cheap",
            "SEND; destination:/topic/d,/queue/d; price:11 | dear",
        ]);
        assert_eq!(heard.len(), 1, "{subscribe}: {heard:?}");
        assert!(heard[0].ends_with("| dear"), "{subscribe}: {heard:?}");
    }
}

#[test]
fn a_browser_gets_the_waiting_messages_and_an_end_mark() {
    let house = House::new();
    let mut client = house.client("client");
    client.says_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | b",
    ]);
    let heard = client.says("SUBSCRIBE; id:b; destination:/queue/q; browser:true");
    let wanted = [
        "MESSAGE; subscription:b; destination:/queue/q | a",
        "MESSAGE; subscription:b; destination:/queue/q | b",
        "MESSAGE; subscription:b; destination:/queue/q; browser:end",
    ];
    assert_eq!(heard, wanted);
    let heard = client.says("SUBSCRIBE; id:1; destination:/queue/q");
    assert_eq!(heard.len(), 2, "they are still there: {heard:?}");
}

#[test]
fn the_oldest_exclusive_consumer_gets_everything_until_it_ends() {
    let house = House::new();
    let mut first = house.client("first");
    let mut second = house.client("second");
    for client in [&mut first, &mut second] {
        client.says("SUBSCRIBE; id:1; destination:/queue/q; activemq.exclusive:true");
    }
    let mut sender = house.client("sender");
    let message = "MESSAGE; subscription:1; destination:/queue/q | a";
    sender.says_all(&[
        "SEND; destination:/queue/q | a",
        "SEND; destination:/queue/q | a",
    ]);
    assert_eq!(first.hears(), [message, message]);
    assert_eq!(second.hears(), NOTHING);
    first.says("UNSUBSCRIBE; id:1");
    sender.says("SEND; destination:/queue/q | a");
    assert_eq!(second.hears(), [message]);
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
        let house = House::new();
        let subscribe = format!("SUBSCRIBE; id:1; destination:/topic/t; {durable}");
        let connect = "accept-version:1.2; host:h; client-id:c";
        let mut sender = house.client("sender");
        let mut client = house.connected("client", connect);
        client.says(&subscribe);
        client.leaves();
        sender.says("SEND; destination:/topic/t | a");
        let mut client = house.connected("again", connect);
        let heard = client.says(&subscribe);
        assert_eq!(
            heard,
            ["MESSAGE; subscription:1; destination:/topic/t | a"],
            "{durable}"
        );
        client.leaves();
        let mut client = house.connected("once more", connect);
        let unsubscribed = client.says(&format!("{unsubscribe}; receipt:r"));
        assert_eq!(unsubscribed, ["RECEIPT; receipt-id:r"], "{unsubscribe}");
        sender.says("SEND; destination:/topic/t | b");
        assert_eq!(client.says(&subscribe), NOTHING, "{unsubscribe}");
    }
}

#[test]
fn an_unsubscribe_deletes_a_durable_subscription_only_by_name() {
    let house = House::new();
    let mut client = house.connected("client", "accept-version:1.2; host:h; client-id:c");
    let subscribe = "SUBSCRIBE; id:1; destination:/topic/t; activemq.subscriptionName:s";
    client.says_all(&[
        subscribe,
        "UNSUBSCRIBE; id:1",
        "SEND; destination:/topic/t | a",
    ]);
    assert_eq!(client.says(subscribe).len(), 1);
    for unsubscribe in [
        "UNSUBSCRIBE; id:1; activemq.subscriptionName:s",
        "UNSUBSCRIBE; activemq.subscriptionName:s",
    ] {
        client.says_all(&[unsubscribe, "SEND; destination:/topic/t | b"]);
        assert_eq!(client.says(subscribe), NOTHING, "{unsubscribe}");
    }
}

#[test]
fn durable_has_no_effect_for_a_queue() {
    let house = House::new();
    let mut client = house.client("client");
    let heard = client.says_all(&[
        "SUBSCRIBE; id:1; destination:/queue/q; durable:true; receipt:1",
        "UNSUBSCRIBE; id:1; durable:true; receipt:2",
    ]);
    assert_eq!(heard, ["RECEIPT; receipt-id:1", "RECEIPT; receipt-id:2"]);
}

#[test]
fn a_retroactive_subscription_starts_with_the_history() {
    for mode in ["auto", "client"] {
        let house = House::new();
        let mut client = house.client("client");
        client.says_all(&[
            "SEND; destination:/topic/t | a",
            "SEND; destination:/topic/t | b",
        ]);
        let subscribe = format!("SUBSCRIBE; id:1; destination:/topic/t; ack:{mode}");
        let heard = client.says(&format!("{subscribe}; activemq.retroactive:true"));
        let wanted = [
            "MESSAGE; subscription:1; destination:/topic/t | a",
            "MESSAGE; subscription:1; destination:/topic/t | b",
        ];
        assert_eq!(heard, wanted, "{mode}");
    }
}

#[test]
fn without_an_id_a_subscription_is_identified_by_its_destination() {
    let house = House::new();
    let mut client = house.connected("client", "");
    client.says("SUBSCRIBE; destination:/queue/q");
    let heard = client.says("SEND; destination:/queue/q | a");
    assert_eq!(heard, ["MESSAGE; destination:/queue/q | a"]);
    let heard = client.says("UNSUBSCRIBE; destination:/queue/q; receipt:r");
    assert_eq!(heard, ["RECEIPT; receipt-id:r"]);
}
