//! The parts that a trace leaves out: credentials, and input that a text of the server repeats.
//!
//! | secret | rule |
//! |---|---|
//! | Password and Authentication Data of MQTT; the body of a CONNECT of STOMP | the protocol's own field, always |
//! | `passcode` of STOMP; Authorization, Cookie, Set-Cookie and similar headers; user properties with such a name | [`is_secret`] |
//! | parameters with such a name in any value, the user information of an address, and JWTs | [`without_secrets`] |
//! | JWTs in the shown part of a body | [`without_tokens`], [`has_token`] |
//! | input in the reason of an error, which may be a part of a password | [`without_quotes`] |

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use wire::stomp::header;

/// Returns whether the value of a header, a user property or a parameter is a credential, by the words in its name.
pub fn is_secret(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| name.contains(word))
}

/// Returns a name or a value with marks in place of the secrets in it: JWTs, the user information of addresses, and the values
/// of parameters such as `token=…` in a query, a fragment or another list.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let rules = [
        without_user_information,
        without_secret_parameters,
        without_tokens,
    ];
    rules.into_iter().fold(text.into(), |text, rule| {
        let changed = match rule(&text) {
            Cow::Owned(changed) => Some(changed),
            Cow::Borrowed(_) => None,
        };
        changed.map_or(text, Cow::Owned)
    })
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

/// Returns whether bytes that are no text contain a JWT.
pub fn has_token(bytes: &[u8]) -> bool {
    let mut words = bytes.windows(MIN_JWT_BYTES);
    words.any(|word| {
        word.starts_with(JWT_START.as_bytes())
            && word.iter().all(|byte| is_of_token((*byte).into()))
    })
}

/// Returns a text of the server with marks in place of what it quotes, because that may be input. Quotes inside of a quoted
/// text must have a backslash before them.
pub fn without_quotes(text: &str) -> Cow<'_, str> {
    if !text.contains('"') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, quoted)) = rest.split_once('"') {
        let (word, after) = match closing_quote(quoted) {
            Some(end) => (&quoted[..end], &quoted[end + 1..]),
            None => (quoted, ""),
        };
        let shown = if OWN_WORDS.contains(&word) {
            word
        } else {
            "…"
        };
        out.extend([before, "\"", shown, "\""]);
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|letter| {
        let closes = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        closes
    })
}

/// Leaves out what comes before `@` in the authority of addresses (RFC 3986, 3.2.1).
fn without_user_information(text: &str) -> Cow<'_, str> {
    if !text.contains(AUTHORITY_START) || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(AUTHORITY_START) {
        let (before, after) = rest.split_at(start + AUTHORITY_START.len());
        let end = after.find(|letter: char| ends_authority(letter));
        let authority = &after[..end.unwrap_or(after.len())];
        out.push_str(before);
        rest = match authority.rfind('@') {
            Some(sign) => {
                out.push_str(LEFT_OUT);
                &after[sign..]
            }
            None => after,
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn ends_authority(letter: char) -> bool {
    matches!(letter, '/' | '?' | '#' | '"' | '<' | '>' | ',') || letter.is_whitespace()
}

/// Leaves out the secret values of parameters.
fn without_secret_parameters(text: &str) -> Cow<'_, str> {
    if !text.contains(['=', '%']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(SEPARATORS) {
        let end = part.strip_suffix(SEPARATORS).map_or(part.len(), str::len);
        let (parameter, separator) = part.split_at(end);
        match is_secret_parameter(parameter) {
            true => push_left_out(parameter, &mut out),
            false => out.push_str(parameter),
        }
        out.push_str(separator);
    }
    Cow::Owned(out)
}

/// Returns whether a parameter has the name of a credential, or has a value with such a parameter or with user information, as
/// `next=/topics?token=…` has.
fn is_secret_parameter(parameter: &str) -> bool {
    let parameter = decoded(parameter);
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let has_secret_parameter = value.contains('=') && is_secret(value);
    let has_user_information = without_user_information(value) != value;
    is_secret(name) || has_secret_parameter || has_user_information
}

fn push_left_out(parameter: &str, out: &mut String) {
    let name = parameter.split_once('=').map(|(name, _)| name);
    // Otherwise the secret may be in the part before the sign.
    if let Some(name) = name.filter(|name| !decoded(name).contains('=')) {
        out.push_str(name);
        out.push('=');
    }
    out.push_str(LEFT_OUT);
}

/// Undoes percent-encoding, however often it was applied, up to [`MAX_DECODINGS`] times.
fn decoded(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_DECODINGS {
        if !text.contains('%') {
            break;
        }
        let next = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        text = next.into();
    }
    text
}

/// The characters of a JWT: base64url and the dots between its parts (RFC 7515, 7.1).
const fn is_of_token(found: char) -> bool {
    found.is_ascii_alphanumeric() || matches!(found, '-' | '_' | '.')
}

/// Stands for a secret.
pub const LEFT_OUT: &str = "(left out)";
/// A name with one of these words, in any case and with any other characters between its letters, is that of a secret.
const WORDS: &[&str] = &[
    "passcode",
    "password",
    "passphrase",
    "passwd",
    "authorization",
    "authenticationinfo",
    "cookie",
    "token",
    "secret",
    "jwt",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
];
/// The base64url of `{"`, with which the header of each JWT begins.
const JWT_START: &str = "eyJ";
/// A shorter word is no JWT: its header alone is `{"alg":"…"}`.
const MIN_JWT_BYTES: usize = 16;
const AUTHORITY_START: &str = "://";
/// The characters between parameters: of a query, a fragment, and a header.
const SEPARATORS: [char; 4] = ['?', '#', '&', ';'];
/// A secret that is encoded more often is shown encoded.
const MAX_DECODINGS: usize = 8;
/// Words that texts of the server quote although they are not input.
const OWN_WORDS: [&str; 8] = [
    header::ACK,
    header::DESTINATION,
    header::ID,
    header::MESSAGE_ID,
    header::SUBSCRIPTION,
    header::TRANSACTION,
    "true",
    "false",
];

#[cfg(test)]
mod tests;
