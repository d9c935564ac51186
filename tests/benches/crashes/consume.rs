//! Consumers. Each acknowledges everything that it receives; it ends with its connection, or at a marker message.

use std::cell::RefCell;

use harness::Carillon;
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version};
use harness::stomp::{Frame, INDIVIDUAL, StompClient};

use crate::ledger::{Ledger, Order};

/// The end of a consumer.
#[derive(Clone, Copy)]
pub enum Until<'a> {
    /// The connection ends, because the server is killed.
    End,
    /// A message with this body arrives. It is acknowledged as well.
    Marker(&'a str),
}

impl Until<'_> {
    fn is_marker(self, text: &str) -> bool {
        matches!(self, Self::Marker(marker) if marker == text)
    }

    /// Returns the result of a connection that has ended.
    fn ended(self, ledger: &RefCell<Ledger>) -> Result<(), String> {
        match self {
            Self::End => Ok(()),
            Self::Marker(_) => Err(format!(
                "{}: the connection ended while the rest was read",
                ledger.borrow().name
            )),
        }
    }
}

/// Opens a consumer of a queue over STOMP.
pub async fn of_queue(server: &Carillon, destination: &str) -> StompClient {
    StompClient::consumer(server, destination, &[INDIVIDUAL]).await
}

/// Opens a durable subscription.
pub async fn durable(server: &Carillon, name: &str, topic: &str) -> StompClient {
    let client = StompClient::open(server).await;
    let mut client = client
        .connected_with(Frame::connect().with("client-id", name))
        .await;
    let durable = [("activemq.subscriptionName", name), INDIVIDUAL];
    client.subscribe("0", topic, &durable).await;
    client
}

/// Consumes over STOMP.
pub async fn stomp(
    mut client: StompClient,
    ledger: &RefCell<Ledger>,
    until: Until<'_>,
) -> Result<(), String> {
    let mut order = Order::default();
    loop {
        let frame = match client.read_frame().await {
            None => return until.ended(ledger),
            Some(frame) if frame.command == "MESSAGE" => frame,
            Some(other) => return Err(format!("{}: {other:?}", ledger.borrow().name)),
        };
        let text = frame.text();
        if until.is_marker(&text) {
            client.ack(&frame).await;
            client.leave().await;
            return Ok(());
        }
        ledger.borrow_mut().receive(&text, &mut order)?;
        let ack = client.settlement("ACK", &frame);
        if client.try_send_bytes(ack.encode()).await.is_err() {
            return until.ended(ledger);
        }
    }
}

/// Moves messages from one queue to another, each in a transaction of its acknowledgement and the new message.
pub async fn move_messages(
    server: &Carillon,
    ledger: &RefCell<Ledger>,
    from: &str,
    to: &str,
) -> Result<(), String> {
    let mut client = of_queue(server, from).await;
    while let Some(frame) = client.read_frame().await {
        if frame.command == "RECEIPT" {
            continue;
        }
        if frame.command != "MESSAGE" {
            return Err(format!("{}: {frame:?}", ledger.borrow().name));
        }
        let send = Frame::message_to(to, frame.body.clone()).with("persistent", "true");
        let parts = [
            Frame::transaction("BEGIN", "t"),
            send.with("transaction", "t"),
            client.settlement("ACK", &frame).with("transaction", "t"),
            Frame::transaction("COMMIT", "t").with("receipt", "r"),
        ];
        let bytes: Vec<u8> = parts.iter().flat_map(Frame::encode).collect();
        if client.try_send_bytes(bytes).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Continues a session that outlives its connections, or begins it with a subscription. Returns an error if a session that
/// was begun is gone.
pub async fn session(server: &Carillon, subscriber: Subscriber<'_>) -> Result<MqttClient, String> {
    let connect = Connect::lasting(Version::V5, subscriber.client_id);
    let (mut client, connack) = MqttClient::connect_with(server, &connect).await;
    match (subscriber.is_new, connack.session_present) {
        (true, _) => {
            client.subscribe(subscriber.filter, subscriber.qos).await;
            Ok(client)
        }
        (false, true) => Ok(client),
        (false, false) => Err(format!("the session of {} is lost", subscriber.client_id)),
    }
}

/// A subscriber over MQTT.
#[derive(Clone, Copy)]
pub struct Subscriber<'a> {
    pub client_id: &'a str,
    pub filter: &'a str,
    pub qos: u8,
    /// True before the first round.
    pub is_new: bool,
}

/// Consumes over MQTT with QoS 1.
pub async fn mqtt(
    mut client: MqttClient,
    ledger: &RefCell<Ledger>,
    until: Until<'_>,
) -> Result<(), String> {
    let mut order = Order::default();
    loop {
        let packet = match client.read_packet().await {
            None => return until.ended(ledger),
            Some(packet) if packet.kind == Kind::Publish => packet,
            Some(other) => return Err(format!("{}: {other:?}", ledger.borrow().name)),
        };
        let text = packet.text();
        let puback = Packet::acknowledgement(Kind::Puback, packet.id);
        if until.is_marker(&text) {
            client.send(&puback).await;
            client.leave().await;
            return Ok(());
        }
        ledger.borrow_mut().receive(&text, &mut order)?;
        let bytes = puback.encode(client.version);
        if client.try_send_bytes(bytes).await.is_err() {
            return until.ended(ledger);
        }
    }
}
