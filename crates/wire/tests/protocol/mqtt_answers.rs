//! Answers of a server: encoded for the client's version, within its Maximum Packet Size.

use wire::mqtt::server::{Fault, Peer};
use wire::mqtt::*;

const TEXT: &str = "because";

fn peer(version: Version) -> Peer {
    Peer {
        version,
        maximum_packet_size: u32::MAX,
        problem_information: true,
    }
}

fn id() -> PacketId {
    PacketId::new(0x0102).expect("valid")
}

type Write = fn(&Peer, &mut Vec<u8>) -> Result<(), Fault>;

/// Each answer, with a text if possible: the bytes in 5.0 without the text, and in 3.1.1.
const ANSWERS: [(PacketType, Write, &[u8], Option<&[u8]>); 9] = [
    (
        PacketType::Puback,
        |peer, out| peer.puback(id(), PublishReason::Success, TEXT, out),
        b"\x40\x02\x01\x02",
        Some(b"\x40\x02\x01\x02"),
    ),
    (
        PacketType::Puback,
        |peer, out| peer.puback(id(), PublishReason::NotAuthorized, TEXT, out),
        b"\x40\x03\x01\x02\x87",
        None,
    ),
    (
        PacketType::Puback,
        |peer, out| peer.puback(id(), PublishReason::NoMatchingSubscribers, TEXT, out),
        b"\x40\x03\x01\x02\x10",
        Some(b"\x40\x02\x01\x02"),
    ),
    (
        PacketType::Pubrec,
        |peer, out| peer.pubrec(id(), PublishReason::Success, TEXT, out),
        b"\x50\x02\x01\x02",
        Some(b"\x50\x02\x01\x02"),
    ),
    (
        PacketType::Pubrec,
        |peer, out| peer.pubrec(id(), PublishReason::QuotaExceeded, TEXT, out),
        b"\x50\x03\x01\x02\x97",
        None,
    ),
    (
        PacketType::Suback,
        |peer, out| {
            let reasons = [
                SubscribeReason::GrantedQos2,
                SubscribeReason::NotAuthorized,
                SubscribeReason::GrantedQos0,
            ];
            peer.suback(id(), &reasons, TEXT, out)
        },
        b"\x90\x06\x01\x02\x00\x02\x87\x00",
        Some(b"\x90\x05\x01\x02\x02\x80\x00"),
    ),
    (
        PacketType::Unsuback,
        |peer, out| {
            let reasons = [
                UnsubscribeReason::Success,
                UnsubscribeReason::NoSubscriptionExisted,
            ];
            peer.unsuback(id(), &reasons, TEXT, out)
        },
        b"\xB0\x05\x01\x02\x00\x00\x11",
        Some(b"\xB0\x02\x01\x02"),
    ),
    (
        PacketType::Pubrel,
        |peer, out| peer.pubrel(id(), ReleaseReason::PacketIdentifierNotFound, out),
        b"\x62\x03\x01\x02\x92",
        Some(b"\x62\x02\x01\x02"),
    ),
    (
        PacketType::Pubcomp,
        |peer, out| peer.pubcomp(id(), ReleaseReason::PacketIdentifierNotFound, out),
        b"\x70\x03\x01\x02\x92",
        Some(b"\x70\x02\x01\x02"),
    ),
];

fn written(peer: &Peer, write: Write) -> Option<Vec<u8>> {
    let mut out = vec![0xAA];
    let written = write(peer, &mut out);
    assert_eq!(out[0], 0xAA);
    let out = out.split_off(1);
    match written {
        Ok(()) => Some(out),
        Err(_) => {
            assert!(out.is_empty(), "the buffer is unchanged on an error");
            None
        }
    }
}

/// Returns the Reason String of an answer.
fn reason_string(bytes: &[u8]) -> Option<String> {
    let mut decoder = Decoder::new(Role::Client, Version::V5_0, Limits::FROM_SERVER);
    let packet = decoder.decode(bytes).expect("it is MQTT");
    let (packet, taken) = packet.expect("complete");
    assert_eq!(taken, bytes.len());
    let properties = match packet {
        Packet::Puback(ack) | Packet::Pubrec(ack) => ack.properties,
        Packet::Pubrel(ack) | Packet::Pubcomp(ack) => ack.properties,
        Packet::Suback(suback) => suback.properties,
        Packet::Unsuback(unsuback) => unsuback.properties,
        Packet::Disconnect(disconnect) => disconnect.properties,
        other => panic!("{other:?}"),
    };
    properties.reason_string().map(str::to_owned)
}

#[test]
fn answers_are_encoded_for_the_clients_version() {
    for (packet, write, of_5, of_3) in ANSWERS {
        let with_text = written(&peer(Version::V5_0), write).expect("there is room");
        let has_text = !matches!(packet, PacketType::Pubrel | PacketType::Pubcomp);
        assert_eq!(
            reason_string(&with_text),
            has_text.then(|| TEXT.to_owned()),
            "{packet}"
        );
        // [MQTT-3.1.2-29].
        let terse = Peer {
            problem_information: false,
            ..peer(Version::V5_0)
        };
        assert_eq!(written(&terse, write).as_deref(), Some(of_5), "{packet}");
        for version in [Version::V3_1_1, Version::V3_1] {
            assert_eq!(written(&peer(version), write).as_deref(), of_3, "{packet}");
        }
    }
}

/// [MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.9.2-1], [MQTT-3.11.2-1]: the text is omitted first, and
/// [MQTT-3.1.2-24]: no packet exceeds the client's maximum.
#[test]
fn answers_do_not_exceed_the_maximum_packet_size() {
    for (packet, write, least, _) in ANSWERS {
        let whole = written(&peer(Version::V5_0), write).expect("there is room");
        for limit in 1..=whole.len() {
            let small = Peer {
                maximum_packet_size: limit as u32,
                ..peer(Version::V5_0)
            };
            let expected = if limit == whole.len() {
                Some(whole.as_slice())
            } else if limit >= least.len() {
                Some(least)
            } else {
                None
            };
            assert_eq!(written(&small, write).as_deref(), expected, "{packet}");
        }
    }
}

/// [MQTT-3.3.5-2] of 3.1.1: an acknowledgement, or the end of the connection.
#[test]
fn refusing_a_message_before_5_ends_the_connection() {
    for version in [Version::V3_1, Version::V3_1_1] {
        let mut out = Vec::new();
        let refused = peer(version).puback(id(), PublishReason::NotAuthorized, TEXT, &mut out);
        let fault = refused.expect_err("it cannot be encoded");
        assert_eq!(fault.to_string(), "message 258 was refused: because");
        peer(version).disconnect(&fault, &mut out);
        assert!(out.is_empty());
    }
}

#[test]
fn pings_are_answered() {
    for version in Version::ALL {
        let mut out = Vec::new();
        peer(version).pingresp(&mut out).expect("there is room");
        assert_eq!(out, b"\xD0\x00");
    }
}

/// [MQTT-3.14.2-1], [MQTT-3.14.2-3].
#[test]
fn disconnect_contains_the_reason() {
    for &reason in DisconnectReason::ALL {
        let fault = Fault::refused(reason, TEXT);
        let mut out = Vec::new();
        peer(Version::V5_0).disconnect(&fault, &mut out);
        assert_eq!(out[..3], [0xE0, out.len() as u8 - 2, reason.code()]);
        assert_eq!(reason_string(&out).as_deref(), Some(TEXT));

        let small = Peer {
            maximum_packet_size: out.len() as u32 - 1,
            ..peer(Version::V5_0)
        };
        out.clear();
        small.disconnect(&fault, &mut out);
        assert_eq!(reason_string(&out), None);
        for version in [Version::V3_1, Version::V3_1_1] {
            out.clear();
            peer(version).disconnect(&fault, &mut out);
            assert!(
                out.is_empty(),
                "before 5.0 a server closes without DISCONNECT"
            );
        }
    }
}

#[test]
fn a_reason_string_that_cannot_be_encoded_is_omitted() {
    let long = "x".repeat(70_000);
    for text in ["a\0b", &long] {
        let mut out = Vec::new();
        let written =
            peer(Version::V5_0).puback(id(), PublishReason::QuotaExceeded, text, &mut out);
        assert_eq!(written, Ok(()));
        assert_eq!(out, b"\x40\x03\x01\x02\x97");
    }
}
