//! Bytes from the STOMP 1.2 specification, clause by clause.

use wire::stomp::{Command, Decoder, FrameWriter, Item, Limits, Version};

use crate::transcript::{transcript, transcript_with};

#[track_caller]
fn check(input: &str, expected: &[&str]) {
    assert_eq!(transcript(input.as_bytes()), expected, "of {input:?}");
}

#[track_caller]
fn check_version(version: Version, input: &str, expected: &[&str]) {
    let lines = transcript_with(Limits::DEFAULT, version, input.as_bytes());
    assert_eq!(lines, expected, "of {input:?} in {version}");
}

#[test]
fn the_examples_of_the_specification_decode() {
    // "Connecting"
    check(
        "CONNECT\naccept-version:1.2\nhost:stomp.github.org\n\n\0",
        &[r#"CONNECT "accept-version"="1.2" "host"="stomp.github.org" | "#],
    );
    check(
        "CONNECTED\nversion:1.2\n\n\0",
        &[r#"CONNECTED "version"="1.2" | "#],
    );
    // "Protocol Negotiation"
    check(
        "ERROR\nversion:1.2,2.1\ncontent-type:text/plain\n\nSupported protocol versions are 1.2 2.1\0",
        &[
            r#"ERROR "version"="1.2,2.1" "content-type"="text/plain" | Supported protocol versions are 1.2 2.1"#,
        ],
    );
    // "SEND"
    check(
        "SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello queue a\n\0",
        &[r#"SEND "destination"="/queue/a" "content-type"="text/plain" | hello queue a\n"#],
    );
    // "SUBSCRIBE"
    check(
        "SUBSCRIBE\nid:0\ndestination:/queue/foo\nack:client\n\n\0",
        &[r#"SUBSCRIBE "id"="0" "destination"="/queue/foo" "ack"="client" | "#],
    );
    // "UNSUBSCRIBE"
    check("UNSUBSCRIBE\nid:0\n\n\0", &[r#"UNSUBSCRIBE "id"="0" | "#]);
    // "ACK", "NACK"
    check(
        "ACK\nid:12345\ntransaction:tx1\n\n\0",
        &[r#"ACK "id"="12345" "transaction"="tx1" | "#],
    );
    // "BEGIN", "COMMIT", "ABORT"
    check(
        "BEGIN\ntransaction:tx1\n\n\0COMMIT\ntransaction:tx1\n\n\0ABORT\ntransaction:tx1\n\n\0",
        &[
            r#"BEGIN "transaction"="tx1" | "#,
            r#"COMMIT "transaction"="tx1" | "#,
            r#"ABORT "transaction"="tx1" | "#,
        ],
    );
    // "DISCONNECT", whose example has no blank line
    check(
        "DISCONNECT\nreceipt:77\n\0",
        &[r#"DISCONNECT "receipt"="77" | "#],
    );
    check(
        "RECEIPT\nreceipt-id:77\n\0",
        &[r#"RECEIPT "receipt-id"="77" | "#],
    );
    // "MESSAGE"
    check(
        "MESSAGE\nsubscription:0\nmessage-id:007\ndestination:/queue/a\ncontent-type:text/plain\n\nhello queue a\0",
        &[
            r#"MESSAGE "subscription"="0" "message-id"="007" "destination"="/queue/a" "content-type"="text/plain" | hello queue a"#,
        ],
    );
    // "ERROR", whose header value begins with a space: "MUST never trim or pad headers with spaces"
    check(
        "ERROR\nreceipt-id:message-12345\nmessage: malformed frame received\n\nThe message:\n\0",
        &[
            r#"ERROR "receipt-id"="message-12345" "message"=" malformed frame received" | The message:\n"#,
        ],
    );
}

/// "STOMP Frames": "EOL" is an optional CR and a LF, and EOLs may follow the NUL.
#[test]
fn lines_end_with_lf_or_cr_lf() {
    check(
        "SEND\r\ndestination:/a\r\n\r\nbody\r\n\0\n\r\n\nBEGIN\n\n\0",
        &[
            r#"SEND "destination"="/a" | body\r\n"#,
            "heart-beat",
            "heart-beat",
            "heart-beat",
            "BEGIN | ",
        ],
    );
}

/// "Header content-length": NULs in the body, the octet count, the NUL after it.
#[test]
fn content_length_determines_the_end_of_the_body() {
    check(
        "SEND\ncontent-length:5\n\na\0b\0c\0\n",
        &[r#"SEND "content-length"="5" | a\x00b\x00c"#, "heart-beat"],
    );
    check(
        "SEND\ncontent-length:0\n\n\0",
        &[r#"SEND "content-length"="0" | "#],
    );
    check(
        "SEND\ncontent-length:2\n\nabc\0",
        &["error: the 2 bytes of the body (content-length) are not followed by a NUL"],
    );
    for length in ["", "-1", "+1", "1 ", " 1", "0x1", "1,0"] {
        check(
            &format!("SEND\na:b\ncontent-length:{length}\n\nx\0"),
            &["error: header line 2: content-length is not a number of bytes"],
        );
    }
}

/// "Repeated Header Entries": `foo` is just `World`.
#[test]
fn the_first_of_repeated_headers_is_used() {
    let input = b"MESSAGE\nfoo:World\nfoo:Hello\ncontent-length:1\ncontent-length:9\n\nx\0";
    let item = Decoder::new(Limits::DEFAULT).decode(input);
    let Ok(Some((Item::Frame(frame), taken))) = item else {
        panic!("{item:?}");
    };
    assert_eq!(frame.headers.get("foo").as_deref(), Some("World"));
    assert_eq!(frame.headers.get("FOO"), None, "names are case sensitive");
    assert_eq!((frame.body, taken), (&b"x"[..], input.len()));
}

/// "Value Encoding": the four escape sequences, in names, too.
#[test]
fn headers_are_unescaped() {
    check(
        "SEND\na\\cb:x\\ny\\\\z\\rw\\\\n\nplain:tea\n\n\0",
        &[r#"SEND "a:b"="x\ny\\z\rw\\n" "plain"="tea" | "#],
    );
    check(
        "SEND\ngrüße:\u{1F514}\\c\n\n\0",
        &[r#"SEND "grüße"="🔔:" | "#],
    );
}

/// "Undefined escape sequences such as \t MUST be treated as a fatal protocol error."
#[test]
fn undefined_escapes_are_fatal() {
    check(
        "SEND\na:b\nc:d\\te\n\n\0",
        &[
            r#"error: header line 2 contains the escape sequence "\t", which STOMP 1.2 does not define"#,
        ],
    );
    check(
        "SEND\na\\ü:b\n\n\0",
        &[
            r#"error: header line 1 contains the escape sequence "\ü", which STOMP 1.2 does not define"#,
        ],
    );
    for unfinished in [
        "SEND\na:b\\\n\n\0",
        "SEND\na:b\\\r\n\n\0",
        "SEND\na\\:b\n\n\0",
    ] {
        check(
            unfinished,
            &["error: header line 1 ends within an escape sequence"],
        );
    }
}

/// "Value Encoding": "the CONNECT and CONNECTED frames do not escape"; STOMP is handled as CONNECT.
#[test]
fn connect_and_connected_are_not_unescaped() {
    for command in ["CONNECT", "STOMP", "CONNECTED"] {
        check(
            &format!("{command}\npasscode:a\\tb:c\n\n\0"),
            &[&format!(r#"{command} "passcode"="a\\tb:c" | "#)],
        );
    }
}

#[test]
fn versions_differ_in_their_escapes() {
    let with_r = "SEND\na:x\\ry\n\n\0";
    check_version(Version::V1_2, with_r, &[r#"SEND "a"="x\ry" | "#]);
    check_version(
        Version::V1_1,
        with_r,
        &[
            r#"error: header line 1 contains the escape sequence "\r", which STOMP 1.1 does not define"#,
        ],
    );
    check_version(Version::V1_0, with_r, &[r#"SEND "a"="x\\ry" | "#]);
    check_version(
        Version::V1_0,
        "SEND\ncontent-length: 1 \n\n\0\0",
        &[r#"SEND "content-length"="1" | \x00"#],
    );
}

#[test]
fn malformed_frames_are_reported_with_the_header_line() {
    let cases = [
        ("HELLO\n\n\0", r#"unknown command "HELLO""#),
        ("send\n\n\0", r#"unknown command "send""#),
        ("\u{1}\"\n\n\0", r#"unknown command "\x01\"""#),
        ("SEND\0", "the frame ends within its command line"),
        ("SEND\na:b\nno colon\n\n\0", "header line 2 has no colon"),
        (
            "SEND\n:x\n\n\0",
            "header line 1 has no name before its colon",
        ),
        ("SEND\na:b\0", "header line 1 contains a NUL"),
        (
            "SEND\na:b\rc\n\n\0",
            "header line 1 contains a carriage return that does not end the line",
        ),
        ("BEGIN\n\nbody\0", "a BEGIN frame must not have a body"),
        (
            "BEGIN\ncontent-length:4\n\n",
            "a BEGIN frame must not have a body",
        ),
    ];
    for (input, error) in cases {
        check(input, &[&format!("error: {error}")]);
    }
    assert_eq!(
        transcript(b"SEND\na:b\nc:\xFF\n\n\0"),
        ["error: header line 2 is not UTF-8"]
    );
}

/// "Size Limits": each limit has its own error, reported as early as possible.
#[test]
fn exceeded_limits_are_reported_early() {
    let limits = Limits {
        command_bytes: 8,
        header_count: 2,
        header_bytes: 8,
        head_bytes: 14,
        body_bytes: 4,
    };
    let cases = [
        ("SENDSENDSE", "the command line is longer than 8 bytes"),
        ("SENDSENDS\n", "the command line is longer than 8 bytes"),
        ("SEND\n12:456789X", "header line 1 is longer than 8 bytes"),
        ("SEND\n12:456789\n", "header line 1 is longer than 8 bytes"),
        ("SEND\na:b\na:b\na:b\n", "the frame has more than 2 headers"),
        (
            "SEND\n12:45678\n12:4567",
            "the headers are longer than 14 bytes together",
        ),
        (
            "SEND\ncontent-length:5\n",
            "header line 1 is longer than 8 bytes",
        ),
        ("SEND\n\nabcde", "the body is longer than 4 bytes"),
        ("SEND\n\nabcde\0", "the body is longer than 4 bytes"),
    ];
    for (input, error) in cases {
        let lines = transcript_with(limits, Version::V1_2, input.as_bytes());
        assert_eq!(lines, [format!("error: {error}")], "of {input:?}");
    }
    let fits = b"SEND\n12:45678\na:b\n\nabcd\0";
    assert_eq!(transcript_with(limits, Version::V1_2, fits).len(), 1);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_arrives() {
    for length in ["1048577", "4294967297", "99999999999999999999999999"] {
        let input = format!("SEND\ncontent-length:{length}\n");
        check(&input, &["error: the body is longer than 1048576 bytes"]);
    }
}

#[test]
fn the_decoder_waits_for_the_rest_of_a_frame() {
    let whole = "SEND\na:b\ncontent-length:3\n\nxyz\0";
    for end in 1..whole.len() {
        check(&whole[..end], &[&format!("unfinished after {end} bytes")]);
    }
}

#[track_caller]
fn written(version: Version, command: Command, headers: &[(&str, &str)]) -> String {
    let mut out = Vec::new();
    let mut frame = FrameWriter::new(&mut out, version, command);
    for (name, value) in headers {
        frame.header(name, value);
    }
    frame.end();
    String::from_utf8(out).expect("headers are text")
}

#[test]
fn headers_are_escaped_by_version_and_command() {
    let headers = [("a:b\n", "c:d\\e\rf\ng\0h")];
    let cases = [
        (
            Version::V1_2,
            Command::Send,
            "a\\cb\\n:c\\cd\\\\e\\rf\\ng h",
        ),
        // 1.1 has no escape sequence for CR, 1.0 and CONNECT have none: no character may end the
        // line.
        (Version::V1_1, Command::Send, "a\\cb\\n:c\\cd\\\\e f\\ng h"),
        (Version::V1_0, Command::Send, "a b :c:d\\e f g h"),
        (Version::V1_2, Command::Connect, "a b :c:d\\e f g h"),
        (Version::V1_2, Command::Connected, "a b :c:d\\e f g h"),
    ];
    for (version, command, line) in cases {
        assert_eq!(
            written(version, command, &headers),
            format!("{command}\n{line}\n\n\0"),
        );
    }
}

#[test]
fn numbers_are_decimal() {
    let powers = (0..20).map(|power| 10u64.pow(power));
    let edges = powers.flat_map(|power| [power - 1, power, power + 1]);
    for value in edges.chain([42, 1_795_000_000_000, u64::MAX]) {
        let mut out = Vec::new();
        let mut frame = FrameWriter::new(&mut out, Version::V1_2, Command::Begin);
        frame.number("n", value);
        frame.end();
        assert_eq!(out, format!("BEGIN\nn:{value}\n\n\0").as_bytes());
    }
}
