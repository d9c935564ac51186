//! SUBSCRIBE, UNSUBSCRIBE and their acknowledgements: bytes from the MQTT specifications, encoded
//! and decoded.

use wire::mqtt::*;

use Version::{V3_1, V3_1_1, V5_0};

use crate::mqtt_golden::{check, filter, id};

/// Figures 3-19 and 3-21 of 5.0, 3.8.3 of 3.1.1: `a/b` with QoS 1, `c/d` with QoS 2.
#[test]
fn the_subscribe_example() {
    let subscription = |text, maximum_qos| Subscription {
        filter: filter(text),
        options: SubscriptionOptions {
            maximum_qos,
            ..SubscriptionOptions::default()
        },
    };
    let mut scratch = Vec::new();
    let subscriptions = [
        subscription("a/b", QoS::AtLeastOnce),
        subscription("c/d", QoS::ExactlyOnce),
    ];
    let packet = Packet::Subscribe(Subscribe {
        packet_id: id(10),
        properties: Properties::EMPTY,
        subscriptions: List::encode(subscriptions, &mut scratch).unwrap(),
    });
    let bytes = b"\x82\x0F\x00\x0A\x00\x00\x03a/b\x01\x00\x03c/d\x02";
    check(&[V5_0], Role::Server, packet, bytes);
    let bytes = b"\x82\x0E\x00\x0A\x00\x03a/b\x01\x00\x03c/d\x02";
    check(&[V3_1, V3_1_1], Role::Server, packet, bytes);
}

#[test]
fn subscription_options() {
    let options = SubscriptionOptions {
        maximum_qos: QoS::ExactlyOnce,
        no_local: true,
        retain_as_published: true,
        retain_handling: RetainHandling::DoNotSend,
    };
    let subscription = Subscription {
        filter: filter("+/#"),
        options,
    };
    let (mut scratch, mut more) = (Vec::new(), Vec::new());
    let number = Property::SubscriptionIdentifier(SubscriptionId::new(128).unwrap());
    let packet = Packet::Subscribe(Subscribe {
        packet_id: id(1),
        properties: List::encode([number], &mut more).unwrap(),
        subscriptions: List::encode([subscription], &mut scratch).unwrap(),
    });
    let bytes = b"\x82\x0C\x00\x01\x03\x0B\x80\x01\x00\x03+/#\x2E";
    check(&[V5_0], Role::Server, packet, bytes);
    // Before 5.0 the options are only the QoS.
    let mut out = Vec::new();
    packet.encode(V3_1_1, &mut out).unwrap();
    assert_eq!(out, b"\x82\x08\x00\x01\x00\x03+/#\x02");
}

/// 3.9.3 of 3.1.1: "Success - Maximum QoS 0", "Success - Maximum QoS 2", "Failure".
#[test]
fn the_suback_example() {
    let suback = |reasons| {
        Packet::Suback(Suback {
            packet_id: id(10),
            properties: Properties::EMPTY,
            reasons,
        })
    };
    let reasons = [
        SubscribeReason::GrantedQos0,
        SubscribeReason::granted(QoS::ExactlyOnce),
        SubscribeReason::UnspecifiedError,
    ];
    let mut scratch = Vec::new();
    let packet = suback(List::encode(reasons, &mut scratch).unwrap());
    let bytes = b"\x90\x05\x00\x0A\x00\x02\x80";
    check(&[V3_1, V3_1_1], Role::Client, packet, bytes);
    let bytes = b"\x90\x06\x00\x0A\x00\x00\x02\x80";
    check(&[V5_0], Role::Client, packet, bytes);
    // Before 5.0 there is only one failure code.
    let mut scratch = Vec::new();
    let refused = [SubscribeReason::NotAuthorized];
    let mut out = Vec::new();
    let packet = suback(List::encode(refused, &mut scratch).unwrap());
    packet.encode(V3_1_1, &mut out).unwrap();
    assert_eq!(out, b"\x90\x03\x00\x0A\x80");
}

/// Figure 3-30 of 5.0, 3.10.3 of 3.1.1: `a/b` and `c/d`.
#[test]
fn the_unsubscribe_example() {
    let mut scratch = Vec::new();
    let packet = Packet::Unsubscribe(Unsubscribe {
        packet_id: id(10),
        properties: Properties::EMPTY,
        filters: List::encode([filter("a/b"), filter("c/d")], &mut scratch).unwrap(),
    });
    let bytes = b"\xA2\x0D\x00\x0A\x00\x00\x03a/b\x00\x03c/d";
    check(&[V5_0], Role::Server, packet, bytes);
    let bytes = b"\xA2\x0C\x00\x0A\x00\x03a/b\x00\x03c/d";
    check(&[V3_1, V3_1_1], Role::Server, packet, bytes);
}

#[test]
fn unsuback() {
    let unsuback = |reasons| {
        Packet::Unsuback(Unsuback {
            packet_id: id(10),
            properties: Properties::EMPTY,
            reasons,
        })
    };
    let packet = unsuback(List::EMPTY);
    check(&[V3_1, V3_1_1], Role::Client, packet, b"\xB0\x02\x00\x0A");
    let mut scratch = Vec::new();
    let reasons = [
        UnsubscribeReason::Success,
        UnsubscribeReason::NoSubscriptionExisted,
    ];
    let packet = unsuback(List::encode(reasons, &mut scratch).unwrap());
    check(
        &[V5_0],
        Role::Client,
        packet,
        b"\xB0\x05\x00\x0A\x00\x00\x11",
    );
}
