//! SEND: required headers, parsed headers, and headers forwarded to subscribers.

use wire::stomp::{SUPPORTED, Version};

use crate::conversation::asked;

#[track_caller]
fn check(version: Version, headers: &str, expected: &str) {
    let frame = format!("SEND\ndestination:/topic/a\n{headers}\n\0");
    assert_eq!(asked(version, &frame), expected, "{headers:?} in {version}");
}

/// "It has one REQUIRED header, `destination`".
#[test]
fn a_destination_is_required() {
    for &version in SUPPORTED {
        assert_eq!(
            asked(version, "SEND\nreceipt:r\n\nhi\0"),
            r#"fault: a SEND frame needs the header "destination""#,
            "in {version}"
        );
        assert_eq!(
            asked(version, "SEND\ndestination:/queue/a\n\nhi\0"),
            "send /queue/a | hi",
            "in {version}"
        );
    }
}

#[test]
fn send_fields_are_parsed() {
    let frame = "SEND\ndestination:/topic/a\\cb\ncontent-type:text/plain\ncontent-length:2\n\
                 receipt:r-1\ntransaction:t-1\nexpires:1795000000000\n\nhi\0";
    assert_eq!(
        asked(Version::V1_2, frame),
        r#"send /topic/a:b, type "text/plain", transaction "t-1", expires 1795000000000, receipt "r-1", expires "1795000000000" | hi"#,
    );
}

/// "The user defined headers MUST be passed through in the MESSAGE frame", including repeated ones
/// and those that the server has parsed.
#[test]
fn user_headers_pass_through() {
    let headers = [
        ("x:1\ny\\cz:2\\n3\nx:4\n", r#"x "1", y:z "2\n3", x "4""#),
        (
            "reply-to:/temp-queue/a\ncorrelation-id:7\n",
            r#"reply-to "/temp-queue/a", correlation-id "7""#,
        ),
        (
            "persistent:true\npriority:9\ntype:t\n",
            r#"persistent "true", priority "9", type "t""#,
        ),
        (
            "JMSXGroupID:g\nJMSXGroupSeq:-1\n",
            r#"JMSXGroupID "g", JMSXGroupSeq "-1""#,
        ),
        // Headers of other frames, which are user defined here.
        ("id:1\nselector:s\n", r#"id "1", selector "s""#),
        // Names are case sensitive, and never trimmed.
        ("Receipt:r\n ack:1\n", r#"Receipt "r",  ack "1""#),
    ];
    for (headers, expected) in headers {
        let expected = format!("send /topic/a, {expected} | ");
        check(Version::V1_2, headers, &expected);
    }
}

/// Headers that subscribers expect from the server cannot be forged.
#[test]
fn headers_set_by_the_server_are_not_passed_through() {
    let own = [
        "subscription",
        "message-id",
        "ack",
        "redelivered",
        "JMSXDeliveryCount",
        "browser",
        "sequence",
        "timestamp",
        "producer",
        "missed",
    ];
    for &version in SUPPORTED {
        for name in own {
            check(version, &format!("{name}:1\n"), "send /topic/a | ");
        }
        check(
            version,
            "destination:/topic/b\ncontent-type:a\ncontent-type:b\nreceipt:c\nreceipt:d\n\
             transaction:e\ntransaction:f\ncontent-length:0\n",
            r#"send /topic/a, type "a", transaction "e", receipt "c" | "#,
        );
    }
}

#[test]
fn expires_is_a_time_or_never() {
    let cases = [
        ("0", Ok(None)),
        ("00", Ok(None)),
        ("1", Ok(Some(1))),
        ("1795000000000", Ok(Some(1_795_000_000_000))),
        // Numbers above the maximum become the maximum.
        ("99999999999999999999999", Ok(Some(u64::MAX))),
        ("", Err(())),
        ("-1", Err(())),
        ("+1", Err(())),
        ("1.5", Err(())),
        ("tomorrow", Err(())),
    ];
    for (value, expected) in cases {
        let expected = match expected {
            Ok(None) => format!("send /topic/a, expires {value:?} | "),
            Ok(Some(at_ms)) => format!("send /topic/a, expires {at_ms}, expires {value:?} | "),
            Err(()) => format!(
                "fault: expires:\"{value}\" is not accepted: milliseconds of Unix time, or 0 for never"
            ),
        };
        check(Version::V1_2, &format!("expires:{value}\n"), &expected);
    }
}

/// MQTT's flag: applied by the server and not forwarded.
#[test]
fn retain_is_a_flag() {
    for &version in SUPPORTED {
        check(version, "retain:true\n", "send /topic/a, retain | ");
        check(version, "retain:True\n", "send /topic/a, retain | ");
        check(version, "retain:false\n", "send /topic/a | ");
        check(version, "retain:False\n", "send /topic/a | ");
        check(
            version,
            "retain:yes\n",
            r#"fault: retain:"yes" is not accepted: "true" or "false""#,
        );
    }
}

#[test]
fn priority_is_a_digit() {
    for level in 0..=9 {
        check(
            Version::V1_2,
            &format!("priority:{level}\n"),
            &format!("send /topic/a, priority \"{level}\" | "),
        );
    }
    for value in ["", "10", "-1", "04", "high"] {
        check(
            Version::V1_2,
            &format!("priority:{value}\n"),
            &format!("fault: priority:\"{value}\" is not accepted: a digit"),
        );
    }
}

/// "Repeated Header Entries": the second entry is not even validated.
#[test]
fn only_the_first_of_repeated_headers_is_read() {
    check(
        Version::V1_2,
        "expires:5\nexpires:never\npriority:4\npriority:high\n",
        r#"send /topic/a, expires 5, expires "5", expires "never", priority "4", priority "high" | "#,
    );
}

/// The examples of 1.0 pad values, so they are trimmed in 1.0 only.
#[test]
fn padded_numbers_are_numbers_in_1_0() {
    check(
        Version::V1_0,
        "expires: 5 \npriority: 4 \n",
        r#"send /topic/a, expires 5, expires "5", priority "4" | "#,
    );
    check(
        Version::V1_1,
        "priority: 4\n",
        "fault: priority:\" 4\" is not accepted: a digit",
    );
}
