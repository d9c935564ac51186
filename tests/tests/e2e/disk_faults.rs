//! Faults of the disk, injected into the real binary's system calls with strace: a kill at a write or at a sync, and errors.
//! Checked after each restart: everything that clients had acknowledgements for is there.

use harness::data::DataDirectory;
use harness::mqtt::{MqttClient, Version};
use harness::persistent::{Load, read_all};
use harness::stomp::StompClient;

/// Messages on the way at the same time.
const IN_FLIGHT: usize = 8;

/// Publishes until the fault ends the server, and checks what the next one has. Returns the status of the first one, and the
/// number of acknowledged messages.
async fn survive(fault: &str) -> (std::process::ExitStatus, usize) {
    let directory = DataDirectory::fresh();
    let server = directory.server_with_fault(fault).await;
    // Both, before a message brings the fault nearer.
    let stomp = StompClient::connect(&server).await;
    let mqtt = MqttClient::anyone(&server, Version::V5).await;
    let load = |queue| Load {
        queue,
        in_flight: IN_FLIGHT,
        body_bytes: 0,
        acknowledged: &|| {},
    };
    let (stomp, mqtt) = tokio::join!(load("stomp").stomp(stomp), load("mqtt").mqtt(mqtt));
    let status = server.ended().await;
    let server = directory.server().await;
    stomp.is_kept_by(&read_all(&server, "stomp").await);
    mqtt.is_kept_by(&read_all(&server, "mqtt").await);
    (status, stomp.acknowledged.len() + mqtt.acknowledged.len())
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
