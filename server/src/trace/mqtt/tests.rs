//! Each packet type, encoded, decoded and described.

use std::num::{NonZeroU16, NonZeroU32};

use wire::mqtt::{
    AuthReason, ConnectReason, Decoder, DisconnectReason, Limits, List, MaximumQos, PacketId,
    PacketType, PublishReason, QoS, ReleaseReason, RetainHandling, Role, Subscription,
    SubscriptionId, SubscriptionOptions, TopicFilter, TopicName, UnsubscribeReason, UserProperty,
};

use super::*;

fn id() -> PacketId {
    PacketId::new(7).expect("not 0")
}

fn topic(text: &str) -> TopicName<'_> {
    TopicName::parse(text).expect("a topic")
}

/// Encodes and decodes a packet, and returns its description as one line.
fn line(packet: Packet<'_>, version: Version) -> String {
    let mut bytes = Vec::new();
    packet.encode(version, &mut bytes).expect("a packet");
    let is_connect = matches!(packet, Packet::Connect(_));
    let mut decoded = None;
    for role in [Role::Server, Role::Client] {
        let mut decoder = match is_connect {
            true => Decoder::before_connect(Limits::NONE),
            false => Decoder::new(role, version, Limits::NONE),
        };
        decoded = decoded.or(decoder.decode(&bytes).ok().flatten());
    }
    let (packet, used) = decoded.expect("it can be decoded");
    assert_eq!(used, bytes.len());
    text_of(&describe(&packet, version, None))
}

fn text_of(frame: &Frame<'_>) -> String {
    let mut text = frame.frame_type.to_string();
    for field in &frame.fields {
        text.push_str(&format!(" {}={}", field.name, field.value));
    }
    if let Some(payload) = frame.payload {
        text.push_str(&format!(" [{}]", String::from_utf8_lossy(payload)));
    }
    text
}

fn connect(version: Version, properties: Properties<'_>) -> Connect<'_> {
    Connect {
        version,
        is_bridge: false,
        clean_start: true,
        keep_alive: 60,
        properties,
        client_id: "c",
        will: None,
        user_name: Some("anna"),
        password: Some(b"hunter2"),
    }
}

#[test]
fn connect_has_no_password() {
    let will = Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: List::EMPTY,
        topic: topic("last/will"),
        payload: b"gone",
    };
    let packet = Connect {
        will: Some(will),
        ..connect(Version::V3_1_1, List::EMPTY)
    };
    assert_eq!(
        line(Packet::Connect(packet), Version::V3_1_1),
        "CONNECT Protocol Name=MQTT Protocol Level=4 Clean Session=true Keep Alive=60 Client Identifier=c Will QoS=1 \
         Will Retain=true Will Topic=last/will User Name=anna Password=(left out) [gone]"
    );
    let mut scratch = Vec::new();
    let properties = [
        Property::SessionExpiryInterval(9),
        Property::AuthenticationMethod("SCRAM"),
        Property::AuthenticationData(b"hunter2"),
        Property::UserProperty(UserProperty {
            name: "api-token",
            value: "hunter2",
        }),
        Property::UserProperty(UserProperty {
            name: "region",
            value: "eu",
        }),
    ];
    let properties = List::encode(properties, &mut scratch).expect("properties");
    let text = line(
        Packet::Connect(connect(Version::V5_0, properties)),
        Version::V5_0,
    );
    assert_eq!(
        text,
        "CONNECT Protocol Name=MQTT Protocol Version=5 Clean Start=true Keep Alive=60 Session Expiry Interval=9 \
         Authentication Method=SCRAM Authentication Data=(left out) api-token=(left out) region=eu Client Identifier=c \
         User Name=anna Password=(left out)"
    );
}

#[test]
fn connack_has_the_code_of_its_version() {
    let connack = |reason, properties| {
        Packet::Connack(Connack {
            session_present: false,
            reason,
            properties,
        })
    };
    let reason = ConnectReason::BadUserNameOrPassword;
    assert_eq!(
        line(connack(reason, List::EMPTY), Version::V3_1_1),
        "CONNACK Session Present=false Return Code=0x04 Bad user name or password"
    );
    let mut scratch = Vec::new();
    let properties = [
        Property::MaximumQos(MaximumQos::AtLeastOnce),
        Property::ReceiveMaximum(NonZeroU16::MIN),
        Property::MaximumPacketSize(NonZeroU32::MIN),
        Property::AssignedClientIdentifier("auto-1"),
        Property::ServerKeepAlive(30),
        Property::SharedSubscriptionAvailable(false),
    ];
    let properties = List::encode(properties, &mut scratch).expect("properties");
    assert_eq!(
        line(connack(ConnectReason::Success, properties), Version::V5_0),
        "CONNACK Session Present=false Reason Code=0x00 Success Maximum QoS=1 Receive Maximum=1 Maximum Packet Size=1 \
         Assigned Client Identifier=auto-1 Server Keep Alive=30 Shared Subscription Available=0"
    );
}

#[test]
fn publish_names_its_topic_even_if_it_has_an_alias() {
    let mut scratch = Vec::new();
    let properties = [
        Property::PayloadFormatIndicator(PayloadFormat::Utf8),
        Property::MessageExpiryInterval(5),
        Property::TopicAlias(NonZeroU16::MIN),
        Property::ResponseTopic(topic("answers")),
        Property::CorrelationData(&[0xff, 1]),
        Property::ContentType("text/plain"),
        Property::SubscriptionIdentifier(SubscriptionId::new(3).expect("an id")),
    ];
    let properties = List::encode(properties, &mut scratch).expect("properties");
    let publish = Publish {
        delivery: QosDelivery::AtLeastOnce(id(), Attempt::Again),
        retain: true,
        topic: Some(topic("a/b")),
        properties,
        payload: b"21.5",
    };
    let rest = "QoS=1 Packet Identifier=7 DUP=true RETAIN=true Payload Format Indicator=1 UTF-8 Message Expiry Interval=5 \
                Topic Alias=1 Response Topic=answers Correlation Data=ff01 Content Type=text/plain \
                Subscription Identifier=3 [21.5]";
    assert_eq!(
        line(Packet::Publish(publish), Version::V5_0),
        format!("PUBLISH Topic Name=a/b {rest}")
    );
    let packet = Packet::Publish(Publish {
        topic: None,
        ..publish
    });
    let known = describe(&packet, Version::V5_0, Some("a/b"));
    assert_eq!(
        text_of(&known),
        format!("PUBLISH Topic Name=a/b (by its alias) {rest}")
    );
    let filter = broker::TopicFilter::new("a.*").expect("a filter");
    assert!(known.is_about(&filter));
    let unknown = describe(&packet, Version::V5_0, None);
    assert!(text_of(&unknown).starts_with("PUBLISH Topic Name=(unknown"));
    assert!(!unknown.is_about(&filter));
}

#[test]
fn acknowledgements_have_their_reason() {
    let of_publish = |reason| Acknowledgement {
        packet_id: id(),
        reason,
        properties: List::EMPTY,
    };
    let of_release = |reason| Acknowledgement {
        packet_id: id(),
        reason,
        properties: List::EMPTY,
    };
    let table = [
        (
            Packet::Puback(of_publish(PublishReason::NotAuthorized)),
            "PUBACK Packet Identifier=7 Reason Code=0x87 Not authorized",
        ),
        (
            Packet::Pubrec(of_publish(PublishReason::NoMatchingSubscribers)),
            "PUBREC Packet Identifier=7 Reason Code=0x10 No matching subscribers",
        ),
        (
            Packet::Pubrel(of_release(ReleaseReason::Success)),
            "PUBREL Packet Identifier=7 Reason Code=0x00 Success",
        ),
        (
            Packet::Pubcomp(of_release(ReleaseReason::PacketIdentifierNotFound)),
            "PUBCOMP Packet Identifier=7 Reason Code=0x92 Packet identifier not found",
        ),
    ];
    for (packet, expected) in table {
        assert_eq!(line(packet, Version::V5_0), expected);
    }
    let packet = Packet::Puback(of_publish(PublishReason::Success));
    assert_eq!(line(packet, Version::V3_1_1), "PUBACK Packet Identifier=7");
}

#[test]
fn subscriptions_have_their_options_and_codes() {
    let mut scratch = Vec::new();
    let subscription = Subscription {
        filter: TopicFilter::parse("$share/g/a/+").expect("a filter"),
        options: SubscriptionOptions {
            maximum_qos: QoS::ExactlyOnce,
            retain_as_published: true,
            retain_handling: RetainHandling::DoNotSend,
            ..SubscriptionOptions::default()
        },
    };
    let subscribe = Subscribe {
        packet_id: id(),
        properties: List::EMPTY,
        subscriptions: List::encode([subscription], &mut scratch).expect("a list"),
    };
    assert_eq!(
        line(Packet::Subscribe(subscribe), Version::V5_0),
        "SUBSCRIBE Packet Identifier=7 Topic Filter=$share/g/a/+ QoS 2, Retain As Published, Retain Handling 2"
    );
    let frame = describe(&Packet::Subscribe(subscribe), Version::V5_0, None);
    let is_about = |text| frame.is_about(&broker::TopicFilter::new(text).expect("a filter"));
    assert!(is_about("a.b") && !is_about("b"));
    let mut scratch = Vec::new();
    let reasons = [SubscribeReason::GrantedQos1, SubscribeReason::NotAuthorized];
    let suback = Suback {
        packet_id: id(),
        properties: List::EMPTY,
        reasons: List::encode(reasons, &mut scratch).expect("a list"),
    };
    assert_eq!(
        line(Packet::Suback(suback), Version::V5_0),
        "SUBACK Packet Identifier=7 Reason Code=0x01 Granted QoS 1 Reason Code=0x87 Not authorized"
    );
    assert_eq!(
        line(Packet::Suback(suback), Version::V3_1_1),
        "SUBACK Packet Identifier=7 Return Code=0x01 Granted QoS 1 Return Code=0x80 Failure"
    );
    let mut scratch = Vec::new();
    let filters = [TopicFilter::parse("a/#").expect("a filter")];
    let unsubscribe = Unsubscribe {
        packet_id: id(),
        properties: List::EMPTY,
        filters: List::encode(filters, &mut scratch).expect("a list"),
    };
    assert_eq!(
        line(Packet::Unsubscribe(unsubscribe), Version::V5_0),
        "UNSUBSCRIBE Packet Identifier=7 Topic Filter=a/#"
    );
    let mut scratch = Vec::new();
    let reasons = [UnsubscribeReason::NoSubscriptionExisted];
    let unsuback = Unsuback {
        packet_id: id(),
        properties: List::EMPTY,
        reasons: List::encode(reasons, &mut scratch).expect("a list"),
    };
    assert_eq!(
        line(Packet::Unsuback(unsuback), Version::V5_0),
        "UNSUBACK Packet Identifier=7 Reason Code=0x11 No subscription existed"
    );
}

#[test]
fn the_other_packets_are_named() {
    let mut scratch = Vec::new();
    let properties = [
        Property::AuthenticationMethod("SCRAM"),
        Property::AuthenticationData(b"s"),
    ];
    let properties = List::encode(properties, &mut scratch).expect("properties");
    let mut texts = Vec::new();
    let packets = [
        Packet::Pingreq,
        Packet::Pingresp,
        Packet::Disconnect(Disconnect {
            reason: DisconnectReason::SessionTakenOver,
            properties: List::EMPTY,
        }),
        Packet::Auth(Auth {
            reason: AuthReason::ContinueAuthentication,
            properties,
        }),
    ];
    for packet in packets {
        texts.push(line(packet, Version::V5_0));
    }
    assert_eq!(
        texts,
        [
            "PINGREQ",
            "PINGRESP",
            "DISCONNECT Reason Code=0x8e Session taken over",
            "AUTH Reason Code=0x18 Continue authentication Authentication Method=SCRAM Authentication Data=(left out)",
        ]
    );
    assert_eq!(
        PacketType::ALL.len(),
        15,
        "the tests of this module know all types"
    );
}
