//! MQTT: the broker's figures as topics.

use harness::Carillon;
use harness::deadline::within;
use harness::mqtt::{MqttClient, Version};
use serde_json::Value;

#[tokio::test]
async fn the_usual_sys_topics_exist() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::anyone(&server, Version::V3_1_1).await;
    for topic in ["version", "uptime", "clients/connected"] {
        let topic = format!("$SYS/broker/{topic}");
        client.subscribe(&topic, 0).await;
        let message = client.message().await;
        assert_eq!(message.topic, topic);
        assert!(!message.body.is_empty(), "{message:?}");
        client.unsubscribe(&topic).await;
    }
}

#[tokio::test]
async fn connected_clients_are_counted() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut watcher = MqttClient::anyone(&server, Version::V5).await;
    watcher.subscribe("$SYS/broker/clients/connected", 0).await;
    let mut others = Vec::new();
    for expected in ["1", "2", "3"] {
        let told = async { while watcher.message().await.text() != expected {} };
        within(expected, told).await;
        others.push(MqttClient::anyone(&server, Version::V5).await);
    }
}

#[tokio::test]
async fn the_figures_of_the_pages_are_published_over_mqtt() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::subscriber(&server, Version::V5, "$SYS/#", 0).await;
    let figures = async {
        loop {
            let message = client.message().await;
            assert!(message.topic.starts_with("$SYS/"), "{message:?}");
            if message.topic == "$SYS/figures" {
                break message.text();
            }
        }
    };
    let figures: Value = serde_json::from_str(&within("figures", figures).await).expect("JSON");
    assert!(figures.is_object(), "{figures}");
}
