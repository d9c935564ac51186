//! The part that a trace leaves out: credentials.
//!
//! | secret | rule |
//! |---|---|
//! | Password and Authentication Data of MQTT | the protocol's own field, always |
//! | `passcode` of STOMP; Authorization, Cookie, Set-Cookie and similar headers; user properties and parameters of a query with such a name | [`is_secret`] |
//! | a JWT in any value, and in the shown part of a body | [`without_tokens`] |

use std::borrow::Cow;

/// Returns whether the value of a header, a user property or a parameter is a credential, by the words in its name.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// Returns the text with a mark in place of each JWT. A word that begins as a JWT does counts as one, because its end may be
/// cut.
pub fn without_tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(JWT_START) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(JWT_START) {
        let (before, token) = rest.split_at(start);
        let end = token.find(|found: char| !is_of_token(found));
        let (token, after) = token.split_at(end.unwrap_or(token.len()));
        out.push_str(before);
        out.push_str(match token.len() >= MIN_JWT_BYTES {
            true => LEFT_OUT,
            false => token,
        });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns a query with marks in place of the secret values.
pub fn without_secret_parameters(query: &str) -> String {
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={LEFT_OUT}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

/// Returns the address of a resource without the secrets in its query.
pub fn without_secrets_of_address(address: &str) -> Cow<'_, str> {
    match address.split_once('?') {
        Some((path, query)) => format!("{path}?{}", without_secret_parameters(query)).into(),
        None => Cow::Borrowed(address),
    }
}

/// The characters of a JWT: base64url and the dots between its parts (RFC 7515, 7.1).
const fn is_of_token(found: char) -> bool {
    found.is_ascii_alphanumeric() || matches!(found, '-' | '_' | '.')
}

/// Stands for a secret.
pub const LEFT_OUT: &str = "(left out)";
/// A name with one of these words, in any case, is that of a secret.
const WORDS: &[&str] = &[
    "passcode",
    "password",
    "passwd",
    "authorization",
    "authentication-info",
    "cookie",
    "token",
    "secret",
    "jwt",
    "api-key",
    "apikey",
    "api_key",
    "credential",
];
/// The base64url of `{"`, with which the header of each JWT begins.
const JWT_START: &str = "eyJ";
/// A shorter word is no JWT: its header alone is `{"alg":"…"}`.
const MIN_JWT_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_secret() {
        for name in [
            "passcode",
            "Password",
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "access_token",
            "X-Auth-Token",
            "X-Api-Key",
            "apikey",
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
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl";
        let cut = &jwt[..30];
        let table = [
            (jwt.to_owned(), LEFT_OUT.to_owned()),
            (cut.to_owned(), LEFT_OUT.to_owned()),
            (format!("Bearer {jwt}"), format!("Bearer {LEFT_OUT}")),
            (
                format!(r#"{{"a":"{jwt}","b":"{jwt}"}}"#),
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
    fn a_query_loses_its_secrets() {
        let table = [
            (
                "access_token=abc&retain=true",
                "access_token=(left out)&retain=true",
            ),
            ("retain=true", "retain=true"),
            ("password", "password"),
        ];
        for (query, expected) in table {
            assert_eq!(without_secret_parameters(query), expected);
        }
        let address = "http://h/a?x=1&access_token=abc";
        let shown = "http://h/a?x=1&access_token=(left out)";
        assert_eq!(without_secrets_of_address(address), shown);
        assert_eq!(without_secrets_of_address("/a"), "/a");
    }
}
