//! A consumer with a half-dead connection: it neither sends nor reads, and its socket stays open. Another consumer gets
//! its messages. The system answers TCP's probes for the open socket, so only missing heart-beats can be the cause;
//! `wire` tests their times with its own clock.

use std::time::Duration;

use harness::Carillon;
use harness::mqtt::{Connect, MqttClient, Version};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use harness::topic::{lags_more_than, stopped_at};

const HEART_BEAT: Duration = Duration::from_millis(500);

/// Returns a consumer of the queue `work` that agrees to send heart-beats, and has received the first message.
async fn consumer(server: &Carillon) -> StompClient {
    let mut client = StompClient::over_tcp(server.address()).await;
    let beat = HEART_BEAT.as_millis().to_string();
    client
        .send(&Frame::connect().with("heart-beat", &format!("{beat},0")))
        .await;
    assert_eq!(client.frame().await.command, "CONNECTED");
    client.subscribe_to("0", "/queue/work", &[INDIVIDUAL]).await;
    client
        .request(Frame::message_to("/queue/work", "first"))
        .await;
    assert_eq!(client.message().await.text(), "first");
    client
}

async fn is_given_to_another(server: &Carillon) {
    let mut other = StompClient::consumer(server, "/queue/work", &[INDIVIDUAL]).await;
    assert_eq!(other.message().await.text(), "first");
}

async fn server(options: &[&str]) -> Carillon {
    let beat = HEART_BEAT.as_millis().to_string();
    Carillon::with(&[&["--heart-beat", &beat], options].concat()).await
}

#[tokio::test]
async fn messages_of_an_idle_dead_consumer_are_redelivered() {
    let server = server(&[]).await;
    let silent = consumer(&server).await;
    is_given_to_another(&server).await;
    drop(silent);
}

#[tokio::test]
async fn messages_of_a_consumer_with_a_full_socket_are_redelivered() {
    let server = server(&["--lag-bytes", "100000000"]).await;
    let mut silent = consumer(&server).await;
    silent.subscribe("1", "flood", &[]).await;
    let mut publisher = StompClient::connect(&server).await;
    let bodies = vec!["x".repeat(500_000); 30];
    publisher.send_all("/topic/flood", &bodies).await;
    is_given_to_another(&server).await;
    drop(silent);
}

#[tokio::test]
async fn messages_of_a_consumer_with_unread_replies_are_redelivered() {
    let server = server(&[]).await;
    let mut silent = consumer(&server).await;
    // The server stops reading when too many replies are unread.
    let frame = Frame::publication("a", "x").with("receipt", &"r".repeat(4_000));
    let batch = frame.encode().repeat(16);
    let sending = async {
        loop {
            silent.send_bytes(batch.clone()).await;
        }
    };
    tokio::select! {
        () = sending => {}
        _ = stopped_at(&server, "a") => {}
    }
    is_given_to_another(&server).await;
    drop(silent);
}

#[tokio::test]
async fn messages_of_a_consumer_that_a_subscriber_blocks_are_redelivered() {
    let server = server(&["--overflow", "block", "--lag", "1"]).await;
    let mut stuck = StompClient::connect(&server).await;
    stuck.subscribe("0", "a", &[]).await;
    let mut silent = consumer(&server).await;
    let body = "x".repeat(500_000);
    let publishing = async {
        loop {
            silent.request(Frame::publication("a", body.clone())).await;
        }
    };
    // The server sends no receipt while it waits for the subscriber.
    tokio::select! {
        () = publishing => {}
        () = lags_more_than(&server, "a", 1) => {}
    }
    is_given_to_another(&server).await;
    drop((silent, stuck));
}

#[tokio::test]
async fn messages_of_a_dead_mqtt_consumer_are_redelivered() {
    let server = server(&[]).await;
    let connect = Connect {
        keep_alive_s: 1,
        ..Connect::anyone(Version::V5)
    };
    let client = MqttClient::over_tcp(server.address(), Version::V5).await;
    let (mut silent, _) = client.connected_with(&connect).await;
    silent.subscribe("$share/g/work", 1).await;
    let mut publisher = MqttClient::over_tcp(server.address(), Version::V5).await;
    publisher = publisher
        .connected_with(&Connect::anyone(Version::V5))
        .await
        .0;
    publisher.publish("work", "first", 1).await;
    assert_eq!(silent.delivery().await.text(), "first");
    publisher.subscribe("$share/g/work", 1).await;
    assert_eq!(publisher.message().await.text(), "first");
    drop(silent);
}
