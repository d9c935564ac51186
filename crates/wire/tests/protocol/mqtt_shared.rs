//! A shared message, written for one subscriber, equals the packet encoded for that subscriber
//! alone; packets that break a rule are refused.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use wire::mqtt::*;

use crate::mqtt_golden::{filter, id, topic};

fn delivery() -> impl Strategy<Value = QosDelivery> {
    (0..3u8, 1..=u16::MAX, any::<bool>()).prop_map(|(level, number, again)| {
        let attempt = match again {
            true => Attempt::Again,
            false => Attempt::First,
        };
        match level {
            0 => QosDelivery::AtMostOnce,
            1 => QosDelivery::AtLeastOnce(id(number), attempt),
            _ => QosDelivery::ExactlyOnce(id(number), attempt),
        }
    })
}

fn subscription_id() -> impl Strategy<Value = SubscriptionId> {
    let number = prop_oneof![1..300u32, 1..=268_435_455u32];
    number.prop_map(|number| SubscriptionId::new(number).expect("valid"))
}

/// Encodes a message for all subscribers.
fn packet<'p>(
    version: Version,
    topic: TopicName<'_>,
    properties: impl IntoIterator<Item = Property<'p>>,
    payload: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    let mut packet = Vec::new();
    SharedPublish::append(version, topic, payload, properties, &mut packet)?;
    Ok(packet)
}

proptest! {
    #[test]
    fn a_shared_message_equals_the_packet_of_one_subscriber(
        version in prop::sample::select(Version::ALL.to_vec()),
        name in crate::mqtt_value::topic(),
        pairs in vec(("[a-z]{0,8}", "[a-z]{0,40}"), 0..4),
        payload in prop_oneof![vec(any::<u8>(), 0..40), vec(any::<u8>(), 100..400)],
        delivery in delivery(),
        retain in any::<bool>(),
        expiry in option::of(any::<u32>()),
        alias in option::of((1..=u16::MAX, any::<bool>())),
        ids in vec(subscription_id(), 0..40),
    ) {
        let users: Vec<_> = pairs
            .iter()
            .map(|(name, value)| Property::UserProperty(UserProperty { name, value }))
            .collect();
        let topic_alias = alias.map(|(number, set)| match set {
            true => Alias::Set(number.try_into().unwrap()),
            false => Alias::Use(number.try_into().unwrap()),
        });
        let own = Own {
            delivery,
            retain,
            message_expiry_interval: expiry,
            topic_alias,
            subscription_ids: &ids,
        };
        let mut properties = Vec::new();
        properties.extend(expiry.map(Property::MessageExpiryInterval));
        let number = alias.map(|(number, _)| number.try_into().unwrap());
        properties.extend(number.map(Property::TopicAlias));
        properties.extend(ids.iter().map(|&id| Property::SubscriptionIdentifier(id)));
        properties.extend(&users);
        // The publisher's properties may include ones that are specific to a subscriber.
        let of_publisher = [&users[..], &[Property::MessageExpiryInterval(7)]].concat();
        let kept = packet(version, topic(&name), of_publisher, &payload).unwrap();
        let shared = SharedPublish::of_packet(version, &kept);
        let mut written = b"before".to_vec();
        shared.write(&own, &mut written).unwrap();

        let by_alias = version == Version::V5_0 && matches!(topic_alias, Some(Alias::Use(_)));
        let mut scratch = Vec::new();
        let packet = Packet::Publish(Publish {
            delivery,
            retain,
            topic: (!by_alias).then(|| topic(&name)),
            properties: Properties::encode(properties, &mut scratch).unwrap(),
            payload: &payload,
        });
        let mut expected = b"before".to_vec();
        packet.encode(version, &mut expected).unwrap();

        prop_assert_eq!(&written, &expected);
        prop_assert_eq!(shared.packet_bytes(&own).unwrap(), expected.len() - 6);
    }
}

/// Cases in which the length of the properties, or of the packet, needs one byte more.
#[test]
fn length_fields_grow_with_the_subscribers_properties() {
    const PAIR: usize = 1 + 2 + 2;
    let long = "x".repeat(u16::MAX.into());
    let own = Own {
        delivery: QosDelivery::AtLeastOnce(id(1), Attempt::First),
        subscription_ids: &[SubscriptionId::new(127).unwrap()],
        ..Own::default()
    };
    for edge in [0x7F, 0x80, 0x3FFF, 0x4000] {
        for bytes in edge - 8..edge + 8 {
            let (name, value) = ("", &long[..bytes - PAIR]);
            let pair = Property::UserProperty(UserProperty { name, value });
            let packet = packet(Version::V5_0, topic("t"), [pair], b"").unwrap();
            let shared = SharedPublish::of_packet(Version::V5_0, &packet);
            let mut out = Vec::new();
            shared.write(&own, &mut out).unwrap();
            assert_eq!(shared.packet_bytes(&own), Ok(out.len()));
            let mut decoder = Decoder::new(Role::Client, Version::V5_0, Limits::NONE);
            let (packet, taken) = decoder.decode(&out).unwrap().unwrap();
            assert_eq!(taken, out.len());
            let Packet::Publish(publish) = packet else {
                panic!("it is {packet:?}");
            };
            assert_eq!(publish.properties.as_bytes().len(), 2 + bytes);
        }
    }
}

#[test]
fn a_message_without_subscriber_fields_is_copied_unchanged() {
    for (version, bytes) in [
        (Version::V3_1_1, &b"\x30\x06\0\x01tabc"[..]),
        (Version::V5_0, b"\x30\x0B\0\x01t\x04\x03\0\x01cabc"),
    ] {
        let properties = [Property::ContentType("c")];
        let packet = packet(version, topic("t"), properties, b"abc").unwrap();
        let shared = SharedPublish::of_packet(version, &packet);
        assert_eq!(packet, bytes);
        let mut out = Vec::new();
        shared.write(&Own::default(), &mut out).unwrap();
        assert_eq!(out, bytes);
        assert_eq!(shared.packet_bytes(&Own::default()), Ok(bytes.len()));
    }
}

/// Checks the error, and that the buffer is unchanged.
#[track_caller]
fn check(packet: Packet<'_>, version: Version, expected: EncodeError) {
    let mut out = b"x".to_vec();
    assert_eq!(packet.encode(version, &mut out), Err(expected));
    assert_eq!(out, b"x");
}

#[test]
fn packets_that_a_version_cannot_express_are_refused() {
    let none = Properties::EMPTY;
    let not_in = |packet| EncodeError::NotInVersion {
        packet,
        version: Version::V3_1_1,
    };
    let puback = Packet::Puback(Acknowledgement {
        packet_id: id(1),
        reason: PublishReason::NotAuthorized,
        properties: none,
    });
    check(puback, Version::V3_1_1, not_in(PacketType::Puback));
    let disconnect = Packet::Disconnect(Disconnect {
        reason: DisconnectReason::ServerShuttingDown,
        properties: none,
    });
    check(disconnect, Version::V3_1_1, not_in(PacketType::Disconnect));
    let auth = Packet::Auth(Auth {
        reason: AuthReason::Success,
        properties: none,
    });
    check(auth, Version::V3_1_1, not_in(PacketType::Auth));
    let connack = |session_present, reason| {
        Packet::Connack(Connack {
            session_present,
            reason,
            properties: none,
        })
    };
    let malformed = connack(false, ConnectReason::MalformedPacket);
    check(malformed, Version::V3_1_1, not_in(PacketType::Connack));
    let present = connack(true, ConnectReason::NotAuthorized);
    check(present, Version::V5_0, EncodeError::SessionPresent);
    let connect = Packet::Connect(Connect {
        version: Version::V3_1_1,
        is_bridge: false,
        clean_start: true,
        keep_alive: 0,
        properties: none,
        client_id: "",
        will: None,
        user_name: None,
        password: Some(b""),
    });
    let expected = EncodeError::PasswordWithoutUserName(Version::V3_1_1);
    check(connect, Version::V3_1_1, expected);
}

#[test]
fn packets_that_would_be_malformed_are_refused() {
    let none = Properties::EMPTY;
    let publish = |topic, properties| {
        Packet::Publish(Publish {
            delivery: QosDelivery::AtMostOnce,
            retain: false,
            topic,
            properties,
            payload: b"",
        })
    };
    check(publish(None, none), Version::V5_0, EncodeError::NoTopic);
    let mut scratch = Vec::new();
    let alias = [Property::TopicAlias(1.try_into().unwrap())];
    let alias = List::encode(alias, &mut scratch).unwrap();
    check(publish(None, alias), Version::V3_1_1, EncodeError::NoTopic);
    let mut scratch = Vec::new();
    let misplaced = List::encode([Property::ReasonString("")], &mut scratch).unwrap();
    let expected = EncodeError::Property(PropertyId::ReasonString);
    check(
        publish(Some(topic("t")), misplaced),
        Version::V5_0,
        expected,
    );
    let mut scratch = Vec::new();
    let twice = List::encode([Property::ContentType(""); 2], &mut scratch).unwrap();
    let expected = EncodeError::Property(PropertyId::ContentType);
    check(publish(Some(topic("t")), twice), Version::V5_0, expected);

    let subscribe = |subscriptions| {
        Packet::Subscribe(Subscribe {
            packet_id: id(1),
            properties: none,
            subscriptions,
        })
    };
    let empty = EncodeError::Empty(PacketType::Subscribe);
    check(subscribe(List::EMPTY), Version::V3_1_1, empty);
    let options = SubscriptionOptions {
        no_local: true,
        ..SubscriptionOptions::default()
    };
    let shared = |text, options| Subscription {
        filter: filter(text),
        options,
    };
    let mut scratch = Vec::new();
    let list = List::encode([shared("$share/a/b", options)], &mut scratch).unwrap();
    check(subscribe(list), Version::V5_0, EncodeError::NoLocalShared);
    let mut scratch = Vec::new();
    let broken = shared("$share/a", SubscriptionOptions::default());
    let list = List::encode([broken], &mut scratch).unwrap();
    let expected = EncodeError::Topic(TopicError::ShareFilter);
    check(subscribe(list), Version::V5_0, expected);

    let auth = Packet::Auth(Auth {
        reason: AuthReason::ReAuthenticate,
        properties: none,
    });
    let expected = EncodeError::NoProperty(PropertyId::AuthenticationMethod);
    check(auth, Version::V5_0, expected);
}

#[test]
fn fields_have_bounds() {
    let connect = |client_id| {
        Packet::Connect(Connect {
            version: Version::V5_0,
            is_bridge: false,
            clean_start: true,
            keep_alive: 0,
            properties: Properties::EMPTY,
            client_id,
            will: None,
            user_name: None,
            password: None,
        })
    };
    check(connect("a\0"), Version::V5_0, EncodeError::Nul);
    let long = "x".repeat(65_536);
    let expected = EncodeError::FieldTooLong { bytes: 65_536 };
    check(connect(&long), Version::V5_0, expected);
    let mut out = Vec::new();
    assert!(connect(&long[1..]).encode(Version::V5_0, &mut out).is_ok());
    let mut scratch = Vec::new();
    let data = Properties::encode([Property::ReasonString(&long)], &mut scratch);
    assert_eq!(data, Err(expected));
    let huge = vec![0; 268_435_455];
    let packet = packet(Version::V3_1_1, topic("t"), [], &huge);
    let bytes = 268_435_455 + 3;
    assert_eq!(packet.map(drop), Err(EncodeError::PacketTooLarge { bytes }));
}
