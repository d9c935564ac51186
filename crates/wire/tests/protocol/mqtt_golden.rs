//! Bytes from the MQTT specifications and of every packet in every version, encoded and decoded.

use wire::mqtt::*;

use Version::{V3_1, V3_1_1, V5_0};

pub fn topic(text: &str) -> TopicName<'_> {
    TopicName::parse(text).expect("valid")
}

pub fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::parse(text).expect("valid")
}

pub fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("valid")
}

/// Checks that the packet has these bytes in each of the versions. `reader` is the role that
/// decodes it.
#[track_caller]
pub fn check(versions: &[Version], reader: Role, packet: Packet<'_>, bytes: &[u8]) {
    for &version in versions {
        let mut written = Vec::new();
        packet.encode(version, &mut written).expect("valid");
        assert_eq!(written, bytes, "{packet:?} in {version}");
        let is_connect = matches!(packet, Packet::Connect(_));
        let mut decoder = match is_connect {
            true => Decoder::before_connect(Limits::DEFAULT),
            false => Decoder::new(reader, version, Limits::DEFAULT),
        };
        let read = decoder.decode(bytes);
        assert_eq!(read, Ok(Some((packet, bytes.len()))), "in {version}");
        assert_eq!(decoder.version(), Some(version));
        for end in 0..bytes.len() {
            assert_eq!(decoder.clone().decode(&bytes[..0]), Ok(None));
            let mut unfinished = match is_connect {
                true => Decoder::before_connect(Limits::DEFAULT),
                false => decoder.clone(),
            };
            assert_eq!(unfinished.decode(&bytes[..end]), Ok(None), "{end} bytes");
        }
    }
}

/// Figure 3-9 of 5.0, 3.3.2 of 3.1.1: the topic `a/b`, the packet identifier 10, no properties.
#[test]
fn the_publish_example() {
    let publish = |delivery, retain| {
        Packet::Publish(Publish {
            delivery,
            retain,
            topic: Some(topic("a/b")),
            properties: Properties::EMPTY,
            payload: b"hi",
        })
    };
    let first = QosDelivery::AtLeastOnce(id(10), Attempt::First);
    let again = QosDelivery::ExactlyOnce(id(10), Attempt::Again);
    let both = [Role::Server, Role::Client];
    for role in both {
        let packet = publish(first, false);
        check(&[V5_0], role, packet, b"\x32\x0A\x00\x03a/b\x00\x0A\x00hi");
        check(
            &[V3_1, V3_1_1],
            role,
            packet,
            b"\x32\x09\x00\x03a/b\x00\x0Ahi",
        );
        let packet = publish(again, true);
        check(&[V5_0], role, packet, b"\x3D\x0A\x00\x03a/b\x00\x0A\x00hi");
        let packet = publish(QosDelivery::AtMostOnce, true);
        check(&[V5_0], role, packet, b"\x31\x08\x00\x03a/b\x00hi");
        check(&[V3_1, V3_1_1], role, packet, b"\x31\x07\x00\x03a/bhi");
    }
}

#[test]
fn publish_with_properties() {
    let mut scratch = Vec::new();
    let pair = |name, value| Property::UserProperty(UserProperty { name, value });
    let properties = [
        pair("k", "1"),
        Property::TopicAlias(7.try_into().unwrap()),
        pair("k", "2"),
        Property::CorrelationData(b"\0\xFF"),
        Property::ResponseTopic(topic("r")),
    ];
    let packet = Packet::Publish(Publish {
        delivery: QosDelivery::AtMostOnce,
        retain: false,
        topic: None,
        properties: List::encode(properties, &mut scratch).unwrap(),
        payload: b"",
    });
    check(
        &[V5_0],
        Role::Server,
        packet,
        b"\x30\x1D\x00\x00\x1A\x26\x00\x01k\x00\x011\x23\x00\x07\x26\x00\x01k\x00\x012\x09\x00\x02\x00\xFF\x08\x00\x01r",
    );
}

#[test]
fn acknowledgements() {
    let published = |reason| Acknowledgement {
        packet_id: id(0x1234),
        reason,
        properties: Properties::EMPTY,
    };
    let released = |reason| Acknowledgement {
        packet_id: id(0x1234),
        reason,
        properties: Properties::EMPTY,
    };
    let success = published(PublishReason::Success);
    let done = released(ReleaseReason::Success);
    for role in [Role::Server, Role::Client] {
        let all = &Version::ALL;
        check(all, role, Packet::Puback(success), b"\x40\x02\x12\x34");
        check(all, role, Packet::Pubrec(success), b"\x50\x02\x12\x34");
        check(all, role, Packet::Pubrel(done), b"\x62\x02\x12\x34");
        check(all, role, Packet::Pubcomp(done), b"\x70\x02\x12\x34");
        let refused = Packet::Puback(published(PublishReason::QuotaExceeded));
        check(&[V5_0], role, refused, b"\x40\x03\x12\x34\x97");
        let lost = Packet::Pubcomp(released(ReleaseReason::PacketIdentifierNotFound));
        check(&[V5_0], role, lost, b"\x70\x03\x12\x34\x92");
        let mut scratch = Vec::new();
        let properties = List::encode([Property::ReasonString("no")], &mut scratch).unwrap();
        let packet = Packet::Pubrec(Acknowledgement {
            properties,
            ..published(PublishReason::NotAuthorized)
        });
        check(
            &[V5_0],
            role,
            packet,
            b"\x50\x09\x12\x34\x87\x05\x1F\x00\x02no",
        );
    }
}

#[test]
fn pings() {
    check(&Version::ALL, Role::Server, Packet::Pingreq, b"\xC0\x00");
    check(&Version::ALL, Role::Client, Packet::Pingresp, b"\xD0\x00");
}

/// Figure 3-24 of 5.0, "DISCONNECT packet Variable Header non-normative example".
#[test]
fn the_disconnect_example() {
    let disconnect = |reason, properties| Packet::Disconnect(Disconnect { reason, properties });
    let mut scratch = Vec::new();
    let properties = List::encode([Property::SessionExpiryInterval(0)], &mut scratch).unwrap();
    let normal = DisconnectReason::NormalDisconnection;
    let bytes = b"\xE0\x07\x00\x05\x11\x00\x00\x00\x00";
    check(&[V5_0], Role::Server, disconnect(normal, properties), bytes);
    let packet = disconnect(normal, Properties::EMPTY);
    check(&Version::ALL, Role::Server, packet, b"\xE0\x00");
    let packet = disconnect(DisconnectReason::SessionTakenOver, Properties::EMPTY);
    check(&[V5_0], Role::Client, packet, b"\xE0\x01\x8E");
}

#[test]
fn auth() {
    let auth = |reason, properties| Packet::Auth(Auth { reason, properties });
    let mut scratch = Vec::new();
    let properties = [
        Property::AuthenticationMethod("GS2-KRB5"),
        Property::AuthenticationData(b"?"),
    ];
    let properties = List::encode(properties, &mut scratch).unwrap();
    for role in [Role::Server, Role::Client] {
        check(
            &[V5_0],
            role,
            auth(AuthReason::ContinueAuthentication, properties),
            b"\xF0\x11\x18\x0F\x15\x00\x08GS2-KRB5\x16\x00\x01?",
        );
        let packet = auth(AuthReason::Success, Properties::EMPTY);
        check(&[V5_0], role, packet, b"\xF0\x00");
    }
}

/// 1.5.4, figure 1-2: U+2A6D4 has four bytes, and U+FEFF is not stripped as a byte order mark
/// ([MQTT-1.5.4-3]).
#[test]
fn strings_are_utf_8() {
    for text in ["A\u{2A6D4}", "\u{FEFF}a", "a\u{1}\u{85}\u{FFFF}"] {
        let packet = Packet::Publish(Publish {
            delivery: QosDelivery::AtMostOnce,
            retain: false,
            topic: Some(topic(text)),
            properties: Properties::EMPTY,
            payload: b"",
        });
        let length = text.len() as u8;
        let bytes = [&[0x30, length + 2, 0, length], text.as_bytes()].concat();
        check(&[V3_1, V3_1_1], Role::Server, packet, &bytes);
    }
    let mut out = Vec::new();
    Properties::encode([Property::ContentType("A\u{2A6D4}")], &mut out).unwrap();
    assert_eq!(out, b"\x03\x00\x05\x41\xF0\xAA\x9B\x94");
}

/// Table 1-1 of 5.0: the ranges of lengths with one to four bytes.
#[test]
fn lengths_at_the_edges_have_their_shortest_form() {
    let header = b"\x00\x01t";
    for (remaining, encoded) in [
        (127usize, &b"\x7F"[..]),
        (128, b"\x80\x01"),
        (16_383, b"\xFF\x7F"),
        (16_384, b"\x80\x80\x01"),
        (2_097_151, b"\xFF\xFF\x7F"),
        (2_097_152, b"\x80\x80\x80\x01"),
    ] {
        let payload = vec![b'x'; remaining - header.len()];
        let packet = Packet::Publish(Publish {
            delivery: QosDelivery::AtMostOnce,
            retain: false,
            topic: Some(topic("t")),
            properties: Properties::EMPTY,
            payload: &payload,
        });
        let mut out = Vec::new();
        packet.encode(V3_1_1, &mut out).unwrap();
        assert_eq!(out[..1 + encoded.len()], [b"\x30", encoded].concat());
        let mut decoder = Decoder::new(Role::Client, V3_1_1, Limits::NONE);
        assert_eq!(decoder.decode(&out), Ok(Some((packet, out.len()))));
        assert_eq!(decoder.decode(&out[..out.len() - 1]), Ok(None));
    }
}
