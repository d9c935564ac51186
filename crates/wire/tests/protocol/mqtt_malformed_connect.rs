//! Malformed CONNECT and CONNACK: the fault, its offset, the reason code and the clause.

use wire::mqtt::{Decoder, Limits};

use wire::mqtt::Role::Client;
use wire::mqtt::Version::{V3_1_1, V5_0};

use crate::mqtt_malformed::{check, check_connect, check_in};

#[test]
fn connect() {
    let name = "the protocol name is not MQTT (CONNECT, byte 2) 0x81 MQTT-3.1.2-1";
    for bytes in [
        &b"\x00\x05MQTTX"[..],
        b"\x00\x04mqtt\x04",
        b"\x00\x06MQTTTT\x03",
        b"\xFF\xFF",
    ] {
        check_connect(bytes, name);
    }
    for (bytes, level, offset) in [
        (&b"\x00\x04MQTT\x06"[..], 6, 8),
        (b"\x00\x04MQTT\x03", 3, 8),
        (b"\x00\x04MQTT\x83", 131, 8),
        (b"\x00\x04MQTT\x85", 133, 8),
        (b"\x00\x06MQIsdp\x84", 132, 10),
        (b"\x00\x06MQIsdp\x04", 4, 10),
    ] {
        let expected = format!(
            "protocol level {level} is not supported (CONNECT, byte {offset}) 0x81 MQTT-3.1.2-2"
        );
        check_connect(bytes, &expected);
        let mut decoder = Decoder::before_connect(Limits::DEFAULT);
        let whole = [&[0x10, bytes.len() as u8], bytes].concat();
        let error = decoder.decode(&whole).unwrap_err();
        assert_eq!(error.connect_reason().return_code(), Some(1));
        assert_eq!(error.connect_reason().code(), 0x84);
    }
    for (flags, fault, of_3, of_5) in [
        (
            0x03,
            "the reserved connect flag is set",
            "MQTT-3.1.2-3",
            "MQTT-3.1.2-3",
        ),
        (
            0x1C,
            "both will QoS bits are set",
            "MQTT-3.1.2-14",
            "MQTT-3.1.2-12",
        ),
        (
            0x08,
            "will QoS is set without a will",
            "MQTT-3.1.2-13",
            "MQTT-3.1.2-11",
        ),
        (
            0x20,
            "will retain is set without a will",
            "MQTT-3.1.2-15",
            "MQTT-3.1.2-13",
        ),
    ] {
        for (level, clause) in [(4, of_3), (5, of_5)] {
            let expected = format!("{fault} (CONNECT, byte 9) 0x81 {clause}");
            check_connect(&[&b"\x00\x04MQTT"[..], &[level, flags]].concat(), &expected);
        }
    }
    let expected = "a password is set without a user name (CONNECT, byte 9) 0x81 MQTT-3.1.2-22";
    check_connect(b"\x00\x04MQTT\x04\x42", expected);
    // [MQTT-3.1.3-3]: the client identifier is required; [MQTT-3.1.2-17], [MQTT-3.1.2-19]: so are
    // the other fields whose flags are set.
    for (flags, payload, offset) in [
        (0x02, &b""[..], 12),
        (0x82, b"\x00\x00", 14),
        (0xC2, b"\x00\x00\x00\x00", 16),
        (0x06, b"\x00\x00", 14),
        (0x06, b"\x00\x00\x00\x01t", 17),
    ] {
        let bytes = [b"\x00\x04MQTT\x04", &[flags][..], b"\x00\x00", payload].concat();
        let expected = format!(
            "a field is longer than the rest of the packet (CONNECT, byte {offset}) 0x81 2.2.3"
        );
        check_connect(&bytes, &expected);
    }
    let expected = "the topic is illegal: a topic name contains a wildcard (CONNECT, byte 14) 0x81 MQTT-4.7.1-1";
    check_connect(
        b"\x00\x04MQTT\x04\x06\x00\x00\x00\x00\x00\x01#\x00\x00",
        expected,
    );
}

#[test]
fn connack() {
    let expected = "the acknowledge flags 0b00000010 are reserved (CONNACK, byte 2) 0x81";
    check(Client, b"\x20\x03\x02", expected, "3.2.2.1", "MQTT-3.2.2-1");
    let expected = "reason code 0x06 is not allowed in this packet (CONNACK, byte 3) 0x81";
    check(
        Client,
        b"\x20\x03\x00\x06",
        expected,
        "3.2.2.3",
        "MQTT-3.2.2-8",
    );
    let expected = "session present is set but the connection is refused (CONNACK, byte 2) 0x82";
    check_in(
        V3_1_1,
        Client,
        b"\x20\x02\x01\x05",
        &format!("{expected} MQTT-3.2.2-4"),
    );
    check_in(
        V5_0,
        Client,
        b"\x20\x03\x01\x87",
        &format!("{expected} MQTT-3.2.2-6"),
    );
}
