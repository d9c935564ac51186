//! The public keys that sign JWTs: a JWK set (RFC 7517), and the verification of signatures (RFC 7518, RFC 8037).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::sha256::{self, Sha256};

/// The keys of a JWK set that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<String>,
}

/// The SHA-256 of a key, which identifies it whatever its `kid` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyThumbprint(Sha256);

/// The error for a text that is not a usable JWK set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The text is not a JSON object with a list of keys.
    #[error("not a JWK set: {0}")]
    Format(String),
    /// There are too many keys.
    #[error("there are more than {MAX_KEYS} keys")]
    TooMany,
    /// No key can be used.
    #[error("no key can be used: {}", .0.join("; "))]
    Unusable(Vec<String>),
}

/// The algorithms of signatures. HMAC (`HS256`) and `none` are not among them: a public key must never be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    /// The `kid`.
    id: Option<Box<str>>,
    /// The only algorithm for which the key is.
    algorithm: Option<Algorithm>,
    material: Material,
    thumbprint: KeyThumbprint,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// An uncompressed point.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureFault {
    /// No key, or more than one, is meant.
    NoKey,
    /// No key has made the signature.
    Wrong,
}

impl KeySet {
    /// Reads the text of a JWK set. Keys that cannot be used are skipped (RFC 7517, 5).
    ///
    /// # Errors
    /// The text is not a JWK set, or no key can be used.
    pub fn parse(text: &str) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Map<String, Value>>,
        }

        let set: Set =
            serde_json::from_str(text).map_err(|error| KeySetError::Format(error.to_string()))?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for (at, members) in set.keys.iter().enumerate() {
            match Key::read(members) {
                Ok(key) => keys.push(key),
                Err(fault) => {
                    let id = members.get("kid").and_then(Value::as_str);
                    let id = id.map_or_else(String::new, |id| format!(" ({id:?})"));
                    skipped.push(format!("key {}{id}: {fault}", at + 1));
                }
            }
        }
        match keys.is_empty() {
            true => Err(KeySetError::Unusable(skipped)),
            false => Ok(Self { keys, skipped }),
        }
    }

    /// Returns the reasons why keys are skipped.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Returns whether a key is in the set.
    #[must_use]
    pub fn contains(&self, key: &KeyThumbprint) -> bool {
        self.keys.iter().any(|own| own.thumbprint == *key)
    }

    /// Verifies a signature by the key with this `kid`. A token without a `kid` is accepted only if one key suits its algorithm,
    /// so that the choice is never a guess.
    pub(super) fn verify(
        &self,
        key_id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<KeyThumbprint, SignatureFault> {
        let mut suitable = self
            .keys
            .iter()
            .filter(|key| key.suits(algorithm))
            .filter(|key| key_id.is_none() || key.id.as_deref() == key_id);
        let key = suitable.next().ok_or(SignatureFault::NoKey)?;
        if suitable.next().is_some() {
            return Err(SignatureFault::NoKey);
        }
        match key.material.verify(algorithm, message, signature) {
            true => Ok(key.thumbprint),
            false => Err(SignatureFault::Wrong),
        }
    }
}

impl Algorithm {
    /// Returns the algorithm with this name (RFC 7518, 3.1; RFC 9864, 2).
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

impl Key {
    fn read(members: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if members.contains_key("d") {
            return Err("a private key does not belong here".to_owned());
        }
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Err("the key is not for signatures".to_owned());
        }
        let operations = members.get("key_ops").and_then(Value::as_array);
        if operations.is_some_and(|operations| !operations.iter().any(|one| one == "verify")) {
            return Err("the key is not for verification".to_owned());
        }
        let algorithm = match text("alg") {
            None => None,
            Some(name) => Some(
                Algorithm::from_name(name)
                    .ok_or_else(|| format!("the algorithm {name:?} is not supported"))?,
            ),
        };
        let material = Material::read(members)?;
        if algorithm.is_some_and(|algorithm| !material.suits(algorithm)) {
            return Err("the algorithm is not one of the key's type".to_owned());
        }
        Ok(Self {
            id: text("kid").map(Into::into),
            algorithm,
            thumbprint: material.thumbprint(),
            material,
        })
    }

    fn suits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm) && self.material.suits(algorithm)
    }
}

impl Material {
    fn read(members: &Map<String, Value>) -> Result<Self, String> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let bytes = |name: &str| -> Result<Vec<u8>, String> {
            let text = text(name).ok_or_else(|| format!("there is no {name:?}"))?;
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
            bytes.map_err(|_| format!("{name:?} is not base64url"))
        };
        let coordinate = |name: &str, length: usize| -> Result<Vec<u8>, String> {
            let bytes = bytes(name)?;
            match bytes.len() == length {
                true => Ok(bytes),
                false => Err(format!("{name:?} does not have {length} bytes")),
            }
        };
        let point = |length| -> Result<Vec<u8>, String> {
            let (x, y) = (coordinate("x", length)?, coordinate("y", length)?);
            Ok([&[UNCOMPRESSED][..], &x, &y].concat())
        };
        match (text("kty").unwrap_or_default(), text("crv")) {
            ("RSA", _) => {
                let modulus = without_leading_zeros(bytes("n")?);
                match modulus.len() {
                    MIN_RSA_BYTES..=MAX_RSA_BYTES => Ok(Self::Rsa {
                        modulus,
                        exponent: without_leading_zeros(bytes("e")?),
                    }),
                    length => Err(format!(
                        "{} bits are too few or too many: RSA keys have 2,048 to 8,192",
                        length * 8
                    )),
                }
            }
            ("EC", Some("P-256")) => Ok(Self::P256(point(32)?)),
            ("EC", Some("P-384")) => Ok(Self::P384(point(48)?)),
            ("OKP", Some("Ed25519")) => Ok(Self::Ed25519(coordinate("x", 32)?)),
            (kind, None) => Err(format!("the type {kind:?} is not supported")),
            (kind, Some(curve)) => Err(format!(
                "the type {kind:?} with the curve {curve:?} is not supported"
            )),
        }
    }

    fn thumbprint(&self) -> KeyThumbprint {
        let (kind, first, second): (&[u8], &[u8], &[u8]) = match self {
            Self::Rsa { modulus, exponent } => (b"RSA:", modulus, exponent),
            Self::P256(point) => (b"P-256:", point, b""),
            Self::P384(point) => (b"P-384:", point, b""),
            Self::Ed25519(key) => (b"Ed25519:", key, b""),
        };
        KeyThumbprint(sha256::digest_of(&[kind, first, b":", second].concat()))
    }

    fn suits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => algorithm.rsa().is_some(),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::P384(_) => algorithm == Algorithm::Es384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        let ecdsa = |algorithm: &'static EcdsaVerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(algorithm, point).verify(message, signed)
        };
        let verified = match (self, algorithm.rsa()) {
            (Self::Rsa { modulus, exponent }, Some(parameters)) => {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signed)
            }
            (Self::Rsa { .. }, None) => return false,
            (Self::P256(point), _) => ecdsa(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), _) => ecdsa(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Self::Ed25519(key), _) => {
                UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signed)
            }
        };
        verified.is_ok()
    }
}

fn without_leading_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}

/// Maximum number of keys in a set.
const MAX_KEYS: usize = 64;
/// The first byte of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;
const MIN_RSA_BYTES: usize = 256;
const MAX_RSA_BYTES: usize = 1_024;
