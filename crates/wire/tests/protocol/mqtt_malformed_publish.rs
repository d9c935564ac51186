//! Malformed PUBLISH and acknowledgements, and exceeded limits: the fault, its offset, the reason
//! code and the clause.

use wire::mqtt::{Decoder, Limits};

use wire::mqtt::Role::{Client, Server};
use wire::mqtt::Version::{V3_1_1, V5_0};

use crate::mqtt_malformed::{check, check_in, error_of};

#[test]
fn publish() {
    let expected = "both QoS bits are set (PUBLISH, byte 0) 0x81";
    check(
        Server,
        b"\x36\x00",
        expected,
        "MQTT-3.3.1-4",
        "MQTT-3.3.1-4",
    );
    let expected = "DUP is set but QoS is 0 (PUBLISH, byte 0) 0x81";
    check(
        Server,
        b"\x38\x00",
        expected,
        "MQTT-3.3.1-2",
        "MQTT-3.3.1-2",
    );
    let expected = "a packet identifier is 0 (PUBLISH, byte 5) 0x81";
    check(
        Server,
        b"\x32\x06\x00\x01t\x00\x00",
        expected,
        "MQTT-2.3.1-1",
        "MQTT-2.2.1-3",
    );
    check(
        Client,
        b"\x34\x06\x00\x01t\x00\x00",
        expected,
        "MQTT-2.3.1-1",
        "MQTT-2.2.1-4",
    );
    let expected = "the topic is illegal: a topic name contains a wildcard (PUBLISH, byte 2) 0x81";
    check(
        Server,
        b"\x30\x06\x00\x03a/#",
        expected,
        "MQTT-3.3.2-2",
        "MQTT-3.3.2-2",
    );
    let expected = "the topic is illegal: it is empty (PUBLISH, byte 2) 0x81 MQTT-4.7.3-1";
    check_in(V3_1_1, Server, b"\x30\x02\x00\x00", expected);
    let expected = "there is neither a topic name nor a topic alias (PUBLISH, byte 2) 0x82 3.3.2.1";
    check_in(V5_0, Server, b"\x30\x03\x00\x00\x00", expected);
    let expected = "a string is not UTF-8 (PUBLISH, byte 2) 0x81";
    for text in [
        b"\xED\xA0\x80",
        b"\xED\xBF\xBF",
        b"\xC0\x80a",
        b"ab\xFF",
        b"a\xE2\x82",
    ] {
        let bytes = [b"\x30\x06\x00\x03", &text[..]].concat();
        check(Server, &bytes, expected, "MQTT-1.5.3-1", "MQTT-1.5.4-1");
    }
    let expected = "a string contains U+0000 (PUBLISH, byte 2) 0x81";
    check(
        Server,
        b"\x30\x06\x00\x03a\x00b",
        expected,
        "MQTT-1.5.3-2",
        "MQTT-1.5.4-2",
    );
    let expected = "a field is longer than the rest of the packet (PUBLISH, byte 4) 0x81";
    check(Server, b"\x30\x04\x00\x03", expected, "2.2.3", "2.1.4");
    let expected = "the topic is longer than 8192 bytes (PUBLISH, byte 4) 0x97";
    check(
        Server,
        b"\x30\x80\x80\x01\x20\x01",
        expected,
        "4.8",
        "4.13.2",
    );
}

#[test]
fn acknowledgements() {
    for (first, packet, of_5) in [
        (0x40, "PUBACK", "MQTT-3.4.2-1"),
        (0x50, "PUBREC", "MQTT-3.5.2-1"),
        (0x62, "PUBREL", "MQTT-3.6.2-1"),
        (0x70, "PUBCOMP", "MQTT-3.7.2-1"),
    ] {
        let expected = format!("a packet identifier is 0 ({packet}, byte 2) 0x81");
        check(
            Server,
            &[first, 2, 0, 0],
            &expected,
            "MQTT-2.3.1-6",
            "MQTT-2.2.1-5",
        );
        let expected = format!(
            "reason code 0x8e is not allowed in this packet ({packet}, byte 4) 0x81 {of_5}"
        );
        check_in(V5_0, Server, &[first, 3, 0, 1, 0x8E], &expected);
    }
    let expected =
        "reason code 0x01 is not allowed in this packet (DISCONNECT, byte 2) 0x81 MQTT-3.14.2-1";
    check_in(V5_0, Server, b"\xE0\x01\x01", expected);
    let expected =
        "reason code 0x01 is not allowed in this packet (AUTH, byte 2) 0x81 MQTT-3.15.2-1";
    check_in(V5_0, Server, b"\xF0\x01\x01", expected);
    let expected = "a field is longer than the rest of the packet (AUTH, byte 3) 0x81 2.1.4";
    check_in(V5_0, Server, b"\xF0\x01\x18", expected);
    let expected = "the Authentication Method is missing (AUTH, byte 3) 0x82 3.15.2.2.2";
    check_in(V5_0, Server, b"\xF0\x02\x18\x00", expected);
}

/// Each limit has an error of its own, and a packet at the limit is accepted.
#[test]
fn limits() {
    const LIMITS: Limits = Limits {
        packet_bytes: 24,
        properties: 2,
        topic_bytes: 3,
        filters: 2,
    };
    let decoder = |role| Decoder::new(role, V5_0, LIMITS);
    let passes = |bytes: &[u8]| {
        let read = decoder(Server).decode(bytes);
        assert!(
            matches!(read, Ok(Some((_, taken))) if taken == bytes.len()),
            "{read:?}"
        );
    };
    passes(b"\x30\x16\x00\x03abc\x000123456789abcdef");
    let expected = "the packet is larger than 24 bytes (PUBLISH, byte 1) 0x95 MQTT-3.2.2-15";
    assert_eq!(error_of(&decoder(Server), b"\x30\x17"), expected);

    let expected = "the topic is longer than 3 bytes (PUBLISH, byte 2) 0x97 4.13.2";
    assert_eq!(error_of(&decoder(Server), b"\x30\x10\x00\x04"), expected);
    let expected = "the topic is longer than 3 bytes (SUBSCRIBE, byte 5) 0x97 4.13.2";
    assert_eq!(
        error_of(&decoder(Server), b"\x82\x10\x00\x01\x00\x00\x04"),
        expected
    );
    let expected = "the topic is longer than 3 bytes (PUBLISH, byte 6) 0x97 4.13.2";
    let response = b"\x30\x10\x00\x01t\x07\x08\x00\x04abcd";
    assert_eq!(error_of(&decoder(Server), response), expected);

    passes(b"\x30\x09\x00\x01t\x05\x01\x01\x03\x00\x00");
    let expected = "there are more than 2 properties (CONNECT, byte 17) 0x97 4.13.2";
    let connect = b"\x10\x1E\x00\x04MQTT\x05\x02\x00\x00\x0A\x17\x00\x19\x00\x21";
    let before = Decoder::before_connect(Limits {
        packet_bytes: 99,
        ..LIMITS
    });
    assert_eq!(error_of(&before, connect), expected);

    passes(b"\x82\x0B\x00\x01\x00\x00\x01a\x00\x00\x01b\x00");
    let expected = "there are more than 2 topic filters (SUBSCRIBE, byte 13) 0x97 4.13.2";
    let bytes = b"\x82\x0F\x00\x01\x00\x00\x01a\x00\x00\x01b\x00";
    assert_eq!(error_of(&decoder(Server), bytes), expected);
}
