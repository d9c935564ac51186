//! SUBSCRIBE and UNSUBSCRIBE: headers of the specification, of other brokers, and Carillon's own.

use wire::stomp::{SUPPORTED, Version};

use Version::{V1_0, V1_1, V1_2};

use crate::conversation::asked;

/// Checks a SUBSCRIBE with these headers in addition to the required ones.
#[track_caller]
fn check(headers: &str, expected: &str) {
    let frame = format!("SUBSCRIBE\nid:0\ndestination:/a\n{headers}\n\0");
    assert_eq!(asked(V1_2, &frame), expected, "of {headers:?}");
}

/// Checks an accepted SUBSCRIBE; `expected` is its difference from a minimal one.
#[track_caller]
fn accepted(headers: &str, expected: &str) {
    check(headers, &format!(r#"subscribe Id("0") /a auto{expected}"#));
}

#[track_caller]
fn refused(headers: &str, expected: &str) {
    check(headers, &format!("fault: {expected}"));
}

#[test]
fn a_destination_and_from_1_1_on_an_id_are_required() {
    for &version in SUPPORTED {
        assert_eq!(
            asked(version, "SUBSCRIBE\nid:0\n\n\0"),
            r#"fault: a SUBSCRIBE frame needs the header "destination""#,
            "in {version}"
        );
    }
    for version in [V1_1, V1_2] {
        assert_eq!(
            asked(version, "SUBSCRIBE\ndestination:/a\n\n\0"),
            r#"fault: a SUBSCRIBE frame needs the header "id""#,
            "in {version}"
        );
    }
}

/// "The valid values for the `ack` header are `auto`, `client`, or `client-individual`. If the
/// header is not set, it defaults to `auto`." 1.0 has no `client-individual`; the server accepts
/// it.
#[test]
fn the_ack_mode_is_one_of_three() {
    let cases = [
        ("", "auto"),
        ("ack:auto\n", "auto"),
        ("ack:client\n", "client"),
        ("ack:client-individual\n", "client-individual"),
        ("ack:client\nack:maybe\n", "client"),
    ];
    for &version in SUPPORTED {
        for (header, mode) in cases {
            assert_eq!(
                asked(
                    version,
                    &format!("SUBSCRIBE\nid:0\ndestination:/a\n{header}\n\0")
                ),
                format!(r#"subscribe Id("0") /a {mode}"#),
                "{header:?} in {version}"
            );
        }
    }
    for mode in ["", "Client", "individual", " client"] {
        refused(
            &format!("ack:{mode}\n"),
            &format!(r#"ack:"{mode}" is not accepted: "auto", "client" or "client-individual""#),
        );
    }
}

/// 1.0: "The body of the SUBSCRIBE command is ignored." Since 1.1 "all other frames MUST NOT have a
/// body".
#[test]
fn a_body_is_ignored_in_1_0() {
    for (body, length) in [("ignored", ""), ("ig\0nored", "content-length:8\n")] {
        let frame = format!("SUBSCRIBE\nid:0\ndestination:/a\n{length}\n{body}\0");
        assert_eq!(asked(V1_0, &frame), r#"subscribe Id("0") /a auto"#);
        for version in [V1_1, V1_2] {
            assert_eq!(
                asked(version, &frame),
                "fault: a SUBSCRIBE frame must not have a body",
                "in {version}"
            );
        }
    }
}

#[test]
fn since_is_parsed() {
    accepted("since:last\n", ", since Last");
    accepted("since:0\n", ", since Sequence(0)");
    accepted(
        "since:19a2b3c4d5e-42\n",
        r#", since Message("19a2b3c4d5e-42")"#,
    );
    for since in ["", "+1", "first", "99999999999999999999"] {
        refused(
            &format!("since:{since}\n"),
            &format!(r#"since:"{since}" is not accepted: "last", a sequence or a message id"#),
        );
    }
    accepted("activemq.retroactive:true\n", ", retroactive true");
}

#[test]
fn overflow_is_parsed() {
    accepted("overflow:drop-oldest\n", ", overflow DropOldest");
    accepted("overflow:disconnect\n", ", overflow Disconnect");
    accepted("delivery:latest\n", ", overflow Latest");
    accepted("delivery:latest\noverflow:latest\n", ", overflow Latest");
    refused(
        "overflow:block\n",
        "overflow:\"block\" is not accepted: only the administrator can choose this rule",
    );
    refused(
        "overflow:x\n",
        r#"overflow:"x" is not accepted: "drop-oldest", "latest" or "disconnect""#,
    );
    refused("delivery:x\n", r#"delivery:"x" is not accepted: "latest""#);
}

/// JMS: an empty selector means no selector. The broker checks the grammar.
#[test]
fn the_selector_is_forwarded() {
    accepted("selector:\n", "");
    accepted(
        "selector:colour = 'red' AND weight \\\\ 2\n",
        r#", selector "colour = 'red' AND weight \\ 2""#,
    );
}

#[test]
fn prefetch_is_bounded() {
    let cases = [
        ("activemq.prefetchSize:1\n", ", prefetch 1"),
        ("activemq.prefetchSize:10000\n", ", prefetch 10000"),
        ("activemq.prefetchSize:10001\n", ", prefetch 10000"),
        (
            "activemq.prefetchSize:99999999999999999999999\n",
            ", prefetch 10000",
        ),
        ("prefetch-count:7\n", ", prefetch 7"),
        ("prefetch-count:50000\n", ", prefetch 10000"),
        // In RabbitMQ 0 means no limit.
        ("prefetch-count:0\n", ", prefetch 10000"),
        (
            "prefetch-count:7\nactivemq.prefetchSize:8\n",
            ", prefetch 8",
        ),
    ];
    for (headers, expected) in cases {
        accepted(headers, expected);
    }
    for value in ["", "0", "-1", "many"] {
        refused(
            &format!("activemq.prefetchSize:{value}\n"),
            &format!(
                "activemq.prefetchSize:\"{value}\" is not accepted: a number of messages, at least 1"
            ),
        );
    }
    for value in ["", "-1", "many"] {
        refused(
            &format!("prefetch-count:{value}\n"),
            &format!(
                "prefetch-count:\"{value}\" is not accepted: a number of messages, or 0 for the maximum"
            ),
        );
    }
}

#[test]
fn flags_are_true_or_false() {
    let flags = [
        ("activemq.exclusive", ", exclusive true"),
        ("activemq.retroactive", ", retroactive true"),
        ("browser", ", browser true"),
        ("single-destination", ", single true"),
        ("durable", r#", durable "0""#),
    ];
    for (name, expected) in flags {
        for value in ["true", "True", "TRUE"] {
            accepted(&format!("{name}:{value}\n"), expected);
        }
        for value in ["false", "False", "FALSE"] {
            accepted(&format!("{name}:{value}\n"), "");
        }
        for value in ["", "yes", "1", "truely"] {
            refused(
                &format!("{name}:{value}\n"),
                &format!(r#"{name}:"{value}" is not accepted: "true" or "false""#),
            );
        }
    }
}

#[test]
fn durable_names_come_from_one_of_three_headers() {
    accepted("activemq.subscriptionName:n\n", r#", durable "n""#);
    accepted("durable-subscription-name:n\n", r#", durable "n""#);
    // RabbitMQ: the id is the name.
    accepted("durable:true\n", r#", durable "0""#);
    accepted(
        "durable:true\nactivemq.subscriptionName:n\n",
        r#", durable "n""#,
    );
    refused(
        "activemq.subscriptionName:\n",
        "activemq.subscriptionName:\"\" is not accepted: the name of the subscription",
    );
    assert_eq!(
        asked(V1_0, "SUBSCRIBE\ndestination:/a\ndurable:true\n\n\0"),
        r#"fault: a SUBSCRIBE frame needs the header "id""#,
    );
}

#[test]
fn unsupported_headers_are_refused() {
    for name in ["activemq.noLocal", "no-local"] {
        accepted(&format!("{name}:false\n"), "");
        refused(
            &format!("{name}:true\n"),
            &format!("{name}:true is not supported"),
        );
    }
}

#[test]
fn headers_without_effect_are_ignored() {
    accepted(
        "activemq.dispatchAsync:false\nactivemq.maximumPendingMessageLimit:5\n\
         activemq.priority:9\nauto-delete:false\nx:y\n",
        "",
    );
}

#[test]
fn contradicting_headers_are_refused() {
    let contradictions = [
        (
            "browser:true\nactivemq.subscriptionName:n\n",
            "browser:true and a durable subscription",
        ),
        (
            "browser:true\nactivemq.exclusive:true\n",
            "browser:true and activemq.exclusive:true",
        ),
        (
            "browser:true\nactivemq.retroactive:true\n",
            "browser:true and activemq.retroactive:true",
        ),
        ("browser:true\nsince:last\n", "browser:true and since"),
        (
            "activemq.retroactive:true\nsince:0\n",
            "activemq.retroactive:true and since",
        ),
    ];
    for (headers, what) in contradictions {
        refused(
            headers,
            &format!("the headers of a frame contradict each other: {what}"),
        );
    }
    accepted(
        "since:last\nactivemq.subscriptionName:n\nactivemq.exclusive:true\nprefetch-count:1\n",
        r#", prefetch 1, exclusive true, durable "n", since Last"#,
    );
}

/// "This header MUST match the subscription identifier of an existing subscription"; or the name of
/// a durable subscription, which need not have a subscriber at the moment.
#[test]
fn unsubscribe_requires_an_id_or_a_durable_name() {
    let missing = |header| format!("fault: a UNSUBSCRIBE frame needs the header \"{header}\"");
    let by_id = || r#"unsubscribe, identity Id("0")"#.to_owned();
    let cases = [
        (V1_0, "id:0\n", by_id()),
        (V1_0, "", missing("destination")),
        (V1_1, "id:0\n", by_id()),
        (V1_1, "destination:/a\n", missing("id")),
        (V1_2, "id:0\n", by_id()),
        (V1_2, "", missing("id")),
        (V1_2, "id:0\nreceipt:r\n", by_id() + r#", receipt "r""#),
        (V1_2, "durable:true\n", missing("id")),
    ];
    for (version, headers, expected) in cases {
        let frame = format!("UNSUBSCRIBE\n{headers}\n\0");
        assert_eq!(asked(version, &frame), expected, "{headers:?} in {version}");
    }
}

#[test]
fn unsubscribe_can_delete_a_durable_subscription() {
    let cases = [
        (
            "activemq.subscriptionName:n\n",
            r#"unsubscribe, durable "n""#,
        ),
        (
            "durable-subscription-name:n\nreceipt:r\n",
            r#"unsubscribe, durable "n", receipt "r""#,
        ),
        (
            "id:0\nactivemq.subscriptionName:n\n",
            r#"unsubscribe, identity Id("0"), durable "n""#,
        ),
        (
            "id:0\ndurable:true\n",
            r#"unsubscribe, identity Id("0"), durable "0""#,
        ),
        ("id:0\ndurable:false\n", r#"unsubscribe, identity Id("0")"#),
    ];
    for (headers, expected) in cases {
        for &version in SUPPORTED {
            let frame = format!("UNSUBSCRIBE\n{headers}\n\0");
            assert_eq!(asked(version, &frame), expected, "{headers:?} in {version}");
        }
    }
    assert_eq!(
        asked(
            V1_0,
            "UNSUBSCRIBE\ndestination:/a\nactivemq.subscriptionName:n\n\n\0"
        ),
        r#"unsubscribe, identity Destination("/a"), durable "n""#,
    );
}
