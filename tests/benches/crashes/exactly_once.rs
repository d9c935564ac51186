//! The two sides of QoS 2, which remember their state over connections and crashes as a client with a store does.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

use harness::Carillon;
use harness::mqtt::{Connect, DUP, Kind, MqttClient, Packet, Version};

use crate::consume::{Subscriber, Until, session};
use crate::ledger::{Ledger, Order};
use crate::publish::{Publisher, WINDOW, next_id};

/// The state of a publisher with QoS 2.
pub struct Sender {
    client_id: &'static str,
    topic: &'static str,
    is_new: bool,
    last_id: u16,
    in_flight: VecDeque<InFlight>,
}

struct InFlight {
    id: u16,
    body: String,
    /// PUBREC has arrived.
    is_received: bool,
}

impl Sender {
    pub fn new(client_id: &'static str, topic: &'static str) -> Self {
        Self {
            client_id,
            topic,
            is_new: true,
            last_id: 0,
            in_flight: VecDeque::new(),
        }
    }

    /// Connects, and sends everything in flight again ([MQTT-4.4.0-1]). Returns `None` if the server has ended.
    async fn connect(&mut self, server: &Carillon) -> Result<Option<MqttClient>, String> {
        let connect = Connect::lasting(Version::V5, self.client_id);
        let (mut client, connack) = MqttClient::connect_with(server, &connect).await;
        if !std::mem::take(&mut self.is_new) && !connack.session_present {
            return Err(format!("the session of {} is lost", self.client_id));
        }
        for one in &self.in_flight {
            let packet = match one.is_received {
                true => Packet::acknowledgement(Kind::Pubrel, one.id),
                false => self.packet(one).flagged(DUP),
            };
            if client
                .try_send_bytes(packet.encode(client.version))
                .await
                .is_err()
            {
                return Ok(None);
            }
        }
        Ok(Some(client))
    }

    fn packet(&self, one: &InFlight) -> Packet {
        Packet::publication(self.topic, one.body.as_str(), 2).numbered(one.id)
    }

    /// Publishes until the server ends.
    pub async fn publish(&mut self, publisher: Publisher<'_>) -> Result<(), String> {
        let Some(mut client) = self.connect(publisher.server).await? else {
            return Ok(());
        };
        let mut pace = publisher.pace();
        loop {
            tokio::select! {
                _ = pace.tick(), if self.in_flight.len() < WINDOW => {
                    self.last_id = next_id(self.last_id);
                    let body = publisher.ledger.borrow_mut().next_body(publisher.number);
                    let one = InFlight { id: self.last_id, body, is_received: false };
                    let bytes = self.packet(&one).encode(client.version);
                    self.in_flight.push_back(one);
                    if client.try_send_bytes(bytes).await.is_err() {
                        return Ok(());
                    }
                }
                packet = client.read_packet() => {
                    let Some(packet) = packet else {
                        return Ok(());
                    };
                    if !self.answer(&mut client, &packet, publisher).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Completes everything in flight.
    pub async fn complete(&mut self, publisher: Publisher<'_>) -> Result<(), String> {
        let client = self.connect(publisher.server).await?;
        let mut client = client.ok_or("the server ended while it was checked")?;
        while !self.in_flight.is_empty() {
            let packet = client.packet().await;
            self.answer(&mut client, &packet, publisher).await?;
        }
        client.leave().await;
        Ok(())
    }

    /// Processes PUBREC or PUBCOMP. Returns false if the server has ended.
    async fn answer(
        &mut self,
        client: &mut MqttClient,
        packet: &Packet,
        publisher: Publisher<'_>,
    ) -> Result<bool, String> {
        let index = self.in_flight.iter().position(|one| one.id == packet.id);
        match (packet.kind, index) {
            (Kind::Pubrec, Some(index)) if packet.reason() < 0x80 => {
                if !std::mem::replace(&mut self.in_flight[index].is_received, true) {
                    publisher.ledger.borrow_mut().acknowledge(publisher.number);
                }
                let pubrel = Packet::acknowledgement(Kind::Pubrel, packet.id);
                let bytes = pubrel.encode(client.version);
                Ok(client.try_send_bytes(bytes).await.is_ok())
            }
            (Kind::Pubcomp, Some(index)) => {
                self.in_flight.remove(index);
                Ok(true)
            }
            _ => Err(format!("{}: {packet:?}", self.client_id)),
        }
    }
}

/// The state of a subscriber with QoS 2.
#[derive(Default)]
pub struct Receiver {
    /// Identifiers of received messages that are not released.
    unreleased: HashSet<u16>,
}

impl Receiver {
    /// Consumes on a continued session, or on a new one.
    pub async fn consume(
        &mut self,
        server: &Carillon,
        subscriber: Subscriber<'_>,
        ledger: &RefCell<Ledger>,
        until: Until<'_>,
    ) -> Result<(), String> {
        let mut client = session(server, subscriber).await?;
        let mut order = Order::default();
        loop {
            let Some(packet) = client.read_packet().await else {
                return match until {
                    Until::End => Ok(()),
                    Until::Marker(_) => Err("the connection ended while the rest was read".into()),
                };
            };
            let answer = match packet.kind {
                Kind::Publish => {
                    let text = packet.text();
                    if matches!(until, Until::Marker(marker) if marker == text) {
                        client.acknowledge(&packet).await;
                        client.leave().await;
                        return Ok(());
                    }
                    if self.unreleased.insert(packet.id) {
                        ledger.borrow_mut().receive(&text, &mut order)?;
                    }
                    Packet::acknowledgement(Kind::Pubrec, packet.id)
                }
                Kind::Pubrel => {
                    self.unreleased.remove(&packet.id);
                    Packet::acknowledgement(Kind::Pubcomp, packet.id)
                }
                _ => return Err(format!("{}: {packet:?}", subscriber.client_id)),
            };
            let bytes = answer.encode(client.version);
            if client.try_send_bytes(bytes).await.is_err() && matches!(until, Until::End) {
                return Ok(());
            }
        }
    }
}
