//! The names of destinations, and the routing of messages sent to them.

use harness::http::{get, post};
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, queue};

#[tokio::test]
async fn all_forms_of_a_name_are_the_same_queue() {
    let server = Carillon::start().await;
    let mut client = StompClient::connect(&server).await;
    let spellings = ["/queue/a.b", "/queue/a/b", "a.b", "queue://a.b"];
    for sent_to in spellings {
        client.send_all(sent_to, &[sent_to]).await;
    }
    assert_eq!(queue::depth(&server, "a.b").await, (4, 0));
    for received_from in spellings {
        let mut consumer = StompClient::consumer(&server, received_from, &[]).await;
        let arrived = consumer.arrived().await;
        for message in &arrived {
            assert_eq!(
                message.header("destination"),
                message.text(),
                "as it was sent"
            );
        }
        let bodies: Vec<_> = arrived.iter().map(Frame::text).collect();
        assert_eq!(bodies, spellings, "{received_from}");
        consumer.leave().await;
        for sent_to in spellings {
            client.send_all(sent_to, &[sent_to]).await;
        }
    }
}

#[tokio::test]
async fn a_topic_may_be_written_in_the_form_of_activemq() {
    let server = Carillon::start().await;
    let mut client = StompClient::consumer(&server, "topic://a.b", &[]).await;
    client.send_all("topic://a.b", &["1"]).await;
    client.send_all("/topic/a/b", &["2"]).await;
    let message = client.message().await;
    assert_eq!(message.header("destination"), "topic://a.b");
    assert_eq!(message.text(), "1");
    assert_eq!(client.bodies(1).await, ["2"]);
}

#[tokio::test]
async fn a_queue_and_a_topic_of_the_same_name_are_separate() {
    let server = Carillon::start().await;
    let mut of_queue = StompClient::consumer(&server, "/queue/a", &[]).await;
    let mut of_topic = StompClient::consumer(&server, "/topic/a", &[]).await;
    of_queue.send_all("/topic/a", &["to the topic"]).await;
    of_topic.send_all("/queue/a", &["to the queue"]).await;
    assert_eq!(of_queue.bodies(1).await, ["to the queue"]);
    assert_eq!(of_topic.bodies(1).await, ["to the topic"]);
    of_queue.is_quiet().await;
    of_topic.is_quiet().await;
}

#[tokio::test]
async fn one_message_can_go_to_several_destinations() {
    let server = Carillon::start().await;
    let mut reader = StompClient::consumer(&server, "/topic/news", &[]).await;
    let mut sender = StompClient::connect(&server).await;
    let all = "/queue/a,/topic/news,b,/queue/c/d";
    sender.send_all(all, &["everywhere"]).await;
    assert_eq!(reader.bodies(1).await, ["everywhere"]);
    for (name, sent_to) in [("a", "/queue/a"), ("b", "b"), ("c.d", "/queue/c/d")] {
        let queue = format!("/queue/{name}");
        let mut consumer = StompClient::consumer(&server, &queue, &[]).await;
        let message = consumer.message().await;
        assert_eq!(message.header("destination"), sent_to);
        assert_eq!(message.text(), "everywhere");
    }
}

#[tokio::test]
async fn a_message_goes_to_no_more_than_64_destinations() {
    let server = Carillon::start().await;
    let mut sender = StompClient::connect(&server).await;
    let names: Vec<_> = (0..64).map(|number| format!("/queue/q{number}")).collect();
    sender
        .send_all(&names.join(","), &["as many as can be"])
        .await;
    assert_eq!(queue::depth(&server, "q63").await, (1, 0));

    let too_many = format!("{},/queue/q64", names.join(","));
    sender.send(&Frame::message_to(&too_many, "x")).await;
    let told = sender.refusal().await.told();
    assert!(told.contains("64"), "{told}");
    assert_eq!(queue::depth(&server, "q63").await, (1, 0));
}

#[tokio::test]
async fn a_composite_destination_with_one_invalid_part_is_refused() {
    let server = Carillon::start().await;
    let mut sender = StompClient::connect(&server).await;
    sender
        .send(&Frame::message_to("/queue/a,/topic/b..c", "x"))
        .await;
    let told = sender.refusal().await.told();
    assert!(told.contains("empty"), "{told}");
    assert!(queue::figures(&server, "a").await.is_null());
}

#[tokio::test]
async fn destinations_of_rabbitmq_are_refused_with_an_alternative() {
    let server = Carillon::start().await;
    for destination in ["/exchange/orders/eu", "/amq/queue/orders"] {
        for command in ["SEND", "SUBSCRIBE"] {
            let mut client = StompClient::connect(&server).await;
            let frame = Frame::new(command)
                .with("id", "0")
                .with("destination", destination)
                .with("receipt", "r");
            client.send(&frame).await;
            let error = client.refusal().await;
            assert_eq!(error.header("receipt-id"), "r");
            let told = error.told();
            assert!(told.contains("/queue/"), "{command} {destination}: {told}");
        }
    }
}

#[tokio::test]
async fn invalid_names_of_queues_are_reported() {
    let server = Carillon::start().await;
    for (command, destination, said) in [
        ("SEND", "/queue/", "empty"),
        ("SEND", "/queue/a..b", "empty"),
        ("SEND", "/queue/a.*", "wildcard"),
        ("SEND", "/queue/$SYS.x", "$SYS.x"),
        ("SUBSCRIBE", "/queue/$SYS.x", "$SYS.x"),
        ("SUBSCRIBE", "/queue/>.a", "'>'"),
        ("SUBSCRIBE", "/queue/a,/queue/b", ","),
        ("SEND", "/nonsense/a", "/nonsense/"),
    ] {
        let mut client = StompClient::connect(&server).await;
        let frame = Frame::new(command)
            .with("id", "0")
            .with("destination", destination);
        client.send(&frame).await;
        let told = client.refusal().await.told();
        assert!(told.contains(said), "{command} {destination}: {told}");
    }
    assert_eq!(
        get(server.url("/api/queues")).await.json()["queues"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn a_comma_can_be_part_of_the_name_of_a_single_destination() {
    let server = Carillon::start().await;
    let single = [("single-destination", "true")];
    let mut client = StompClient::consumer(&server, "/topic/lab, left", &single).await;
    let url = server.url("/api/topics/lab%2C%20left");
    post(url, "text/plain", "1").await;
    let message = client.message().await;
    assert_eq!(message.header("destination"), "/topic/lab, left");
    // Without the header it could mean several destinations.
    let subscribe = Frame::new("SUBSCRIBE")
        .with("id", "1")
        .with("destination", "/topic/lab, left");
    client.send(&subscribe).await;
    let refusal = client.refusal().await;
    let text = refusal.text();
    assert!(text.contains("single-destination:true"), "{refusal:?}");
}
