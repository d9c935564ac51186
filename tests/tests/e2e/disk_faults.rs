//! Faults of the disk, injected into the real binary's system calls with strace: a kill at a write or at a sync, and errors.
//! Checked after each restart: everything that clients had acknowledgements for is there.

use harness::Carillon;
use harness::data::DataDirectory;
use harness::mqtt::{Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, StompClient};

/// Messages on the way at the same time.
const IN_FLIGHT: usize = 8;

/// Sends persistent messages to a queue until the connection ends. Returns the numbers of the acknowledged ones.
async fn send_stomp(mut client: StompClient) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    let mut sent = 0;
    loop {
        while sent < acknowledged.len() + IN_FLIGHT {
            let send = Frame::message_to("/queue/stomp", sent.to_string())
                .with("persistent", "true")
                .with("receipt", &sent.to_string());
            if client.try_send_bytes(send.encode()).await.is_err() {
                return acknowledged;
            }
            sent += 1;
        }
        match client.next().await {
            Some(frame) if frame.command == "RECEIPT" => {
                let number = frame.header("receipt-id").parse();
                acknowledged.push(number.expect("a number"));
            }
            _ => return acknowledged,
        }
    }
}

/// The same with QoS 1.
async fn send_mqtt(mut client: MqttClient) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    let mut sent = 0;
    loop {
        while sent < acknowledged.len() + IN_FLIGHT {
            let id = u16::try_from(sent + 1).expect("few messages");
            let publish = Packet::publication("$queue/mqtt", sent.to_string(), 1).numbered(id);
            let bytes = publish.encode(client.version);
            if client.try_send_bytes(bytes).await.is_err() {
                return acknowledged;
            }
            sent += 1;
        }
        match client.next().await {
            // Another one is a refusal.
            Some(packet)
                if packet.kind == Kind::Puback && packet.reasons.iter().all(|one| *one < 0x80) =>
            {
                acknowledged.push(usize::from(packet.id) - 1);
            }
            _ => return acknowledged,
        }
    }
}

/// Publishes until the fault ends the server, and checks what the next one has. Returns the status of the first one, and the
/// number of acknowledged messages.
async fn survive(fault: &str) -> (std::process::ExitStatus, usize) {
    let directory = DataDirectory::fresh();
    let server = directory.server_with_fault(fault).await;
    // Both, before a message brings the fault nearer.
    let stomp = StompClient::connect(&server).await;
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let (stomp, mqtt) = tokio::join!(send_stomp(stomp), send_mqtt(mqtt));
    let status = server.ended().await;
    let server = directory.server().await;
    for (queue, acknowledged) in [("stomp", &stomp), ("mqtt", &mqtt)] {
        let found = waiting(&server, queue).await;
        let in_order: Vec<_> = (0..found.len()).collect();
        assert_eq!(
            found, in_order,
            "{fault}: {queue}: nothing is lost or invented"
        );
        let last = acknowledged.last().map_or(0, |last| last + 1);
        assert!(
            found.len() >= last,
            "{fault}: {queue}: {last} acknowledged, {} found",
            found.len()
        );
        assert!(found.len() <= acknowledged.len() + IN_FLIGHT);
    }
    (status, stomp.len() + mqtt.len())
}

/// Returns the numbers of the messages in a queue.
async fn waiting(server: &Carillon, queue: &str) -> Vec<usize> {
    let count = match harness::queue::figures(server, queue).await["waiting"].as_u64() {
        Some(count) => count as usize,
        None => return Vec::new(),
    };
    let destination = format!("/queue/{queue}");
    let mut consumer = StompClient::consumer(server, &destination, &[]).await;
    let bodies = consumer.bodies(count).await;
    bodies
        .iter()
        .map(|body| body.parse().expect("a number"))
        .collect()
}

#[tokio::test]
async fn acknowledged_messages_survive_a_kill_at_any_write() {
    let mut acknowledged = 0;
    for number in [12, 13, 20, 33] {
        let fault = format!("pwrite64:signal=SIGKILL:when={number}");
        let (status, count) = survive(&fault).await;
        assert!(!status.success());
        acknowledged += count;
    }
    assert!(
        acknowledged > 0,
        "no message was acknowledged before a kill"
    );
}

#[tokio::test]
async fn acknowledged_messages_survive_a_kill_at_any_sync() {
    for number in [12, 19, 27] {
        let fault = format!("fdatasync:signal=SIGKILL:when={number}");
        let (status, _) = survive(&fault).await;
        assert!(!status.success());
    }
}

#[tokio::test]
async fn a_server_whose_disk_fails_acknowledges_nothing_more_and_ends_with_its_own_status() {
    for fault in ["fdatasync:error=EIO:when=14", "pwrite64:error=EIO:when=15"] {
        let (status, _) = survive(fault).await;
        assert_eq!(status.code(), Some(74), "{fault}");
    }
}
