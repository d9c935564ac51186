//! Malformed fixed headers: the fault, its offset, the reason code and the clause, case by case.

use wire::mqtt::{Decoder, Limits, Role, Version};

use crate::mqtt_clause::clause;

use Role::{Client, Server};
use Version::{V3_1, V3_1_1, V5_0};

/// Returns the decoder's error, and checks that longer inputs give the same error and shorter ones
/// none.
#[track_caller]
pub fn error_of(decoder: &Decoder, bytes: &[u8]) -> String {
    let mut first = None;
    for end in 0..=bytes.len() {
        match decoder.clone().decode(&bytes[..end]) {
            Ok(None) => assert_eq!(first, None, "with {end} bytes of {bytes:02x?}"),
            Ok(Some(packet)) => panic!("{bytes:02x?} is {packet:?}"),
            Err(error) => {
                assert_eq!(*first.get_or_insert(error), error);
            }
        }
    }
    let error = first.unwrap_or_else(|| panic!("{bytes:02x?} is unfinished"));
    let code = error.disconnect_reason().code();
    format!("{error} {code:#04x} {}", clause(&error))
}

/// Checks the fault in every version, with its clause in 3.1.1 and in 5.0.
#[track_caller]
pub fn check(role: Role, bytes: &[u8], expected: &str, of_3: &str, of_5: &str) {
    for (version, clause) in [(V3_1_1, of_3), (V5_0, of_5)] {
        let decoder = Decoder::new(role, version, Limits::DEFAULT);
        let expected = format!("{expected} {clause}");
        assert_eq!(
            error_of(&decoder, bytes),
            expected,
            "of {bytes:02x?} in {version}"
        );
    }
}

#[track_caller]
pub fn check_in(version: Version, role: Role, bytes: &[u8], expected: &str) {
    let decoder = Decoder::new(role, version, Limits::DEFAULT);
    assert_eq!(
        error_of(&decoder, bytes),
        expected,
        "of {bytes:02x?} in {version}"
    );
}

#[track_caller]
pub fn check_connect(bytes: &[u8], expected: &str) {
    let decoder = Decoder::before_connect(Limits::DEFAULT);
    let mut whole = vec![0x10, bytes.len() as u8];
    whole.extend_from_slice(bytes);
    assert_eq!(error_of(&decoder, &whole), expected, "of {bytes:02x?}");
}

#[test]
fn fixed_headers() {
    let decoder = Decoder::before_connect(Limits::DEFAULT);
    let expected = "the first packet is not CONNECT (PINGREQ, byte 0) 0x82 MQTT-3.1.0-1";
    assert_eq!(error_of(&decoder, b"\xC0"), expected);
    let expected = "the first packet is not CONNECT (PUBACK, byte 0) 0x82 MQTT-3.1.0-1";
    assert_eq!(error_of(&decoder, b"GET / HTTP/1.1"), expected);
    let expected = "a second CONNECT was received (CONNECT, byte 0) 0x82";
    check(Server, b"\x10", expected, "MQTT-3.1.0-2", "MQTT-3.1.0-2");
    let expected = "packet type 0 is reserved (byte 0) 0x81";
    check(Server, b"\x00", expected, "2.2.1", "2.1.2");
    let expected = "packet type 15 is reserved (byte 0) 0x81 2.2.1";
    check_in(V3_1_1, Server, b"\xF0", expected);

    for (first, packet) in [
        (0x20, "CONNACK"),
        (0x90, "SUBACK"),
        (0xB0, "UNSUBACK"),
        (0xD0, "PINGRESP"),
    ] {
        let expected = format!("a server must not receive {packet} ({packet}, byte 0) 0x82");
        check(Server, &[first], &expected, "2.2.1", "2.1.2");
    }
    for (first, packet) in [
        (0x10, "CONNECT"),
        (0x82, "SUBSCRIBE"),
        (0xA2, "UNSUBSCRIBE"),
        (0xC0, "PINGREQ"),
    ] {
        let expected = format!("a client must not receive {packet} ({packet}, byte 0) 0x82");
        check(Client, &[first], &expected, "2.2.1", "2.1.2");
    }
    let expected = "a client must not receive DISCONNECT (DISCONNECT, byte 0) 0x82 2.2.1";
    check_in(V3_1_1, Client, b"\xE0", expected);
}

#[test]
fn reserved_flags() {
    for (first, packet, of_3, of_5) in [
        (0x60, "PUBREL", "MQTT-3.6.1-1", "MQTT-3.6.1-1"),
        (0x80, "SUBSCRIBE", "MQTT-3.8.1-1", "MQTT-3.8.1-1"),
        (0xA0, "UNSUBSCRIBE", "MQTT-3.10.1-1", "MQTT-3.10.1-1"),
        (0x40, "PUBACK", "MQTT-2.2.2-2", "MQTT-2.1.3-1"),
        (0xC0, "PINGREQ", "MQTT-2.2.2-2", "MQTT-2.1.3-1"),
        (0xE0, "DISCONNECT", "MQTT-3.14.1-1", "MQTT-3.14.1-1"),
    ] {
        for flags in 0..16 {
            let right = matches!(first, 0x60 | 0x80 | 0xA0) as u8 * 2;
            if flags != right {
                let expected =
                    format!("the flags {flags:#06b} are reserved ({packet}, byte 0) 0x81");
                check(Server, &[first | flags], &expected, of_3, of_5);
            }
        }
    }
    let expected = "the flags 0b0001 are reserved (AUTH, byte 0) 0x81 MQTT-3.15.1-1";
    check_in(V5_0, Server, b"\xF1", expected);
    // 3.1 does not use the flags; a PUBREL may have DUP set.
    let mut decoder = Decoder::new(Server, V3_1, Limits::DEFAULT);
    assert!(matches!(decoder.decode(b"\x6A\x02\x00\x01"), Ok(Some(_))));
}

#[test]
fn remaining_lengths() {
    let expected = "a length has more than four bytes (PUBLISH, byte 1) 0x81";
    check(Server, b"\x30\x80\x80\x80\x80", expected, "2.2.3", "1.5.5");
    let expected =
        "a variable byte integer is not in its shortest form (PUBACK, byte 1) 0x81 MQTT-1.5.5-1";
    check_in(V5_0, Server, b"\x40\x82\x00\x00\x01", expected);
    let mut decoder = Decoder::new(Server, V3_1_1, Limits::DEFAULT);
    assert!(matches!(
        decoder.decode(b"\x40\x82\x00\x00\x01"),
        Ok(Some((_, 5)))
    ));
    // The rule for CONNECT depends on its version, which is decoded later.
    let long = |level| {
        [
            b"\x10\x8D\x00\x00\x04MQTT",
            &[level][..],
            b"\x02\x00\x00\x00\x00\x00",
        ]
        .concat()
    };
    let decoder = Decoder::before_connect(Limits::DEFAULT);
    let expected =
        "a variable byte integer is not in its shortest form (CONNECT, byte 1) 0x81 MQTT-1.5.5-1";
    assert_eq!(error_of(&decoder, &long(5)), expected);

    let expected = "the packet is larger than 1114112 bytes (PUBLISH, byte 1) 0x95";
    check(
        Server,
        b"\x30\xFD\xFF\x43",
        expected,
        "2.2.3",
        "MQTT-3.2.2-15",
    );
    check(
        Client,
        b"\x30\xFF\xFF\xFF\x7F",
        expected,
        "2.2.3",
        "MQTT-3.1.2-24",
    );
    let mut decoder = Decoder::new(Server, V5_0, Limits::DEFAULT);
    assert_eq!(decoder.decode(b"\x30\xFC\xFF\x43"), Ok(None));

    let expected = "the packet has bytes after the last field (PINGREQ, byte 2) 0x81";
    check(Server, b"\xC0\x01", expected, "2.2.3", "2.1.4");
    let expected = "a field is longer than the rest of the packet (PUBACK, byte 2) 0x81";
    check(Server, b"\x40\x01", expected, "2.2.3", "2.1.4");
    let expected = "the packet has bytes after the last field (PUBACK, byte 4) 0x81 2.2.3";
    check_in(V3_1_1, Server, b"\x40\x03\x00\x01", expected);
    let expected = "the packet has bytes after the last field (PUBACK, byte 6) 0x81 2.1.4";
    check_in(V5_0, Server, b"\x40\x05\x00\x01\x00\x00", expected);
}
