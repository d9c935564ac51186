//! ACK, NACK, BEGIN, COMMIT and ABORT: the identification of messages and transactions in each
//! version.

use wire::stomp::server::{AckTarget, Cause, Config, Fault, Session};
use wire::stomp::{SUPPORTED, Version};

use Version::{V1_0, V1_1, V1_2};

use crate::conversation::asked;

/// 1.0: `message-id`. 1.1: `subscription` and `message-id`; the first may be missing here. 1.2:
/// `id`, or `message-id` instead.
const TARGETS: [(Version, &str, Result<&str, &str>); 14] = [
    (V1_0, "message-id:m\n", Ok(r#"with message-id "m""#)),
    (V1_0, "message-id: m \n", Ok(r#"with message-id "m""#)),
    (
        V1_0,
        "message-id:m\nsubscription:s\n",
        Ok(r#"with message-id "m" of subscription "s""#),
    ),
    (V1_0, "id:i\n", Err("message-id")),
    (V1_0, "", Err("message-id")),
    (
        V1_1,
        "subscription:s\nmessage-id:m\\cn\n",
        Ok(r#"with message-id "m:n" of subscription "s""#),
    ),
    (V1_1, "message-id:m\n", Ok(r#"with message-id "m""#)),
    (V1_1, "subscription:s\n", Err("message-id")),
    (V1_1, "id:i\nsubscription:s\n", Err("message-id")),
    (V1_2, "id:i\\\\j\n", Ok(r#"with ack "i\\j""#)),
    (
        V1_2,
        "id:i\nmessage-id:m\nsubscription:s\n",
        Ok(r#"with ack "i""#),
    ),
    (
        V1_2,
        "message-id:m\nsubscription:s\n",
        Ok(r#"with message-id "m" of subscription "s""#),
    ),
    (V1_2, "message-id:m\n", Ok(r#"with message-id "m""#)),
    (V1_2, "subscription:s\n", Err("id")),
];

#[track_caller]
fn check(version: Version, frame: &str, expected: &str) {
    let frame = format!("{frame}\n\0");
    assert_eq!(asked(version, &frame), expected, "{frame:?} in {version}");
}

#[track_caller]
fn check_target(command: &str, version: Version, headers: &str, target: Result<&str, &str>) {
    let expected = match target {
        Ok(target) => format!("{} {target}", command.to_lowercase()),
        Err(missing) => format!("fault: a {command} frame needs the header \"{missing}\""),
    };
    check(version, &format!("{command}\n{headers}"), &expected);
}

#[test]
fn ack_identifies_its_message_by_version() {
    for (version, headers, target) in TARGETS {
        check_target("ACK", version, headers, target);
    }
}

/// "`NACK` takes the same headers as `ACK`", and is new in 1.1.
#[test]
fn nack_takes_the_same_headers_from_1_1_on() {
    for (version, headers, target) in TARGETS {
        match version {
            V1_0 => check(
                V1_0,
                &format!("NACK\n{headers}"),
                "fault: STOMP 1.0 has no NACK",
            ),
            version => check_target("NACK", version, headers, target),
        }
    }
}

/// The header of RabbitMQ for messages that must not be delivered again.
#[test]
fn nack_may_disable_redelivery() {
    let cases = [
        ("requeue:true\n", r#"nack with ack "i""#),
        ("requeue:false\n", r#"nack with ack "i", requeue false"#),
        ("requeue:True\n", r#"nack with ack "i""#),
        ("requeue:False\n", r#"nack with ack "i", requeue false"#),
        (
            "requeue:no\n",
            r#"fault: requeue:"no" is not accepted: "true" or "false""#,
        ),
    ];
    for (header, expected) in cases {
        check(V1_2, &format!("NACK\nid:i\n{header}"), expected);
        // The header has no effect on ACK.
        check(V1_2, &format!("ACK\nid:i\n{header}"), r#"ack with ack "i""#);
    }
}

/// "Optionally, a `transaction` header MAY be specified", and as on any frame a `receipt`.
#[test]
fn acknowledgements_may_belong_to_a_transaction() {
    let headers = "id:i\nmessage-id:m\ntransaction:t\nreceipt:r\n";
    for &version in SUPPORTED {
        let target = match version {
            V1_2 => r#"with ack "i""#,
            _ => r#"with message-id "m""#,
        };
        let rest = r#", transaction "t", receipt "r""#;
        check(
            version,
            &format!("ACK\n{headers}"),
            &format!("ack {target}{rest}"),
        );
        if version != V1_0 {
            check(
                version,
                &format!("NACK\n{headers}"),
                &format!("nack {target}{rest}"),
            );
        }
    }
}

/// "The `transaction` header is REQUIRED", in each version, for each of the three.
#[test]
fn transactions_require_a_name() {
    for &version in SUPPORTED {
        for command in ["BEGIN", "COMMIT", "ABORT"] {
            let shown = command.to_lowercase();
            check(
                version,
                &format!("{command}\ntransaction:t 1\nreceipt:r\n"),
                &format!(r#"{shown} "t 1", receipt "r""#),
            );
            check(
                version,
                &format!("{command}\ntransaction:t\ntransaction:u\n"),
                &format!(r#"{shown} "t""#),
            );
            check(
                version,
                &format!("{command}\nid:t\n"),
                &format!("fault: a {command} frame needs the header \"transaction\""),
            );
        }
    }
}

/// Faults that only the caller can detect: the short text and the details.
#[test]
fn faults_name_the_message_or_transaction() {
    let target = AckTarget::Message {
        subscription: Some("s".into()),
        message_id: "m".into(),
    };
    let cases = [
        (
            Fault::unknown_delivery(&AckTarget::Id("1-2".into()), None),
            "unknown message",
            r#"no message with ack "1-2" waits for acknowledgement on this connection"#,
        ),
        (
            Fault::unknown_delivery(&target, None),
            "unknown message",
            r#"no message with message-id "m" of subscription "s" waits for acknowledgement on this connection"#,
        ),
        (
            Fault::transaction_in_use("t", None),
            "transaction in use",
            r#"there is a transaction "t" on this connection already"#,
        ),
        (
            Fault::unknown_transaction("t", None),
            "unknown transaction",
            r#"there is no transaction "t" on this connection"#,
        ),
        (
            Fault::new(Cause::TooManyTransactions { limit: 16 }, None),
            "too many transactions",
            "no more than 16 transactions can be open on a connection",
        ),
        (
            Fault::new(Cause::TransactionTooLong { limit: 10_000 }, None),
            "transaction too large",
            "the open transactions of a connection hold no more than 10000 frames",
        ),
        (
            Fault::new(Cause::TransactionTooLarge { limit: 5 }, None),
            "transaction too large",
            "the open transactions of a connection hold no more than 5 bytes",
        ),
    ];
    for (fault, message, text) in cases {
        let mut out = Vec::new();
        Session::new(&Config::DEFAULT, 0).error(&fault, &mut out);
        let length = text.len();
        let expected = format!(
            "ERROR\nmessage:{message}\ncontent-type:text/plain\ncontent-length:{length}\n\n{text}\0"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
