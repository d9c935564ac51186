//! Requests of a client after CONNECT, and its violations: MQTT 5.0, chapters 3 and 4.

use std::num::NonZeroU16;

use wire::mqtt::server::{
    Config, Fault, Greeting, Opened, PayloadCheck, Publish, Request, Session,
};
use wire::mqtt::*;

use crate::mqtt_handshake::{HELLO, Hello};

fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("valid")
}

fn session_of(hello: &Hello<'_>, config: &Config) -> Session {
    let opened: Opened = hello.opened(config);
    let session = opened.accept(config, 0, &Greeting::default(), &mut Vec::new());
    session.expect("there is room")
}

fn session(version: Version) -> Session {
    session_of(&Hello { version, ..HELLO }, &Config::DEFAULT)
}

/// Decodes one complete packet.
fn read<'a>(session: &mut Session, bytes: &'a [u8]) -> Result<Request<'a>, Fault> {
    let (request, taken) = session.request(bytes)?.expect("complete");
    assert_eq!(taken, bytes.len());
    Ok(request)
}

fn publish<'a>(session: &mut Session, bytes: &'a [u8]) -> Result<Publish<'a>, Fault> {
    match read(session, bytes)? {
        Request::Publish(publish) => Ok(publish),
        other => panic!("{other:?}"),
    }
}

/// Encodes a PUBLISH of 5.0 to "t".
fn published(delivery: QosDelivery, properties: &[Property<'_>], payload: &[u8]) -> Vec<u8> {
    let mut scratch = Vec::new();
    let properties = Properties::encode(properties.iter().copied(), &mut scratch);
    written(Packet::Publish(wire::mqtt::Publish {
        delivery,
        retain: false,
        topic: Some(TopicName::parse("t").expect("valid")),
        properties: properties.expect("valid"),
        payload,
    }))
}

fn written(packet: Packet<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(Version::V5_0, &mut out).expect("valid");
    out
}

fn aliased(alias: u16, topic: &str) -> Vec<u8> {
    let alias = NonZeroU16::new(alias).expect("it is not 0");
    let mut scratch = Vec::new();
    let properties = Properties::encode([Property::TopicAlias(alias)], &mut scratch);
    written(Packet::Publish(wire::mqtt::Publish {
        delivery: QosDelivery::AtMostOnce,
        retain: false,
        topic: TopicName::parse(topic).ok(),
        properties: properties.expect("valid"),
        payload: b"x",
    }))
}

#[test]
fn every_packet_of_a_client_becomes_a_request() {
    for version in [Version::V3_1, Version::V3_1_1] {
        let mut session = session(version);
        let cases: [(&[u8], &str); 9] = [
            (b"\x30\x04\x00\x01tx", "Publish"),
            (b"\x40\x02\x00\x01", "Puback"),
            (b"\x50\x02\x00\x01", "Pubrec"),
            (b"\x62\x02\x00\x01", "Pubrel"),
            (b"\x70\x02\x00\x01", "Pubcomp"),
            (b"\x82\x06\x00\x01\x00\x01t\x00", "Subscribe"),
            (b"\xA2\x05\x00\x01\x00\x01t", "Unsubscribe"),
            (b"\xC0\x00", "Pingreq"),
            (b"\xE0\x00", "Disconnect"),
        ];
        for (bytes, name) in cases {
            for end in 0..bytes.len() {
                let unfinished = session
                    .clone()
                    .request(&bytes[..end])
                    .map(|read| read.is_none());
                assert_eq!(unfinished, Ok(true));
            }
            let request = format!("{:?}", read(&mut session, bytes).expect("valid"));
            assert!(request.starts_with(name), "{request}");
        }
    }
}

#[test]
fn packets_after_disconnect_are_ignored() {
    let mut session = session(Version::V5_0);
    let request = read(&mut session, b"\xE0\x00").expect("valid");
    assert!(matches!(request, Request::Disconnect(_)));
    // [MQTT-3.14.4-1].
    assert!(matches!(session.request(b"\xC0\x00"), Ok(None)));
    let mut out = Vec::new();
    session.disconnect(&Fault::HandshakeOverdue, &mut out);
    assert!(out.is_empty(), "nothing is sent after DISCONNECT");
}

/// [MQTT-3.14.4-3].
#[test]
fn disconnect_discards_the_will_only_with_reason_0() {
    for &reason in DisconnectReason::ALL {
        let bytes = [0xE0, 1, reason.code()];
        let mut session = session(Version::V5_0);
        let request = read(&mut session, &bytes).expect("valid");
        let Request::Disconnect(disconnect) = request else {
            panic!("{request:?}");
        };
        assert_eq!(disconnect.reason, reason);
        let is_normal = reason == DisconnectReason::NormalDisconnection;
        assert_eq!(disconnect.publishes_will(), !is_normal);
    }
}

/// 3.14.2.2.2.
#[test]
fn disconnect_may_change_the_session_expiry() {
    let forever = Config::FOR_EVER;
    let week = Config::SESSION_EXPIRY_MAXIMUM_S;
    // Expiry in CONNECT, expiry in DISCONNECT, result.
    let cases = [
        (0, None, Ok(None)),
        (0, Some(0), Ok(Some(0))),
        (0, Some(1), Err(Fault::SessionExpiry)),
        (5, None, Ok(None)),
        (5, Some(0), Ok(Some(0))),
        (5, Some(50), Ok(Some(50))),
        (forever, Some(forever), Ok(Some(week))),
    ];
    for (connected, wanted, expected) in cases {
        let hello = Hello {
            properties: &[Property::SessionExpiryInterval(connected)],
            ..HELLO
        };
        let mut session = session_of(&hello, &Config::DEFAULT);
        let mut scratch = Vec::new();
        let properties = wanted.map(Property::SessionExpiryInterval);
        let properties = Properties::encode(properties, &mut scratch).expect("valid");
        let bytes = written(Packet::Disconnect(Disconnect {
            reason: DisconnectReason::DisconnectWithWillMessage,
            properties,
        }));
        let request = read(&mut session, &bytes).map(|request| match request {
            Request::Disconnect(disconnect) => disconnect.session_expiry_s,
            other => panic!("{other:?}"),
        });
        assert_eq!(request, expected, "{connected} {wanted:?}");
    }
    assert_eq!(
        Fault::SessionExpiry.reason(),
        DisconnectReason::ProtocolError
    );
}

/// [MQTT-4.12.0-7].
#[test]
fn auth_without_a_method_is_a_fault() {
    let mut session = session(Version::V5_0);
    for bytes in [b"\xF0\x00".as_slice(), b"\xF0\x06\x19\x04\x15\x00\x01m"] {
        let fault = read(&mut session, bytes).expect_err("there was no method");
        assert_eq!(fault, Fault::Authentication);
        assert_eq!(fault.reason(), DisconnectReason::ProtocolError);
    }
}

/// 3.3.4, [MQTT-3.3.2-9], [MQTT-3.3.2-12].
#[test]
fn aliases_are_resolved() {
    let config = Config {
        topic_alias_maximum: 3,
        topic_alias_bytes: 10,
        ..Config::DEFAULT
    };
    let not_set = |alias| Err(Fault::Alias(AliasError::NotSet { alias }));
    let too_large = |alias| Err(Fault::Alias(AliasError::TooLarge { alias, maximum: 3 }));
    // The alias, the topic in the packet, the expected topic.
    let cases = [
        (1, "a/b", Ok("a/b")),
        (1, "", Ok("a/b")),
        (2, "", not_set(2)),
        (3, "c", Ok("c")),
        (1, "d", Ok("d")),
        (1, "", Ok("d")),
        (3, "", Ok("c")),
        (4, "e", too_large(4)),
        (4, "", too_large(4)),
        (
            2,
            "0123456789",
            Err(Fault::Alias(AliasError::TooManyBytes { limit: 10 })),
        ),
    ];
    let mut session = session_of(&HELLO, &config);
    for (alias, said, meant) in cases {
        let bytes = aliased(alias, said);
        let publish = publish(&mut session, &bytes);
        let topic = publish.map(|publish| publish.topic.as_str().to_owned());
        assert_eq!(topic, meant.map(str::to_owned), "{alias} {said:?}");
    }
    let reasons = [
        (not_set(2), DisconnectReason::ProtocolError),
        (too_large(4), DisconnectReason::TopicAliasInvalid),
        (
            Err(Fault::Alias(AliasError::TooManyBytes { limit: 10 })),
            DisconnectReason::QuotaExceeded,
        ),
    ];
    for (fault, reason) in reasons {
        let fault: Fault = fault.expect_err("it is one");
        assert_eq!(fault.reason(), reason);
    }
    // [MQTT-3.3.2-7]: another connection does not share the aliases.
    let mut other = session_of(&HELLO, &config);
    let bytes = aliased(1, "");
    let unknown = publish(&mut other, &bytes).map(|_| "");
    assert_eq!(unknown, not_set(1));
}

/// [MQTT-3.3.4-7]: QoS 1 counts until PUBACK, QoS 2 until PUBREL or a PUBREC that refuses it.
#[test]
fn messages_beyond_the_receive_maximum_are_a_fault() {
    let config = Config {
        receive_maximum: 2.try_into().expect("it is not 0"),
        ..Config::DEFAULT
    };
    let one = |number| {
        published(
            QosDelivery::AtLeastOnce(id(number), Attempt::First),
            &[],
            b"x",
        )
    };
    let two = |number| {
        published(
            QosDelivery::ExactlyOnce(id(number), Attempt::First),
            &[],
            b"x",
        )
    };
    let full = Fault::ReceiveMaximum(Exceeded { maximum: 2 });
    let mut session = session_of(&HELLO, &config);
    let out = &mut Vec::new();
    let arrival = |session: &mut Session, bytes: &[u8]| {
        publish(session, bytes).map(|publish| publish.arrival)
    };
    assert_eq!(arrival(&mut session, &one(1)), Ok(Arrival::New));
    assert_eq!(arrival(&mut session, &two(2)), Ok(Arrival::New));
    assert_eq!(arrival(&mut session.clone(), &one(3)), Err(full.clone()));
    assert_eq!(arrival(&mut session.clone(), &two(3)), Err(full.clone()));
    let free = published(QosDelivery::AtMostOnce, &[], b"x");
    assert_eq!(arrival(&mut session, &free), Ok(Arrival::New));

    session
        .puback(id(1), PublishReason::Success, "", out)
        .expect("there is room");
    assert_eq!(arrival(&mut session, &two(3)), Ok(Arrival::New));
    session
        .pubrec(id(2), PublishReason::Success, "", out)
        .expect("there is room");
    assert_eq!(arrival(&mut session.clone(), &one(4)), Err(full.clone()));
    session
        .pubrec(id(3), PublishReason::QuotaExceeded, "", out)
        .expect("there is room");
    assert_eq!(arrival(&mut session, &two(4)), Ok(Arrival::New));
    assert_eq!(full.reason(), DisconnectReason::ReceiveMaximumExceeded);
}

/// Before 5.0 there is no Receive Maximum.
#[test]
fn before_5_all_identifiers_may_be_in_use() {
    let mut session = session(Version::V3_1_1);
    for number in 1..=2000u16 {
        let [high, low] = number.to_be_bytes();
        let bytes = [0x34, 6, 0, 1, b't', high, low, b'x'];
        let publish = publish(&mut session, &bytes).expect("accepted");
        assert_eq!(publish.arrival, Arrival::New);
    }
}

/// Figure 4.3, method B: [MQTT-4.3.3-8] to [MQTT-4.3.3-12].
#[test]
fn a_message_of_qos_2_is_forwarded_once() {
    let mut session = session(Version::V5_0);
    let first = published(QosDelivery::ExactlyOnce(id(7), Attempt::First), &[], b"x");
    let again = published(QosDelivery::ExactlyOnce(id(7), Attempt::Again), &[], b"x");
    let arrival = |session: &mut Session, bytes: &[u8]| {
        publish(session, bytes).map(|publish| publish.arrival)
    };
    let release = |session: &mut Session| {
        let request = read(session, b"\x62\x02\x00\x07").expect("valid");
        let Request::Pubrel(release) = request else {
            panic!("{request:?}");
        };
        let mut out = Vec::new();
        session.pubcomp(release, &mut out).expect("there is room");
        out
    };
    let out = &mut Vec::new();
    assert_eq!(arrival(&mut session, &first), Ok(Arrival::New));
    for bytes in [&again, &first] {
        assert_eq!(arrival(&mut session, bytes), Ok(Arrival::Duplicate));
        session
            .pubrec(id(7), PublishReason::Success, "", out)
            .expect("there is room");
    }
    assert_eq!(release(&mut session), b"\x70\x02\x00\x07");
    assert_eq!(release(&mut session), b"\x70\x03\x00\x07\x92", "not in use");
    // The DUP flag does not matter.
    assert_eq!(arrival(&mut session, &again), Ok(Arrival::New));
    // [MQTT-4.3.3-9].
    session
        .pubrec(id(7), PublishReason::NotAuthorized, "", out)
        .expect("there is room");
    assert_eq!(arrival(&mut session, &again), Ok(Arrival::New));
}

#[test]
fn a_disregarded_message_is_new_when_it_is_sent_again() {
    for delivery in [
        QosDelivery::AtLeastOnce(id(7), Attempt::First),
        QosDelivery::ExactlyOnce(id(7), Attempt::First),
    ] {
        let mut session = session(Version::V3_1_1);
        let bytes = published(delivery, &[], b"x");
        publish(&mut session, &bytes).expect("accepted");
        session.disregard(delivery);
        let again = publish(&mut session, &bytes).expect("accepted");
        assert_eq!(again.arrival, Arrival::New);
        session.disregard(delivery);
        assert!(session.take_incoming().is_empty(), "{delivery:?}");
    }
}

#[test]
fn unreleased_identifiers_are_kept_with_the_session() {
    let first = published(QosDelivery::ExactlyOnce(id(7), Attempt::First), &[], b"x");
    let again = published(QosDelivery::ExactlyOnce(id(7), Attempt::Again), &[], b"x");
    let mut earlier = session(Version::V5_0);
    publish(&mut earlier, &first).expect("accepted");
    let mut resumed = session(Version::V5_0);
    resumed.resume(earlier.take_incoming());
    let duplicate = publish(&mut resumed, &again).expect("accepted");
    assert_eq!(duplicate.arrival, Arrival::Duplicate);
    assert_eq!(resumed.take_incoming().len(), 1);
    // In another session the message is a new one.
    let mut clean = session(Version::V5_0);
    let new = publish(&mut clean, &again).expect("accepted");
    assert_eq!(new.arrival, Arrival::New);
}

/// 3.3.2.3.2: "the Server MAY check".
#[test]
fn payloads_are_validated_if_configured() {
    let utf8 = &[Property::PayloadFormatIndicator(PayloadFormat::Utf8)];
    let binary = &[Property::PayloadFormatIndicator(PayloadFormat::Unspecified)];
    let invalid = Some(PublishReason::PayloadFormatInvalid);
    let cases: [(&[Property<'_>], &[u8], _); 5] = [
        (utf8, "grün".as_bytes(), None),
        (utf8, b"\xFF", invalid),
        (utf8, b"a\0b", None),
        (binary, b"\xFF", None),
        (&[], b"\xFF", None),
    ];
    for (payload_check, looks) in [(PayloadCheck::Trust, false), (PayloadCheck::Utf8, true)] {
        let config = Config {
            payload_check,
            ..Config::DEFAULT
        };
        for (properties, payload, refused) in cases {
            let refused = refused.filter(|_| looks);
            let mut session = session_of(&HELLO, &config);
            let bytes = published(
                QosDelivery::AtLeastOnce(id(1), Attempt::First),
                properties,
                payload,
            );
            let taken = publish(&mut session, &bytes).expect("accepted");
            assert_eq!(taken.refused, refused);
            // QoS 0 has no acknowledgement, so the connection ends.
            let bytes = published(QosDelivery::AtMostOnce, properties, payload);
            let fault = publish(&mut session, &bytes).err();
            assert_eq!(fault, refused.map(|_| Fault::PayloadFormat));
        }
    }
    let reason = Fault::PayloadFormat.reason();
    assert_eq!(reason, DisconnectReason::PayloadFormatInvalid);
}

/// [MQTT-3.1.0-2], [MQTT-4.13.1-1]: the fault and its offset.
#[test]
fn malformed_packets_are_reported() {
    let cases: [(&[u8], u8, &str); 7] = [
        (
            b"\x10\x10\x00\x04MQTT\x05\x02\x00\x0A\x00\x00\x01c",
            0x82,
            "a second CONNECT was received (CONNECT, byte 0)",
        ),
        (b"\x36\x00", 0x81, "both QoS bits are set (PUBLISH, byte 0)"),
        (
            b"\x30\x05\x00\x02a#\x00",
            0x81,
            "the topic is illegal: a topic name contains a wildcard (PUBLISH, byte 2)",
        ),
        (
            b"\x82\x07\x00\x01\x00\x00\x01\xFF\x00",
            0x81,
            "a string is not UTF-8 (SUBSCRIBE, byte 5)",
        ),
        (
            b"\xA2\x06\x00\x01\x00\x00\x01\xFF",
            0x81,
            "a string is not UTF-8 (UNSUBSCRIBE, byte 5)",
        ),
        (
            b"\x90\x00",
            0x82,
            "a server must not receive SUBACK (SUBACK, byte 0)",
        ),
        (
            b"\x30\xFF\xFF\xFF\x7F",
            0x95,
            "the packet is larger than 1114112 bytes (PUBLISH, byte 1)",
        ),
    ];
    for (bytes, code, text) in cases {
        let mut session = session(Version::V5_0);
        let fault = session.request(bytes).map(|_| ()).expect_err(text);
        assert_eq!(fault.to_string(), text);
        assert_eq!(fault.reason().code(), code, "{text}");
        let mut out = Vec::new();
        session.disconnect(&fault, &mut out);
        assert_eq!(out[..3], [0xE0, out.len() as u8 - 2, code]);
        assert!(out.ends_with(text.as_bytes()));
        // A second call writes nothing.
        session.disconnect(&fault, &mut out);
        assert_eq!(out.len(), usize::from(out[1]) + 2);
    }
}

#[test]
fn a_silent_client_is_a_keep_alive_fault() {
    let mut session = session(Version::V5_0);
    assert_eq!(session.deadline(), Some(15_000));
    session.received(2000);
    assert_eq!(session.on_deadline(15_000), Due::Nothing);
    let silent_ms = 15_000;
    assert_eq!(session.on_deadline(17_000), Due::PeerSilent { silent_ms });
    let fault = Fault::KeepAlive { silent_ms };
    assert_eq!(fault.reason(), DisconnectReason::KeepAliveTimeout);
    assert_eq!(fault.to_string(), "nothing was received for 15000 ms");
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() <= 256);
}
