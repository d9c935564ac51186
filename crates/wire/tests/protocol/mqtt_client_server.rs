//! The client's state machine against the server's, in memory: all versions, all QoS, and a
//! connection that is lost after any byte.

use wire::mqtt::client::Connect;
use wire::mqtt::server::{Config, Greeting, Handshake, Request, Session};
use wire::mqtt::*;

use crate::mqtt_client::{CONNECT, TestClient};

/// A server that accepts every message and sends it back.
struct Echo {
    config: Config,
    session: Session,
    outgoing: Outgoing<Vec<u8>>,
    /// The payloads of the accepted messages.
    taken: Vec<Vec<u8>>,
    version: Version,
}

const VERSIONS: [Version; 3] = Version::ALL;
const QOS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];

/// Accepts the client and passes CONNACK to it.
fn accept(
    test: &mut TestClient,
    connect: &Connect<'_>,
    config: &Config,
    present: bool,
) -> (Session, Version) {
    let written = test.client.connect(connect, 0, &mut test.out);
    written.expect("it can be encoded");
    let mut handshake = Handshake::new(config, 0);
    let opened = handshake.connect(&test.take_output()).expect("valid");
    let (opened, _) = opened.expect("complete");
    let mut answer = Vec::new();
    let greeting = Greeting {
        session_present: present,
        ..Greeting::default()
    };
    let session = opened.accept(config, 0, &greeting, &mut answer);
    let heard = test.receive(&answer);
    assert!(heard[0].starts_with("connected"), "{heard:?}");
    (session.expect("there is room"), opened.version)
}

impl Echo {
    fn open(test: &mut TestClient, connect: &Connect<'_>) -> Self {
        let config = Config::DEFAULT;
        let (session, version) = accept(test, connect, &config, false);
        Self {
            config,
            session,
            outgoing: Outgoing::new(u16::MAX, 100),
            taken: Vec::new(),
            version,
        }
    }

    /// Opens the next connection of the same session.
    fn reopen(&mut self, test: &mut TestClient, connect: &Connect<'_>) -> Vec<u8> {
        let incoming = self.session.take_incoming();
        let (session, _) = accept(test, connect, &self.config, true);
        self.session = session;
        self.session.resume(incoming);
        self.outgoing.resume(u16::MAX, 100);
        let mut out = Vec::new();
        while let Some(resend) = self.outgoing.resend() {
            let packet = match resend {
                Resend::Publish(delivery, payload) => publish(delivery, payload),
                Resend::Release(packet_id) => {
                    Packet::Pubrel(ack(packet_id, ReleaseReason::Success))
                }
            };
            packet.encode(self.version, &mut out).expect("valid");
        }
        out
    }

    fn receive(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((request, taken)) = self.session.request(input).expect("valid") {
            self.answer(request, &mut out);
            input = &input[taken..];
        }
        out
    }

    fn answer(&mut self, request: Request<'_>, out: &mut Vec<u8>) {
        match request {
            Request::Publish(publish) => self.published(&publish, out),
            Request::Puback(ack) => drop(self.outgoing.puback(ack.packet_id).expect("it is known")),
            Request::Pubrec(ack) => self.received(ack.packet_id, ack.reason, out),
            Request::Pubrel(release) => self.session.pubcomp(release, out).expect("it fits"),
            Request::Pubcomp(ack) => self.outgoing.pubcomp(ack.packet_id).expect("it is known"),
            Request::Pingreq => self.session.pingresp(out).expect("it fits"),
            Request::Disconnect(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn published(&mut self, message: &server::Publish<'_>, out: &mut Vec<u8>) {
        if let Some(id) = message.delivery.packet_id() {
            let success = PublishReason::Success;
            let answered = match message.delivery.qos() {
                QoS::AtLeastOnce => self.session.puback(id, success, "", out),
                _ => self.session.pubrec(id, success, "", out),
            };
            answered.expect("it fits");
        }
        if message.arrival == Arrival::Duplicate {
            return;
        }
        let payload = message.payload.to_vec();
        self.taken.push(payload.clone());
        let qos = message.delivery.qos();
        let delivery = self.outgoing.push(qos, payload.clone());
        let packet = publish(delivery.expect("there is room"), &payload);
        packet.encode(self.version, out).expect("valid");
    }

    fn received(&mut self, id: PacketId, reason: PublishReason, out: &mut Vec<u8>) {
        self.outgoing.pubrec(id, reason).expect("it is known");
        let packet = Packet::Pubrel(ack(id, ReleaseReason::Success));
        packet.encode(self.version, out).expect("valid");
    }
}

fn publish(delivery: QosDelivery, payload: &[u8]) -> Packet<'_> {
    Packet::Publish(Publish {
        delivery,
        retain: false,
        topic: Some(TopicName::parse("a").expect("valid")),
        properties: Properties::EMPTY,
        payload,
    })
}

fn ack<R>(packet_id: PacketId, reason: R) -> Acknowledgement<'static, R> {
    Acknowledgement {
        packet_id,
        reason,
        properties: Properties::EMPTY,
    }
}

/// Exchanges bytes until neither side writes any more, and returns the client's events. The client
/// acknowledges messages at once.
fn settle(test: &mut TestClient, echo: &mut Echo, mut to_client: Vec<u8>) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let events = test.receive(&to_client);
        for event in &events {
            if event.ends_with("to acknowledge") {
                test.acknowledge();
            }
        }
        heard.extend(events);
        let to_server = test.take_output();
        if to_server.is_empty() {
            return heard;
        }
        to_client = echo.receive(&to_server);
    }
}

fn messages(heard: &[String]) -> Vec<&str> {
    let messages = heard.iter().filter(|event| event.starts_with("message"));
    messages.map(String::as_str).collect()
}

#[test]
fn a_message_is_echoed_in_every_version_with_every_qos() {
    for version in VERSIONS {
        for qos in QOS {
            let mut test = TestClient::new(version);
            let mut echo = Echo::open(&mut test, &CONNECT);
            test.publish(qos, 1).expect("there is room");
            let heard = settle(&mut test, &mut echo, Vec::new());
            assert_eq!(messages(&heard).len(), 1, "{version} {qos:?}: {heard:?}");
            let published = heard.contains(&"published 1 Success".to_owned());
            assert_eq!(published, qos != QoS::AtMostOnce, "{heard:?}");
            assert!(echo.outgoing.is_empty() && test.client.in_flight() == 0);
        }
    }
}

/// Loses the connection after the server has read `of_client` bytes from the client and the client
/// has read `of_server` bytes of the answer.
fn lost(version: Version, qos: QoS, of_client: usize, of_server: usize) -> (Vec<String>, usize) {
    let kept = Connect {
        clean_start: false,
        session_expiry_s: 100,
        ..CONNECT
    };
    let mut test = TestClient::new(version);
    let mut echo = Echo::open(&mut test, &kept);
    test.publish(qos, 1).expect("there is room");
    let said = test.take_output();
    let answer = echo.receive(&said[..of_client.min(said.len())]);
    let mut heard = test.receive(&answer[..of_server.min(answer.len())]);
    // Acknowledgements on a lost connection have no effect.
    if !messages(&heard).is_empty() && qos != QoS::AtMostOnce {
        test.acknowledge();
    }
    test.take_output();
    let again = echo.reopen(&mut test, &kept);
    heard.extend(settle(&mut test, &mut echo, again));
    assert!(echo.outgoing.is_empty() && test.client.in_flight() == 0);
    (heard, echo.taken.len())
}

#[test]
fn a_lost_connection_neither_loses_nor_duplicates_messages_of_qos_2() {
    for version in [Version::V3_1_1, Version::V5_0] {
        for (of_client, of_server) in (0..=16).flat_map(|c| (0..=24).map(move |s| (c, s))) {
            let (heard, taken) = lost(version, QoS::ExactlyOnce, of_client, of_server);
            let told = messages(&heard).len();
            assert_eq!((taken, told), (1, 1), "{version} {of_client} {of_server}");
            let (heard, taken) = lost(version, QoS::AtLeastOnce, of_client, of_server);
            let told = messages(&heard).len();
            assert!(
                taken >= 1 && told >= taken,
                "{version} {of_client} {of_server}"
            );
        }
    }
}
