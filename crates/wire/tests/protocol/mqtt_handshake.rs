//! The handshake, from the first byte to CONNACK: MQTT 5.0, 3.1.4 and 3.2.

use std::num::NonZeroU32;

use wire::mqtt::server::{Config, Fault, Greeting, Handshake, Opened, PayloadCheck, Refusal, Will};
use wire::mqtt::*;

/// The fields of a CONNECT that these tests vary.
#[derive(Clone, Copy)]
pub struct Hello<'a> {
    pub version: Version,
    pub client_id: &'a str,
    pub clean_start: bool,
    pub keep_alive: u16,
    pub properties: &'a [Property<'a>],
}

pub const HELLO: Hello<'_> = Hello {
    version: Version::V5_0,
    client_id: "c",
    clean_start: true,
    keep_alive: 10,
    properties: &[],
};

impl Hello<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        self.with(None)
    }

    fn with(&self, will: Option<wire::mqtt::Will<'_>>) -> Vec<u8> {
        let mut scratch = Vec::new();
        let properties = self.properties.iter().copied();
        let connect = Connect {
            version: self.version,
            is_bridge: false,
            clean_start: self.clean_start,
            keep_alive: self.keep_alive,
            properties: Properties::encode(properties, &mut scratch).expect("valid"),
            client_id: self.client_id,
            will,
            user_name: Some("u"),
            password: Some(b"p"),
        };
        let mut out = Vec::new();
        let written = Packet::Connect(connect).encode(self.version, &mut out);
        written.expect("valid");
        out
    }

    pub fn opened(&self, config: &Config) -> Opened {
        let bytes = self.bytes();
        let opened = Handshake::new(config, 0).connect(&bytes);
        let (opened, taken) = opened.expect("it is accepted").expect("complete");
        assert_eq!(taken, bytes.len());
        opened
    }
}

pub fn refused(bytes: &[u8]) -> Refusal {
    match Handshake::new(&Config::DEFAULT, 0).connect(bytes) {
        Err(refusal) => refusal,
        Ok(opened) => panic!("{opened:?}"),
    }
}

/// Passes the CONNACK, as the client decodes it, to `look`.
fn connack<R>(version: Version, bytes: &[u8], look: impl FnOnce(Connack<'_>) -> R) -> R {
    let mut decoder = Decoder::new(Role::Client, version, Limits::FROM_SERVER);
    let packet = decoder.decode(bytes).expect("it is MQTT");
    let (packet, taken) = packet.expect("complete");
    assert_eq!(taken, bytes.len());
    match packet {
        Packet::Connack(connack) => look(connack),
        other => panic!("{other:?}"),
    }
}

fn accepted(opened: &Opened, config: &Config, greeting: &Greeting<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let session = opened.accept(config, 0, greeting, &mut out);
    session.expect("there is room");
    out
}

#[test]
fn all_fields_of_connect_are_kept() {
    let mut scratch = Vec::new();
    let will_properties = [
        Property::WillDelayInterval(9),
        Property::ContentType("text/plain"),
        Property::UserProperty(UserProperty {
            name: "b",
            value: "1",
        }),
        Property::UserProperty(UserProperty {
            name: "a",
            value: "2",
        }),
    ];
    let will = wire::mqtt::Will {
        qos: QoS::AtLeastOnce,
        retain: true,
        properties: Properties::encode(will_properties, &mut scratch).expect("valid"),
        topic: TopicName::parse("w/t").expect("valid"),
        payload: b"bye",
    };
    let size = NonZeroU32::new(1000).expect("it is not 0");
    let hello = Hello {
        client_id: "ä",
        clean_start: false,
        properties: &[
            Property::SessionExpiryInterval(60),
            Property::ReceiveMaximum(5.try_into().expect("it is not 0")),
            Property::MaximumPacketSize(size),
            Property::TopicAliasMaximum(3),
            Property::RequestResponseInformation(true),
            Property::RequestProblemInformation(false),
        ],
        ..HELLO
    };
    let bytes = hello.with(Some(will));
    let mut handshake = Handshake::new(&Config::DEFAULT, 0);
    for end in 0..bytes.len() {
        assert!(matches!(handshake.connect(&bytes[..end]), Ok(None)));
    }
    let opened = handshake.connect(&bytes);
    let (opened, taken) = opened.expect("it is accepted").expect("complete");
    assert_eq!(taken, bytes.len());
    assert_eq!(&*opened.client_id, "ä");
    assert!(!opened.clean_start && opened.response_information);
    assert_eq!((opened.session_expiry_s, opened.keep_alive_s), (60, 10));
    assert_eq!((opened.receive_maximum, opened.topic_alias_maximum), (5, 3));
    assert_eq!(opened.peer.maximum_packet_size, 1000);
    assert!(!opened.peer.problem_information);
    assert_eq!(opened.user_name.as_deref(), Some("u"));
    assert_eq!(opened.password.as_deref(), Some(b"p".as_slice()));
    let will = opened.will.expect("there is one");
    let Will {
        qos,
        retain,
        delay_s,
        ..
    } = will;
    assert_eq!((qos, retain, delay_s), (QoS::AtLeastOnce, true, 9));
    assert_eq!((&*will.topic, &*will.payload), ("w/t", b"bye".as_slice()));
    assert_eq!(will.properties().content_type(), Some("text/plain"));
    // [MQTT-3.1.3-10].
    let users = will.properties().user_properties();
    let users: Vec<_> = users.map(|pair| (pair.name, pair.value)).collect();
    assert_eq!(users, [("b", "1"), ("a", "2")]);
}

#[test]
fn absent_fields_of_connect_have_defaults() {
    for version in Version::ALL {
        let opened = Hello { version, ..HELLO }.opened(&Config::DEFAULT);
        assert_eq!(opened.version, version);
        assert_eq!(opened.receive_maximum, u16::MAX);
        assert_eq!(opened.topic_alias_maximum, 0);
        assert_eq!(opened.session_expiry_s, 0);
        assert_eq!(opened.peer.maximum_packet_size, u32::MAX);
        assert!(opened.peer.problem_information && !opened.response_information);
        assert_eq!(opened.will, None);
    }
}

/// 3.1.2.11.2; before 5.0 "Clean Session".
#[test]
fn session_expiry_is_bounded() {
    let forever = Config::FOR_EVER;
    // Version, clean start, requested expiry, maximum, granted expiry; expiry in CONNACK.
    let cases = [
        (Version::V5_0, true, None, 100, 0, None),
        (Version::V5_0, false, None, 100, 0, None),
        (Version::V5_0, true, Some(50), 100, 50, None),
        (Version::V5_0, false, Some(100), 100, 100, None),
        (Version::V5_0, false, Some(101), 100, 100, Some(100)),
        (Version::V5_0, false, Some(forever), 100, 100, Some(100)),
        (Version::V5_0, false, Some(forever), forever, forever, None),
        (Version::V5_0, false, Some(5), 0, 0, Some(0)),
        (Version::V3_1_1, true, None, 100, 0, None),
        (Version::V3_1_1, false, None, 100, 100, None),
        (Version::V3_1, false, None, forever, forever, None),
    ];
    for (version, clean_start, wanted, maximum, granted, told) in cases {
        let config = Config {
            session_expiry_maximum_s: maximum,
            ..Config::DEFAULT
        };
        let properties: Vec<_> = wanted
            .map(Property::SessionExpiryInterval)
            .into_iter()
            .collect();
        let hello = Hello {
            version,
            clean_start,
            properties: &properties,
            ..HELLO
        };
        let opened = hello.opened(&config);
        assert_eq!(opened.session_expiry_s, granted);
        let out = accepted(&opened, &config, &Greeting::default());
        let said = connack(version, &out, |connack| {
            connack.properties.session_expiry_interval()
        });
        assert_eq!(said, told);
    }
}

/// [MQTT-3.2.2-21], [MQTT-3.2.2-22].
#[test]
fn the_server_may_replace_the_keep_alive() {
    // Version, requested keep alive, the server's maximum, granted keep alive, keep alive in
    // CONNACK.
    let cases = [
        (Version::V5_0, 10, 0, 10, None),
        (Version::V5_0, 0, 0, 0, None),
        (Version::V5_0, 10, 10, 10, None),
        (Version::V5_0, 11, 10, 10, Some(10)),
        (Version::V5_0, 0, 10, 10, Some(10)),
        (Version::V3_1_1, 11, 10, 11, None),
        (Version::V3_1_1, 0, 10, 0, None),
        (Version::V3_1, 0, 10, 0, None),
    ];
    for (version, keep_alive, maximum, counts, told) in cases {
        let config = Config {
            keep_alive_maximum_s: maximum,
            ..Config::DEFAULT
        };
        let hello = Hello {
            version,
            keep_alive,
            ..HELLO
        };
        let opened = hello.opened(&config);
        let mut out = Vec::new();
        let session = opened.accept(&config, 500, &Greeting::default(), &mut out);
        let session = session.expect("there is room");
        let silent = (counts > 0).then(|| 500 + counts * 1500);
        assert_eq!(session.deadline(), silent);
        let said = connack(version, &out, |connack| {
            connack.properties.server_keep_alive()
        });
        assert_eq!(said, told);
    }
}

#[test]
fn connack_contains_the_granted_values() {
    let config = Config::DEFAULT;
    let hello = Hello {
        client_id: "",
        properties: &[Property::RequestResponseInformation(true)],
        ..HELLO
    };
    let opened = hello.opened(&config);
    let greeting = Greeting {
        session_present: false,
        assigned_client_id: Some("auto-1"),
        response_information: Some("reply/1"),
    };
    let out = accepted(&opened, &config, &greeting);
    connack(Version::V5_0, &out, |connack| {
        let properties = connack.properties;
        assert_eq!(connack.reason, ConnectReason::Success);
        assert_eq!(properties.receive_maximum(), Some(config.receive_maximum));
        assert_eq!(
            properties.topic_alias_maximum(),
            Some(config.topic_alias_maximum)
        );
        let size = properties.maximum_packet_size().map(NonZeroU32::get);
        assert_eq!(size, Some(config.limits.packet_bytes));
        assert_eq!(properties.assigned_client_identifier(), Some("auto-1"));
        assert_eq!(properties.response_information(), Some("reply/1"));
        // Properties with their default values are omitted.
        assert_eq!(properties.iter().count(), 5);
    });

    let generous = Config {
        limits: Limits::NONE,
        receive_maximum: u16::MAX.try_into().expect("it is not 0"),
        topic_alias_maximum: 0,
        payload_check: PayloadCheck::Utf8,
        ..config
    };
    let out = accepted(&HELLO.opened(&generous), &generous, &Greeting::default());
    assert_eq!(out, b"\x20\x03\x00\x00\x00");
}

/// [MQTT-3.1.2-28].
#[test]
fn response_information_is_sent_only_on_request() {
    let greeting = Greeting {
        response_information: Some("reply/1"),
        ..Greeting::default()
    };
    let out = accepted(&HELLO.opened(&Config::DEFAULT), &Config::DEFAULT, &greeting);
    connack(Version::V5_0, &out, |connack| {
        assert_eq!(connack.properties.response_information(), None);
    });
}

#[test]
fn before_5_connack_contains_only_session_present() {
    let greeting = Greeting {
        session_present: true,
        assigned_client_id: Some("auto-1"),
        response_information: Some("reply/1"),
    };
    for (version, bytes) in [
        (Version::V3_1_1, b"\x20\x02\x01\x00"),
        // In 3.1 the byte "is not used".
        (Version::V3_1, b"\x20\x02\x00\x00"),
    ] {
        let opened = Hello { version, ..HELLO }.opened(&Config::DEFAULT);
        assert_eq!(accepted(&opened, &Config::DEFAULT, &greeting), bytes);
    }
}

/// [MQTT-3.1.2-24]: response information is omitted first; if that is not enough, the connection
/// fails.
#[test]
fn connack_does_not_exceed_the_maximum_packet_size() {
    let greeting = Greeting {
        response_information: Some("a rather long prefix of topics"),
        ..Greeting::default()
    };
    // CONNACK has 16 bytes without the response information.
    for (limit, is_accepted, is_informed) in
        [(100, true, true), (16, true, false), (15, false, false)]
    {
        let size = NonZeroU32::new(limit).expect("it is not 0");
        let hello = Hello {
            properties: &[
                Property::MaximumPacketSize(size),
                Property::RequestResponseInformation(true),
            ],
            ..HELLO
        };
        let opened = hello.opened(&Config::DEFAULT);
        let mut out = Vec::new();
        let session = opened.accept(&Config::DEFAULT, 0, &greeting, &mut out);
        assert!(out.len() <= limit as usize, "{limit}");
        match session {
            Ok(_) => connack(Version::V5_0, &out, |connack| {
                let information = connack.properties.response_information();
                assert_eq!(information.is_some(), is_informed);
            }),
            Err(fault) => {
                let packet = PacketType::Connack;
                assert_eq!(fault, Fault::AnswerTooLarge { packet, limit });
                assert!(out.is_empty());
            }
        }
        assert_eq!(!out.is_empty(), is_accepted);
    }
}

/// [MQTT-3.1.3-6]; [MQTT-3.1.3-7] and [MQTT-3.1.3-8] of 3.1.1.
#[test]
fn an_empty_client_identifier_depends_on_version_and_clean_start() {
    let cases: [(_, _, Option<&[u8]>); 6] = [
        (Version::V5_0, true, None),
        (Version::V5_0, false, None),
        (Version::V3_1_1, true, None),
        (Version::V3_1_1, false, Some(b"\x20\x02\x00\x02")),
        (Version::V3_1, true, Some(b"\x20\x02\x00\x02")),
        (Version::V3_1, false, Some(b"\x20\x02\x00\x02")),
    ];
    for (version, clean_start, answer) in cases {
        let hello = Hello {
            version,
            clean_start,
            client_id: "",
            ..HELLO
        };
        match answer {
            None => assert_eq!(&*hello.opened(&Config::DEFAULT).client_id, ""),
            Some(answer) => {
                let refusal = refused(&hello.bytes());
                assert_eq!(refusal.connack, answer);
                assert_eq!(
                    refusal.fault.to_string(),
                    "an empty client identifier requires a clean session (CONNECT)"
                );
            }
        }
    }
}

/// [MQTT-3.1.3-5]: 1 to 23 characters of the given set are allowed; longer ones are accepted too.
#[test]
fn client_identifiers_may_be_long_and_contain_any_characters() {
    let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let long = "x".repeat(65_535);
    for version in Version::ALL {
        for client_id in ["0", &letters[..23], letters, "a/b#+ ü\u{FEFF}", &long] {
            let hello = Hello {
                version,
                client_id,
                ..HELLO
            };
            assert_eq!(&*hello.opened(&Config::DEFAULT).client_id, client_id);
        }
    }
}

/// [MQTT-4.12.0-1].
#[test]
fn authentication_methods_are_refused() {
    for client_id in ["c", ""] {
        let hello = Hello {
            client_id,
            properties: &[
                Property::AuthenticationMethod("SCRAM-SHA-256"),
                Property::AuthenticationData(b"n,,n=u"),
            ],
            ..HELLO
        };
        let refusal = refused(&hello.bytes());
        connack(Version::V5_0, &refusal.connack, |connack| {
            assert_eq!(connack.reason, ConnectReason::BadAuthenticationMethod);
            let text = connack.properties.reason_string();
            assert_eq!(
                text,
                Some("no authentication method is supported (CONNECT)")
            );
        });
    }
}

/// Invalid CONNECTs and the answer to each: a return code of 3.1.1, a reason code of 5.0, or
/// nothing.
#[test]
fn invalid_connects_are_refused_in_the_clients_version() {
    const CODE_1: &[u8] = b"\x20\x02\x00\x01";
    // Ok contains the reason code of 5.0.
    let cases: [(&[u8], Result<u8, &[u8]>); 20] = [
        // [MQTT-3.1.0-1].
        (b"\xC0\x00", Err(b"")),
        (b"GET / HTTP/1.1\r\n", Err(b"")),
        (b"\x00", Err(b"")),
        // [MQTT-3.1.2-1]: an unknown protocol.
        (b"\x10\x10\x00\x04mqtt\x05\x02\x00\x0A", Err(b"")),
        (b"\x10\x10\x00\x03MQT", Err(b"")),
        // [MQTT-3.1.2-2]: successors of 5.0, other levels, and older levels with the bit that
        // bridges set.
        (b"\x10\x10\x00\x04MQTT\x06", Ok(0x84)),
        (b"\x10\x10\x00\x04MQTT\x7F", Ok(0x84)),
        (b"\x10\x10\x00\x04MQTT\x03", Err(CODE_1)),
        (b"\x10\x10\x00\x04MQTT\x85", Err(CODE_1)),
        (b"\x10\x10\x00\x06MQIsdp\x04", Err(CODE_1)),
        // [MQTT-3.1.2-3]: the reserved flag. Only 5.0 has a code for it.
        (b"\x10\x0E\x00\x04MQTT\x05\x03\x00\x0A", Ok(0x81)),
        (b"\x10\x0D\x00\x04MQTT\x04\x03\x00\x0A", Err(b"")),
        // [MQTT-1.5.4-1], [MQTT-1.5.3-1].
        (b"\x10\x0E\x00\x04MQTT\x05\x02\x00\x0A\x00\x00\x01\xFF", Ok(0x81)),
        (b"\x10\x0D\x00\x04MQTT\x04\x02\x00\x0A\x00\x01\xFF", Err(b"")),
        // [MQTT-3.1.3-11], [MQTT-3.1.3-12]: a will topic, a user name.
        (b"\x10\x20\x00\x04MQTT\x05\x06\x00\x0A\x00\x00\x00\x00\x00\x01\xFF", Ok(0x81)),
        (b"\x10\x20\x00\x04MQTT\x05\x82\x00\x0A\x00\x00\x00\x00\x01\xFF", Ok(0x81)),
        // [MQTT-3.1.2-16], [MQTT-3.1.2-18]: a field without its flag.
        (b"\x10\x10\x00\x04MQTT\x05\x02\x00\x0A\x00\x00\x00\x00\x01u", Ok(0x81)),
        // A duplicate property.
        (
            b"\x10\x17\x00\x04MQTT\x05\x02\x00\x0A\x0A\x11\x00\x00\x00\x01\x11\x00\x00\x00\x01\x00\x00",
            Ok(0x82),
        ),
        // [MQTT-2.1.3-1]: reserved flags in the fixed header.
        (b"\x12\x0D\x00\x04MQTT\x05", Ok(0x81)),
        (b"\x12\x0D\x00\x04MQTT\x04", Err(b"")),
    ];
    for (bytes, expected) in cases {
        let refusal = refused(bytes);
        let shown = bytes.escape_ascii();
        assert!(matches!(refusal.fault, Fault::Malformed(_)), "{shown}");
        match expected {
            Err(answer) => assert_eq!(refusal.connack, answer, "{shown}"),
            Ok(code) => connack(Version::V5_0, &refusal.connack, |connack| {
                assert_eq!(connack.reason.code(), code, "{shown}");
                let text = refusal.fault.to_string();
                assert_eq!(connack.properties.reason_string(), Some(text.as_str()));
            }),
        }
    }
}

#[test]
fn a_connect_that_is_too_large_is_refused_before_it_has_arrived() {
    let config = Config {
        limits: Limits {
            packet_bytes: 20,
            ..Limits::DEFAULT
        },
        ..Config::DEFAULT
    };
    let refusal = Handshake::new(&config, 0).connect(b"\x10\x80\x01");
    let fault = refusal.expect_err("it is too large").fault;
    assert_eq!(fault.reason(), DisconnectReason::PacketTooLarge);
}

/// Reasons of the caller, with their return codes in 3.1.1 ([MQTT-3.2.2-6] of 3.1.1).
#[test]
fn refusals_by_the_caller_use_the_codes_of_the_version() {
    for &reason in ConnectReason::ALL
        .iter()
        .filter(|reason| reason.is_failure())
    {
        for version in Version::ALL {
            let opened = Hello { version, ..HELLO }.opened(&Config::DEFAULT);
            let mut out = Vec::new();
            opened.refuse(reason, "not you", &mut out);
            if version == Version::V5_0 {
                connack(version, &out, |connack| {
                    assert_eq!((connack.reason, connack.session_present), (reason, false));
                    assert_eq!(connack.properties.reason_string(), Some("not you"));
                });
            } else {
                let code = reason.return_code();
                let expected = code.map(|code| vec![0x20, 2, 0, code]);
                assert_eq!(out, expected.unwrap_or_default());
            }
        }
    }
}

#[test]
fn a_handshake_has_a_deadline() {
    let mut handshake = Handshake::new(&Config::DEFAULT, 5);
    let until = 5 + u64::from(Config::HANDSHAKE_MS);
    assert_eq!(handshake.deadline(), Some(until));
    assert_eq!(handshake.on_deadline(until - 1), Due::Nothing);
    assert_eq!(handshake.on_deadline(until), Due::HandshakeOverdue);
}
