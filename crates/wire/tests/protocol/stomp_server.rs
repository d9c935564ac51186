//! The server's state machine: requests and faults of frames in and out of order.

use wire::stomp::server::{AckTarget, Cause, Config, Fault, Identity, Request, Session};
use wire::stomp::{Decoder, Limits};

use crate::conversation::{Conversation, GREETING, show, show_fault};

const CONNECT: &str = "CONNECT\naccept-version:1.2\nhost:h\n\n\0";

/// Passes frames to a session and returns its requests up to the first fault.
#[track_caller]
fn requests(input: &str) -> Vec<String> {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut session = Session::new(&Config::DEFAULT, 0);
    let mut seen = Vec::new();
    let mut rest = input.as_bytes();
    while let Some((item, taken)) = decoder.decode(rest).expect("the tables hold STOMP") {
        match session.request(item) {
            Ok(request) => {
                seen.push(show(&request));
                if let Request::Connect(_) = request {
                    connected(&mut session);
                }
            }
            Err(fault) => {
                seen.push(show_fault(&fault));
                return seen;
            }
        }
        rest = &rest[taken..];
    }
    assert!(rest.is_empty(), "unfinished: {rest:?}");
    seen
}

fn connected(session: &mut Session) -> String {
    let mut out = Vec::new();
    session.connected(0, &GREETING, &mut out);
    String::from_utf8(out).expect("a greeting is text")
}

/// Checks the requests after an accepted CONNECT.
#[track_caller]
fn check(input: &str, expected: &[&str]) {
    let seen = requests(&format!("{CONNECT}{input}"));
    assert_eq!(seen[1..], *expected, "of {input:?}");
}

#[track_caller]
fn check_from_start(input: &str, expected: &[&str]) {
    assert_eq!(requests(input), expected, "of {input:?}");
}

#[test]
fn connect_fields_are_parsed() {
    check_from_start(
        "CONNECT\naccept-version:1.0,1.1,1.2\nhost:h:1\nlogin:me\npasscode:a:b\nclient-id:c\nheart-beat:4000,5000\n\n\0",
        &[
            r#"connect 1.2 host Some("h:1") login Some("me") passcode Some("a:b") client-id Some("c") heart-beat 4000,5000"#,
        ],
    );
    // "STOMP servers MUST handle a STOMP frame in the same manner as a CONNECT frame"; the most
    // common clients send no host; a missing heart-beat is 0,0.
    check_from_start(
        "\nSTOMP\naccept-version:1.2\n\n\0",
        &[
            "heart-beat",
            "connect 1.2 host None login None passcode None client-id None heart-beat 0,0",
        ],
    );
}

/// "Any client frame other than CONNECT MAY specify a receipt header"; CONNECTED is the answer to
/// CONNECT.
#[test]
fn connect_gets_no_receipt() {
    let conversation = Conversation::open("CONNECT\naccept-version:1.2\nreceipt:r\n\n\0");
    assert_eq!(conversation.greeting, Conversation::open(CONNECT).greeting);
}

/// "Protocol Negotiation".
#[test]
fn versions_without_overlap_are_refused() {
    for accept in ["2.0", "1.3,0.9", "", "1", "1.2 "] {
        check_from_start(
            &format!("CONNECT\naccept-version:{accept}\nhost:h\n\n\0"),
            &["fault: supported protocol versions are 1.0,1.1,1.2"],
        );
    }
}

#[test]
fn frames_out_of_order_are_faults() {
    check_from_start(
        "SEND\ndestination:/topic/a\nreceipt:r\n\n\0",
        &[r#"fault: SEND was sent before CONNECT was accepted, for receipt "r""#],
    );
    check(CONNECT, &["fault: CONNECT was sent twice"]);
    check(
        "DISCONNECT\nreceipt:77\n\n\0\nSEND\ndestination:/topic/a\n\n\0",
        &[
            r#"disconnect, receipt "77""#,
            "heart-beat",
            "fault: SEND was sent after DISCONNECT",
        ],
    );
    for command in ["MESSAGE", "CONNECTED", "RECEIPT", "ERROR"] {
        check(
            &format!("{command}\n\n\0"),
            &[&format!("fault: {command} is a server frame")],
        );
    }
}

#[test]
fn connect_must_be_answered_before_anything_else() {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut session = Session::new(&Config::DEFAULT, 0);
    for (input, accepted) in [(CONNECT, true), ("SEND\ndestination:/a\n\n\0", false)] {
        let item = decoder.decode(input.as_bytes()).expect("it is STOMP");
        let (item, _) = item.expect("complete");
        assert_eq!(session.request(item).is_ok(), accepted);
    }
}

#[test]
fn an_invalid_heart_beat_is_refused() {
    for heart_beat in ["", "1", "1,", "a,b", "1,-1", "1, 2", "1,2,3"] {
        check_from_start(
            &format!("CONNECT\naccept-version:1.2\nheart-beat:{heart_beat}\n\n\0"),
            &[&format!(
                "fault: heart-beat:\"{heart_beat}\" is not accepted: two numbers of milliseconds separated by a comma"
            )],
        );
    }
}

#[test]
fn replies_are_frames() {
    let mut session = Session::new(&Config::DEFAULT, 0);
    assert_eq!(
        connected(&mut session),
        "CONNECTED\nversion:1.2\nheart-beat:10000,10000\nserver:Carillon/0.1.0\nsession:s-1\n\n\0",
    );
    let mut out = Vec::new();
    session.receipt("message-12345:\n", &mut out);
    assert_eq!(out, b"RECEIPT\nreceipt-id:message-12345\\c\\n\n\n\0");
}

#[track_caller]
fn check_error(fault: &Fault, expected: &str) {
    let mut out = Vec::new();
    Session::new(&Config::DEFAULT, 0).error(fault, &mut out);
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn errors_contain_the_cause_and_the_receipt_id() {
    check_error(
        &Fault::unknown_subscription(&Identity::Id("7".into()), Some("r:1")),
        "ERROR\nmessage:unknown subscription\nreceipt-id:r\\c1\ncontent-type:text/plain\n\
         content-length:55\n\nthere is no subscription with id \"7\" on this connection\0",
    );
    check_error(
        &Fault::unknown_delivery(&AckTarget::Id("1-2".into()), None),
        "ERROR\nmessage:unknown message\ncontent-type:text/plain\ncontent-length:70\n\n\
         no message with ack \"1-2\" waits for acknowledgement on this connection\0",
    );
    check_error(
        &Fault::refused("invalid destination", "a topic has levels", None),
        "ERROR\nmessage:invalid destination\ncontent-type:text/plain\ncontent-length:18\n\na topic has levels\0",
    );
    let malformed = Decoder::new(Limits::DEFAULT).decode(b"SEND\nx\n");
    check_error(
        &malformed.expect_err("x is no header").into(),
        "ERROR\nmessage:malformed frame\ncontent-type:text/plain\ncontent-length:26\n\nheader line 1 has no colon\0",
    );
    // "Protocol Negotiation": this ERROR lists the supported versions.
    check_error(
        &Fault::new(Cause::UnsupportedVersion, None),
        "ERROR\nversion:1.0,1.1,1.2\nmessage:unsupported version\ncontent-type:text/plain\n\
         content-length:43\n\nsupported protocol versions are 1.0,1.1,1.2\0",
    );
}

#[test]
fn long_values_are_shortened_in_errors() {
    let fault = Fault::invalid_header("since", &"é".repeat(1000), "a number", None);
    assert_eq!(
        fault.to_string(),
        format!("since:\"{}…\" is not accepted: a number", "é".repeat(80)),
    );
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() <= 96, "{}", size_of::<Session>());
    assert!(size_of::<Decoder>() <= 128, "{}", size_of::<Decoder>());
}
