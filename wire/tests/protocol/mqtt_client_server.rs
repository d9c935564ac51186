//! The client's state machine against the server's, in memory: all versions, all QoS, and a
//! connection that is lost after any byte.

use wire::mqtt::client::Connect;
use wire::mqtt::server::{Config, Greeting, Handshake, Request, Session};
use wire::mqtt::*;

use crate::mqtt_client::{CONNECT, Talk};

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
    talk: &mut Talk,
    connect: &Connect<'_>,
    config: &Config,
    present: bool,
) -> (Session, Version) {
    let written = talk.client.connect(connect, 0, &mut talk.out);
    written.expect("it can be said");
    let mut handshake = Handshake::new(config, 0);
    let opened = handshake.connect(&talk.said()).expect("it is legal");
    let (opened, _) = opened.expect("it is whole");
    let mut answer = Vec::new();
    let greeting = Greeting {
        session_present: present,
        ..Greeting::default()
    };
    let session = opened.accept(config, 0, &greeting, &mut answer);
    let heard = talk.hears(&answer);
    assert!(heard[0].starts_with("connected"), "{heard:?}");
    (session.expect("there is room"), opened.version)
}

impl Echo {
    fn open(talk: &mut Talk, connect: &Connect<'_>) -> Self {
        let config = Config::DEFAULT;
        let (session, version) = accept(talk, connect, &config, false);
        Self {
            config,
            session,
            outgoing: Outgoing::new(u16::MAX, 100),
            taken: Vec::new(),
            version,
        }
    }

    /// Opens the next connection of the same session.
    fn reopen(&mut self, talk: &mut Talk, connect: &Connect<'_>) -> Vec<u8> {
        let incoming = self.session.take_incoming();
        let (session, _) = accept(talk, connect, &self.config, true);
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
            packet.encode(self.version, &mut out).expect("it is legal");
        }
        out
    }

    fn hears(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        while let Some((request, taken)) = self.session.request(input).expect("it is legal") {
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
        packet.encode(self.version, out).expect("it is legal");
    }

    fn received(&mut self, id: PacketId, reason: PublishReason, out: &mut Vec<u8>) {
        self.outgoing.pubrec(id, reason).expect("it is known");
        let packet = Packet::Pubrel(ack(id, ReleaseReason::Success));
        packet.encode(self.version, out).expect("it is legal");
    }
}

fn publish(delivery: Delivery, payload: &[u8]) -> Packet<'_> {
    Packet::Publish(Publish {
        delivery,
        retain: false,
        topic: Some(TopicName::parse("a").expect("it is legal")),
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
fn settle(talk: &mut Talk, echo: &mut Echo, mut to_client: Vec<u8>) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let events = talk.hears(&to_client);
        for event in &events {
            if event.ends_with("to acknowledge") {
                talk.acknowledge();
            }
        }
        heard.extend(events);
        let to_server = talk.said();
        if to_server.is_empty() {
            return heard;
        }
        to_client = echo.hears(&to_server);
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
            let mut talk = Talk::new(version);
            let mut echo = Echo::open(&mut talk, &CONNECT);
            talk.publish(qos, 1).expect("room");
            let heard = settle(&mut talk, &mut echo, Vec::new());
            assert_eq!(messages(&heard).len(), 1, "{version} {qos:?}: {heard:?}");
            let published = heard.contains(&"published 1 Success".to_owned());
            assert_eq!(published, qos != QoS::AtMostOnce, "{heard:?}");
            assert!(echo.outgoing.is_empty() && talk.client.in_flight() == 0);
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
    let mut talk = Talk::new(version);
    let mut echo = Echo::open(&mut talk, &kept);
    talk.publish(qos, 1).expect("room");
    let said = talk.said();
    let answer = echo.hears(&said[..of_client.min(said.len())]);
    let mut heard = talk.hears(&answer[..of_server.min(answer.len())]);
    // Acknowledgements on a lost connection have no effect.
    if !messages(&heard).is_empty() && qos != QoS::AtMostOnce {
        talk.acknowledge();
    }
    talk.said();
    let again = echo.reopen(&mut talk, &kept);
    heard.extend(settle(&mut talk, &mut echo, again));
    assert!(echo.outgoing.is_empty() && talk.client.in_flight() == 0);
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
