//! The differences of STOMP 1.0, 1.1 and 1.2: one table for each clause, a row for each version.

use wire::stomp::server::{Config, Identity, Message, Request, Session};
use wire::stomp::server::{message_prefix, message_shared};
use wire::stomp::{Decoder, HeartBeat, Limits, SUPPORTED, Version};

use crate::conversation::{Conversation, GREETING};

use Version::{V1_0, V1_1, V1_2};

/// STOMP 1.1 and 1.2, "Protocol Negotiation": the highest version in common; "if the accept-version
/// header is missing, it means that the client only supports version 1.0".
#[test]
fn the_highest_common_version_is_negotiated() {
    let cases = [
        ("", V1_0),
        ("accept-version:1.0\n", V1_0),
        ("accept-version:1.1\n", V1_1),
        ("accept-version:1.2\n", V1_2),
        ("accept-version:1.0,1.1,1.2\n", V1_2),
        ("accept-version:1.2,1.1,1.0\n", V1_2),
        ("accept-version:1.1,1.0\n", V1_1),
        ("accept-version:1.0,2.0\n", V1_0),
        ("accept-version:1.1\naccept-version:1.2\n", V1_1),
    ];
    for (header, version) in cases {
        for command in ["CONNECT", "STOMP"] {
            let conversation = Conversation::open(&format!("{command}\n{header}\n\0"));
            assert_eq!(conversation.session.version(), version, "of {header:?}");
        }
    }
}

/// CONNECTED contains the version. 1.0 has no heart-beats.
#[test]
fn connected_contains_the_headers_of_its_version() {
    let cases = [
        (
            V1_0,
            "CONNECTED\nversion:1.0\nserver:Carillon/0.1.0\nsession:s-1\n\n\0",
        ),
        (
            V1_1,
            "CONNECTED\nversion:1.1\nheart-beat:10000,10000\nserver:Carillon/0.1.0\nsession:s-1\n\n\0",
        ),
        (
            V1_2,
            "CONNECTED\nversion:1.2\nheart-beat:10000,10000\nserver:Carillon/0.1.0\nsession:s-1\n\n\0",
        ),
    ];
    for (version, expected) in cases {
        assert_eq!(Conversation::of(version).greeting, expected);
    }
}

/// "Heart-beating", since 1.1: in 1.0 the header is unknown.
#[test]
fn heart_beats_begin_with_1_1() {
    let beats = HeartBeat {
        send_ms: 7000,
        receive_ms: 8000,
    };
    for (version, expected) in [(V1_0, HeartBeat::NONE), (V1_1, beats), (V1_2, beats)] {
        let mut session = Session::new(&Config::DEFAULT, 0);
        let frame = format!("CONNECT\naccept-version:{version}\nheart-beat:7000,8000\n\n\0");
        let decoded = Decoder::new(Limits::DEFAULT).decode(frame.as_bytes());
        let (item, _) = decoded.ok().flatten().expect("complete");
        let Ok(Request::Connect(connect)) = session.request(item) else {
            panic!("{version}: a CONNECT is a CONNECT");
        };
        assert_eq!(connect.heart_beat, expected, "in {version}");
        session.connected(0, &GREETING, &mut Vec::new());
        assert_eq!(
            session.deadline().is_some(),
            version != V1_0,
            "in {version}"
        );
    }
    Conversation::open("CONNECT\nheart-beat:often\n\n\0");
}

/// "Value Encoding", since 1.1; `\r` since 1.2. 1.0 forwards backslashes unchanged.
#[test]
fn escapes_are_decoded_by_version() {
    let cases = [
        (r"a\\b", r"a\\b", Ok(r"a\b"), Ok(r"a\b")),
        (r"a\nb", r"a\nb", Ok("a\nb"), Ok("a\nb")),
        (r"a\cb", r"a\cb", Ok("a:b"), Ok("a:b")),
        ("a:b", "a:b", Ok("a:b"), Ok("a:b")),
        (r"a\rb", r"a\rb", Err("r"), Ok("a\rb")),
        (r"a\tb", r"a\tb", Err("t"), Err("t")),
    ];
    for (written, in_1_0, in_1_1, in_1_2) in cases {
        for (version, expected) in [(V1_0, Ok(in_1_0)), (V1_1, in_1_1), (V1_2, in_1_2)] {
            let expected = expected.map(str::to_owned).map_err(|code| {
                format!("header line 2 contains the escape sequence \"\\{code}\", which STOMP {version} does not define")
            });
            let frame = format!("SEND\ndestination:/topic/a\nx:{written}\n\n\0");
            let mut value = None;
            let heard = Conversation::of(version).heard(&frame, |request| {
                if let Request::Send(send) = request {
                    value = send
                        .user_headers()
                        .next()
                        .map(|header| header.value().into_owned());
                }
            });
            let read = heard.map(|()| value.expect("there is one user header"));
            assert_eq!(read, expected, "{written} in {version}");
        }
    }
}

/// Encoding: a character without an escape sequence in the version becomes a space, never a line
/// end or NUL.
#[test]
fn escapes_are_encoded_by_version() {
    let cases = [
        (V1_0, "a b c:d\\e"),
        (V1_1, "a\\nb c\\cd\\\\e"),
        (V1_2, "a\\nb\\rc\\cd\\\\e"),
    ];
    let message = Message {
        message_id: "e-1",
        destination: "/topic/a",
        sequence: 1,
        timestamp: 2,
        producer: "p",
        content_type: None,
        body: b"",
    };
    for (version, expected) in cases {
        let mut out = Vec::new();
        message_shared(version, &message, [("x", "a\nb\rc:d\\e")], &mut out);
        let text = String::from_utf8(out).expect("it is text");
        assert!(
            text.contains(&format!("\nx:{expected}\n")),
            "{version}: {text:?}"
        );
    }
}

/// 1.1: "Clients and servers MUST never trim or pad headers with spaces". The examples of 1.0 do.
#[test]
fn only_1_0_trims_values() {
    for (version, expected) in [
        (V1_0, "/topic/a"),
        (V1_1, " /topic/a "),
        (V1_2, " /topic/a "),
    ] {
        let send = "SEND\ndestination: /topic/a \n\nhi\0";
        let heard = Conversation::of(version).heard(send, |request| match request {
            Request::Send(send) => assert_eq!(send.destination, expected, "in {version}"),
            other => panic!("{other:?}"),
        });
        assert_eq!(heard, Ok(()));
    }
    let mut session = Session::new(&Config::DEFAULT, 0);
    let connect = b"CONNECT\nlogin: me\npasscode: pass word \n\n\0";
    let decoded = Decoder::new(Limits::DEFAULT).decode(connect);
    let (item, _) = decoded.ok().flatten().expect("complete");
    let Ok(Request::Connect(connect)) = session.request(item) else {
        panic!("a CONNECT is a CONNECT");
    };
    assert_eq!(connect.login.as_deref(), Some("me"));
    assert_eq!(connect.passcode.as_deref(), Some("pass word"));
}

/// A name is never trimmed: it could become one that the server sets.
#[test]
fn padded_header_names_are_not_trimmed() {
    let send = "SEND\ndestination:/topic/a\n sequence:6\n\n\0";
    for &version in SUPPORTED {
        let heard = Conversation::of(version).heard(send, |request| match request {
            Request::Send(send) => {
                let names: Vec<_> = send.user_headers().map(|header| header.name()).collect();
                assert_eq!(names, [" sequence"], "in {version}");
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(heard, Ok(()));
    }
}

/// 1.2, "STOMP Frames": lines end with LF or CR LF. Earlier versions have only LF; the server
/// accepts both.
#[test]
fn lines_may_end_with_cr_lf() {
    for &version in SUPPORTED {
        let send = "SEND\r\ndestination:/topic/a\r\nx:1\r\n\r\nhi\r\n\0";
        let heard = Conversation::of(version).heard(send, |request| match request {
            Request::Send(send) => {
                assert_eq!(send.destination, "/topic/a", "in {version}");
                assert_eq!(send.body, b"hi\r\n", "in {version}");
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(heard, Ok(()));
    }
}

/// Since 1.1 "only the SEND, MESSAGE, and ERROR frames" may have a body; 1.0 says that the body of
/// SUBSCRIBE is ignored, and the server also ignores those of other frames.
#[test]
fn only_in_1_0_other_frames_may_have_a_body() {
    let frames = [
        ("SUBSCRIBE", "id:0\ndestination:/a\n"),
        ("UNSUBSCRIBE", "id:0\n"),
        ("ACK", "id:1\nmessage-id:1\n"),
        ("BEGIN", "transaction:t\n"),
        ("COMMIT", "transaction:t\n"),
        ("ABORT", "transaction:t\n"),
        ("DISCONNECT", ""),
    ];
    for (command, headers) in frames {
        for &version in SUPPORTED {
            for counted in ["", "content-length:4\n"] {
                let frame = format!("{command}\n{headers}{counted}\nbody\0");
                let expected = match version {
                    V1_0 => Ok(()),
                    _ => Err(format!("a {command} frame must not have a body")),
                };
                let heard = Conversation::of(version).heard(&frame, |_| {});
                assert_eq!(heard, expected, "{frame:?} in {version}");
            }
            // "All frames MAY include a content-length header" (1.2).
            let frame = format!("{command}\n{headers}content-length:0\n\n\0");
            let heard = Conversation::of(version).heard(&frame, |_| {});
            assert_eq!(heard, Ok(()), "{frame:?} in {version}");
        }
    }
}

/// Some clients end every frame with a line end before the NUL, which does not count as a body.
#[test]
fn line_ends_before_the_nul_are_no_body() {
    let frames = [
        "SUBSCRIBE\nid:0\ndestination:/a\n",
        "UNSUBSCRIBE\nid:0\n",
        "ACK\nid:1\nmessage-id:1\n",
        "BEGIN\ntransaction:t\n",
        "COMMIT\ntransaction:t\n",
        "ABORT\ntransaction:t\n",
        "DISCONNECT\n",
    ];
    for frame in frames {
        for &version in SUPPORTED {
            for (ends, is_blank) in [("\n", true), ("\r\n\n", true), (&*"\n".repeat(17), false)] {
                let frame = format!("{frame}\n{ends}\0");
                let heard = Conversation::of(version).heard(&frame, |_| {});
                let is_accepted = is_blank || version == V1_0;
                assert_eq!(
                    heard.is_ok(),
                    is_accepted,
                    "{frame:?} in {version}: {heard:?}"
                );
            }
        }
    }
}

/// CONNECT chooses the version, so its headers say whether it may have a body.
#[test]
fn the_body_of_connect_is_ignored_in_1_0() {
    let bodies = [("", "\n"), ("", "body"), ("content-length:4\n", "b\0dy")];
    for command in ["CONNECT", "STOMP"] {
        for (length, body) in bodies {
            let without_version =
                format!("{command}\nlogin:guest\npasscode:guest\n{length}\n{body}\0");
            assert_eq!(Conversation::open(&without_version).session.version(), V1_0);
            for &version in SUPPORTED {
                let connect = format!("{command}\naccept-version:{version}\n{length}\n{body}\0");
                let expected = match version == V1_0 || body == "\n" {
                    true => Ok(()),
                    false => Err(format!("a {command} frame must not have a body")),
                };
                let heard = Conversation::unopened().heard(&connect, |_| {});
                assert_eq!(heard, expected, "{connect:?}");
            }
        }
    }
}

/// The body of CONNECT has a small limit, since the peer is not authenticated yet.
#[test]
fn the_body_of_connect_is_bounded() {
    let limit = Limits::HEAD_BYTES as usize;
    let heard = |body: usize, length: &str| {
        let connect = format!("CONNECT\n{length}\n{}\0", "x".repeat(body));
        Conversation::unopened().heard(&connect, |_| {})
    };
    let expected = Err(format!("the body is longer than {limit} bytes"));
    assert_eq!(heard(limit, ""), Ok(()));
    assert_eq!(heard(limit + 1, ""), expected);
    assert_eq!(
        heard(limit + 1, &format!("content-length:{}\n", limit + 1)),
        expected
    );
}

/// "Repeated Header Entries": the first applies. 1.0 does not define this; the server does the
/// same.
#[test]
fn the_first_of_repeated_headers_is_used() {
    for &version in SUPPORTED {
        let send = "SEND\ndestination:/topic/a\ndestination:/topic/b\n\n\0";
        let heard = Conversation::of(version).heard(send, |request| match request {
            Request::Send(send) => assert_eq!(send.destination, "/topic/a", "in {version}"),
            other => panic!("{other:?}"),
        });
        assert_eq!(heard, Ok(()));
    }
}

fn id(id: &'static str) -> Result<Identity<'static>, String> {
    Ok(Identity::Id(id.into()))
}

fn destination(name: &'static str) -> Result<Identity<'static>, String> {
    Ok(Identity::Destination(name.into()))
}

fn missing(command: &str, header: &str) -> Result<Identity<'static>, String> {
    Err(format!("a {command} frame needs the header \"{header}\""))
}

/// Returns the identity of a frame's subscription.
fn identity(version: Version, frame: &str) -> Result<Identity<'static>, String> {
    let mut identity = None;
    Conversation::of(version).heard(frame, |request| {
        identity = Some(match request.clone() {
            Request::Subscribe(subscribe) => subscribe.identity.into_owned(),
            Request::Unsubscribe(unsubscribe) => unsubscribe.identity.expect("an id").into_owned(),
            other => panic!("{other:?}"),
        });
    })?;
    Ok(identity.expect("shown above"))
}

/// "SUBSCRIBE id Header": an id is required since 1.1.
#[test]
fn a_subscription_is_identified_by_id_or_in_1_0_by_destination() {
    let cases = [
        (V1_0, "id:7\ndestination:/topic/a\n", id("7")),
        (V1_0, "destination:/topic/a\n", destination("/topic/a")),
        (V1_0, "destination: /topic/a\n", destination("/topic/a")),
        (V1_0, "id:7\n", missing("SUBSCRIBE", "destination")),
        (V1_1, "id:7\ndestination:/topic/a\n", id("7")),
        (V1_1, "destination:/topic/a\n", missing("SUBSCRIBE", "id")),
        (V1_2, "id:7\ndestination:/topic/a\n", id("7")),
        (V1_2, "destination:/topic/a\n", missing("SUBSCRIBE", "id")),
    ];
    for (version, headers, expected) in cases {
        let frame = format!("SUBSCRIBE\n{headers}\n\0");
        assert_eq!(
            identity(version, &frame),
            expected,
            "{headers:?} in {version}"
        );
    }
}

/// 1.0, "UNSUBSCRIBE": "either a destination header or an id header"; since 1.1 the id.
#[test]
fn unsubscribe_uses_the_same_identity() {
    let cases = [
        (V1_0, "id:7\n", id("7")),
        (V1_0, "destination:/topic/a\n", destination("/topic/a")),
        (V1_0, "id:7\ndestination:/topic/a\n", id("7")),
        (V1_0, "", missing("UNSUBSCRIBE", "destination")),
        (V1_1, "id:7\n", id("7")),
        (V1_1, "destination:/topic/a\n", missing("UNSUBSCRIBE", "id")),
        (V1_2, "id:7\n", id("7")),
        (V1_2, "destination:/topic/a\n", missing("UNSUBSCRIBE", "id")),
    ];
    for (version, headers, expected) in cases {
        let frame = format!("UNSUBSCRIBE\n{headers}\n\0");
        assert_eq!(
            identity(version, &frame),
            expected,
            "{headers:?} in {version}"
        );
    }
}

/// 1.0, "MESSAGE": the header `subscription` only if there was an id.
#[test]
fn message_contains_the_id_if_there_is_one() {
    let cases = [
        (V1_0, None, "MESSAGE\n"),
        (V1_0, Some("a:b"), "MESSAGE\nsubscription:a:b\n"),
        (V1_1, Some("a:b"), "MESSAGE\nsubscription:a\\cb\n"),
        (V1_2, Some("a:b"), "MESSAGE\nsubscription:a\\cb\n"),
    ];
    for (version, id, expected) in cases {
        let mut out = Vec::new();
        message_prefix(version, id, None, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected, "in {version}");
    }
}

#[test]
fn an_id_differs_from_an_equal_destination() {
    let [id, destination] = [id("/topic/a"), destination("/topic/a")];
    assert_ne!(id, destination);
    let shown = [id, destination].map(|identity| identity.expect("it is one").to_string());
    assert_eq!(
        shown,
        [r#"with id "/topic/a""#, r#"to "/topic/a" without id"#]
    );
}
