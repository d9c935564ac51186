//! Messages between the program and clients.

use std::time::{Duration, SystemTime};

use carillon::{Missed, Publication, Server, Start};
use futures_util::FutureExt;
use harness::{
    deadline::within,
    mqtt::{Connect, MqttClient, Version},
    stomp::{Frame, StompClient},
};

async fn mqtt_client(broker: &Server) -> MqttClient {
    let address = broker.mqtt_address().expect("a listener");
    let client = MqttClient::over_tcp(address, Version::V5).await;
    let (client, _) = client.connected_with(&Connect::anyone(Version::V5)).await;
    client
}

#[tokio::test]
async fn a_message_of_the_program_reaches_a_client_of_mqtt() {
    let broker = carillon::test::start();
    let mut client = mqtt_client(&broker).await;
    client.subscribe("sensors/#", 1).await;
    let publication = Publication::new("21.5")
        .content_type("text/plain")
        .header("place", "roof");
    let receipt = broker.publish("sensors.roof", publication).await;
    let receipt = receipt.expect("it is published");
    assert_eq!((receipt.sequence, receipt.subscriptions), (1, 1));
    let message = client.message().await;
    assert_eq!(message.topic, "sensors/roof");
    assert_eq!(message.text(), "21.5");
    assert!(message.pairs().contains(&("place", "roof")), "{message:?}");
}

/// A property of MQTT has two bytes for its length and no U+0000; the program's headers have no such bound.
#[tokio::test]
async fn mqtt_gets_messages_without_headers_that_it_cannot_encode() {
    let broker = carillon::test::start();
    let mut client = mqtt_client(&broker).await;
    client.subscribe("sensors/#", 1).await;
    let long = || "x".repeat(70_000);
    let publications = [
        Publication::new("1").content_type(long()),
        Publication::new("2").content_type("a\0b"),
        Publication::new("3").header("correlation-id", long()),
        Publication::new("4").header("place", long()),
        Publication::new("5").header(long(), "roof"),
    ];
    for (index, publication) in publications.into_iter().enumerate() {
        let receipt = broker.publish("sensors.roof", publication.header("size", "3"));
        receipt.await.expect("it is published");
        let message = client.message().await;
        assert_eq!(message.text(), (index + 1).to_string());
        assert_eq!(message.pairs(), [("size", "3")]);
    }
}

/// A task that always has a next message would otherwise keep the others of its thread from running.
#[tokio::test]
async fn a_task_that_reads_waiting_messages_lets_others_run() {
    const WAITING: usize = 500;
    let broker = carillon::test::start();
    let mut subscription = broker.subscribe("sensors.>").expect("a subscription");
    for _ in 0..WAITING {
        let publication = broker.publish("sensors.roof", "21.5");
        publication.await.expect("it is published");
    }
    let read_at_once = (0..WAITING)
        .map_while(|_| subscription.next().now_or_never())
        .count();
    assert!((1..WAITING).contains(&read_at_once), "{read_at_once}");
    for _ in read_at_once..WAITING {
        let message = within("the message", subscription.next()).await;
        message.expect("a message");
    }
}

#[tokio::test]
async fn a_message_of_a_client_of_mqtt_reaches_the_program() {
    let broker = carillon::test::start();
    let mut subscription = broker.subscribe("sensors.>").expect("a subscription");
    let mut client = mqtt_client(&broker).await;
    let before = SystemTime::now() - Duration::from_secs(1);
    client.publish("sensors/roof", "21.5", 1).await;
    let message = within("the message", subscription.next()).await;
    let message = message.expect("a message");
    assert_eq!(message.destination(), "sensors.roof");
    assert_eq!(message.body(), b"21.5");
    assert_eq!(message.text(), Some("21.5"));
    assert_eq!((message.sequence(), message.is_retained()), (1, false));
    assert_eq!(message.missed(), None);
    assert!(message.timestamp() >= before, "{message:?}");
    assert!(message.id().ends_with(&format!("-{}", message.position())));
}

#[tokio::test]
async fn the_program_works_on_a_queue_that_clients_of_stomp_fill() {
    let broker = carillon::test::start();
    let mut consumer = broker.consume("orders").expect("a consumer");
    let client = StompClient::over_tcp(broker.stomp_address()).await;
    let mut client = client.connected().await;
    let order = Frame::message_to("/queue/orders", "7").with("customer", "Anna");
    client.request(order).await;
    let delivery = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!(delivery.count(), 1);
    assert_eq!(delivery.text(), Some("7"));
    assert_eq!(delivery.message().header("customer"), Some("Anna"));
    delivery.acknowledge().await.expect("it waits for this");
    // Another consumer gets nothing of the first message.
    drop(consumer);
    broker.send("orders", "8").await.expect("it is accepted");
    let mut consumer = broker.consume("orders").expect("a consumer");
    let delivery = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!((delivery.text(), delivery.count()), (Some("8"), 1));
}

#[tokio::test]
async fn a_delivery_without_a_decision_returns_to_its_queue() {
    let broker = carillon::test::start();
    broker.send("orders", "7").await.expect("it is accepted");
    let mut consumer = broker.consume("orders").expect("a consumer");
    let first = within("the order", consumer.next())
        .await
        .expect("an order");
    drop(first);
    let second = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!((second.text(), second.count()), (Some("7"), 2));
    // The end of the consumer returns it as well.
    drop(consumer);
    let error = second.acknowledge().await.expect_err("it has returned");
    assert!(matches!(error, carillon::Error::NotInFlight), "{error:?}");
    let mut consumer = broker.consume("orders").expect("a consumer");
    let third = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!(third.text(), Some("7"));
}

#[tokio::test]
async fn a_rejected_message_becomes_a_dead_letter() {
    let broker = carillon::test::start();
    let mut letters = broker.consume("ActiveMQ.DLQ").expect("a consumer");
    let mut consumer = broker.consume("orders").expect("a consumer");
    broker.send("orders", "7").await.expect("it is accepted");
    let delivery = within("the order", consumer.next())
        .await
        .expect("an order");
    delivery.reject().await.expect("it waits for this");
    let letter = within("the dead letter", letters.next()).await;
    assert_eq!(letter.expect("a dead letter").text(), Some("7"));
}

#[tokio::test]
async fn a_subscription_starts_where_it_is_wanted() {
    let broker = carillon::test::start();
    let kept = Publication::new("1").retained();
    let first = broker.publish("t", kept).await.expect("it is published");
    for body in ["2", "3"] {
        broker.publish("t", body).await.expect("it is published");
    }
    let table = [
        (Start::New, vec!["4"]),
        (Start::Retained, vec!["1", "4"]),
        (Start::Last, vec!["3", "4"]),
        (Start::History, vec!["1", "2", "3", "4"]),
        (Start::After(first.id), vec!["2", "3", "4"]),
    ];
    let subscriptions = table.map(|(start, expected)| {
        let subscription = broker.subscribe_from("t", start.clone());
        (start, subscription.expect("a subscription"), expected)
    });
    broker.publish("t", "4").await.expect("it is published");
    for (start, mut subscription, expected) in subscriptions {
        let mut bodies = Vec::new();
        while bodies.len() < expected.len() {
            let message = within("a message", subscription.next()).await;
            let message = message.expect("a message");
            assert_eq!(
                message.is_retained(),
                start == Start::Retained && bodies.is_empty()
            );
            bodies.push(message.text().expect("text").to_owned());
        }
        assert_eq!(bodies, expected, "{start:?}");
    }
}

#[tokio::test]
async fn a_subscription_that_is_not_read_learns_what_it_missed() {
    let broker = Server::builder()
        .arguments(["--lag", "10", "--history", "10"])
        .start()
        .await
        .expect("a server");
    let mut subscription = broker.subscribe("t").expect("a subscription");
    for number in 0..100 {
        let body = number.to_string();
        broker.publish("t", body).await.expect("it is published");
    }
    let message = within("a message", subscription.next()).await;
    let message = message.expect("a message");
    let Some(Missed::Messages(missed)) = message.missed() else {
        panic!("{message:?}");
    };
    assert_eq!(message.text(), Some(missed.to_string().as_str()));
    assert!(missed >= 90 - 1, "{missed}");
}

#[tokio::test]
async fn a_message_waits_for_the_time_in_its_header() {
    let broker = carillon::test::start();
    let mut consumer = broker.consume("orders").expect("a consumer");
    let later = Publication::new("later").header("AMQ_SCHEDULED_DELAY", "50");
    broker.send("orders", later).await.expect("it is accepted");
    broker.send("orders", "now").await.expect("it is accepted");
    for expected in ["now", "later"] {
        let delivery = within("the order", consumer.next())
            .await
            .expect("an order");
        assert_eq!(delivery.text(), Some(expected));
        delivery.acknowledge().await.expect("it waits for this");
    }
}
