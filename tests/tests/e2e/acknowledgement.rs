//! ACK and NACK in each version and each mode, on queues and on topics.

use harness::stomp::{CUMULATIVE, Frame, INDIVIDUAL, StompClient};
use harness::{Carillon, queue};

const VERSIONS: [&str; 3] = ["1.0", "1.1", "1.2"];
/// 1.0 has no NACK.
const VERSIONS_WITH_NACK: [&str; 2] = ["1.1", "1.2"];
const AUTO: (&str, &str) = ("ack", "auto");

/// Returns a client of this version that has received the messages 1 to 3 of a queue and acknowledged none.
async fn receive_three(
    server: &Carillon,
    version: &str,
    (queue, mode): (&str, (&str, &str)),
) -> (StompClient, [Frame; 3]) {
    let mut client = StompClient::connect_as(server, version).await;
    let destination = format!("/queue/{queue}");
    client.subscribe_to("s-1", &destination, &[mode]).await;
    client.send_all(&destination, &["1", "2", "3"]).await;
    let messages = [
        client.message().await,
        client.message().await,
        client.message().await,
    ];
    assert_eq!(messages.each_ref().map(Frame::text), ["1", "2", "3"]);
    (client, messages)
}

/// Returns the messages left in the queue after its consumer has disconnected.
async fn left(server: &Carillon, queue: &str) -> Vec<String> {
    queue::until(server, queue, "consumers", 0).await;
    let (waiting, unacknowledged) = queue::depth(server, queue).await;
    assert_eq!(unacknowledged, 0);
    let destination = format!("/queue/{queue}");
    let mut next = StompClient::consumer(server, &destination, &[]).await;
    let bodies = next.bodies(waiting as usize).await;
    next.is_quiet().await;
    next.leave().await;
    bodies
}

#[tokio::test]
async fn each_ack_mode_works_in_each_version() {
    let server = Carillon::start().await;
    for version in VERSIONS {
        for (mode, expected) in [
            (AUTO, &[][..]),
            (CUMULATIVE, &["3"]),
            (INDIVIDUAL, &["1", "3"]),
        ] {
            let name = format!("{}.{}", mode.1, version.replace('.', ""));
            let (mut client, messages) = receive_three(&server, version, (&name, mode)).await;
            if mode != AUTO {
                client.ack(&messages[1]).await;
            }
            client.leave().await;
            assert_eq!(left(&server, &name).await, expected, "{version} {mode:?}");
        }
    }
}

#[tokio::test]
async fn nack_rejects_the_messages_that_ack_would_acknowledge() {
    let server = Carillon::start().await;
    for version in VERSIONS_WITH_NACK {
        for (mode, expected) in [(CUMULATIVE, &["1", "2"][..]), (INDIVIDUAL, &["2"])] {
            let name = format!("{}.{}", mode.1, version.replace('.', ""));
            let (mut client, messages) = receive_three(&server, version, (&name, mode)).await;
            client.nack(&messages[1]).await;
            let mut last = None;
            for body in expected {
                let again = client.message().await;
                assert_eq!(again.text(), *body, "{version} {mode:?}");
                assert_eq!(again.header("redelivered"), "true");
                assert_eq!(again.header("JMSXDeliveryCount"), "2");
                last = Some(again);
            }
            client.is_quiet().await;
            assert_eq!(queue::depth(&server, &name).await, (0, 3));

            // A cumulative acknowledgement covers the messages delivered before, not those with lower numbers.
            client.ack(&last.expect("one came again")).await;
            let taken = if mode == CUMULATIVE { 3 } else { 1 };
            assert_eq!(queue::figure(&server, &name, "acknowledged").await, taken);
            client.leave().await;
        }
    }
}

#[tokio::test]
async fn without_an_ack_mode_delivery_acknowledges() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "/queue/a", &[]).await;
    client.send_all("/queue/a", &["1"]).await;
    let message = client.message().await;
    assert_eq!(message.find("ack"), None, "there is nothing to acknowledge");
    queue::until(&server, "a", "acknowledged", 1).await;
    assert_eq!(queue::depth(&server, "a").await, (0, 0));
}

#[tokio::test]
async fn an_acknowledgement_covers_only_its_own_subscription() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    for name in ["a", "b"] {
        let destination = format!("/queue/{name}");
        client.subscribe_to(name, &destination, &[CUMULATIVE]).await;
        client.send_all(&destination, &["1"]).await;
    }
    client.bodies(1).await;
    let of_b = client.message().await;
    assert_eq!(of_b.header("subscription"), "b");
    client.ack(&of_b).await;
    assert_eq!(queue::depth(&server, "a").await, (0, 1));
    assert_eq!(queue::depth(&server, "b").await, (0, 0));
}

#[tokio::test]
async fn a_message_that_was_not_delivered_cannot_be_acknowledged() {
    let server = Carillon::start().await;
    for version in VERSIONS {
        for case in ["nonsense", "twice"] {
            let name = format!("{case}.{}", version.replace('.', ""));
            let queue = (name.as_str(), INDIVIDUAL);
            let (mut client, mut messages) = receive_three(&server, version, queue).await;
            if case == "twice" {
                client.ack(&messages[0]).await;
            } else {
                for (name, value) in &mut messages[0].headers {
                    if ["message-id", "ack"].contains(&name.as_str()) {
                        value.push_str("999");
                    }
                }
            }
            let ack = client.settlement("ACK", &messages[0]).with("receipt", "r");
            client.send(&ack).await;
            let error = client.refusal().await;
            assert_eq!(error.header("receipt-id"), "r");
            let told = error.told();
            assert!(told.contains("acknowledge"), "{version} {case}: {told}");
        }
    }
}

#[tokio::test]
async fn a_late_acknowledgement_is_ignored_after_unsubscribe() {
    let server = Carillon::start().await;
    for version in VERSIONS {
        let (mut client, messages) = receive_three(&server, version, ("a", INDIVIDUAL)).await;
        client
            .request(Frame::new("UNSUBSCRIBE").with("id", "s-1"))
            .await;
        // Messages of a queue can still be acknowledged; a second acknowledgement is ignored.
        for message in messages.iter().chain(&messages) {
            client.ack(message).await;
        }
        assert_eq!(queue::depth(&server, "a").await, (0, 0), "{version}");

        // Messages of a topic ended with their subscription.
        client.subscribe_to("t", "/topic/a", &[INDIVIDUAL]).await;
        client.publish("a", "x").await;
        let message = client.message().await;
        client
            .request(Frame::new("UNSUBSCRIBE").with("id", "t"))
            .await;
        client.ack(&message).await;
        client.leave().await;
    }
}

#[tokio::test]
async fn a_client_cannot_acknowledge_messages_of_another() {
    let server = Carillon::start().await;
    let (_client, messages) = receive_three(&server, "1.2", ("a", INDIVIDUAL)).await;
    let mut other = StompClient::consumer(&server, "/queue/b", &[INDIVIDUAL]).await;
    let ack = other.settlement("ACK", &messages[0]);
    other.send(&ack).await;
    other.refusal().await;
    assert_eq!(queue::depth(&server, "a").await, (0, 3));
}

#[tokio::test]
async fn an_acknowledgement_needs_the_headers_of_its_version() {
    let server = Carillon::start().await;
    for (version, command, said) in [
        ("1.0", "ACK", "\"message-id\""),
        ("1.0", "NACK", "1.0 has no NACK"),
        ("1.1", "ACK", "\"message-id\""),
        ("1.1", "NACK", "\"message-id\""),
        ("1.2", "ACK", "\"id\""),
        ("1.2", "NACK", "\"id\""),
    ] {
        let mut client = StompClient::connect_as(&server, version).await;
        let frame = Frame::new(command).with("subscription", "s-1");
        client.send(&frame).await;
        let told = client.refusal().await.told();
        assert!(told.contains(said), "{version} {command}: {told}");
    }
}

#[tokio::test]
async fn newer_versions_accept_the_message_ids_of_older_ones() {
    let server = Carillon::start().await;
    for version in ["1.1", "1.2"] {
        let name = format!("a.{}", version.replace('.', ""));
        let queue = (name.as_str(), INDIVIDUAL);
        let (mut client, messages) = receive_three(&server, version, queue).await;
        for message in &messages {
            let id = message.header("message-id");
            let ack = Frame::new("ACK").with("message-id", id);
            client.request(ack).await;
        }
        assert_eq!(queue::figure(&server, &name, "acknowledged").await, 3);
    }
}

#[tokio::test]
async fn an_unknown_ack_mode_is_refused_with_a_list_of_the_modes() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/queue/a")
        .with("ack", "sometimes");
    client.send(&subscribe).await;
    let told = client.refusal().await.told();
    assert!(told.contains("client-individual"), "{told}");
}

#[tokio::test]
async fn a_topic_subscription_can_acknowledge() {
    let server = Carillon::start().await;
    for version in VERSIONS {
        let mut client = StompClient::connect_as(&server, version).await;
        let headers = [INDIVIDUAL, ("activemq.prefetchSize", "2")];
        client.subscribe("s-1", "a.*", &headers).await;
        client.send_all("/topic/a.b", &["1", "2", "3"]).await;
        let [one, two] = [client.message().await, client.message().await];
        assert_eq!([one.text(), two.text()], ["1", "2"]);
        assert_eq!(one.header("destination"), "/topic/a.b");
        client.is_quiet().await;
        client.ack(&two).await;
        assert_eq!(client.bodies(1).await, ["3"], "{version}");
        client.leave().await;
    }
}

#[tokio::test]
async fn a_rejected_message_of_a_topic_is_redelivered_to_its_subscriber() {
    let server = Carillon::start().await;
    for version in VERSIONS_WITH_NACK {
        let mut client = StompClient::connect_as(&server, version).await;
        client.subscribe("s-1", "a", &[CUMULATIVE]).await;
        let mut bystander = StompClient::connect(&server).await;
        bystander.subscribe("0", "a", &[]).await;
        client.send_all("/topic/a", &["1", "2"]).await;
        let [_, two] = [client.message().await, client.message().await];
        client.nack(&two).await;
        for body in ["1", "2"] {
            let again = client.message().await;
            assert_eq!(again.text(), body);
            assert_eq!(again.header("redelivered"), "true");
            assert_eq!(again.header("destination"), "/topic/a");
        }
        assert_eq!(bystander.arrived_bodies().await, ["1", "2"]);
        client.leave().await;
    }
}
