//! Publishers. Each sends at a fixed rate while less than a window of messages waits for acknowledgements, and ends when
//! the server does.

use std::cell::RefCell;
use std::time::Duration;

use harness::Carillon;
use harness::http::{request, try_send};
use harness::mqtt::{Kind, MqttClient, Packet, RETAIN, Version};
use harness::stomp::{Frame, StompClient};
use http::{Method, StatusCode};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::ledger::Ledger;

/// One publisher of a flow.
#[derive(Clone, Copy)]
pub struct Publisher<'a> {
    pub server: &'a Carillon,
    pub ledger: &'a RefCell<Ledger>,
    pub number: usize,
    /// Messages in a second.
    pub rate: u32,
}

/// Messages without acknowledgement.
pub const WINDOW: usize = 16;

impl Publisher<'_> {
    fn body(&self) -> String {
        self.ledger.borrow_mut().next_body(self.number)
    }

    fn acknowledged(&self) {
        self.ledger.borrow_mut().acknowledge(self.number);
    }

    fn refused(&self, answer: &impl std::fmt::Debug) -> Result<(), String> {
        Err(format!("{}: {answer:?}", self.ledger.borrow().name))
    }

    pub fn pace(&self) -> Interval {
        let mut pace = interval(Duration::from_secs(1) / self.rate);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        pace
    }

    /// Sends persistent messages over STOMP.
    pub async fn stomp(self, destination: &str) -> Result<(), String> {
        let mut client = StompClient::connect(self.server).await;
        let mut pace = self.pace();
        let mut in_flight = 0;
        loop {
            tokio::select! {
                _ = pace.tick(), if in_flight < WINDOW => {
                    let send = Frame::message_to(destination, self.body());
                    let send = send.with("persistent", "true").with("receipt", "r");
                    if client.try_send_bytes(send.encode()).await.is_err() {
                        return Ok(());
                    }
                    in_flight += 1;
                }
                frame = client.read_frame() => match frame {
                    None => return Ok(()),
                    Some(frame) if frame.command == "RECEIPT" => {
                        in_flight -= 1;
                        self.acknowledged();
                    }
                    Some(other) => return self.refused(&other),
                },
            }
        }
    }

    /// Publishes with QoS 1 over MQTT.
    pub async fn mqtt(self, topic: &str) -> Result<(), String> {
        let mut client = MqttClient::anyone(self.server, Version::V5).await;
        let mut pace = self.pace();
        let mut in_flight = 0;
        let mut last_id = 0;
        loop {
            tokio::select! {
                _ = pace.tick(), if in_flight < WINDOW => {
                    last_id = next_id(last_id);
                    let publish = Packet::publication(topic, self.body(), 1).numbered(last_id);
                    if client.try_send_bytes(publish.encode(client.version)).await.is_err() {
                        return Ok(());
                    }
                    in_flight += 1;
                }
                packet = client.read_packet() => match packet {
                    None => return Ok(()),
                    Some(packet) if packet.kind == Kind::Puback && packet.reason() < 0x80 => {
                        in_flight -= 1;
                        self.acknowledged();
                    }
                    Some(other) => return self.refused(&other),
                },
            }
        }
    }

    /// Posts to a queue, one request after the other.
    pub async fn http(self, queue: &str) -> Result<(), String> {
        let mut pace = self.pace();
        loop {
            pace.tick().await;
            let url = self.server.url(&format!("/api/queues/{queue}"));
            match try_send(request(Method::POST, url, self.body())).await {
                None => return Ok(()),
                Some(answer) if answer.status == StatusCode::OK => self.acknowledged(),
                Some(other) => return self.refused(&other),
            }
        }
    }

    /// Replaces the retained message of a topic, one publication after the other.
    pub async fn retained(self, topic: &str) -> Result<(), String> {
        let mut client = MqttClient::anyone(self.server, Version::V5).await;
        let mut pace = self.pace();
        loop {
            pace.tick().await;
            let publish = Packet::publication(topic, self.body(), 1);
            let publish = publish.flagged(RETAIN).numbered(1);
            if client
                .try_send_bytes(publish.encode(client.version))
                .await
                .is_err()
            {
                return Ok(());
            }
            match client.read_packet().await {
                None => return Ok(()),
                Some(packet) if packet.kind == Kind::Puback && packet.reason() < 0x80 => {
                    self.acknowledged();
                }
                Some(other) => return self.refused(&other),
            }
        }
    }
}

/// Returns the packet identifier after this one.
pub fn next_id(id: u16) -> u16 {
    match id {
        u16::MAX => 1,
        id => id + 1,
    }
}
