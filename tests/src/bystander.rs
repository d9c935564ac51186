//! A well-behaved client in parallel to attackers, and its latencies.

use std::time::{Duration, Instant};

use crate::Carillon;
use crate::http::get;
use crate::mqtt::{Kind, MqttClient, Packet, Version};

/// Sends one request after the other. Its requests cost the server very little.
pub struct Bystander {
    healthz: String,
    mqtt: MqttClient,
}

/// The latencies of a bystander's requests.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// Sorted.
    samples: Vec<Duration>,
}

impl Bystander {
    pub async fn new(server: &Carillon) -> Self {
        let mqtt = MqttClient::over_tcp(server.address(), Version::V5).await;
        let connect = crate::mqtt::Connect::anyone(Version::V5);
        Self {
            healthz: server.url("/healthz"),
            mqtt: mqtt.connected_with(&connect).await.0,
        }
    }

    /// Sends `GET /healthz` on a new connection and a PUBLISH with QoS 1 on the old one, alternately; both are samples.
    pub async fn measure(&mut self, rounds: usize) -> Latencies {
        let mut samples = Vec::new();
        for _ in 0..rounds {
            let begun = Instant::now();
            assert_eq!(get(&self.healthz).await.status, 200);
            samples.push(begun.elapsed());
            let begun = Instant::now();
            self.publish().await;
            samples.push(begun.elapsed());
        }
        samples.sort_unstable();
        Latencies { samples }
    }

    async fn publish(&mut self) {
        let publish = Packet::publication("bystander", "x", 1).numbered(1);
        self.mqtt.send(&publish).await;
        self.mqtt.answer(Kind::Puback, 1).await;
    }
}

impl Latencies {
    /// Returns the latency that `percent` of the requests did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.samples.len() - 1;
        self.samples[last * percent / 100]
    }
}
