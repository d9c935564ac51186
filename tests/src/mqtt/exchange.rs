//! Sequences of packets: a request with its response, a message with its acknowledgements.

use std::collections::VecDeque;

use crate::Carillon;
use crate::deadline::within;

use super::property::Value;
use super::{Connect, Kind, MqttClient, Packet, Version};

impl MqttClient {
    /// Connects over TCP with a session that ends with its connection.
    pub async fn connect(server: &Carillon, version: Version, client_id: &str) -> Self {
        let (client, _) = Self::connect_with(server, &Connect::new(version, client_id)).await;
        client
    }

    /// Connects with a new client id.
    pub async fn anyone(server: &Carillon, version: Version) -> Self {
        let (client, _) = Self::connect_with(server, &Connect::anyone(version)).await;
        client
    }

    /// Connects with the given CONNECT, which the server must accept. Returns the CONNACK as well.
    pub async fn connect_with(server: &Carillon, connect: &Connect) -> (Self, Packet) {
        let client = Self::open(server, connect.version).await;
        client.connected_with(connect).await
    }

    /// Sends a CONNECT on an existing connection.
    pub async fn connected_with(mut self, connect: &Connect) -> (Self, Packet) {
        self.send_bytes(connect.encode()).await;
        let connack = self.packet().await;
        assert_eq!(connack.kind, Kind::Connack, "{connack:?}");
        assert_eq!(connack.reason(), 0, "{connack:?}");
        (self, connack)
    }

    /// Connects a new client with one subscription.
    pub async fn subscriber(server: &Carillon, version: Version, filter: &str, qos: u8) -> Self {
        let mut client = Self::anyone(server, version).await;
        client.subscribe(filter, qos).await;
        client
    }

    /// Returns a packet identifier that has not been used.
    pub fn fresh_id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    /// Sends a packet with a new identifier, and waits for the response of this kind. Earlier packets stay in the
    /// queue.
    pub async fn request(&mut self, packet: Packet, answer: Kind) -> Packet {
        let id = self.fresh_id();
        self.send(&packet.numbered(id)).await;
        self.answer(answer, id).await
    }

    /// Waits for the packet of this kind with this identifier. Earlier packets stay in the queue.
    pub async fn answer(&mut self, kind: Kind, id: u16) -> Packet {
        let mut before = VecDeque::new();
        let found = loop {
            let packet = self.packet().await;
            if packet.kind == kind && packet.id == id {
                break packet;
            }
            assert_ne!(packet.kind, Kind::Disconnect, "{packet:?}");
            before.push_back(packet);
        };
        before.append(&mut self.packets);
        self.packets = before;
        found
    }

    /// Subscribes; the server delivers messages after its response. The options are those of 5.0, with QoS in the
    /// lowest bits.
    pub async fn subscribe(&mut self, filter: &str, options: u8) {
        let subscribe = Packet::subscription(&[(filter, options)]);
        let suback = self.request(subscribe, Kind::Suback).await;
        assert_eq!(suback.reason(), options & 3, "{filter}: {suback:?}");
    }

    pub async fn unsubscribe(&mut self, filter: &str) -> Packet {
        let unsubscribe = Packet::unsubscription(&[filter]);
        self.request(unsubscribe, Kind::Unsuback).await
    }

    /// Publishes, and waits until the server has the message.
    pub async fn publish(&mut self, topic: &str, body: &str, qos: u8) {
        self.publish_packet(Packet::publication(topic, body, qos))
            .await;
    }

    /// Publishes a given packet, and waits until the server has the message.
    pub async fn publish_packet(&mut self, publish: Packet) {
        match publish.qos() {
            0 => {
                self.send(&publish).await;
                self.ping().await;
            }
            1 => {
                let puback = self.request(publish, Kind::Puback).await;
                assert!(puback.reason() < 0x80, "{puback:?}");
            }
            _ => {
                let pubrec = self.request(publish, Kind::Pubrec).await;
                assert!(pubrec.reason() < 0x80, "{pubrec:?}");
                self.release(pubrec.id).await;
            }
        }
    }

    /// Sends PUBREL and waits for a PUBCOMP of success.
    pub async fn release(&mut self, id: u16) {
        self.send(&Packet::acknowledgement(Kind::Pubrel, id)).await;
        let pubcomp = self.answer(Kind::Pubcomp, id).await;
        assert_eq!(pubcomp.reason(), 0, "{pubcomp:?}");
    }

    /// Waits until the server has processed everything sent before.
    pub async fn ping(&mut self) {
        self.send(&Packet::new(Kind::Pingreq)).await;
        self.answer(Kind::Pingresp, 0).await;
    }

    /// Returns the next packet, which must be a PUBLISH, without acknowledging it.
    pub async fn delivery(&mut self) -> Packet {
        let packet = self.packet().await;
        assert_eq!(packet.kind, Kind::Publish, "{packet:?}");
        packet
    }

    /// Returns the next message and acknowledges it according to its QoS.
    pub async fn message(&mut self) -> Packet {
        let publish = self.delivery().await;
        self.acknowledge(&publish).await;
        publish
    }

    pub async fn acknowledge(&mut self, publish: &Packet) {
        match publish.qos() {
            0 => {}
            1 => {
                let puback = Packet::acknowledgement(Kind::Puback, publish.id);
                self.send(&puback).await;
            }
            _ => self.receive(publish.id).await,
        }
    }

    /// Exchanges PUBREC, PUBREL and PUBCOMP.
    async fn receive(&mut self, id: u16) {
        self.send(&Packet::acknowledgement(Kind::Pubrec, id)).await;
        let pubrel = self.answer(Kind::Pubrel, id).await;
        assert_eq!((pubrel.flags, pubrel.reason()), (2, 0), "{pubrel:?}");
        self.send(&Packet::acknowledgement(Kind::Pubcomp, id)).await;
    }

    /// Returns the bodies of the next messages and acknowledges them.
    pub async fn bodies(&mut self, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        while bodies.len() < count {
            bodies.push(self.message().await.text());
        }
        bodies
    }

    /// Returns the bodies of the messages before the message `last`, and acknowledges all of them.
    pub async fn bodies_before(&mut self, last: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let body = self.message().await.text();
            if body == last {
                return bodies;
            }
            bodies.push(body);
        }
    }

    /// Returns all bytes that the server sends until it closes the connection.
    pub async fn rest(mut self) -> Vec<u8> {
        while let Some(bytes) = within("the end", self.read_message()).await {
            self.unread.extend_from_slice(&bytes);
        }
        self.unread
    }

    /// Sends DISCONNECT and waits for the end.
    pub async fn leave(self) {
        self.leave_with(Packet::disconnect(0)).await;
    }

    /// Sends the given DISCONNECT and waits for the end.
    pub async fn leave_with(mut self, disconnect: Packet) {
        self.send(&disconnect).await;
        while let Some(packet) = self.next().await {
            assert_ne!(packet.kind, Kind::Disconnect, "{packet:?}");
        }
    }

    /// Returns the number of packets that have arrived and were not read.
    pub fn waiting(&self) -> usize {
        self.packets.len()
    }

    /// Asserts that the server ends the connection: in 5.0 with a DISCONNECT of this reason, before 5.0 without a
    /// packet.
    pub async fn is_sent_away(mut self, reason: u8) {
        let packet = self.next().await;
        if self.version != Version::V5 {
            assert_eq!(packet, None);
            return;
        }
        let disconnect = packet.expect("a word before the end");
        assert_eq!(disconnect.kind, Kind::Disconnect, "{disconnect:?}");
        assert_eq!(disconnect.reason(), reason, "{disconnect:?}");
        assert_eq!(self.next().await, None, "nothing follows a DISCONNECT");
    }
}

/// Ends a session that would outlive its connection.
pub async fn forget(server: &Carillon, client: MqttClient, connect: &Connect) {
    drop(client);
    let clean = Connect::new(connect.version, &connect.client_id);
    let (client, _) = MqttClient::connect_with(server, &clean).await;
    client.leave().await;
}

impl Packet {
    /// Returns the data of a property; empty if the property is absent.
    pub fn bytes_of(&self, id: u8) -> &[u8] {
        match self.property(id) {
            None => &[],
            Some(Value::Bytes(bytes)) => bytes,
            Some(value) => panic!("{id:#04x} is no data: {value:?}"),
        }
    }
}
