//! SIGTERM: messages acknowledged to publishers reach the connected readers, and no client delays the end.

use std::cell::Cell;
use std::collections::HashSet;

use harness::Carillon;
use harness::http::get;
use harness::mqtt::property::RECEIVE_MAXIMUM;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::sse::EventStream;
use harness::stomp::{Frame, INDIVIDUAL, StompClient};

/// Messages acknowledged to each publisher before the server gets the signal.
const ACKNOWLEDGED: usize = 500;
const UNDER_WAY: usize = 100;
/// Bounds so large that no reader is skipped.
const ROOM: [&str; 6] = [
    "--lag",
    "1000000",
    "--queue-length",
    "1000000",
    "--history",
    "1",
];

/// A grace period so long that the server does not end unless its connections end by themselves.
const LONG_GRACE: [&str; 2] = ["--grace", "3600"];

type Bodies = HashSet<String>;

/// Publishes until the connection ends. Returns the acknowledged bodies. `enough` is called once.
async fn publish_mqtt(mut client: MqttClient, name: &str, enough: impl AsyncFn()) -> Bodies {
    let body = |id: u16| format!("{name}-{id}");
    let mut acknowledged = Bodies::new();
    let mut sent = 0;
    loop {
        while usize::from(sent) < acknowledged.len() + UNDER_WAY && sent < u16::MAX {
            sent += 1;
            let publish = Packet::publication("load", body(sent), 1).numbered(sent);
            if client
                .try_send_bytes(publish.encode(client.version))
                .await
                .is_err()
            {
                return acknowledged;
            }
        }
        match client.next().await {
            Some(packet) if packet.kind == Kind::Puback => {
                acknowledged.insert(body(packet.id));
                if acknowledged.len() == ACKNOWLEDGED {
                    enough().await;
                }
            }
            _ => return acknowledged,
        }
    }
}

/// Does the same with STOMP and receipts.
async fn publish_stomp(mut client: StompClient, name: &str, enough: impl AsyncFn()) -> Bodies {
    let mut acknowledged = Bodies::new();
    let mut sent = 0;
    loop {
        while sent < acknowledged.len() + UNDER_WAY {
            sent += 1;
            let body = format!("{name}-{sent}");
            let send = Frame::publication("load", body.clone()).with("receipt", &body);
            if client.try_send_bytes(send.encode()).await.is_err() {
                return acknowledged;
            }
        }
        match client.next().await {
            Some(frame) if frame.command == "RECEIPT" => {
                acknowledged.insert(frame.header("receipt-id").to_owned());
                if acknowledged.len() == ACKNOWLEDGED {
                    enough().await;
                }
            }
            _ => return acknowledged,
        }
    }
}

/// Acknowledges each message.
async fn read_mqtt(mut client: MqttClient) -> Bodies {
    let mut bodies = Bodies::new();
    while let Some(packet) = client.next().await {
        if packet.kind == Kind::Publish {
            bodies.insert(packet.text());
            let puback = Packet::acknowledgement(Kind::Puback, packet.id);
            if client
                .try_send_bytes(puback.encode(client.version))
                .await
                .is_err()
            {
                break;
            }
        }
    }
    bodies
}

async fn read_stomp(mut client: StompClient) -> Bodies {
    let mut bodies = Bodies::new();
    while let Some(frame) = client.next().await {
        if frame.command == "MESSAGE" {
            bodies.insert(frame.text());
            if frame.find("ack").is_some() {
                let ack = client.settlement("ACK", &frame);
                if client.try_send_bytes(ack.encode()).await.is_err() {
                    break;
                }
            }
        }
    }
    bodies
}

#[tokio::test]
async fn acknowledged_messages_reach_every_reader_before_the_end() {
    let server = Carillon::with_mqtt(&ROOM).await;
    let narrow = Connect::anyone(Version::V5).with(RECEIVE_MAXIMUM, 20);
    let (mut acknowledging, _) = MqttClient::connect_with(&server, &narrow).await;
    acknowledging.subscribe("load", 1).await;
    let mut plain = StompClient::connect(&server).await;
    plain.subscribe("0", "load", &[]).await;
    let mut individual = StompClient::connect(&server).await;
    let headers = [INDIVIDUAL, ("prefetch-count", "10")];
    individual.subscribe("0", "load", &headers).await;
    let mut events = EventStream::open(server.url("/api/topics/load/events")).await;

    let publishers = Cell::new(0);
    let enough = async || {
        publishers.set(publishers.get() + 1);
        if publishers.get() == 2 {
            server.terminate().await;
        }
    };
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let stomp = StompClient::connect(&server).await;
    let read_events = async {
        let mut bodies = Bodies::new();
        while let Some(event) = events.next().await {
            bodies.insert(event.body());
        }
        bodies
    };
    let (by_mqtt, by_stomp, mqtt, plain, individual, events) = tokio::join!(
        publish_mqtt(mqtt, "m", &enough),
        publish_stomp(stomp, "s", &enough),
        read_mqtt(acknowledging),
        read_stomp(plain),
        read_stomp(individual),
        read_events,
    );
    for (reader, got) in [
        ("MQTT, QoS 1", mqtt),
        ("STOMP", plain),
        ("STOMP, client-individual", individual),
        ("events", events),
    ] {
        let lost = by_mqtt
            .iter()
            .chain(&by_stomp)
            .filter(|body| !got.contains(*body));
        assert_eq!(
            lost.count(),
            0,
            "{reader}, of {}",
            by_mqtt.len() + by_stomp.len()
        );
    }
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn the_server_does_not_wait_for_a_client_that_does_not_close() {
    let server = Carillon::with_mqtt(&LONG_GRACE).await;
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let stomp = StompClient::connect(&server).await;
    assert!(server.stop().await.success());
    drop((mqtt, stomp));
}

#[tokio::test]
async fn the_server_does_not_wait_for_a_reader_that_does_not_read() {
    let options = [LONG_GRACE, ["--lag-bytes", "100000000"]].concat();
    let server = Carillon::with_mqtt(&options).await;
    let stuck = MqttClient::subscriber(&server, Version::V5, "load", 1).await;
    let unacknowledged = {
        let narrow = Connect::anyone(Version::V5).with(RECEIVE_MAXIMUM, 1);
        let (mut client, _) = MqttClient::connect_with(&server, &narrow).await;
        client.subscribe("load", 1).await;
        client
    };
    let mut publisher = MqttClient::anyone(&server, Version::V5).await;
    let body = "x".repeat(500_000);
    for _ in 0..40 {
        publisher.publish("load", &body, 1).await;
    }
    assert_eq!(get(server.url("/healthz")).await.status, 200);
    assert!(server.stop().await.success());
    drop((stuck, unacknowledged));
}
