use wire::stomp::{
    Command, Decoder, Limits,
    server::{Cause, Fault},
};

use super::*;

const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl";

#[test]
fn names_of_credentials_are_secret() {
    for name in [
        "passcode",
        "Password",
        "pass-code",
        "pass\\code",
        "Authorization",
        "Proxy-Authorization",
        "Authentication-Info",
        "Cookie",
        "Set-Cookie",
        "access_token",
        "X-Auth-Token",
        "X-Api-Key",
        "api.key",
        "apikey",
        "aws_access_key_id",
        "client_secret",
        "jwt",
        "aws-credentials",
    ] {
        assert!(is_secret(name), "{name}");
    }
    for name in [
        "login",
        "client-id",
        "User Name",
        "destination",
        "content-type",
        "ack",
    ] {
        assert!(!is_secret(name), "{name}");
    }
}

#[test]
fn no_jwt_stays_in_a_text() {
    let cut = &JWT[..30];
    let table = [
        (JWT.to_owned(), LEFT_OUT.to_owned()),
        (cut.to_owned(), LEFT_OUT.to_owned()),
        (format!("Bearer {JWT}"), format!("Bearer {LEFT_OUT}")),
        (
            format!(r#"{{"a":"{JWT}","b":"{JWT}"}}"#),
            format!(r#"{{"a":"{LEFT_OUT}","b":"{LEFT_OUT}"}}"#),
        ),
        ("eyJ is short".to_owned(), "eyJ is short".to_owned()),
        ("nothing".to_owned(), "nothing".to_owned()),
    ];
    for (text, expected) in table {
        assert_eq!(without_tokens(&text), expected, "{text}");
    }
}

#[test]
fn a_jwt_is_found_in_bytes() {
    let with = |before: &[u8], token: &str| [before, token.as_bytes(), b"\xff"].concat();
    assert!(has_token(&with(b"\xff\x00", JWT)));
    assert!(has_token(&with(b"eyJeyJ\x00", JWT)));
    assert!(!has_token(&with(b"\xff", "eyJ")));
    assert!(!has_token(b"\xff\x00"));
}

#[test]
fn parameters_and_addresses_lose_their_secrets() {
    let table = [
        (
            "access_token=abc&retain=true",
            "access_token=(left out)&retain=true",
        ),
        (
            "%74oken=abc&%2574oken=abc",
            "%74oken=(left out)&%2574oken=(left out)",
        ),
        ("token%3Dabc&a=1", "(left out)&a=1"),
        ("retain=true", "retain=true"),
        ("password", "password"),
        (
            "http://h/a?x=1&access_token=abc#token=abc",
            "http://h/a?x=1&access_token=(left out)#token=(left out)",
        ),
        (
            "http://anna:hunter2@h:80/a?b=1",
            "http://(left out)@h:80/a?b=1",
        ),
        ("http://h/a@b", "http://h/a@b"),
        (
            "/login?next=/topics%3Faccess_token%3Dabc&x=1",
            "/login?next=(left out)&x=1",
        ),
        (
            "/login?next=%252Ftopics%253Faccess_token%253Dabc",
            "/login?next=(left out)",
        ),
        ("/login?next=/topics%3Fa%3Db", "/login?next=/topics%3Fa%3Db"),
        ("u=http%3A%2F%2Fanna%3Ahunter2%40h", "u=(left out)"),
        ("a%3Dtoken%3Dabc=1", "(left out)"),
        ("password = 'hunter2'", "password =(left out)"),
        ("text/html;q=0.9", "text/html;q=0.9"),
        ("21 %", "21 %"),
    ];
    for (text, expected) in table {
        assert_eq!(without_secrets(text), expected, "{text}");
    }
}

#[test]
fn a_text_keeps_only_own_words_in_quotes() {
    let table = [
        ("no quotes", "no quotes"),
        (r#"unknown command "passcode:x""#, r#"unknown command "…""#),
        (r#"a "b\"c" d "e" f"#, r#"a "…" d "…" f"#),
        (r#"a "b"#, r#"a "…""#),
        (
            r#"a SEND frame needs the header "destination""#,
            r#"a SEND frame needs the header "destination""#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(without_quotes(text), expected, "{text}");
    }
}

/// Texts of the protocol crate that repeat input quote it.
#[test]
fn no_input_stays_in_the_reason_of_a_fault() {
    const INPUT: &str = "hunter2";
    let input = INPUT.to_owned();
    let causes = [
        Cause::InvalidHeader {
            name: header::HEART_BEAT,
            value: input.clone(),
            expected: "a number",
        },
        Cause::SubscriptionInUse {
            subscription: format!("with id \"{input}\""),
        },
        Cause::TransactionInUse {
            transaction: input.clone(),
        },
        Cause::UnknownTransaction { transaction: input },
        Cause::MissingHeader {
            command: Command::Send,
            name: header::DESTINATION,
        },
    ];
    let faults = causes.into_iter().map(|cause| Fault::new(cause, None));
    let frames: [&[u8]; 4] = [
        b"passcode:hunter2\n\n\0",
        b"say \"hunter2\" \"\n\n\0",
        b"CONNECT\npasscode hunter2\n\n\0",
        b"CONNECT\nhunter2\n\n\0",
    ];
    let malformed = frames.into_iter().map(|bytes| {
        let mut decoder = Decoder::new(Limits::DEFAULT);
        Fault::from(decoder.decode(bytes).expect_err("it is malformed"))
    });
    for fault in faults.chain(malformed) {
        let shown = without_quotes(&fault.to_string()).into_owned();
        assert!(!shown.contains(INPUT), "{shown}");
    }
}
