//! The server's machine: what it makes of frames, in order and out of it.

use wire::stomp::server::{
    AckTarget, Acknowledge, Cause, Config, Fault, Greeting, Identity, Request, Session, Transaction,
};
use wire::stomp::{Decoder, Limits};

const CONNECT: &str = "CONNECT\naccept-version:1.2\nhost:h\n\n\0";

/// Feeds frames to a session and notes what it makes of them, up to the first fault.
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
                seen.push(format!("fault: {fault} (receipt {:?})", fault.receipt));
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
    let greeting = Greeting {
        server: "Carillon/0.1.0",
        session: "s-1",
    };
    session.connected(0, &greeting, &mut out);
    String::from_utf8(out).expect("a greeting is text")
}

fn show(request: &Request<'_>) -> String {
    match request {
        Request::HeartBeat => "heart-beat".to_owned(),
        Request::Connect(connect) => format!(
            "connect {} host {:?} login {:?} passcode {:?} client-id {:?} heart-beat {}",
            connect.version,
            connect.host,
            connect.login,
            connect.passcode,
            connect.client_id,
            connect.heart_beat
        ),
        Request::Send(send) => format!(
            "send {} {:?} receipt {:?} headers {:?} body {}",
            send.destination,
            send.content_type,
            send.receipt,
            send.user_headers()
                .map(|header| format!("{}={}", header.name(), header.value()))
                .collect::<Vec<_>>(),
            send.body.escape_ascii()
        ),
        Request::Subscribe(subscribe) => format!(
            "subscribe {:?} {} since {:?} overflow {:?} receipt {:?}",
            subscribe.identity,
            subscribe.destination,
            subscribe.since,
            subscribe.overflow,
            subscribe.receipt
        ),
        Request::Unsubscribe(unsubscribe) => {
            format!(
                "unsubscribe {:?} receipt {:?}",
                unsubscribe.identity, unsubscribe.receipt
            )
        }
        Request::Ack(acknowledge) => show_acknowledge("ack", acknowledge),
        Request::Nack(acknowledge) => show_acknowledge("nack", acknowledge),
        Request::Begin(transaction) => show_transaction("begin", transaction),
        Request::Commit(transaction) => show_transaction("commit", transaction),
        Request::Abort(transaction) => show_transaction("abort", transaction),
        Request::Disconnect(disconnect) => format!("disconnect receipt {:?}", disconnect.receipt),
    }
}

fn show_acknowledge(command: &str, acknowledge: &Acknowledge<'_>) -> String {
    format!(
        "{command} {} requeue {} transaction {:?} receipt {:?}",
        acknowledge.target, acknowledge.requeue, acknowledge.transaction, acknowledge.receipt
    )
}

fn show_transaction(command: &str, transaction: &Transaction<'_>) -> String {
    format!(
        "{command} {} receipt {:?}",
        transaction.id, transaction.receipt
    )
}

/// What comes after a CONNECT that is accepted.
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
fn connect_is_typed() {
    check_from_start(
        "CONNECT\naccept-version:1.0,1.1,1.2\nhost:h:1\nlogin:me\npasscode:a:b\nclient-id:c\nheart-beat:4000,5000\n\n\0",
        &[
            r#"connect 1.2 host Some("h:1") login Some("me") passcode Some("a:b") client-id Some("c") heart-beat 4000,5000"#,
        ],
    );
    // "STOMP servers MUST handle a STOMP frame in the same manner as a CONNECT frame"; the clients
    // most in use send no host; a missing heart-beat is 0,0.
    check_from_start(
        "\nSTOMP\naccept-version:1.2\n\n\0",
        &[
            "heart-beat",
            "connect 1.2 host None login None passcode None client-id None heart-beat 0,0",
        ],
    );
}

/// "Protocol Negotiation".
#[test]
fn versions_that_are_not_shared_are_refused() {
    for accept in ["2.0", "1.3,0.9", "", "1", "1.2 "] {
        check_from_start(
            &format!("CONNECT\naccept-version:{accept}\nhost:h\n\n\0"),
            &["fault: supported protocol versions are 1.0,1.1,1.2 (receipt None)"],
        );
    }
}

#[test]
fn a_conversation_has_an_order() {
    check_from_start(
        "SEND\ndestination:/topic/a\nreceipt:r\n\n\0",
        &[
            r#"fault: SEND came before the session was open: CONNECT comes first (receipt Some("r"))"#,
        ],
    );
    check(
        CONNECT,
        &["fault: CONNECT came a second time (receipt None)"],
    );
    check(
        "DISCONNECT\nreceipt:77\n\n\0\nSEND\ndestination:/topic/a\n\n\0",
        &[
            r#"disconnect receipt Some("77")"#,
            "heart-beat",
            "fault: SEND came after DISCONNECT (receipt None)",
        ],
    );
    for command in ["MESSAGE", "CONNECTED", "RECEIPT", "ERROR"] {
        check(
            &format!("{command}\n\n\0"),
            &[&format!(
                "fault: {command} is a frame of servers (receipt None)"
            )],
        );
    }
}

#[test]
fn connect_must_be_answered_before_anything_else() {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let mut session = Session::new(&Config::DEFAULT, 0);
    for (input, accepted) in [(CONNECT, true), ("SEND\ndestination:/a\n\n\0", false)] {
        let item = decoder.decode(input.as_bytes()).expect("it is STOMP");
        let (item, _) = item.expect("it is whole");
        assert_eq!(session.request(item).is_ok(), accepted);
    }
}

#[test]
fn send_is_typed_and_its_user_headers_pass_through() {
    check(
        "SEND\ndestination:/topic/a\\cb\ncontent-type:text/plain\ncontent-length:2\nreceipt:r-1\n\
         x:1\ny\\cz:2\\n3\nx:4\nsequence:666\nproducer:forged\nsubscription:9\nmessage-id:8\nmissed:1-2\ntimestamp:0\n\nhi\0",
        &[
            r#"send /topic/a:b Some("text/plain") receipt Some("r-1") headers ["x=1", "y:z=2\n3", "x=4"] body hi"#,
        ],
    );
    check(
        "SEND\nreceipt:r\n\n\0",
        &[r#"fault: a SEND frame needs the header "destination" (receipt Some("r"))"#],
    );
}

#[test]
fn subscribe_is_typed() {
    let check_headers = |headers: &str, expected: &str| {
        check(
            &format!("SUBSCRIBE\nid:0\ndestination:/topic/a\n{headers}\n\0"),
            &[&format!(
                r#"subscribe Id("0") /topic/a {expected} receipt None"#
            )],
        );
    };
    check_headers("", "since None overflow None");
    check_headers("ack:auto\n", "since None overflow None");
    check_headers("since:last\n", "since Some(Last) overflow None");
    check_headers("since:0\n", "since Some(Sequence(0)) overflow None");
    check_headers(
        "since:19a2b3c4d5e-42\n",
        r#"since Some(Message("19a2b3c4d5e-42")) overflow None"#,
    );
    check_headers(
        "overflow:drop-oldest\n",
        "since None overflow Some(DropOldest)",
    );
    check_headers(
        "overflow:disconnect\n",
        "since None overflow Some(Disconnect)",
    );
    check_headers("delivery:latest\n", "since None overflow Some(Latest)");
    check_headers(
        "delivery:latest\noverflow:latest\n",
        "since None overflow Some(Latest)",
    );
}

#[test]
fn what_subscribe_cannot_have_is_refused() {
    let check_headers = |headers: &str, expected: &str| {
        check(
            &format!("SUBSCRIBE\nreceipt:r\n{headers}\n\0"),
            &[&format!(r#"fault: {expected} (receipt Some("r"))"#)],
        );
    };
    check_headers(
        "destination:/topic/a\n",
        r#"a SUBSCRIBE frame needs the header "id""#,
    );
    check_headers(
        "id:0\n",
        r#"a SUBSCRIBE frame needs the header "destination""#,
    );
    check_headers(
        "id:0\ndestination:/a\nack:maybe\n",
        r#"ack:maybe is not understood: "auto", "client" or "client-individual""#,
    );
    check_headers(
        "id:0\ndestination:/a\noverflow:block\n",
        "overflow:block is not understood: this rule is the operator's to choose",
    );
    check_headers(
        "id:0\ndestination:/a\noverflow:x\n",
        r#"overflow:x is not understood: "drop-oldest", "latest" or "disconnect""#,
    );
    check_headers(
        "id:0\ndestination:/a\ndelivery:x\n",
        r#"delivery:x is not understood: "latest""#,
    );
    for since in ["", "+1", "first", "99999999999999999999"] {
        check_headers(
            &format!("id:0\ndestination:/a\nsince:{since}\n"),
            &format!(r#"since:{since} is not understood: "last", a sequence or a message id"#),
        );
    }
}

#[test]
fn acknowledgements_and_transactions_are_typed() {
    check(
        "BEGIN\ntransaction:t\nreceipt:r\n\n\0ACK\nid:1-2\ntransaction:t\n\n\0\
         NACK\nid:1-3\nrequeue:false\nreceipt:n\n\n\0COMMIT\ntransaction:t\n\n\0ABORT\ntransaction:u\n\n\0",
        &[
            r#"begin t receipt Some("r")"#,
            r#"ack with ack "1-2" requeue true transaction Some("t") receipt None"#,
            r#"nack with ack "1-3" requeue false transaction None receipt Some("n")"#,
            "commit t receipt None",
            "abort u receipt None",
        ],
    );
}

#[test]
fn unsubscribe_needs_an_id() {
    check(
        "UNSUBSCRIBE\nid:0\nreceipt:r\n\n\0",
        &[r#"unsubscribe Some(Id("0")) receipt Some("r")"#],
    );
    check(
        "UNSUBSCRIBE\n\n\0",
        &[r#"fault: a UNSUBSCRIBE frame needs the header "id" (receipt None)"#],
    );
}

#[test]
fn a_wrong_heart_beat_is_refused() {
    for heart_beat in ["", "1", "1,", "a,b", "1,-1", "1, 2", "1,2,3"] {
        check_from_start(
            &format!("CONNECT\naccept-version:1.2\nheart-beat:{heart_beat}\n\n\0"),
            &[&format!(
                "fault: heart-beat:{heart_beat} is not understood: two numbers of milliseconds separated by a comma (receipt None)"
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
fn errors_say_what_happened_and_to_which_frame() {
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
    // "Protocol Negotiation": this ERROR names the versions that would do.
    check_error(
        &Fault::new(Cause::UnsupportedVersion, None),
        "ERROR\nversion:1.0,1.1,1.2\nmessage:unsupported version\ncontent-type:text/plain\n\
         content-length:43\n\nsupported protocol versions are 1.0,1.1,1.2\0",
    );
}

#[test]
fn a_long_value_is_not_repeated_whole() {
    let fault = Fault::invalid_header("since", &"é".repeat(1000), "a number", None);
    assert_eq!(
        fault.to_string(),
        format!("since:{}… is not understood: a number", "é".repeat(80)),
    );
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() <= 96, "{}", size_of::<Session>());
    assert!(size_of::<Decoder>() <= 128, "{}", size_of::<Decoder>());
}
