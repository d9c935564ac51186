//! A disk that becomes full under load: a small file system of the test's own.

use std::path::Path;

use harness::carillon;
use harness::data::DataDirectory;
use harness::http::post;
use harness::mqtt::{MqttClient, Version};
use harness::persistent::{Load, Stopped, read_all};
use harness::queue;
use harness::skipped;
use harness::small_disk::SmallDisk;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};
use http::StatusCode;

/// Returns a disk, or says that the test is skipped.
fn disk(mebibytes: usize) -> Option<SmallDisk> {
    match SmallDisk::mount(mebibytes) {
        Ok(disk) => Some(disk),
        Err(error) => {
            skipped(&format!("a full disk: tmpfs cannot be mounted: {error}"));
            None
        }
    }
}

const fn load(queue: &str) -> Load<'_> {
    Load {
        queue,
        in_flight: 16,
        body_bytes: 60_000,
        acknowledged: &|| {},
    }
}

async fn is_sound(directory: &Path) {
    let check = ["store", "check", directory.to_str().expect("UTF-8")];
    let checked = carillon::run(&check).await;
    let text = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{text}");
}

/// Consumes a queue until the connection ends. Returns the numbers of the messages that it got.
async fn consume(mut client: StompClient) -> Vec<usize> {
    let mut consumed = Vec::new();
    while let Some(frame) = client.next().await {
        if frame.command != "MESSAGE" {
            continue;
        }
        consumed.push(frame.text().parse().expect("a number"));
        let ack = client.settlement("ACK", &frame);
        if client.try_send_bytes(ack.encode()).await.is_err() {
            break;
        }
    }
    consumed
}

#[tokio::test]
async fn a_server_on_a_full_disk_loses_nothing_acknowledged_and_starts_again_when_there_is_room() {
    // Room for one segment of 64 MiB.
    let Some(disk) = disk(220) else { return };
    disk.occupy(120);
    let directory = DataDirectory::on(disk.path());
    let server = directory.server().await;
    disk.fill();
    let stomp = StompClient::connect(&server).await;
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let consumer = StompClient::consumer(&server, "/queue/consumed", &[INDIVIDUAL]).await;
    let beside = StompClient::connect(&server).await;
    let (stomp, mqtt, http, beside, consumed) = tokio::join!(
        load("stomp").stomp(stomp),
        load("mqtt").mqtt(mqtt),
        load("http").http(&server),
        load("consumed").stomp(beside),
        consume(consumer)
    );
    for acknowledged in [&stomp.acknowledged, &mqtt.acknowledged, &http.acknowledged] {
        assert!(!acknowledged.is_empty());
    }
    server.logged("No space left on device").await;
    assert_eq!(server.ended().await.code(), Some(74));

    let refused = carillon::run(
        &[
            &["serve", "--listen", "127.0.0.1:0"],
            &directory.options()[..],
        ]
        .concat(),
    )
    .await;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && text.contains("No space left on device"),
        "{text}"
    );
    disk.clear();
    is_sound(directory.path()).await;
    let server = directory.server().await;
    stomp.is_kept_by(&read_all(&server, "stomp").await);
    mqtt.is_kept_by(&read_all(&server, "mqtt").await);
    http.is_kept_by(&read_all(&server, "http").await);
    is_continued(&beside, &consumed, &read_all(&server, "consumed").await);
}

/// Asserts that a queue has what its consumer had not got before a crash, and perhaps messages whose acknowledgement was not
/// recorded.
fn is_continued<A>(sent: &Stopped<A>, consumed: &[usize], rest: &[usize]) {
    let first = rest.first().copied().unwrap_or(consumed.len());
    assert!(first <= consumed.len(), "{} were consumed", consumed.len());
    let all: Vec<usize> = (0..first).chain(rest.iter().copied()).collect();
    sent.is_kept_by(&all);
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_loudly_and_works_again_when_the_queues_are_read() {
    // Three segments of 64 MiB, and no room for a fifth above the bytes that must stay free.
    let Some(disk) = disk(330) else { return };
    let required = "104857600";
    let directory = DataDirectory::on(disk.path());
    let server = directory.server_with_free(required).await;
    let stomp = StompClient::connect(&server).await;
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let consumer = StompClient::consumer(&server, "/queue/consumed", &[INDIVIDUAL]).await;
    let beside = MqttClient::anyone(&server, Version::V5).await;
    let consumed = tokio::spawn(consume(consumer));
    let (stomp, mqtt, http, beside) = tokio::join!(
        load("stomp").stomp(stomp),
        load("mqtt").mqtt(mqtt),
        load("http").http(&server),
        load("consumed").mqtt(beside)
    );
    let error = stomp.refusal.as_ref().expect("an ERROR").told();
    assert!(error.contains(required), "{error}");
    assert_eq!(mqtt.refusal.as_ref().expect("a PUBACK").reason(), 0x97);
    let response = http.refusal.as_ref().expect("a response");
    assert_eq!(response.status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(response.text().contains(required), "{}", response.text());
    // Consuming goes on.
    queue::until(&server, "consumed", "waiting", 0).await;
    queue::until(&server, "consumed", "unacknowledged", 0).await;

    server.kill().await;
    let consumed = consumed.await.expect("no panic");
    is_sound(directory.path()).await;
    let server = directory.server_with_free(required).await;
    server.logged("the disk is nearly full").await;
    stomp.is_kept_by(&read_all(&server, "stomp").await);
    mqtt.is_kept_by(&read_all(&server, "mqtt").await);
    http.is_kept_by(&read_all(&server, "http").await);
    is_continued(&beside, &consumed, &read_all(&server, "consumed").await);

    server.logged("the disk has room again").await;
    let mut producer = StompClient::connect(&server).await;
    let send = Frame::message_to("/queue/stomp", "1").with("persistent", "true");
    producer.request(send).await;
    let mut producer = MqttClient::anyone(&server, Version::V5).await;
    producer.publish("$queue/mqtt", "2", 1).await;
    let posted = post(server.url("/api/queues/http"), "text/plain", "3").await;
    assert_eq!(posted.status, StatusCode::OK);
    server.kill().await;
    is_sound(directory.path()).await;
    let server = directory.server_with_free(required).await;
    for (queue, expected) in [("stomp", 1), ("mqtt", 2), ("http", 3)] {
        assert_eq!(read_all(&server, queue).await, [expected], "{queue}");
    }
}
