//! MQTT sessions whose messages do not fit into `--memory`.

use std::ops::Range;

use harness::data::DataDirectory;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::{Carillon, queue};

/// The value of `--memory`, in bytes.
const MEMORY: usize = 8 << 20;
/// Messages that wait for the session: more than twice the memory.
const MESSAGES: usize = 2_000;
const BODY: usize = 10_000;
/// Publications in flight.
const BATCH: usize = 100;

async fn start(directory: &DataDirectory) -> Carillon {
    let memory = MEMORY.to_string();
    directory.server_with(&["--memory", &memory]).await
}

/// Publishes messages that begin with their numbers.
async fn fill(server: &Carillon, topic: &str) {
    let mut producer = MqttClient::anyone(server, Version::V5).await;
    for first in (0..MESSAGES).step_by(BATCH) {
        let mut ids = Vec::new();
        for number in first..first + BATCH {
            let publish = Packet::publication(topic, format!("{number:<BODY$}"), 1);
            let id = producer.fresh_id();
            producer.send(&publish.numbered(id)).await;
            ids.push(id);
        }
        for id in ids {
            let puback = producer.answer(Kind::Puback, id).await;
            assert!(puback.reason() < 0x80, "{puback:?}");
        }
    }
    producer.leave().await;
}

async fn connect(server: &Carillon) -> (MqttClient, Packet) {
    MqttClient::connect_with(server, &Connect::lasting(Version::V5, "worker")).await
}

/// Receives and acknowledges messages up to the one with the number `last`, in order. Returns their numbers.
async fn receive_up_to(client: &mut MqttClient, last: usize) -> Range<usize> {
    let mut range = None;
    loop {
        let text = client.message().await.text();
        let number: usize = text.trim_end().parse().expect("a number");
        let range = range.get_or_insert(number..number);
        assert_eq!(number, range.end, "in order");
        range.end += 1;
        if number == last {
            return range.clone();
        }
    }
}

#[tokio::test]
async fn a_queue_larger_than_memory_is_delivered_to_a_session_across_a_kill() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    let (mut client, _) = connect(&server).await;
    client.subscribe("$queue/jobs", 1).await;
    client.leave().await;
    fill(&server, "$queue/jobs").await;
    let paged = queue::figure(&server, "jobs", "paged").await;
    assert!(paged > MESSAGES as u64 / 2, "{paged}");

    let (mut client, connack) = connect(&server).await;
    assert!(connack.session_present);
    let half = MESSAGES / 2;
    assert_eq!(receive_up_to(&mut client, half).await, 0..half + 1);

    server.kill().await;
    let server = start(&directory).await;
    let (mut client, connack) = connect(&server).await;
    assert!(connack.session_present);
    // Acknowledgements of the last moments may be lost: their messages come again.
    let rest = receive_up_to(&mut client, MESSAGES - 1).await;
    assert!(rest.start <= half + 1, "{rest:?}");
    queue::until(&server, "jobs", "unacknowledged", 0).await;
    assert_eq!(queue::depth(&server, "jobs").await, (0, 0));
}

#[tokio::test]
async fn a_shared_subscription_larger_than_memory_waits_for_its_session_across_a_kill() {
    let directory = DataDirectory::fresh();
    let server = start(&directory).await;
    let (mut client, _) = connect(&server).await;
    client.subscribe("$share/workers/jobs/#", 1).await;
    client.leave().await;
    fill(&server, "jobs/a").await;

    server.kill().await;
    let server = start(&directory).await;
    let (mut client, connack) = connect(&server).await;
    assert!(connack.session_present);
    let all = receive_up_to(&mut client, MESSAGES - 1).await;
    assert_eq!(all, 0..MESSAGES);
}
