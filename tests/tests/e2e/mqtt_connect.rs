//! MQTT: CONNECT, CONNACK and the keep alive.

use harness::Carillon;
use harness::mqtt::property::{
    ASSIGNED_CLIENT_ID, AUTHENTICATION_DATA, AUTHENTICATION_METHOD, PAYLOAD_FORMAT, REASON_STRING,
    SERVER_KEEP_ALIVE,
};
use harness::mqtt::{Connect, Kind, MqttClient, Packet, Version, sealed};

#[tokio::test]
async fn connack_has_the_form_of_the_version() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let connect = Connect {
            login: Some(("somebody".to_owned(), "anything".to_owned())),
            ..Connect::new(version, "c")
        };
        let (mut client, connack) = MqttClient::connect_with(&server, &connect).await;
        assert!(!connack.session_present, "{connack:?}");
        assert_eq!(
            connack.text_of(ASSIGNED_CLIENT_ID),
            "",
            "the client has its own"
        );
        client.ping().await;
        client.leave().await;
    }
}

#[tokio::test]
async fn the_http_port_accepts_the_protocol_too() {
    let server = Carillon::start().await;
    for version in Version::ALL {
        let client = MqttClient::over_tcp(server.address(), version).await;
        let (mut client, _) = client.connected_with(&Connect::new(version, "c")).await;
        client.subscribe("a", 1).await;
        client.publish("a", "x", 1).await;
        assert_eq!(client.bodies(1).await, ["x"]);
    }
    let health = harness::http::get(server.url("/healthz")).await;
    assert!(health.status.is_success(), "and HTTP as before");
}

#[tokio::test]
async fn a_client_without_an_identifier_gets_one() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut assigned = Vec::new();
    for _ in 0..2 {
        let connect = Connect::new(Version::V5, "");
        let (_, connack) = MqttClient::connect_with(&server, &connect).await;
        let id = connack.text_of(ASSIGNED_CLIENT_ID).to_owned();
        assert_ne!(id, "", "[MQTT-3.1.3-7]");
        assigned.push(id);
    }
    assert_ne!(assigned[0], assigned[1], "[MQTT-3.1.3-6]");
    MqttClient::connect(&server, Version::V3_1_1, "").await;
}

#[tokio::test]
async fn a_lasting_session_of_3_1_1_needs_an_identifier() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::open(&server, Version::V3_1_1).await;
    let connect = Connect::lasting(Version::V3_1_1, "");
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    // [MQTT-3.1.3-8] of 3.1.1: identifier rejected.
    assert_eq!((connack.kind, connack.reason()), (Kind::Connack, 2));
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn an_unknown_version_is_refused_with_connack() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::open(&server, Version::V3_1_1).await;
    let connect = [b"\0\x04MQTT\x06\x02\0\0\0\0\x01c".as_slice()].concat();
    client.send_bytes(sealed(0x10, &connect)).await;
    let answer = client.rest().await;
    assert_eq!(answer.first(), Some(&0x20), "a CONNACK: {answer:?}");
    // The code of 5.0, or that of earlier versions.
    assert!([0x84, 1].contains(&answer[3]), "{answer:?}");
}

#[tokio::test]
async fn another_protocol_name_is_refused() {
    let server = Carillon::with_mqtt(&[]).await;
    for (first, rest) in [
        (0x10, b"\0\x04HTTP\x04\x02\0\0\0\0".as_slice()),
        (0x10, b"\0\x04MQTT\x04\x03\0\0\0\x01c"),
        (0x47, b"ET / HTTP/1.1\r\nhost: x\r\n\r\n"),
    ] {
        let mut client = MqttClient::open(&server, Version::V3_1_1).await;
        client.send_bytes(sealed(first, rest)).await;
        let answer = client.rest().await;
        // "MAY send a CONNACK" ([MQTT-3.1.2-1] of 5.0), and no other packet.
        assert!([None, Some(&0x20)].contains(&answer.first()), "{answer:?}");
    }
    MqttClient::connect(&server, Version::V5, "others go on").await;
}

#[tokio::test]
async fn a_first_packet_other_than_connect_ends_the_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    for packet in [
        Packet::new(Kind::Pingreq),
        Packet::publication("a", "x", 0),
        Packet::subscription(&[("a", 0)]).numbered(1),
        Packet::disconnect(0),
    ] {
        for version in Version::ALL {
            let mut client = MqttClient::open(&server, version).await;
            client.send(&packet).await;
            // [MQTT-3.1.0-1]; the version is unknown, so there is no form for a reason.
            assert_eq!(client.rest().await, b"", "{packet:?}");
        }
    }
}

#[tokio::test]
async fn a_second_connect_ends_the_connection() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let mut client = MqttClient::connect(&server, version, "c").await;
        let connect = Connect::new(version, "c");
        client.send_bytes(connect.encode()).await;
        // [MQTT-3.1.0-2]: a protocol error.
        client.is_sent_away(0x82).await;
    }
}

#[tokio::test]
async fn an_authentication_method_is_refused() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::open(&server, Version::V5).await;
    let connect = Connect::new(Version::V5, "c")
        .with(AUTHENTICATION_METHOD, "SCRAM-SHA-1")
        .with(AUTHENTICATION_DATA, b"x".as_slice());
    client.send_bytes(connect.encode()).await;
    let connack = client.packet().await;
    assert_eq!((connack.kind, connack.reason()), (Kind::Connack, 0x8C));
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn auth_without_a_method_in_connect_is_an_error() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::connect(&server, Version::V5, "c").await;
    let auth = Packet {
        reasons: vec![0x19],
        ..Packet::new(Kind::Auth).with(AUTHENTICATION_METHOD, "SCRAM-SHA-1")
    };
    client.send(&auth).await;
    let disconnect = client.packet().await;
    assert_eq!(disconnect.kind, Kind::Disconnect, "{disconnect:?}");
    // [MQTT-4.12.1-1] defines a protocol error, and table 2-6 has a code for such methods.
    let reason = disconnect.reason();
    assert!([0x82, 0x8C].contains(&reason), "{disconnect:?}");
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_client_that_exceeds_its_keep_alive_is_disconnected() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let connect = Connect {
            keep_alive_s: 1,
            ..Connect::new(version, "silent")
        };
        let (client, _) = MqttClient::connect_with(&server, &connect).await;
        // [MQTT-3.1.2-22]: one and a half times the keep alive.
        client.is_sent_away(0x8D).await;
    }
}

#[tokio::test]
async fn the_server_can_set_a_shorter_keep_alive() {
    let server = Carillon::with_mqtt(&["--keep-alive", "1"]).await;
    for asked in [0, 600] {
        let connect = Connect {
            keep_alive_s: asked,
            ..Connect::anyone(Version::V5)
        };
        let (client, connack) = MqttClient::connect_with(&server, &connect).await;
        assert_eq!(connack.number(SERVER_KEEP_ALIVE), Some(1), "{connack:?}");
        // [MQTT-3.1.2-21]: the server's value applies.
        client.is_sent_away(0x8D).await;
    }
}

#[tokio::test]
async fn payloads_are_checked_against_their_format_if_configured() {
    let promise = Packet::publication("a", b"\xFF".as_slice(), 1).with(PAYLOAD_FORMAT, 1);
    // Payload format invalid; 5.0, 3.3.2.3.2 makes the check optional.
    for (options, reasons) in [(&[][..], &[0, 0x10][..]), (&["--check-payloads"], &[0x99])] {
        let server = Carillon::with_mqtt(options).await;
        let mut client = MqttClient::anyone(&server, Version::V5).await;
        let puback = client.request(promise.clone(), Kind::Puback).await;
        assert!(reasons.contains(&puback.reason()), "{puback:?}");
    }
}

#[tokio::test]
async fn a_refusal_has_a_reason_string() {
    let server = Carillon::with_mqtt(&[]).await;
    let mut client = MqttClient::connect(&server, Version::V5, "c").await;
    client.send_bytes(sealed(0x82, b"\0\x01\0")).await;
    let disconnect = client.packet().await;
    assert_eq!(disconnect.kind, Kind::Disconnect, "{disconnect:?}");
    assert_ne!(disconnect.text_of(REASON_STRING), "", "{disconnect:?}");
}

#[tokio::test]
async fn connect_may_arrive_byte_by_byte_or_with_later_packets() {
    let server = Carillon::with_mqtt(&[]).await;
    for version in Version::ALL {
        let stream = [
            Connect::new(version, "c").encode(),
            Packet::subscription(&[("a", 1)])
                .numbered(1)
                .encode(version),
            Packet::publication("a", "x", 1).numbered(2).encode(version),
            Packet::new(Kind::Pingreq).encode(version),
        ]
        .concat();
        for pieces in [1, 7, stream.len()] {
            let mut client = MqttClient::open(&server, version).await;
            for piece in stream.chunks(pieces) {
                client.send_bytes(piece).await;
            }
            let mut kinds = Vec::new();
            while kinds.len() < 5 {
                kinds.push(client.packet().await.kind);
            }
            assert_eq!(kinds[0], Kind::Connack, "[MQTT-3.2.0-1]");
            kinds.sort_by_key(|kind| *kind as u8);
            let expected = [
                Kind::Connack,
                Kind::Publish,
                Kind::Puback,
                Kind::Suback,
                Kind::Pingresp,
            ];
            assert_eq!(kinds, expected, "{version:?} in pieces of {pieces}");
        }
    }
}
