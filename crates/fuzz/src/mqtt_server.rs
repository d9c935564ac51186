//! Feeds any bytes to the server's state machine and answers like a server: messages are
//! acknowledged, refused, or forwarded to a window whose acknowledgements come from the same bytes.
//! The first byte selects the piece size and the refusals.

use wire::mqtt::server::{
    Config, Fault, Greeting, Handshake, Opened, PayloadCheck, Publish, Request, Session,
};
use wire::mqtt::{
    Arrival, ConnectReason, Decoder, Due, Limits, Outgoing, Packet, PublishReason, QoS,
    QosDelivery, Received, ReleaseReason, Role, SubscribeReason, TopicName, UnsubscribeReason,
    Version,
};

const CONFIG: Config = Config {
    limits: Limits {
        packet_bytes: 4096,
        properties: 8,
        topic_bytes: 64,
        filters: 8,
    },
    topic_alias_maximum: 4,
    topic_alias_bytes: 100,
    payload_check: PayloadCheck::Utf8,
    ..Config::DEFAULT
};

/// Feeds the bytes to a server.
///
/// # Panics
///
/// If a property does not hold.
pub fn run(data: &[u8]) {
    let Some((&choice, input)) = data.split_first() else {
        return;
    };
    let mut out = Vec::new();
    if let Some((opened, rest)) = handshake(choice, input, &mut out) {
        Conversation::new(choice, &opened, &mut out).run(rest, &mut out);
        check(opened.version, opened.peer.maximum_packet_size, &out);
    }
}

/// Returns the connection, if there is one, and the bytes after its CONNECT.
fn handshake<'a>(choice: u8, input: &'a [u8], out: &mut Vec<u8>) -> Option<(Opened, &'a [u8])> {
    let mut handshake = Handshake::new(&CONFIG, 0);
    let deadline = handshake.deadline().expect("a handshake has one");
    assert_eq!(handshake.on_deadline(deadline), Due::HandshakeOverdue);
    let opened = match handshake.connect(input) {
        Ok(None) => return None,
        Ok(Some((opened, taken))) => (opened, &input[taken..]),
        Err(refusal) => {
            assert!(!refusal.fault.to_string().is_empty());
            assert!(refusal.fault.reason().is_failure());
            check_refusal(&refusal.connack);
            return None;
        }
    };
    assert!(opened.0.session_expiry_s <= CONFIG.session_expiry_maximum_s);
    if let Some(will) = &opened.0.will {
        assert!(TopicName::parse(&will.topic).is_ok());
        assert!(will.properties().iter().count() <= CONFIG.limits.properties as usize);
    }
    if choice & 1 != 0 {
        opened.0.refuse(ConnectReason::Banned, "no", out);
        check_refusal(out);
        return None;
    }
    Some(opened)
}

/// Checks that the bytes are empty, or a CONNACK with a failure that the client can decode.
fn check_refusal(connack: &[u8]) {
    if connack.is_empty() {
        return;
    }
    let version = match connack.len() {
        4 => Version::V3_1_1,
        _ => Version::V5_0,
    };
    let mut decoder = Decoder::new(Role::Client, version, Limits::FROM_SERVER);
    match decoder.decode(connack) {
        Ok(Some((Packet::Connack(packet), taken))) => {
            assert_eq!(taken, connack.len());
            assert!(packet.reason.is_failure() && !packet.session_present);
        }
        other => panic!("{other:?}"),
    }
}

struct Conversation {
    session: Option<Session>,
    window: Outgoing<u32>,
    piece: usize,
    refuses: bool,
    now_ms: u64,
}

impl Conversation {
    fn new(choice: u8, opened: &Opened, out: &mut Vec<u8>) -> Self {
        let greeting = Greeting {
            session_present: !opened.clean_start,
            assigned_client_id: opened.client_id.is_empty().then_some("assigned"),
            response_information: Some("reply"),
        };
        let session = opened.accept(&CONFIG, 0, &greeting, out);
        if let Err(fault) = &session {
            assert!(matches!(fault, Fault::AnswerTooLarge { .. }) && out.is_empty());
        }
        Self {
            session: session.ok(),
            window: Outgoing::new(opened.receive_maximum, 8),
            piece: usize::from(choice >> 2).max(1),
            refuses: choice & 2 != 0,
            now_ms: 0,
        }
    }

    fn run(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let (mut start, mut end) = (0, 0);
        loop {
            self.now_ms += 1;
            session.received(self.now_ms);
            let request = match session.request(&input[start..end]) {
                Ok(None) if end == input.len() => return,
                Ok(None) => {
                    end = (end + self.piece).min(input.len());
                    continue;
                }
                Ok(Some((request, taken))) => {
                    assert!(taken > 0 && taken <= end - start);
                    start += taken;
                    Ok(request)
                }
                Err(fault) => Err(fault),
            };
            let answered = request.and_then(|request| self.answer(&mut session, request, out));
            if let Err(fault) = answered {
                assert!(!fault.to_string().is_empty());
                session.disconnect(&fault, out);
                assert!(matches!(session.request(&input[start..]), Ok(None)));
                return;
            }
            if let Some(deadline) = session.deadline() {
                assert!(deadline > self.now_ms);
                assert_ne!(session.clone().on_deadline(deadline), Due::Nothing);
            }
        }
    }

    fn answer(
        &mut self,
        session: &mut Session,
        request: Request<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let peer = *session.peer();
        match request {
            Request::Publish(publish) => self.publish(session, &publish, out),
            Request::Puback(ack) => {
                let _ = self.window.puback(ack.packet_id);
                Ok(())
            }
            Request::Pubrec(ack) => match self.window.pubrec(ack.packet_id, ack.reason) {
                Ok(Received::Refused(_)) => Ok(()),
                Ok(_) => peer.pubrel(ack.packet_id, ReleaseReason::Success, out),
                Err(_) => {
                    let reason = ReleaseReason::PacketIdentifierNotFound;
                    peer.pubrel(ack.packet_id, reason, out)
                }
            },
            Request::Pubrel(release) => session.pubcomp(release, out),
            Request::Pubcomp(ack) => {
                let _ = self.window.pubcomp(ack.packet_id);
                Ok(())
            }
            Request::Subscribe(subscribe) => {
                let reasons: Vec<_> = subscribe
                    .subscriptions
                    .iter()
                    .map(|one| SubscribeReason::granted(one.options.maximum_qos))
                    .collect();
                session.suback(subscribe.packet_id, &reasons, "text", out)
            }
            Request::Unsubscribe(unsubscribe) => {
                let none = UnsubscribeReason::NoSubscriptionExisted;
                let reasons: Vec<_> = unsubscribe.filters.iter().map(|_| none).collect();
                session.unsuback(unsubscribe.packet_id, &reasons, "text", out)
            }
            Request::Pingreq => session.pingresp(out),
            Request::Disconnect(disconnect) => {
                let seconds = disconnect.session_expiry_s.unwrap_or(0);
                assert!(seconds <= CONFIG.session_expiry_maximum_s);
                // The remaining bytes belong to a new connection of the same session.
                let incoming = session.take_incoming();
                session.resume(incoming);
                self.window.resume(1, 8);
                while self.window.resend().is_some() {}
                Ok(())
            }
        }
    }

    fn publish(
        &mut self,
        session: &mut Session,
        publish: &Publish<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        assert!(TopicName::parse(publish.topic.as_str()).is_ok());
        assert!(publish.arrival == Arrival::New || publish.delivery.qos() == QoS::ExactlyOnce);
        if self.window.has_room() {
            let sent = self.window.push(publish.delivery.qos(), 1);
            assert!(sent.is_ok());
        }
        let reason = match (publish.refused, self.refuses) {
            (Some(reason), _) => reason,
            (None, true) => PublishReason::QuotaExceeded,
            (None, false) => PublishReason::NoMatchingSubscribers,
        };
        match publish.delivery {
            QosDelivery::AtMostOnce => Ok(()),
            QosDelivery::AtLeastOnce(id, _) => session.puback(id, reason, "text", out),
            QosDelivery::ExactlyOnce(id, _) => session.pubrec(id, reason, "text", out),
        }
    }
}

/// Checks that a client can decode all replies, and that none exceeds its maximum packet size.
fn check(version: Version, maximum_packet_size: u32, mut replies: &[u8]) {
    let limits = Limits {
        packet_bytes: maximum_packet_size,
        ..Limits::NONE
    };
    let mut decoder = Decoder::new(Role::Client, version, limits);
    while !replies.is_empty() {
        let packet = decoder.decode(replies).expect("replies are MQTT");
        let (_, taken) = packet.expect("replies are whole");
        replies = &replies[taken..];
    }
}
