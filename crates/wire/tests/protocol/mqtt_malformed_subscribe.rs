//! Malformed SUBSCRIBE, UNSUBSCRIBE and their acknowledgements: the fault, its offset, the reason
//! code and the clause.

use wire::mqtt::{Decoder, Limits};

use wire::mqtt::Role::{Client, Server};
use wire::mqtt::Version::{V3_1_1, V5_0};

use crate::mqtt_malformed::{check, check_in};

#[test]
fn subscribe() {
    let expected = "a packet identifier is 0 (SUBSCRIBE, byte 2) 0x81";
    check(
        Server,
        b"\x82\x09\x00\x00",
        expected,
        "MQTT-2.3.1-1",
        "MQTT-2.2.1-3",
    );
    let expected = "there is no topic filter (SUBSCRIBE, byte 4) 0x82 MQTT-3.8.3-3";
    check_in(V3_1_1, Server, b"\x82\x02\x00\x01", expected);
    let expected = "there is no topic filter (SUBSCRIBE, byte 5) 0x82 MQTT-3.8.3-2";
    check_in(V5_0, Server, b"\x82\x03\x00\x01\x00", expected);
    let expected = "there is no topic filter (UNSUBSCRIBE, byte 5) 0x82 MQTT-3.10.3-2";
    check_in(V5_0, Server, b"\xA2\x03\x00\x01\x00", expected);
    let of_3 = |options: u8| [b"\x82\x06\x00\x01\x00\x01a", &[options][..]].concat();
    let of_5 = |options: u8| [b"\x82\x07\x00\x01\x00\x00\x01a", &[options][..]].concat();
    let expected = "the maximum QoS is 3 (SUBSCRIBE, byte 7) 0x82 MQTT-3-8.3-4";
    check_in(V3_1_1, Server, &of_3(3), expected);
    let expected =
        "the reserved bits of the options 0b00000100 are set (SUBSCRIBE, byte 7) 0x81 MQTT-3-8.3-4";
    check_in(V3_1_1, Server, &of_3(4), expected);
    let expected = "the maximum QoS is 3 (SUBSCRIBE, byte 8) 0x82 3.8.3.1";
    check_in(V5_0, Server, &of_5(3), expected);
    let expected = "retain handling is 3 (SUBSCRIBE, byte 8) 0x82 3.8.3.1";
    check_in(V5_0, Server, &of_5(0x30), expected);
    let expected =
        "the reserved bits of the options 0b01000000 are set (SUBSCRIBE, byte 8) 0x81 MQTT-3.8.3-5";
    check_in(V5_0, Server, &of_5(0x40), expected);
}

#[test]
fn filters() {
    for (filter, error, of_3, of_5) in [
        ("", "it is empty", "MQTT-4.7.3-1", "MQTT-4.7.3-1"),
        (
            "a#",
            "\"#\" is not the whole last level",
            "MQTT-4.7.1-2",
            "MQTT-4.7.1-1",
        ),
        (
            "a+",
            "\"+\" is not a whole level",
            "MQTT-4.7.1-3",
            "MQTT-4.7.1-2",
        ),
    ] {
        for (version, properties, clause) in [(V3_1_1, &b""[..], of_3), (V5_0, b"\x00", of_5)] {
            for (first, packet, options) in [(0x82, "SUBSCRIBE", 1), (0xA2, "UNSUBSCRIBE", 0)] {
                let length = 2 + properties.len() + 2 + filter.len() + options;
                let head = [first, length as u8, 0, 1];
                let text = [&[0, filter.len() as u8], filter.as_bytes()].concat();
                let bytes = [&head, properties, &text].concat();
                let offset = 4 + properties.len();
                let expected = format!(
                    "the topic is illegal: {error} ({packet}, byte {offset}) 0x81 {clause}"
                );
                check_in(version, Server, &bytes, &expected);
            }
        }
    }
    for (filter, error) in [
        (
            "$share//a",
            "needs a share name without wildcards (SUBSCRIBE, byte 5) 0x81 MQTT-4.8.2-1",
        ),
        (
            "$share/a",
            "needs a topic filter after its share name (SUBSCRIBE, byte 5) 0x81 MQTT-4.8.2-2",
        ),
    ] {
        let text = [&[0, filter.len() as u8], filter.as_bytes(), &[0]].concat();
        let bytes = [&[0x82, 3 + text.len() as u8, 0, 1, 0], &text[..]].concat();
        let expected = format!("the topic is illegal: a shared subscription {error}");
        check_in(V5_0, Server, &bytes, &expected);
        // Before 5.0 it is an ordinary filter.
        let bytes = [&[0x82, 2 + text.len() as u8, 0, 1], &text[..]].concat();
        let mut decoder = Decoder::new(Server, V3_1_1, Limits::DEFAULT);
        assert!(matches!(decoder.decode(&bytes), Ok(Some(_))));
    }
    let expected = "no local is set on a shared subscription (SUBSCRIBE, byte 5) 0x82 MQTT-3.8.3-4";
    check_in(
        V5_0,
        Server,
        b"\x82\x10\x00\x01\x00\x00\x0A$share/a/b\x04",
        expected,
    );
}

#[test]
fn answers_to_subscribe() {
    let expected =
        "reason code 0x03 is not allowed in this packet (SUBACK, byte 4) 0x81 MQTT-3.9.3-2";
    check_in(V3_1_1, Client, b"\x90\x03\x00\x01\x03", expected);
    let expected =
        "reason code 0x87 is not allowed in this packet (SUBACK, byte 4) 0x81 MQTT-3.9.3-2";
    check_in(V3_1_1, Client, b"\x90\x03\x00\x01\x87", expected);
    let expected =
        "reason code 0x11 is not allowed in this packet (SUBACK, byte 5) 0x81 MQTT-3.9.3-2";
    check_in(V5_0, Client, b"\x90\x04\x00\x01\x00\x11", expected);
    let expected =
        "reason code 0x01 is not allowed in this packet (UNSUBACK, byte 5) 0x81 MQTT-3.11.3-2";
    check_in(V5_0, Client, b"\xB0\x04\x00\x01\x00\x01", expected);
    let expected = "there is no reason code (SUBACK, byte 4) 0x82 3.9.3";
    check_in(V3_1_1, Client, b"\x90\x02\x00\x01", expected);
    let expected = "there is no reason code (UNSUBACK, byte 5) 0x82 MQTT-3.11.3-2";
    check_in(V5_0, Client, b"\xB0\x03\x00\x01\x00", expected);
    let expected = "the packet has bytes after the last field (UNSUBACK, byte 4) 0x81 2.2.3";
    check_in(V3_1_1, Client, b"\xB0\x03\x00\x01\x00", expected);
    let expected = "a packet identifier is 0 (SUBACK, byte 2) 0x81";
    check(
        Client,
        b"\x90\x04\x00\x00",
        expected,
        "MQTT-2.3.1-7",
        "MQTT-2.2.1-6",
    );
}
