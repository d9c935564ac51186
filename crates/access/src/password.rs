//! Passwords, hashed with argon2id (RFC 9106).

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc},
};
use serde::{Deserialize, Deserializer, de};

/// A hash in PHC format, such as `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

/// The error for a text that is not a usable hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// The text is not in PHC format.
    #[error("not a password hash ({0}); `carillon user passwd` writes one")]
    Format(String),
    /// Another algorithm than argon2id.
    #[error("the algorithm {0:?} is not supported; passwords are hashed with argon2id")]
    Algorithm(String),
    /// Salt or hash is missing.
    #[error("the hash is incomplete")]
    Incomplete,
    /// The parameters would need too much memory or time.
    #[error(
        "the parameters are too expensive: at most m={MAX_MEMORY_KIB}, t={MAX_PASSES}, p={MAX_LANES}"
    )]
    TooExpensive,
}

impl PasswordHash {
    /// Parses a hash.
    ///
    /// # Errors
    /// The text is not a hash of argon2id, or its parameters exceed the limits.
    pub fn new(text: &str) -> Result<Self, PasswordHashError> {
        let hash = phc::PasswordHash::new(text)
            .map_err(|error| PasswordHashError::Format(error.to_string()))?;
        if hash.algorithm.as_str() != Algorithm::Argon2id.ident().as_str() {
            return Err(PasswordHashError::Algorithm(hash.algorithm.to_string()));
        }
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err(PasswordHashError::Incomplete);
        }
        let params = Params::try_from(&hash)
            .map_err(|error| PasswordHashError::Format(error.to_string()))?;
        let is_cheap = params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_PASSES
            && params.p_cost() <= MAX_LANES;
        match is_cheap {
            true => Ok(Self(hash)),
            false => Err(PasswordHashError::TooExpensive),
        }
    }

    /// Returns whether this is the hash of `password`. Takes about 80 ms and 19 MiB with the default parameters.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        Argon2::default().verify_password(password, &self.0).is_ok()
    }
}

/// Hashes a password. `salt` must be random.
///
/// # Errors
/// The password is longer than 4 GiB.
pub fn hash_password(
    password: &[u8],
    salt: &[u8; SALT_BYTES],
) -> Result<PasswordHash, PasswordHashError> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
    let hash = argon2.hash_password_with_salt(password, salt);
    hash.map(PasswordHash)
        .map_err(|error| PasswordHashError::Format(error.to_string()))
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash")
    }
}

impl<'de> Deserialize<'de> for PasswordHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

/// Length of a salt (RFC 9106, 3.1: 16 bytes are recommended).
pub const SALT_BYTES: usize = 16;
/// 256 MiB.
const MAX_MEMORY_KIB: u32 = 256 << 10;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_only() {
        let hash = hash_password(b"correct horse", &[7; SALT_BYTES]).expect("a hash");
        let text = hash.to_string();
        assert!(
            text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{text}"
        );
        let read = PasswordHash::new(&text).expect("a legal hash");
        assert!(read.verify(b"correct horse"));
        assert!(!read.verify(b"correct horse "));
        assert!(!read.verify(b""));
    }

    #[test]
    fn hashes_of_other_algorithms_or_beyond_the_limits_are_refused() {
        let salt_and_hash = "c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        let table = [
            ("secret".to_owned(), "not a password hash"),
            (
                format!("$argon2i$v=19$m=19456,t=2,p=1${salt_and_hash}"),
                "not supported",
            ),
            (
                format!("$argon2id$v=19$m=99999999,t=2,p=1${salt_and_hash}"),
                "too expensive",
            ),
            (
                format!("$argon2id$v=19$m=19456,t=99,p=1${salt_and_hash}"),
                "too expensive",
            ),
            ("$argon2id$v=19$m=19456,t=2,p=1".to_owned(), "incomplete"),
        ];
        for (text, expected) in table {
            let error = PasswordHash::new(&text).expect_err("not a usable hash");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }
}
