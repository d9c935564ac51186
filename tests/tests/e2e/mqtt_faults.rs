//! MQTT: malformed input ends only the connection that sent it; in 5.0 with a reason code.

use harness::Carillon;
use harness::mqtt::property::{MESSAGE_EXPIRY, TOPIC_ALIAS};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, sealed};

const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;
const ALIAS_INVALID: u8 = 0x94;

/// Only in 5.0 the fields of `before` are followed by properties.
fn without_properties(version: Version, before: &[u8], behind: &[u8]) -> Vec<u8> {
    let properties: &[u8] = if version == Version::V5 { b"\0" } else { b"" };
    [before, properties, behind].concat()
}

/// Returns faults in all versions, with the reason code of 5.0.
fn faults(version: Version) -> Vec<(&'static str, Vec<u8>, u8)> {
    let of = |first, before: &[u8], behind: &[u8]| {
        sealed(first, &without_properties(version, before, behind))
    };
    vec![
        (
            "a length of five bytes",
            b"\xC0\x80\x80\x80\x80\x01".to_vec(),
            MALFORMED,
        ),
        ("type 0", b"\0\0".to_vec(), MALFORMED),
        ("QoS 3", of(0x36, b"\0\x01a\0\x01", b"x"), MALFORMED),
        ("no identifier", of(0x32, b"\0\x01a\0\0", b"x"), MALFORMED),
        ("a wildcard", of(0x30, b"\0\x03a/+", b"x"), MALFORMED),
        ("no UTF-8", of(0x30, b"\0\x02a\xFF", b"x"), MALFORMED),
        ("U+0000", of(0x30, b"\0\x02a\0", b"x"), MALFORMED),
        ("a topic cut off", sealed(0x30, b"\0\x09a"), MALFORMED),
        (
            "SUBSCRIBE of id 0",
            of(0x82, b"\0\0", b"\0\x01a\0"),
            MALFORMED,
        ),
        ("no filters", of(0x82, b"\0\x01", b""), PROTOCOL_ERROR),
        ("nothing to leave", of(0xA2, b"\0\x01", b""), PROTOCOL_ERROR),
        ("# inside", of(0x82, b"\0\x01", b"\0\x03#/a\0"), MALFORMED),
        (
            "+ in a level",
            of(0x82, b"\0\x01", b"\0\x02a+\0"),
            MALFORMED,
        ),
        (
            "a maximum QoS of 3",
            of(0x82, b"\0\x01", b"\0\x01a\x03"),
            PROTOCOL_ERROR,
        ),
        (
            "a packet of servers",
            of(0x90, b"\0\x01", b"\0"),
            PROTOCOL_ERROR,
        ),
    ]
}

#[tokio::test]
async fn malformed_packets_end_only_their_connection_with_a_reason() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut bystander = MqttClient::subscriber(&server, Version::V5, "bystander", 1).await;
    for version in Version::ALL {
        for (what, bytes, reason) in faults(version) {
            let mut client = MqttClient::anyone(&server, version).await;
            client.send_bytes(bytes).await;
            println!("{version:?}: {what}");
            client.is_sent_away(reason).await;
            bystander.publish("bystander", what, 1).await;
            assert_eq!(bystander.bodies(1).await, [what]);
        }
    }
}

#[tokio::test]
async fn wrong_reserved_flags_are_malformed_since_3_1_1() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in [Version::V3_1_1, Version::V5] {
        for (first, rest) in [
            (0x80, without_properties(version, b"\0\x01", b"\0\x01a\0")),
            (0xA0, without_properties(version, b"\0\x01", b"\0\x01a")),
            (0xC1, Vec::new()),
        ] {
            let mut client = MqttClient::anyone(&server, version).await;
            client.send_bytes(sealed(first, &rest)).await;
            client.is_sent_away(MALFORMED).await;
        }
    }
}

#[tokio::test]
async fn malformed_fields_of_5_0_have_their_reasons() {
    let server = Carillon::with_mqtt(&[]).await;
    let publication = || Packet::publication("a", "x", 0);
    let expiry = publication().with(MESSAGE_EXPIRY, 1);
    let topicless = Packet::publication("", "x", 0);
    for (what, bytes, reason) in [
        (
            "a property of no name",
            sealed(0x30, b"\0\x01a\x02\x7F\0x"),
            MALFORMED,
        ),
        (
            "a property of CONNECT",
            sealed(0x30, b"\0\x01a\x03\x21\0\x01x"),
            MALFORMED,
        ),
        (
            "properties cut off",
            sealed(0x30, b"\0\x01a\x09\x01"),
            MALFORMED,
        ),
        (
            "a property twice",
            expiry.with(MESSAGE_EXPIRY, 1).encode(Version::V5),
            PROTOCOL_ERROR,
        ),
        (
            "alias 0",
            publication().with(TOPIC_ALIAS, 0).encode(Version::V5),
            ALIAS_INVALID,
        ),
        (
            "an alias above the maximum",
            publication().with(TOPIC_ALIAS, 65_535).encode(Version::V5),
            ALIAS_INVALID,
        ),
        ("no topic", topicless.encode(Version::V5), PROTOCOL_ERROR),
        (
            "retain handling 3",
            sealed(0x82, b"\0\x01\0\0\x01a\x30"),
            PROTOCOL_ERROR,
        ),
        (
            "reserved options",
            sealed(0x82, b"\0\x01\0\0\x01a\x40"),
            MALFORMED,
        ),
        (
            "no local on a shared subscription",
            Packet::subscription(&[("$share/g/a", 4)])
                .numbered(1)
                .encode(Version::V5),
            PROTOCOL_ERROR,
        ),
    ] {
        println!("{what}");
        let mut client = MqttClient::anyone(&server, Version::V5).await;
        client.send_bytes(bytes).await;
        client.is_sent_away(reason).await;
    }
}

#[tokio::test]
async fn packets_before_a_fault_are_processed_and_later_ones_are_not() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut watcher = MqttClient::subscriber(&server, version, "a", 1).await;
        let mut client = MqttClient::anyone(&server, version).await;
        let stream = [
            Packet::publication("a", "before", 1)
                .numbered(1)
                .encode(version),
            b"\0\0".to_vec(),
            Packet::publication("a", "behind", 1)
                .numbered(2)
                .encode(version),
        ]
        .concat();
        client.send_bytes(stream).await;
        let puback = client.packet().await;
        assert_eq!((puback.kind, puback.id), (Kind::Puback, 1));
        client.is_sent_away(MALFORMED).await;
        watcher.publish("a", "end", 1).await;
        assert_eq!(watcher.bodies_before("end").await, ["before"]);
    }
}

#[tokio::test]
async fn a_malformed_connect_is_refused_or_closed() {
    let server = Carillon::with_mqtt(&[]).await;
    // A will with QoS 3.
    let mut bytes = Connect::new(Version::V5, "c").encode();
    bytes[9] |= 4 | 3 << 3;
    let mut client = MqttClient::open(&server, Version::V5).await;
    client.send_bytes(bytes).await;
    let answer = client.rest().await;
    // "MAY send a CONNACK" (4.13.1).
    assert!(answer.is_empty() || answer[3] == MALFORMED, "{answer:?}");
    MqttClient::connect(&server, Version::V5, "others go on").await;
}
