//! Names with the maximum numbers of levels and bytes, over each protocol.

use harness::http::{get, post};
use harness::mqtt::{MqttClient, Version};
use harness::stomp::{Frame, StompClient};
use harness::{Carillon, queue};
use http::StatusCode;

const MOST_LEVELS: usize = 200;
const MOST_BYTES: usize = 4_096;

/// Returns names in the syntax of MQTT: with the most levels, with the most bytes, and with both.
fn names() -> [String; 3] {
    let levels = vec!["l"; MOST_LEVELS].join("/");
    let bytes = "b".repeat(MOST_BYTES);
    let both = format!("{levels}{}", "x".repeat(MOST_BYTES - levels.len()));
    [levels, bytes, both]
}

#[tokio::test]
async fn a_topic_may_have_200_levels_and_4_kib() {
    let server = Carillon::with_mqtt(&[]).await;
    for (round, name) in names().into_iter().enumerate() {
        let dotted = name.replace('/', ".");
        let plus = vec!["+"; name.split('/').count()].join("/");
        let filters = [
            name.clone(),
            plus.clone(),
            format!("{plus}/#"),
            "#".to_owned(),
        ];
        let mut of_mqtt = Vec::new();
        for version in Version::ALL {
            for filter in &filters {
                // A filter may have one level more or one level less than a name.
                if filter.split('/').count() > MOST_LEVELS {
                    continue;
                }
                let client = MqttClient::subscriber(&server, version, filter, 1).await;
                of_mqtt.push((filter, client));
            }
        }
        let mut of_stomp = Vec::new();
        for filter in [&*dotted, &*name, ">"] {
            let mut client = StompClient::connect(&server).await;
            client.subscribe("0", filter, &[]).await;
            of_stomp.push(client);
        }
        let mut publisher = MqttClient::anyone(&server, Version::V5).await;
        publisher.publish(&name, "by MQTT", 1).await;
        let by_stomp = Frame::publication(&dotted, "by STOMP");
        let mut sender = StompClient::connect(&server).await;
        sender.request(by_stomp).await;
        let url = server.url(&format!("/api/topics/{dotted}"));
        let answer = post(url.clone(), "text/plain", "by HTTP").await;
        assert_eq!(answer.status, StatusCode::OK, "{round}: {}", answer.text());

        let bodies = ["by MQTT", "by STOMP", "by HTTP"];
        for (filter, client) in &mut of_mqtt {
            for body in bodies {
                let message = client.message().await;
                assert_eq!(
                    (&*message.topic, &*message.text()),
                    (&*name, body),
                    "{filter}"
                );
            }
        }
        for client in &mut of_stomp {
            assert_eq!(client.bodies(3).await, bodies);
        }
        assert_eq!(get(url).await.json()["sequence"], 3);
    }
}

#[tokio::test]
async fn a_queue_may_have_200_levels_and_4_kib() {
    let server = Carillon::with_mqtt(&[]).await;
    for name in names() {
        let dotted = name.replace('/', ".");
        let destination = format!("/queue/{dotted}");
        let mut sender = StompClient::connect(&server).await;
        sender.send_all(&destination, &["1"]).await;
        let mut publisher = MqttClient::anyone(&server, Version::V5).await;
        publisher.publish(&format!("$queue/{name}"), "2", 1).await;
        assert_eq!(queue::depth(&server, &dotted).await, (2, 0));
        let mut consumer = StompClient::consumer(&server, &destination, &[]).await;
        let arrived = [consumer.message().await, consumer.message().await];
        assert_eq!(arrived.each_ref().map(Frame::text), ["1", "2"]);
        assert_eq!(arrived[0].header("destination"), destination);
    }
}

#[tokio::test]
async fn a_deeper_or_longer_name_is_refused_with_the_bound() {
    let server = Carillon::start().await;
    let too_deep = vec!["l"; MOST_LEVELS + 1].join(".");
    let too_long = "b".repeat(MOST_BYTES + 1);
    for (name, bound) in [
        (too_deep, "more than 200 levels"),
        (too_long, "longer than 4096 bytes"),
    ] {
        let answer = post(
            server.url(&format!("/api/topics/{name}")),
            "text/plain",
            "x",
        )
        .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains(bound), "{}", answer.text());
        let mut client = StompClient::connect(&server).await;
        client.send(&Frame::publication(&name, "x")).await;
        let error = client.refusal().await;
        assert!(error.told().contains(bound), "{error:?}");
    }
}
