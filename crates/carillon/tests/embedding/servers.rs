//! The life of servers: several at once, their ends, their data.

use carillon::{Error, Server};
use harness::{
    data::DataDirectory,
    deadline::within,
    http,
    mqtt::{Connect, MqttClient, Version},
};
use tokio::net::TcpListener;

#[tokio::test]
async fn servers_in_one_process_share_nothing() {
    let brokers = [(); 3].map(|()| carillon::test::start());
    let mut subscriptions =
        [0, 1, 2].map(|index| brokers[index].subscribe(">").expect("a subscription"));
    for (index, broker) in brokers.iter().enumerate() {
        let url = format!("{}/api/topics/t", broker.http_url());
        let answer = http::post(url, "text/plain", index.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    for (index, subscription) in subscriptions.iter_mut().enumerate() {
        let message = within("a message", subscription.next()).await;
        let message = message.expect("a message");
        assert_eq!(message.text(), Some(index.to_string().as_str()));
        assert_eq!(message.sequence(), 1);
    }
}

#[test]
fn a_server_needs_no_runtime_of_the_program() {
    let broker = carillon::test::start();
    let mut subscription = broker.subscribe("t").expect("a subscription");
    // Without timers and without I/O.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        broker.publish("t", "there").await.expect("it is published");
        let message = subscription.next().await.expect("a message");
        assert_eq!(message.text(), Some("there"));
        broker.stop().await.expect("a clean stop");
    });
}

#[tokio::test]
async fn a_dropped_server_frees_its_ports_and_ends_its_connections() {
    let broker = carillon::test::start();
    let addresses = [
        broker.mqtt_address(),
        broker.stomp_address(),
        broker.http_address().expect("a listener"),
    ];
    let client = MqttClient::over_tcp(addresses[0], Version::V3_1_1).await;
    let (mut client, _) = client
        .connected_with(&Connect::anyone(Version::V3_1_1))
        .await;
    drop(broker);
    for address in addresses {
        TcpListener::bind(address).await.expect("a free port");
    }
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_stop_ends_clients_and_subscriptions_with_a_reason() {
    let broker = carillon::test::start();
    let mut subscription = broker.subscribe("t").expect("a subscription");
    let mut consumer = broker.consume("q").expect("a consumer");
    let client = MqttClient::over_tcp(broker.mqtt_address(), Version::V5).await;
    let (client, _) = client.connected_with(&Connect::anyone(Version::V5)).await;
    let (stopped, (), ()) = tokio::join!(
        broker.stop(),
        // Server shutting down.
        client.is_sent_away(0x8b),
        async { assert!(subscription.next().await.is_none()) },
    );
    stopped.expect("a clean stop");
    assert!(consumer.next().await.is_none());
    assert!(matches!(broker.publish("t", "").await, Err(Error::Stopped)));
    assert!(matches!(broker.subscribe("t"), Err(Error::Stopped)));
    assert!(matches!(broker.consume("q"), Err(Error::Stopped)));
    broker.stop().await.expect("it has stopped already");
}

#[tokio::test]
async fn messages_in_a_data_directory_survive_a_stop_and_a_drop() {
    let directory = DataDirectory::fresh();
    let start = || Server::builder().data(directory.path()).start();
    let broker = start().await.expect("a server");
    broker.send("orders", "7").await.expect("it is accepted");
    let second = start().await.expect_err("the directory is in use");
    assert!(matches!(second, Error::NotStarted(_)), "{second:?}");
    broker.stop().await.expect("a clean stop");

    let broker = start().await.expect("a server");
    let mut consumer = broker.consume("orders").expect("a consumer");
    let delivery = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!(delivery.text(), Some("7"));
    // The delivery was not acknowledged, so the message stays.
    drop(broker);
    drop(delivery);

    let broker = start().await.expect("a server");
    let mut consumer = broker.consume("orders").expect("a consumer");
    let delivery = within("the order", consumer.next())
        .await
        .expect("an order");
    assert_eq!(delivery.text(), Some("7"));
    delivery.acknowledge().await.expect("it waits for this");
    broker.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn users_of_a_file_may_do_what_the_file_allows() {
    let folder = DataDirectory::fresh();
    std::fs::create_dir(folder.path()).expect("a directory");
    let file = folder.path().join("users.toml");
    std::fs::write(&file, "").expect("a file");
    let broker = Server::builder()
        .http(([127, 0, 0, 1], 0))
        .users(&file)
        .start()
        .await
        .expect("a server");
    let address = broker.http_address().expect("a listener");
    let answer = http::get(format!("http://{address}/api/topics")).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    // The program itself needs no user.
    broker.publish("t", "").await.expect("it is published");
}
