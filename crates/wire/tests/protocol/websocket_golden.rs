//! Bytes from RFC 6455, clause by clause.

use wire::websocket::{CloseCode, Decoder, Event, FrameHeader, Mask, Opcode, Role, close, frame};

const MASK: Mask = Mask([0x37, 0xfa, 0x21, 0x3d]);

/// Returns every event of `input`, and last the violation or the number of unfinished bytes.
pub fn transcript(role: Role, input: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(role, Decoder::MESSAGE_BYTES);
    transcript_of(&mut decoder, input)
}

fn transcript_of(decoder: &mut Decoder, input: &[u8]) -> Vec<String> {
    let mut buffer = input.to_vec();
    let mut rest = buffer.as_mut_slice();
    let mut lines = Vec::new();
    loop {
        let left = rest.len();
        match decoder.decode(rest) {
            Ok(Some((event, taken))) => {
                lines.push(show(&event));
                rest = &mut rest[taken..];
            }
            Ok(None) if left == 0 => return lines,
            Ok(None) => {
                lines.push(format!("unfinished after {left} bytes"));
                return lines;
            }
            Err(violation) => {
                let code = violation.close_code().0;
                lines.push(format!("{code}: {violation}"));
                return lines;
            }
        }
    }
}

fn show(event: &Event<'_>) -> String {
    match event {
        Event::Data {
            kind,
            payload,
            last,
        } => {
            let more = if *last { "" } else { " ..." };
            format!("{kind:?} {}{more}", payload.escape_ascii())
        }
        Event::Ping(payload) => format!("Ping {}", payload.escape_ascii()),
        Event::Pong(payload) => format!("Pong {}", payload.escape_ascii()),
        Event::Close(close) => {
            format!("Close {:?} {}", close.code.map(|code| code.0), close.reason)
        }
    }
}

#[track_caller]
fn check(role: Role, input: &[u8], expected: &[&str]) {
    assert_eq!(transcript(role, input), expected, "of {input:02x?}");
}

/// Encodes a masked frame of a client with this first byte and payload.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(Opcode::Binary, payload, Some(MASK), &mut bytes);
    bytes[0] = first;
    bytes
}

/// 5.7, "Examples".
#[test]
fn the_examples_of_the_specification_decode() {
    check(
        Role::Client,
        &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
        &["Text Hello"],
    );
    check(
        Role::Server,
        &[
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ],
        &["Text Hello"],
    );
    check(
        Role::Client,
        &[0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f],
        &["Text Hel ...", "Text lo"],
    );
    check(
        Role::Client,
        &[0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
        &["Ping Hello"],
    );
    check(
        Role::Server,
        &[
            0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ],
        &["Pong Hello"],
    );
}

/// 5.7: the headers of 256 bytes and 64 KiB of binary data.
#[test]
fn the_examples_of_the_specification_encode() {
    let header = |opcode, bytes| FrameHeader::new(opcode, bytes, None).as_bytes().to_vec();
    assert_eq!(header(Opcode::Text, 5), [0x81, 0x05]);
    assert_eq!(header(Opcode::Binary, 256), [0x82, 0x7E, 0x01, 0x00]);
    assert_eq!(
        header(Opcode::Binary, 65_536),
        [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0],
    );
    let mut out = Vec::new();
    frame(Opcode::Text, b"Hello", Some(MASK), &mut out);
    assert_eq!(
        out,
        [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
        ],
    );
}

#[test]
fn lengths_at_the_edges_have_their_shortest_form() {
    for (bytes, header) in [
        (0, 2),
        (125, 2),
        (126, 4),
        (65_535, 4),
        (65_536, 10),
        (1 << 20, 10),
    ] {
        let written = FrameHeader::new(Opcode::Binary, bytes, None);
        assert_eq!(written.as_bytes().len(), header);
        let mut out = written.as_bytes().to_vec();
        out.resize(header + bytes, b'x');
        assert_eq!(transcript(Role::Client, &out).len(), 1);
        assert_eq!(
            FrameHeader::new(Opcode::Binary, bytes, Some(MASK))
                .as_bytes()
                .len(),
            header + 4,
        );
    }
}

/// 5.2: reserved bits and opcodes, the mask, the minimal length.
#[test]
fn invalid_headers_are_violations() {
    for first in [0xC1, 0xA1, 0x91] {
        let input = masked(first, b"x");
        check(Role::Server, &input, &["1002: reserved bits are set"]);
    }
    for code in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        let expected = format!("1002: opcode {code:#x} is reserved");
        check(Role::Server, &masked(0x80 | code, b"x"), &[&expected]);
    }
    check(
        Role::Server,
        &[0x81, 0x01, b'x'],
        &["1002: a frame of a client is not masked"],
    );
    check(
        Role::Client,
        &masked(0x81, b"x"),
        &["1002: a frame of a server is masked"],
    );
    for long in [
        &[0x82, 126, 0, 125][..],
        &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
    ] {
        let expected = "1002: the payload length is not in its shortest form";
        check(Role::Client, long, &[expected]);
    }
    check(
        Role::Client,
        &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        &["1002: the payload length has its highest bit set"],
    );
}

/// 5.5: control frames.
#[test]
fn long_or_fragmented_control_frames_are_violations() {
    for first in [0x08, 0x09, 0x0A] {
        let input = masked(first, b"");
        check(
            Role::Server,
            &input,
            &["1002: a control frame is fragmented"],
        );
    }
    for first in [0x88, 0x89, 0x8A] {
        let input = masked(first, &[b'x'; 126]);
        let expected = "1002: a control frame has more than 125 bytes";
        check(Role::Server, &input[..2], &[expected]);
    }
    check(
        Role::Server,
        &masked(0x89, &[b'x'; 125]),
        &[&format!("Ping {}", "x".repeat(125))],
    );
    let ping = masked(0x89, b"Hello");
    check(Role::Server, &ping[..10], &["unfinished after 10 bytes"]);
}

/// 5.4: fragmentation, with control frames between.
#[test]
fn interleaved_fragments_are_violations() {
    let message = [
        masked(0x02, b"ab"),
        masked(0x89, b"?"),
        masked(0x00, b""),
        masked(0x80, b"cd"),
        masked(0x81, b"e"),
    ];
    check(
        Role::Server,
        &message.concat(),
        &[
            "Binary ab ...",
            "Ping ?",
            "Binary  ...",
            "Binary cd",
            "Text e",
        ],
    );
    check(
        Role::Server,
        &masked(0x80, b"x"),
        &["1002: a continuation frame without a message"],
    );
    for first in [0x81, 0x82, 0x01] {
        check(
            Role::Server,
            &[masked(0x01, b"a"), masked(first, b"b")].concat(),
            &[
                "Text a ...",
                "1002: a message begins before the previous one ended",
            ],
        );
    }
    check(
        Role::Server,
        &[masked(0x82, b"a"), masked(0x80, b"b")].concat(),
        &["Binary a", "1002: a continuation frame without a message"],
    );
}

/// 8.1: UTF-8, across fragments and pieces.
#[test]
fn texts_are_utf_8() {
    let bell = "🔔".as_bytes();
    check(
        Role::Server,
        &[
            masked(0x01, &bell[..1]),
            masked(0x00, &bell[1..3]),
            masked(0x80, &bell[3..]),
        ]
        .concat(),
        &[r"Text \xf0 ...", r"Text \x9f\x94 ...", r"Text \x94"],
    );
    let not_utf_8: [&[u8]; 7] = [
        b"\xFF",
        b"a\x80",
        b"\xC0\xAF",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"\xF0\x9F",
        b"ok\xE2\x82",
    ];
    for payload in not_utf_8 {
        let expected = "1007: a text is not UTF-8";
        check(Role::Server, &masked(0x81, payload), &[expected]);
        assert_eq!(transcript(Role::Server, &masked(0x82, payload)).len(), 1);
    }
    // Detected as early as possible: 0xF4 0x90 begins no character.
    check(
        Role::Server,
        &[masked(0x01, b"\xF4"), masked(0x00, b"\x90")].concat(),
        &[r"Text \xf4 ...", "1007: a text is not UTF-8"],
    );
}

/// 5.5.1 and 7.4: the close frame.
#[test]
fn close_frames_require_a_valid_code() {
    let body = |code: u16, reason: &[u8]| [&code.to_be_bytes(), reason].concat();
    check(Role::Server, &masked(0x88, b""), &["Close None "]);
    for code in [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999] {
        let expected = format!("Close Some({code}) bye");
        check(
            Role::Server,
            &masked(0x88, &body(code, b"bye")),
            &[&expected],
        );
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        let expected = format!("1002: close code {code} must not be sent");
        check(Role::Server, &masked(0x88, &body(code, b"")), &[&expected]);
    }
    check(
        Role::Server,
        &masked(0x88, b"\x03"),
        &["1002: a close frame has one byte"],
    );
    check(
        Role::Server,
        &masked(0x88, &body(1000, b"\xFF")),
        &["1007: a text is not UTF-8"],
    );
    // 1.4: "discards any further data received".
    let further = [masked(0x88, &body(1000, b"")), masked(0xFF, b"x")].concat();
    check(
        Role::Server,
        &further,
        &["Close Some(1000) ", "unfinished after 7 bytes"],
    );
}

#[test]
fn close_reasons_are_truncated_between_characters() {
    let mut out = Vec::new();
    close(CloseCode::GOING_AWAY, &"é".repeat(100), None, &mut out);
    let expected = format!("Close Some(1001) {}", "é".repeat(61));
    check(Role::Client, &out, &[&expected]);
}

/// 10.4: the limit applies to all fragments together, and is checked with the header.
#[test]
fn a_message_over_the_limit_is_refused_before_it_arrives() {
    let mut decoder = Decoder::new(Role::Server, 4);
    let input = [
        masked(0x82, b"abcd"),
        masked(0x02, b"abc"),
        masked(0x00, b"d"),
    ]
    .concat();
    assert_eq!(
        transcript_of(&mut decoder, &input),
        ["Binary abcd", "Binary abc ...", "Binary d ..."],
    );
    assert_eq!(
        transcript_of(&mut decoder, &masked(0x80, b"e")[..6]),
        ["1009: the message is larger than 4 bytes"],
    );
    let mut huge = vec![0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    huge.extend([0; 4]);
    assert_eq!(
        transcript_of(&mut Decoder::new(Role::Server, u64::MAX), &huge),
        ["Binary  ..."],
    );
}

/// A large payload is returned as it arrives.
#[test]
fn payloads_are_returned_in_pieces() {
    let input = masked(0x82, b"abcdefghij");
    let mut decoder = Decoder::new(Role::Server, Decoder::MESSAGE_BYTES);
    let pieces = [&input[..7], &input[7..13], &input[13..]];
    let lines: Vec<_> = pieces
        .iter()
        .flat_map(|piece| transcript_of(&mut decoder, piece))
        .collect();
    assert_eq!(lines, ["Binary a ...", "Binary bcdefg ...", "Binary hij"]);
}

#[test]
fn a_decoder_is_small() {
    assert!(size_of::<Decoder>() < 64, "{}", size_of::<Decoder>());
}
