//! JSON Web Tokens (RFC 7519), signed with a public key of a JWK set. Time and keys are arguments.

mod key_set;
mod token;

use std::sync::Arc;

pub use key_set::{KeySet, KeySetError, KeyThumbprint};
pub use token::is_jwt;

use key_set::SignatureFault;
use token::{Claims, Token};

/// The rules for JWTs, and the keys that may sign them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The path of the JWK set as in the users file.
    pub(crate) keys_file: Box<str>,
    pub(crate) keys: KeySet,
    pub(crate) rules: Arc<JwtRules>,
}

/// The claims that a JWT must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtRules {
    /// The issuer; `None` if the claim does not matter.
    pub issuer: Option<Box<str>>,
    /// The audience, which must be one of the token's.
    pub audience: Box<str>,
    /// The name of the claim with the user's name.
    pub user: Box<str>,
    /// The name of the claim with the user's groups.
    pub groups: Box<str>,
}

/// A JWT that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedJwt {
    /// The user's name.
    pub user: Arc<str>,
    /// The names of the groups that the token claims.
    pub groups: Vec<String>,
    /// The Unix seconds at which the token expires.
    pub expires_s: u64,
    /// The key that has signed the token.
    pub key: KeyThumbprint,
}

/// The reason why a JWT is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// The token is too long.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A part is not base64url, or not a JSON object without duplicate names.
    #[error("the {part} is not valid: {fault}")]
    Malformed {
        /// `header`, `payload` or `signature`.
        part: &'static str,
        /// The fault.
        fault: String,
    },
    /// The algorithm is `none`, symmetric or unknown.
    #[error("its algorithm is not supported")]
    Algorithm,
    /// The token requires an extension (RFC 7515, 4.1.11).
    #[error("it has critical header parameters")]
    Critical,
    /// No key is meant, or several are.
    #[error("the key set has no key for it, or it has no kid and several keys are possible")]
    NoKey,
    /// The signature is not one of the key.
    #[error("the signature is wrong")]
    Signature,
    /// A claim is missing, or has the wrong type.
    #[error("the claim {name:?} is missing or not valid")]
    Claim {
        /// The name of the claim.
        name: Box<str>,
    },
    /// The issuer is another one.
    #[error("it has another issuer")]
    Issuer,
    /// The token is for other audiences.
    #[error("it is for another audience")]
    Audience,
    /// The token has expired.
    #[error("it has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("it is not valid yet")]
    NotYetValid,
}

impl Jwt {
    /// Returns the path of the JWK set as in the users file.
    #[must_use]
    pub fn keys_file(&self) -> &str {
        &self.keys_file
    }

    /// Returns the keys.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Returns the rules.
    #[must_use]
    pub fn rules(&self) -> &Arc<JwtRules> {
        &self.rules
    }

    /// Verifies a token at this time. A token is not accepted any more at the second of its `exp`; its `nbf` may be
    /// [`LEEWAY_S`] in the future, because the clocks of two machines differ.
    ///
    /// # Errors
    /// The reason why the token is refused, for the log: a client learns only that it is refused.
    pub fn verify(&self, text: &str, now_s: u64) -> Result<VerifiedJwt, JwtError> {
        if text.len() > MAX_BYTES {
            return Err(JwtError::TooLong);
        }
        let token = Token::read(text)?;
        let key = self
            .keys
            .verify(
                token.key_id.as_deref(),
                token.algorithm,
                token.signed.as_bytes(),
                &token.signature,
            )
            .map_err(|fault| match fault {
                SignatureFault::NoKey => JwtError::NoKey,
                SignatureFault::Wrong => JwtError::Signature,
            })?;
        // Nothing of the payload is read before its signature is verified.
        let claims = token.claims()?;
        let JwtRules {
            issuer,
            audience,
            user,
            groups,
        } = &*self.rules;
        if issuer.is_some() && claims.text("iss") != issuer.as_deref() {
            return Err(JwtError::Issuer);
        }
        if !claims.texts("aud")?.iter().any(|one| **one == **audience) {
            return Err(JwtError::Audience);
        }
        let expires_s = claims.time("exp")?.ok_or_else(|| Claims::fault("exp"))?;
        if now_s >= expires_s {
            return Err(JwtError::Expired);
        }
        let not_before_s = claims.time("nbf")?.unwrap_or_default();
        if not_before_s > now_s.saturating_add(LEEWAY_S) {
            return Err(JwtError::NotYetValid);
        }
        let name = claims
            .text(user)
            .filter(|name| crate::document::is_name(name));
        Ok(VerifiedJwt {
            user: name.ok_or_else(|| Claims::fault(user))?.into(),
            groups: claims.texts(groups)?,
            expires_s,
            key,
        })
    }
}

/// Maximum length of a token in bytes.
pub const MAX_BYTES: usize = 16 << 10;
/// The seconds by which `nbf` may be in the future.
pub const LEEWAY_S: u64 = 30;
