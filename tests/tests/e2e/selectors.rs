//! Selectors: subscriptions to a part of the messages.

use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

fn selector(text: &str) -> [(&str, &str); 1] {
    [("selector", text)]
}

async fn send(client: &mut StompClient, destination: &str, headers: &[(&str, &str)], body: &str) {
    let frame = Frame::message_to(destination, body);
    let headers = headers.iter();
    let frame = headers.fold(frame, |frame, (name, value)| frame.with(name, value));
    client.request(frame).await;
}

#[tokio::test]
async fn a_subscriber_of_a_topic_gets_matching_messages() {
    let server = Carillon::start().await;
    let large = "price > 100 AND currency IN ('EUR', 'CHF')";
    let mut some = StompClient::consumer(&server, "/topic/a", &selector(large)).await;
    let mut all = StompClient::consumer(&server, "/topic/a", &[]).await;
    for (price, currency, body) in [
        ("99.5", "EUR", "too cheap"),
        ("1e3", "CHF", "dear"),
        ("101", "USD", "elsewhere"),
        ("one hundred and one", "EUR", "no number"),
        ("101", "EUR", "just"),
    ] {
        let headers = [("price", price), ("currency", currency)];
        send(&mut all, "/topic/a", &headers, body).await;
    }
    send(&mut all, "/topic/a", &[], "without a price").await;
    assert_eq!(some.bodies(2).await, ["dear", "just"]);
    some.is_quiet().await;
    all.bodies(6).await;
}

#[tokio::test]
async fn consumers_of_a_queue_can_divide_the_messages_by_selector() {
    let server = Carillon::start().await;
    let mut eu = StompClient::consumer(&server, "/queue/a", &selector("region = 'eu'")).await;
    let mut us = StompClient::consumer(&server, "/queue/a", &selector("region = 'us'")).await;
    for (region, body) in [
        ("us", "1"),
        ("eu", "2"),
        ("asia", "3"),
        ("eu", "4"),
        ("us", "5"),
    ] {
        send(&mut eu, "/queue/a", &[("region", region)], body).await;
    }
    assert_eq!(eu.bodies(2).await, ["2", "4"]);
    assert_eq!(us.bodies(2).await, ["1", "5"]);
    assert_eq!(queue::figure(&server, "a", "waiting").await, 1);

    let others = selector("region NOT IN ('eu', 'us')");
    let mut rest = StompClient::consumer(&server, "/queue/a", &others).await;
    assert_eq!(
        rest.bodies(1).await,
        ["3"],
        "a message that matches no other selector has waited"
    );
}

#[tokio::test]
async fn a_rejected_message_waits_for_a_consumer_that_selects_it() {
    let server = Carillon::start().await;
    let wants = [INDIVIDUAL, ("selector", "region = 'eu'")];
    let mut first = StompClient::consumer(&server, "/queue/a", &wants).await;
    let mut other = StompClient::consumer(&server, "/queue/a", &selector("region = 'us'")).await;
    send(&mut first, "/queue/a", &[("region", "eu")], "1").await;
    first.message().await;
    first.leave().await;
    other.is_quiet().await;
    let mut second = StompClient::consumer(&server, "/queue/a", &wants).await;
    assert_eq!(second.bodies(1).await, ["1"]);
}

#[tokio::test]
async fn durable_subscriptions_and_browsers_have_selectors() {
    let server = Carillon::start().await;
    let connect = Frame::connect().with("client-id", "ringer");
    let client = StompClient::open(&server).await;
    let mut client = client.connected_with(connect).await;
    let durable = [
        ("activemq.subscriptionName", "s"),
        ("selector", "kind = 'b'"),
    ];
    client.subscribe("durable", "t", &durable).await;
    for (kind, body) in [("a", "1"), ("b", "2")] {
        for destination in ["/topic/t", "/queue/q"] {
            send(&mut client, destination, &[("kind", kind)], body).await;
        }
    }
    assert_eq!(client.bodies(1).await, ["2"]);
    let browse = [("browser", "true"), ("selector", "kind LIKE 'a%'")];
    client.subscribe_to("browser", "/queue/q", &browse).await;
    assert_eq!(client.bodies(1).await, ["1"]);
    assert_eq!(client.message().await.header("browser"), "end");
    client.is_quiet().await;
}

#[tokio::test]
async fn an_invalid_selector_is_refused_with_the_position() {
    let server = Carillon::start().await;
    for destination in ["/topic/a", "/queue/a"] {
        for (text, place) in [("price > > 5", 9), ("price >", 8), ("a = 'open", 5)] {
            let mut client = StompClient::connect(&server).await;
            let subscribe = Frame::new("SUBSCRIBE")
                .with("id", "0")
                .with("destination", destination)
                .with("selector", text)
                .with("receipt", "r");
            client.send(&subscribe).await;
            let error = client.refusal().await;
            assert_eq!(error.header("receipt-id"), "r");
            let told = error.told();
            assert!(told.contains("selector"), "{told}");
            assert!(told.contains(&format!("column {place}")), "{text}: {told}");
        }
    }
}

#[tokio::test]
async fn a_selector_can_ask_for_the_body_and_its_fields() {
    let server = Carillon::start().await;
    for (text, wanted) in [
        ("body.data.temp > 20", &["{\"data\":{\"temp\":20.5}}"][..]),
        ("body.tags.0 = 'b'", &["{\"tags\":[\"b\"]}"]),
        ("body LIKE 'plain%'", &["plain text"]),
        (
            "body REGEXP '^\\{.*\\}$' AND body.data IS NULL AND body.data.temp IS NULL",
            &["{\"tags\":[\"b\"]}"],
        ),
        (
            "kind REGEXP '(?i)^SEN'",
            &["{\"data\":{\"temp\":20.5}}", "{\"data\":{\"temp\":-3}}"],
        ),
    ] {
        for destination in ["/topic/t", "/queue/q"] {
            let mut some = StompClient::consumer(&server, destination, &selector(text)).await;
            let mut sender = StompClient::connect(&server).await;
            for (kind, body) in [
                ("sensor", "{\"data\":{\"temp\":20.5}}"),
                ("sensor", "{\"data\":{\"temp\":-3}}"),
                ("list", "{\"tags\":[\"b\"]}"),
                ("text", "plain text"),
            ] {
                send(&mut sender, destination, &[("kind", kind)], body).await;
            }
            assert_eq!(
                some.bodies(wanted.len()).await,
                wanted,
                "{text} {destination}"
            );
            some.is_quiet().await;
            some.leave().await;
            let mut rest = StompClient::consumer(&server, "/queue/q", &[]).await;
            rest.arrived().await;
            rest.leave().await;
        }
    }
}

#[tokio::test]
async fn an_invalid_pattern_is_refused_with_the_position() {
    let server = Carillon::start().await;
    for (text, place) in [
        ("body REGEXP 'a('", 15),
        ("a REGEXP '[01]*1[01]{30}'", 11),
        ("body. = 1", 6),
    ] {
        let mut client = StompClient::connect(&server).await;
        let subscribe = Frame::new("SUBSCRIBE")
            .with("id", "0")
            .with("destination", "/topic/a")
            .with("selector", text);
        client.send(&subscribe).await;
        let told = client.refusal().await.told();
        assert!(told.contains(&format!("column {place}")), "{text}: {told}");
    }
}

/// Each message costs its selector as much as many small ones.
#[tokio::test]
async fn expensive_selectors_do_not_stop_other_subscribers() {
    let server = Carillon::start().await;
    let expensive = "body.a LIKE '%b_c%' OR body.b REGEXP 'x.*y' OR body.a.b = 1";
    let mut readers = Vec::new();
    for _ in 0..5 {
        readers.push(StompClient::consumer(&server, "/topic/a", &selector(expensive)).await);
    }
    let mut other = StompClient::consumer(&server, "/topic/b", &[]).await;
    let body = format!("{{\"a\":\"{}\",\"b\":\"x\"}}", "b".repeat(60_000));
    let mut sender = StompClient::connect(&server).await;
    for _ in 0..200 {
        sender.send(&Frame::publication("a", body.as_str())).await;
    }
    for number in 0..20 {
        other.publish("b", &number.to_string()).await;
    }
    assert_eq!(other.bodies(20).await.len(), 20);
    sender
        .request(Frame::publication("a", "{\"b\":\"x y\"}"))
        .await;
    for reader in &mut readers {
        assert_eq!(reader.bodies(1).await, ["{\"b\":\"x y\"}"]);
    }
}
