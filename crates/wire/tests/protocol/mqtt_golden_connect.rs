//! CONNECT and CONNACK: bytes from the MQTT specifications, encoded and decoded.

use wire::mqtt::*;

use Version::{V3_1, V3_1_1, V5_0};

use crate::mqtt_golden::{check, topic};

fn connect(version: Version) -> Connect<'static> {
    Connect {
        version,
        is_bridge: false,
        clean_start: true,
        keep_alive: 10,
        properties: Properties::EMPTY,
        client_id: "",
        will: None,
        user_name: None,
        password: None,
    }
}

/// 3.1.2.12 of 5.0, figure 3-6: "Variable Header example", followed by a payload.
#[test]
fn the_connect_example_of_5() {
    let mut scratch = Vec::new();
    let properties = List::encode([Property::SessionExpiryInterval(10)], &mut scratch).unwrap();
    let will = Will {
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Properties::EMPTY,
        topic: topic("w"),
        payload: b"bye",
    };
    let packet = Connect {
        properties,
        will: Some(will),
        user_name: Some("me"),
        password: Some(b"\xFF\0"),
        ..connect(V5_0)
    };
    let variable_header = b"\x00\x04MQTT\x05\xCE\x00\x0A\x05\x11\x00\x00\x00\x0A";
    let payload = b"\x00\x00\x00\x00\x01w\x00\x03bye\x00\x02me\x00\x02\xFF\x00";
    let bytes = [b"\x10\x23", &variable_header[..], payload].concat();
    check(&[V5_0], Role::Server, Packet::Connect(packet), &bytes);
}

/// 3.1.2.10 of 3.1.1, figure 3.6, and the corresponding packet of 3.1: name, level, flags, keep
/// alive.
#[test]
fn the_connect_example_of_3() {
    let will = Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: Properties::EMPTY,
        topic: topic("w"),
        payload: b"",
    };
    let packet = |version| {
        Packet::Connect(Connect {
            client_id: "id",
            will: Some(will),
            user_name: Some("me"),
            password: Some(b"x"),
            ..connect(version)
        })
    };
    let payload = b"\x00\x02id\x00\x01w\x00\x00\x00\x02me\x00\x01x";
    let bytes = [b"\x10\x1A\x00\x04MQTT\x04\xEE\x00\x0A", &payload[..]].concat();
    check(&[V3_1_1], Role::Server, packet(V3_1_1), &bytes);
    let bytes = [b"\x10\x1C\x00\x06MQIsdp\x03\xEE\x00\x0A", &payload[..]].concat();
    check(&[V3_1], Role::Server, packet(V3_1), &bytes);
    let least = Packet::Connect(connect(V3_1_1));
    let bytes = b"\x10\x0C\x00\x04MQTT\x04\x02\x00\x0A\x00\x00";
    check(&[V3_1_1], Role::Server, least, bytes);
}

/// Not of the specifications: mosquitto's bridges set the highest bit of the protocol level.
#[test]
fn a_bridge_is_marked_in_the_protocol_level() {
    let bridge = |version| {
        Packet::Connect(Connect {
            is_bridge: true,
            ..connect(version)
        })
    };
    let bytes = b"\x10\x0C\x00\x04MQTT\x84\x02\x00\x0A\x00\x00";
    check(&[V3_1_1], Role::Server, bridge(V3_1_1), bytes);
    let bytes = b"\x10\x0E\x00\x06MQIsdp\x83\x02\x00\x0A\x00\x00";
    check(&[V3_1], Role::Server, bridge(V3_1), bytes);
    // 5.0 has subscription options instead.
    let mut out = Vec::new();
    let written = bridge(V5_0).encode(V5_0, &mut out);
    written.expect("it is legal");
    assert_eq!(out, b"\x10\x0D\x00\x04MQTT\x05\x02\x00\x0A\x00\x00\x00");
}

/// 3.1, "User name": "the User Name flag is set, but the User Name string is missing".
#[test]
fn in_3_1_user_name_and_password_may_be_missing() {
    let bytes = b"\x10\x0E\x00\x06MQIsdp\x03\xC2\x00\x0A\x00\x00";
    let mut decoder = Decoder::before_connect(Limits::DEFAULT);
    let expected = Packet::Connect(connect(V3_1));
    assert_eq!(decoder.decode(bytes), Ok(Some((expected, bytes.len()))));
}

/// A password without a user name is new in 5.0 (3.1.2.9).
#[test]
fn in_5_a_password_needs_no_user_name() {
    let packet = Packet::Connect(Connect {
        password: Some(b"x"),
        ..connect(V5_0)
    });
    let bytes = b"\x10\x10\x00\x04MQTT\x05\x42\x00\x0A\x00\x00\x00\x00\x01x";
    check(&[V5_0], Role::Server, packet, bytes);
}

#[test]
fn connack() {
    let packet = |session_present, reason, properties| {
        Packet::Connack(Connack {
            session_present,
            reason,
            properties,
        })
    };
    let none = Properties::EMPTY;
    let accepted = packet(true, ConnectReason::Success, none);
    check(&[V3_1_1], Role::Client, accepted, b"\x20\x02\x01\x00");
    check(&[V5_0], Role::Client, accepted, b"\x20\x03\x01\x00\x00");
    let before_5 = [
        (ConnectReason::Success, 0),
        (ConnectReason::UnsupportedProtocolVersion, 1),
        (ConnectReason::ClientIdentifierNotValid, 2),
        (ConnectReason::ServerUnavailable, 3),
        (ConnectReason::BadUserNameOrPassword, 4),
        (ConnectReason::NotAuthorized, 5),
    ];
    for (reason, code) in before_5 {
        let packet = packet(false, reason, none);
        check(&[V3_1, V3_1_1], Role::Client, packet, &[0x20, 2, 0, code]);
        let bytes = [0x20, 3, 0, reason.code(), 0];
        check(&[V5_0], Role::Client, packet, &bytes);
    }
    let mut scratch = Vec::new();
    let properties = [
        Property::AssignedClientIdentifier("c1"),
        Property::SharedSubscriptionAvailable(true),
    ];
    let properties = List::encode(properties, &mut scratch).unwrap();
    check(
        &[V5_0],
        Role::Client,
        packet(false, ConnectReason::Success, properties),
        b"\x20\x0A\x00\x00\x07\x12\x00\x02c1\x2A\x01",
    );
}
