//! Tokens: 256 random bits, stored as their SHA-256. They cannot be guessed, so they need no slow hash.

use std::fmt;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Deserializer, de};

use crate::sha256::{self, Sha256};

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(Sha256);

/// The error for a text that is not the hash of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the hash of a token: `sha256:` and 64 hexadecimal digits; `carillon token add` writes one"
)]
pub struct TokenHashError;

/// Returns the text of a token.
#[must_use]
pub fn write_token(random: &[u8; TOKEN_BYTES]) -> String {
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

impl TokenHash {
    /// Returns the hash of a token; `None` if the text cannot be a token.
    #[must_use]
    pub fn of(token: &str) -> Option<Self> {
        let is_token = token.starts_with(PREFIX) && token.len() == TOKEN_LENGTH;
        is_token.then(|| Self(sha256::digest_of(token.as_bytes())))
    }

    /// Parses a hash as in the users file.
    ///
    /// # Errors
    /// The text is not a hash.
    pub fn new(text: &str) -> Result<Self, TokenHashError> {
        sha256::parse(text).map(Self).ok_or(TokenHashError)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        sha256::write(&self.0, formatter)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash")
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

/// Number of random bytes in a token.
pub const TOKEN_BYTES: usize = 32;
/// The beginning of every token, so that people and scanners for secrets recognise one.
const PREFIX: &str = "carillon_";
/// Length of a token's text: the prefix and 43 characters.
const TOKEN_LENGTH: usize = PREFIX.len() + 43;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_hash_that_the_file_stores() {
        let token = write_token(&[0xA5; TOKEN_BYTES]);
        let hash = TokenHash::of(&token).expect("a token");
        assert_eq!(TokenHash::new(&hash.to_string()), Ok(hash));
        let other = write_token(&[0xA6; TOKEN_BYTES]);
        assert_ne!(TokenHash::of(&other), Some(hash));
        for text in ["", "carillon_", "secret", &token[1..], &token[..50]] {
            assert_eq!(TokenHash::of(text), None, "{text:?}");
        }
    }

    #[test]
    fn other_texts_are_no_hash() {
        for text in [
            "",
            "sha256:",
            "sha256:00",
            &format!("sha256:{}", "g0".repeat(32)),
        ] {
            assert_eq!(TokenHash::new(text), Err(TokenHashError), "{text:?}");
        }
    }
}
