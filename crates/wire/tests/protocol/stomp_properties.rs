//! Properties of all frames and all bytes.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use wire::stomp::server::{Config, Session};
use wire::stomp::{Command, Decoder, FrameWriter, Item, Limits, SUPPORTED, Version};

use crate::conversation::Conversation;
use crate::transcript::{transcript, transcript_of_pieces, transcript_with};

#[derive(Clone, Debug)]
struct Owned {
    command: Command,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// No NUL, which headers cannot contain; no escapes in CONNECT; no `content-length`, which the
/// writer adds.
fn frame() -> impl Strategy<Value = Owned> {
    let commands: Vec<_> = Command::ALL
        .into_iter()
        .filter(|command| !matches!(command.as_str(), "CONNECT" | "STOMP" | "CONNECTED"))
        .collect();
    let name = "[a-zü:\\\\\n\r-]{1,12}";
    let value = "[^\0]{0,20}";
    let headers = vec((name, value), 0..6);
    let body = vec(any::<u8>(), 0..200);
    (prop::sample::select(commands), headers, body).prop_map(|(command, headers, body)| Owned {
        command,
        headers,
        body: if command.may_have_body() {
            body
        } else {
            Vec::new()
        },
    })
}

fn write(frame: &Owned, out: &mut Vec<u8>) {
    let mut writer = FrameWriter::new(out, Version::V1_2, frame.command);
    for (name, value) in &frame.headers {
        writer.header(name, value);
    }
    match frame.body.is_empty() {
        true => writer.end(),
        false => writer.body(&frame.body),
    }
}

const PIECES: &[&str] = &[
    "SEND\n",
    "SUBSCRIBE\r\n",
    "UNSUBSCRIBE\n",
    "ACK\n",
    "NACK\n",
    "BEGIN\n",
    "CONNECT\n",
    "destination:/a\n",
    "id:1\n",
    "message-id:1\n",
    "transaction:t\n",
    "ack:client\n",
    "browser:true\n",
    "expires:5\n",
    "activemq.prefetchSize:0\n",
    "activemq.subscriptionName:n\n",
    "a:b\n",
    "content-length:3\n",
    "c\\cd:e\\n\n",
    "\n",
    "\r\n",
    "\0",
    "abc",
    ":",
    "\\",
    "\r",
    "ü",
    "content-length:99\n",
];

/// Almost valid bytes.
fn nearly_stomp() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn encoding_and_decoding_returns_the_same(frames in vec(frame(), 1..5)) {
        let mut bytes = Vec::new();
        for frame in &frames {
            write(frame, &mut bytes);
        }
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let mut rest = bytes.as_slice();
        for frame in &frames {
            let Ok(Some((Item::Frame(read), taken))) = decoder.decode(rest) else {
                panic!("a frame is missing in {rest:?}");
            };
            prop_assert_eq!(read.command, frame.command);
            prop_assert_eq!(read.body, &frame.body[..]);
            let headers: Vec<_> = read.headers.iter()
                .map(|header| (header.name().into_owned(), header.value().into_owned()))
                .filter(|(name, _)| name != "content-length")
                .collect();
            prop_assert_eq!(&headers, &frame.headers);
            for (name, _) in &frame.headers {
                let first = frame.headers.iter().find(|(other, _)| other == name);
                let first = first.map(|(_, value)| value.as_str());
                let value = read.headers.get(name);
                prop_assert_eq!(value.as_deref(), first);
            }
            rest = &rest[taken..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn cuts_do_not_change_the_result(
        frames in vec(frame(), 1..4),
        beats in any::<bool>(),
        mut cuts in vec(0usize..600, 0..8),
    ) {
        let mut bytes = Vec::new();
        for frame in &frames {
            write(frame, &mut bytes);
            bytes.extend_from_slice(if beats { b"\n\r\n" } else { b"" });
        }
        cuts.retain(|&cut| cut <= bytes.len());
        cuts.sort_unstable();
        let (pieces, error) = transcript_of_pieces(&bytes, &cuts);
        prop_assert_eq!(error, None);
        prop_assert_eq!(pieces, transcript(&bytes));

        let everywhere: Vec<_> = (0..bytes.len()).collect();
        let (single, error) = transcript_of_pieces(&bytes, &everywhere);
        prop_assert_eq!(error, None);
        prop_assert_eq!(single, transcript(&bytes));
    }

    /// The error found first may depend on the cuts; the presence of an error, and the items before
    /// it, do not.
    #[test]
    fn cuts_do_not_change_which_bytes_are_malformed(bytes in nearly_stomp()) {
        let whole = transcript(&bytes);
        let everywhere: Vec<_> = (0..bytes.len()).collect();
        let (items, error) = transcript_of_pieces(&bytes, &everywhere);
        let failed = whole.last().is_some_and(|line| line.starts_with("error"));
        prop_assert_eq!(error.is_some(), failed);
        let whole: Vec<_> = whole.into_iter()
            .filter(|line| !line.starts_with("error") && !line.starts_with("unfinished"))
            .collect();
        prop_assert_eq!(items, whole);
    }

    #[test]
    fn no_bytes_make_the_server_panic(
        version in prop::sample::select(SUPPORTED),
        connected in any::<bool>(),
        bytes in prop_oneof![nearly_stomp(), vec(any::<u8>(), 0..300)],
    ) {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        let mut session = Session::new(&Config::DEFAULT, 0);
        if connected {
            decoder.set_version(version);
            session = Conversation::of(version).session;
        }
        let mut rest = bytes.as_slice();
        while let Ok(Some((item, taken))) = decoder.decode(rest) {
            prop_assert!(taken > 0 && taken <= rest.len());
            let mut out = Vec::new();
            if let Err(fault) = session.request(item) {
                let version = session.version();
                session.error(&fault, &mut out);
                let seen = transcript_with(Limits::DEFAULT, version, &out);
                prop_assert_eq!(seen.len(), 1, "an ERROR can be read");
            }
            rest = &rest[taken..];
        }
        // A caller that violates the contract gets meaningless items, but no panic.
        let _ = decoder.decode(&rest[..rest.len() / 2]);
        let _ = decoder.decode(b"");
        let _ = decoder.decode(&bytes);
    }

    /// Texts stay within their header, so that nothing can be injected.
    #[test]
    fn values_cannot_inject_headers(name in ".{1,8}", value in any::<String>()) {
        for version in [Version::V1_0, Version::V1_1, Version::V1_2] {
            for command in [Command::Connected, Command::Message] {
                let mut bytes = Vec::new();
                let mut frame = FrameWriter::new(&mut bytes, version, command);
                frame.header(&name, &value);
                frame.end();
                let mut decoder = Decoder::new(Limits::DEFAULT);
                decoder.set_version(version);
                let Ok(Some((Item::Frame(read), taken))) = decoder.decode(&bytes) else {
                    panic!("no frame in {bytes:?}");
                };
                prop_assert_eq!(taken, bytes.len());
                prop_assert_eq!(read.headers.iter().count(), 1);
            }
        }
    }
}

/// A body of a mebibyte, byte by byte: quadratic time would take minutes.
#[test]
fn decoding_byte_by_byte_is_linear() {
    let started = Instant::now();
    for head in ["SEND\n\n", "SEND\ncontent-length:1048576\n\n"] {
        let mut bytes = head.as_bytes().to_vec();
        bytes.resize(head.len() + (1 << 20), b'x');
        bytes.push(0);
        let mut decoder = Decoder::new(Limits::DEFAULT);
        for end in 0..bytes.len() {
            assert!(matches!(decoder.decode(&bytes[..end]), Ok(None)));
        }
        assert!(matches!(decoder.decode(&bytes), Ok(Some(_))));
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}
