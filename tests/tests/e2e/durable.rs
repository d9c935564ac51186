//! Topic subscriptions that outlive their connection, and subscriptions that start with earlier
//! messages.

use harness::Carillon;
use harness::deadline::eventually;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};

const NAME: (&str, &str) = ("activemq.subscriptionName", "audit");
/// RabbitMQ's syntax: the id of the subscription is its name.
const DURABLE: (&str, &str) = ("durable", "true");

async fn connect(server: &Carillon, client_id: &str) -> StompClient {
    let connect = Frame::connect().with("client-id", client_id);
    StompClient::open(server)
        .await
        .connected_with(connect)
        .await
}

/// Creates a durable subscription `0` to the topic `news`, of the client `ringer`.
async fn subscribed(server: &Carillon, headers: &[(&str, &str)]) -> StompClient {
    let mut client = connect(server, "ringer").await;
    client.subscribe("0", "news", headers).await;
    client
}

async fn publish(server: &Carillon, topic: &str, bodies: &[&str]) {
    let mut producer = StompClient::connect(server).await;
    let destination = format!("/topic/{topic}");
    producer.send_all(&destination, bodies).await;
    producer.leave().await;
}

fn subscribe(headers: &[(&str, &str)]) -> Frame {
    let frame = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/topic/news");
    let headers = headers.iter();
    headers.fold(frame, |frame, (name, value)| frame.with(name, value))
}

#[tokio::test]
async fn a_durable_subscription_gets_messages_published_without_a_connection() {
    let server = Carillon::start().await;
    for header in [NAME, DURABLE] {
        let mut client = subscribed(&server, &[header]).await;
        publish(&server, "news", &["1"]).await;
        let message = client.message().await;
        assert_eq!(message.header("destination"), "/topic/news");
        assert_eq!(message.text(), "1");
        client.leave().await;

        publish(&server, "news", &["2", "3"]).await;
        let mut back = subscribed(&server, &[header]).await;
        publish(&server, "news", &["4"]).await;
        assert_eq!(back.bodies(3).await, ["2", "3", "4"], "{header:?}");
        back.is_quiet().await;
        back.leave().await;
    }
}

#[tokio::test]
async fn unacknowledged_messages_of_a_durable_subscription_are_redelivered() {
    let server = Carillon::start().await;
    let mut client = subscribed(&server, &[NAME, INDIVIDUAL]).await;
    publish(&server, "news", &["1", "2"]).await;
    client.message().await;
    let two = client.message().await;
    client.ack(&two).await;
    client.leave().await;
    let mut back = subscribed(&server, &[NAME, INDIVIDUAL]).await;
    let again = back.message().await;
    assert_eq!(again.text(), "1");
    assert_eq!(again.header("redelivered"), "true");
    assert_eq!(again.header("destination"), "/topic/news");
    back.is_quiet().await;
}

#[tokio::test]
async fn names_of_durable_subscriptions_belong_to_their_client() {
    let server = Carillon::start().await;
    subscribed(&server, &[NAME]).await.leave().await;
    publish(&server, "news", &["1"]).await;
    let mut another = connect(&server, "another").await;
    another.subscribe("0", "news", &[NAME]).await;
    another.is_quiet().await;
    let mut owner = subscribed(&server, &[NAME]).await;
    assert_eq!(owner.bodies(1).await, ["1"]);
}

#[tokio::test]
async fn a_durable_subscription_can_cover_many_topics() {
    let server = Carillon::start().await;
    let mut client = connect(&server, "ringer").await;
    client.subscribe("0", "news.>", &[NAME]).await;
    client.leave().await;
    publish(&server, "news.eu", &["1"]).await;
    publish(&server, "news.us", &["2"]).await;
    publish(&server, "weather", &["3"]).await;
    let mut back = connect(&server, "ringer").await;
    back.subscribe("0", "news.>", &[NAME]).await;
    let [eu, us] = [back.message().await, back.message().await];
    assert_eq!(eu.header("destination"), "/topic/news.eu");
    assert_eq!(us.header("destination"), "/topic/news.us");
    back.is_quiet().await;
}

#[tokio::test]
async fn unsubscribe_with_the_name_deletes_the_subscription() {
    let server = Carillon::start().await;
    let by_name = Frame::new("UNSUBSCRIBE").with(NAME.0, NAME.1);
    let by_both = by_name.clone().with("id", "0");
    let durable = Frame::new("UNSUBSCRIBE").with(DURABLE.0, DURABLE.1);
    for (header, unsubscribe) in [
        (NAME, by_name),
        (NAME, by_both),
        (DURABLE, durable.with("id", "0")),
    ] {
        for is_away in [false, true] {
            let mut client = subscribed(&server, &[header]).await;
            if is_away {
                client.leave().await;
                client = connect(&server, "ringer").await;
            }
            client.request(unsubscribe.clone()).await;
            client.leave().await;
            publish(&server, "news", &["unheard"]).await;
            let mut back = subscribed(&server, &[header]).await;
            back.is_quiet().await;
            back.request(unsubscribe.clone()).await;
            back.leave().await;
        }
    }
}

#[tokio::test]
async fn unsubscribe_without_the_name_keeps_the_subscription() {
    let server = Carillon::start().await;
    let mut client = subscribed(&server, &[NAME]).await;
    let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", "0");
    client.request(unsubscribe).await;
    publish(&server, "news", &["1"]).await;
    client.is_quiet().await;
    client.subscribe("0", "news", &[NAME]).await;
    assert_eq!(client.bodies(1).await, ["1"]);
}

#[tokio::test]
async fn a_durable_subscription_has_one_subscriber_at_a_time() {
    let server = Carillon::start().await;
    let client = subscribed(&server, &[NAME]).await;
    let mut second = connect(&server, "ringer").await;
    second.send(&subscribe(&[NAME])).await;
    let told = second.refusal().await.told();
    assert!(told.contains("audit"), "{told}");

    drop(client);
    let try_again = async || {
        let mut third = connect(&server, "ringer").await;
        third.send(&subscribe(&[NAME, ("receipt", "r")])).await;
        third.frame().await.command
    };
    // The name is available once the server has noticed the end of the old connection.
    eventually("the name", try_again, |answer| answer == "RECEIPT").await;
}

#[tokio::test]
async fn deleting_an_unknown_or_used_subscription_is_refused() {
    let server = Carillon::start().await;
    let unsubscribe = Frame::new("UNSUBSCRIBE").with("id", "0");
    let unsubscribe = unsubscribe.with(NAME.0, NAME.1);
    let mut client = connect(&server, "ringer").await;
    client.send(&unsubscribe).await;
    let told = client.refusal().await.told();
    assert!(told.contains("audit"), "{told}");

    let _user = subscribed(&server, &[NAME]).await;
    let mut another = connect(&server, "ringer").await;
    another.send(&unsubscribe).await;
    let told = another.refusal().await.told();
    assert!(told.contains("audit"), "{told}");
}

#[tokio::test]
async fn a_durable_subscription_needs_a_client_id_and_a_topic() {
    let server = Carillon::start().await;
    let mut nameless = StompClient::connect(&server).await;
    nameless.send(&subscribe(&[NAME])).await;
    let told = nameless.refusal().await.told();
    assert!(told.contains("client-id"), "{told}");

    let mut client = connect(&server, "ringer").await;
    let of_queue = Frame::new("SUBSCRIBE")
        .with("id", "0")
        .with("destination", "/queue/a")
        .with(NAME.0, NAME.1);
    client.send(&of_queue).await;
    let told = client.refusal().await.told();
    assert!(told.contains("topic"), "{told}");
}

#[tokio::test]
async fn a_retroactive_subscriber_gets_earlier_messages() {
    let server = Carillon::start().await;
    publish(&server, "news", &["before"]).await;
    let mut late = StompClient::connect(&server).await;
    late.subscribe("0", "news", &[]).await;
    late.is_quiet().await;
    let retroactive = [("activemq.retroactive", "true")];
    late.subscribe("1", "news", &retroactive).await;
    assert_eq!(late.bodies(1).await, ["before"]);
    let acknowledging = [INDIVIDUAL, ("since", "0")];
    late.subscribe("2", "news", &acknowledging).await;
    let message = late.message().await;
    assert_eq!(message.text(), "before");
    late.ack(&message).await;
}
