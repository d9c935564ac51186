//! JSON Web Tokens: accepted and refused, whatever an attacker may try.

mod signer;

use access::{Identity, JwtError, KeySet, KeySetError, Users, VerifiedJwt, is_jwt};
use proptest::prelude::*;
use serde_json::{Value, json};

use signer::{Signer, encoded};

const NOW_S: u64 = 1_800_000_000;

const FILE: &str = r#"
[jwt]
keys = "jwks.json"
issuer = "https://id.example"
audience = "carillon"
[groups.editors]
publish = ["news.>", "own.%u"]
[users.anna]
publish = ["private.>"]
"#;

fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(&json!({ "keys": keys }).to_string()).expect("a key set")
}

fn users(file: &str, keys: &[Value]) -> Users {
    let mut users = Users::parse(file).expect("a legal file");
    users.set_jwt_keys(key_set(keys));
    users
}

/// Returns the claims of a token that is accepted.
fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "carillon", "exp": NOW_S + 60, "sub": "maria", "groups": ["editors"],
    })
}

/// Returns the claims with changes; `null` removes a claim.
fn claims_with(changes: Value) -> String {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    claims.to_string()
}

fn verify(users: &Users, token: &str) -> Result<VerifiedJwt, JwtError> {
    users.jwt().expect("rules for JWTs").verify(token, NOW_S)
}

#[test]
fn tokens_of_all_algorithms_are_accepted() {
    let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let table = [
        (Signer::p256(), &["ES256"][..]),
        (Signer::p384(), &["ES384"]),
        (Signer::ed25519(), &["EdDSA", "Ed25519"]),
        (Signer::rsa(), &rsa),
    ];
    for (signer, algorithms) in table {
        let users = users(FILE, &[signer.jwk_with(json!({"kid": "1"}))]);
        for algorithm in algorithms {
            for header in [
                json!({"alg": algorithm}),
                json!({"alg": algorithm, "kid": "1", "typ": "JWT"}),
            ] {
                let token = signer.token(&header.to_string(), &claims().to_string());
                assert!(is_jwt(&token), "{token}");
                let verified = verify(&users, &token).expect(algorithm);
                assert_eq!(&*verified.user, "maria");
                assert_eq!(verified.groups, ["editors"]);
                assert_eq!(verified.expires_s, NOW_S + 60);
                assert!(users.jwt().expect("rules").keys().contains(&verified.key));
            }
        }
    }
}

#[test]
fn claims_decide() {
    let signer = Signer::p256();
    let users = users(FILE, &[signer.jwk()]);
    let claim = |name: &str| JwtError::Claim { name: name.into() };
    let table = [
        (json!({}), Ok(())),
        (json!({"aud": ["other", "carillon"]}), Ok(())),
        (json!({"aud": ["other"]}), Err(JwtError::Audience)),
        (json!({"aud": "Carillon"}), Err(JwtError::Audience)),
        (json!({"aud": null}), Err(JwtError::Audience)),
        (json!({"aud": 1}), Err(claim("aud"))),
        (json!({"iss": "https://id.example/"}), Err(JwtError::Issuer)),
        (json!({"iss": null}), Err(JwtError::Issuer)),
        (
            json!({"iss": ["https://id.example"]}),
            Err(JwtError::Issuer),
        ),
        (json!({"exp": null}), Err(claim("exp"))),
        (json!({"exp": "1900000000"}), Err(claim("exp"))),
        (json!({"exp": -1}), Err(claim("exp"))),
        (json!({"exp": NOW_S}), Err(JwtError::Expired)),
        (json!({"exp": NOW_S + 1}), Ok(())),
        (json!({"exp": NOW_S as f64 + 1.5}), Ok(())),
        (json!({"exp": 1e300}), Ok(())),
        (json!({"exp": 0}), Err(JwtError::Expired)),
        (json!({"nbf": NOW_S + 30}), Ok(())),
        (json!({"nbf": NOW_S + 31}), Err(JwtError::NotYetValid)),
        (json!({"nbf": "now"}), Err(claim("nbf"))),
        (json!({"sub": null}), Err(claim("sub"))),
        (json!({"sub": ""}), Err(claim("sub"))),
        (json!({"sub": "a:b"}), Err(claim("sub"))),
        (json!({"sub": "a\nb"}), Err(claim("sub"))),
        (json!({"sub": "a".repeat(257)}), Err(claim("sub"))),
        (json!({"sub": 7}), Err(claim("sub"))),
        (json!({"groups": null}), Ok(())),
        (json!({"groups": "editors"}), Ok(())),
        (json!({"groups": [1]}), Err(claim("groups"))),
        (json!({"groups": {"editors": true}}), Err(claim("groups"))),
    ];
    for (changes, expected) in table {
        let token = signer.token(r#"{"alg":"ES256"}"#, &claims_with(changes.clone()));
        assert_eq!(verify(&users, &token).map(|_| ()), expected, "{changes}");
    }
}

#[test]
fn signatures_of_other_keys_and_algorithms_are_refused() {
    let (signer, other, rsa) = (Signer::p256(), Signer::p256(), Signer::rsa());
    let keys = [
        signer.jwk_with(json!({"kid": "ec", "alg": "ES256"})),
        rsa.jwk_with(json!({"kid": "rsa", "alg": "RS256"})),
    ];
    let users = users(FILE, &keys);
    let payload = claims().to_string();
    let header = |algorithm: &str, key: &str| json!({"alg": algorithm, "kid": key}).to_string();
    let good = signer.token(&header("ES256", "ec"), &payload);
    assert!(verify(&users, &good).is_ok());
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let (first, _) = signed.split_once('.').expect("three parts");

    // Signed by another key, or changed afterwards.
    let table = [
        other.token(&header("ES256", "ec"), &payload),
        format!("{signed}.{}", encoded([0; 64])),
        format!("{signed}.{}", encoded([])),
        format!(
            "{first}.{}.{signature}",
            encoded(claims_with(json!({"sub": "admin"})))
        ),
        format!(
            "{}.{}.{signature}",
            encoded(r#"{"alg":"ES256","kid":"ec" }"#),
            encoded(&payload)
        ),
    ];
    for token in table {
        assert_eq!(verify(&users, &token), Err(JwtError::Signature), "{token}");
    }

    // A key that is not in the set, or is for another algorithm.
    for (algorithm, key) in [
        ("ES256", "other"),
        ("ES256", "rsa"),
        ("RS256", "ec"),
        ("PS256", "rsa"),
        ("EdDSA", "ec"),
    ] {
        let token = signer.token(&header(algorithm, key), &payload);
        assert_eq!(
            verify(&users, &token),
            Err(JwtError::NoKey),
            "{algorithm} {key}"
        );
    }

    // No signature, or a public key as the secret of a symmetric one.
    let public = signer.jwk()["x"].as_str().expect("a text").to_owned();
    let hmac_key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public.as_bytes());
    for algorithm in [
        "none", "None", "NONE", "HS256", "HS384", "ES256K", "es256", "RS1", "",
    ] {
        let signed = format!("{}.{}", encoded(header(algorithm, "ec")), encoded(&payload));
        let tag = ring::hmac::sign(&hmac_key, signed.as_bytes());
        for signature in [String::new(), encoded(tag)] {
            let token = format!("{signed}.{signature}");
            assert!(is_jwt(&token), "{token}");
            assert_eq!(
                verify(&users, &token),
                Err(JwtError::Algorithm),
                "{algorithm}"
            );
        }
    }
}

#[test]
fn a_token_without_kid_needs_a_single_suitable_key() {
    let (one, other) = (Signer::p256(), Signer::p256());
    let token = one.token(r#"{"alg":"ES256"}"#, &claims().to_string());
    assert!(verify(&users(FILE, &[one.jwk(), Signer::ed25519().jwk()]), &token).is_ok());
    let two = users(FILE, &[one.jwk(), other.jwk()]);
    assert_eq!(verify(&two, &token), Err(JwtError::NoKey));
    assert_eq!(
        verify(&Users::parse(FILE).expect("a legal file"), &token),
        Err(JwtError::NoKey)
    );
}

#[test]
fn malformed_tokens_are_refused() {
    let signer = Signer::p256();
    let users = users(FILE, &[signer.jwk()]);
    let good = signer.token(r#"{"alg":"ES256"}"#, &claims().to_string());
    let payload = claims().to_string();
    let members = &payload[1..payload.len() - 1];
    let nested = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let table = [
        (good.replace('.', ":"), "header"),
        (format!("{good}="), "signature"),
        (format!("{good}.AAAA"), "header"),
        (format!("{good} "), "signature"),
        (format!("={good}"), "header"),
        (signer.token("[]", "{}"), "header"),
        (signer.token(r#"{"alg":"ES256""#, "{}"), "header"),
        (
            signer.token(r#"{"alg":"ES256","alg":"none"}"#, &payload),
            "header",
        ),
        (
            signer.token(r#"{"alg":"ES256","kid":7}"#, &payload),
            "header",
        ),
        (signer.token(r#"{"alg":"ES256"}"#, ""), "payload"),
        (signer.token(r#"{"alg":"ES256"}"#, "[]"), "payload"),
        (signer.token(r#"{"alg":"ES256"}"#, &nested), "payload"),
        (
            signer.token(r#"{"alg":"ES256"}"#, &format!("{{\"a\":{nested}}}")),
            "payload",
        ),
        // Two readers could see different users.
        (
            signer.token(
                r#"{"alg":"ES256"}"#,
                &format!(r#"{{{members},"sub":"admin"}}"#),
            ),
            "payload",
        ),
        (
            signer.token(
                r#"{"alg":"ES256"}"#,
                &format!(r#"{{{members},"x":1,"x":2}}"#),
            ),
            "payload",
        ),
        (
            signer.token(r#"{"alg":"ES256"}"#, &format!("{payload} {payload}")),
            "payload",
        ),
    ];
    for (token, expected) in table {
        match verify(&users, &token) {
            Err(JwtError::Malformed { part, .. }) => assert_eq!(part, expected, "{token}"),
            other => panic!("{token}: {other:?}"),
        }
    }
    let critical = signer.token(r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, &payload);
    assert_eq!(verify(&users, &critical), Err(JwtError::Critical));
    let long = signer.token(
        r#"{"alg":"ES256"}"#,
        &claims_with(json!({"pad": "x".repeat(16 << 10)})),
    );
    assert_eq!(verify(&users, &long), Err(JwtError::TooLong));
    for end in 0..good.len() {
        assert!(verify(&users, &good[..end]).is_err(), "{end}");
    }
}

#[test]
fn only_three_parts_with_a_json_header_are_a_jwt() {
    let good = Signer::p256().token(r#"{"alg":"ES256"}"#, "{}");
    assert!(is_jwt(&good) && is_jwt("e30..") && is_jwt("e30.x.y"));
    for text in [
        "",
        "a.b.c",
        "secret",
        "e30.x",
        "e30.x.y.z",
        "W10.x.y",
        "carillon_e30.x.y",
    ] {
        assert!(!is_jwt(text), "{text:?}");
    }
}

#[test]
fn keys_that_cannot_be_used_are_skipped_with_the_reason() {
    let signer = Signer::p256();
    let x = signer.jwk()["x"].clone();
    let table = [
        (
            json!({"kty": "oct", "k": "AAAA", "kid": "s"}),
            "key 1 (\"s\"): the type \"oct\"",
        ),
        (
            json!({"kty": "EC", "crv": "secp256k1", "x": x, "y": x}),
            "curve \"secp256k1\"",
        ),
        (json!({"kty": "EC", "crv": "P-256", "x": x}), "no \"y\""),
        (
            json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
            "48 bytes",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "!"}),
            "not base64url",
        ),
        (
            json!({"kty": "OKP", "crv": "X25519", "x": x}),
            "curve \"X25519\"",
        ),
        (
            json!({"kty": "RSA", "n": encoded([255; 128]), "e": "AQAB"}),
            "1024 bits",
        ),
        (
            json!({"kty": "RSA", "n": encoded([255; 1_025]), "e": "AQAB"}),
            "too many",
        ),
        (signer.jwk_with(json!({"d": "AAAA"})), "a private key"),
        (signer.jwk_with(json!({"use": "enc"})), "not for signatures"),
        (
            signer.jwk_with(json!({"key_ops": ["sign"]})),
            "not for verification",
        ),
        (
            signer.jwk_with(json!({"alg": "HS256"})),
            "\"HS256\" is not supported",
        ),
        (
            signer.jwk_with(json!({"alg": "ES384"})),
            "not one of the key's type",
        ),
        (json!({}), "the type \"\""),
    ];
    for (key, reason) in table {
        let alone = KeySet::parse(&json!({"keys": [key]}).to_string());
        let Err(KeySetError::Unusable(reasons)) = alone else {
            panic!("{key}: {alone:?}");
        };
        assert!(reasons[0].contains(reason), "{key}: {reasons:?}");
        let set = key_set(&[
            key,
            signer.jwk_with(json!({"use": "sig", "key_ops": ["verify"]})),
        ]);
        assert_eq!(set.skipped(), reasons);
    }
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        let result = KeySet::parse(text);
        assert!(
            matches!(result, Err(KeySetError::Format(_))),
            "{text}: {result:?}"
        );
    }
    let many = json!({ "keys": vec![signer.jwk(); 65] });
    assert_eq!(KeySet::parse(&many.to_string()), Err(KeySetError::TooMany));
}

#[test]
fn a_jwt_user_has_the_groups_of_the_claim_only() {
    let users = users(FILE, &[Signer::p256().jwk()]);
    let grants = |user: &str, groups: Option<&[&str]>| {
        let identity = Identity {
            user: Some(user.into()),
            groups: groups.map(|groups| users.known_groups(groups)),
            ..Identity::default()
        };
        let grants = users.grants(&identity);
        ["news.a", "own.anna", "own.maria", "private.a"].map(|topic| {
            let topic = broker::TopicName::new(topic).expect("a name");
            grants.allows(
                access::Right::Publish,
                broker::DestinationKind::Topic,
                &topic,
            )
        })
    };
    assert_eq!(
        grants("maria", Some(&["editors", "unknown"])),
        [true, false, true, false]
    );
    assert_eq!(grants("maria", Some(&[])), [false; 4]);
    // The user of the file with the same name has other rights, and the two are not mixed.
    assert_eq!(
        grants("anna", Some(&["editors"])),
        [true, true, false, false]
    );
    assert_eq!(grants("anna", None), [false, false, false, true]);
    // Without rules for JWTs, sessions of their users have no rights.
    let (_, rest) = FILE.split_once("[groups").expect("groups");
    let without = Users::parse(&format!("[groups{rest}")).expect("a legal file");
    let identity = Identity {
        user: Some("maria".into()),
        groups: Some(users.known_groups(&["editors"])),
        ..Identity::default()
    };
    assert_eq!(without.grants(&identity), access::Grants::default());
}

#[test]
fn faults_in_the_rules_are_reported_with_their_line() {
    let table = [
        ("[jwt]\naudience = \"a\"\n", 1, "missing field `keys`"),
        ("[jwt]\nkeys = \"k\"\n", 1, "missing field `audience`"),
        (
            "[jwt]\nkeys = \"k\"\naudience = \"\"\n",
            3,
            "must not be empty",
        ),
        (
            "[jwt]\nkeys = \"\"\naudience = \"a\"\n",
            2,
            "must not be empty",
        ),
        (
            "[jwt]\nkeys = \"k\"\naudience = \"a\"\nuser = \"\"\n",
            4,
            "must not be empty",
        ),
        (
            "[jwt]\nkeys = \"k\"\naudience = \"a\"\nsecret = \"x\"\n",
            4,
            "unknown field `secret`",
        ),
    ];
    for (text, line, message) in table {
        let error = Users::parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn no_content_of_a_token_is_a_fault(header in "\\PC{0,40}", payload in "\\PC{0,40}", text in "[e30.x=]{0,40}") {
        let signer = Signer::ed25519();
        let users = users(FILE, &[signer.jwk()]);
        let tokens = [
            signer.token(&header, &payload),
            signer.token(r#"{"alg":"EdDSA"}"#, &payload),
            signer.token(r#"{"alg":"EdDSA"}"#, &format!("{{{payload}}}")),
            text,
        ];
        for token in tokens {
            prop_assert!(verify(&users, &token).is_err());
        }
    }
}
