//! A power cut: the real binary on a file system that forgets what was not synced.

use std::cell::Cell;

use harness::data::DataDirectory;
use harness::deadline::eventually;
use harness::lossy_disk::LossyDisk;
use harness::mqtt::{MqttClient, Version};
use harness::persistent::{Load, read_all};
use harness::skipped;
use harness::stomp::StompClient;

/// Power cuts in a row, each after this many acknowledgements.
const CUTS: [usize; 3] = [1, 100, 400];

#[tokio::test]
async fn acknowledged_messages_survive_power_cuts() {
    let mut disk = match LossyDisk::mount() {
        Ok(disk) => disk,
        Err(error) => {
            return skipped(&format!("power cuts: FUSE cannot be mounted: {error}"));
        }
    };
    let directory = DataDirectory::on(disk.path());
    let mut server = directory.server().await;
    for (number, acknowledgements) in CUTS.into_iter().enumerate() {
        let (stomp_queue, mqtt_queue) = (format!("stomp-{number}"), format!("mqtt-{number}"));
        let stomp = StompClient::connect(&server).await;
        let mqtt = MqttClient::anyone(&server, Version::V5).await;
        let acknowledged = Cell::new(0);
        let count = || acknowledged.set(acknowledged.get() + 1);
        let load = |queue| Load {
            queue,
            in_flight: 16,
            body_bytes: 100,
            acknowledged: &count,
        };
        let cut = async {
            let get = || async { acknowledged.get() };
            eventually("acknowledgements", get, |count| *count >= acknowledgements).await;
            server.signal("KILL").await;
        };
        let (stomp, mqtt, ()) = tokio::join!(
            load(&stomp_queue).stomp(stomp),
            load(&mqtt_queue).mqtt(mqtt),
            cut
        );
        server.ended().await;
        disk.cut_power();
        server = directory.server().await;
        stomp.is_kept_by(&read_all(&server, &stomp_queue).await);
        mqtt.is_kept_by(&read_all(&server, &mqtt_queue).await);
    }
    let status = server.stop().await;
    assert!(status.success(), "{status}");
}
