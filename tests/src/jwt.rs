//! An issuer of JSON Web Tokens, with keys of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

/// A key that signs tokens with ES256.
pub struct Issuer {
    id: String,
    key: EcdsaKeyPair,
}

impl Issuer {
    /// Generates a key with this `kid`.
    pub fn new(id: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
        let id = id.to_owned();
        Self { id, key }
    }

    /// Returns a key set with the keys of these issuers.
    pub fn key_set(issuers: &[&Self]) -> String {
        let keys = issuers.iter().map(|issuer| {
            let (x, y) = issuer.key.public_key().as_ref()[1..].split_at(32);
            let (x, y) = (encoded(x), encoded(y));
            json!({"kty": "EC", "crv": "P-256", "kid": issuer.id, "use": "sig", "x": x, "y": y})
        });
        json!({ "keys": keys.collect::<Vec<_>>() }).to_string()
    }

    /// Returns a token for the audience `carillon` that expires after these seconds.
    pub fn token(&self, user: &str, groups: &[&str], seconds: u64) -> String {
        let expires_s = unix_s() + seconds;
        self.sign(&json!({"aud": "carillon", "sub": user, "groups": groups, "exp": expires_s}))
    }

    /// Returns a token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.id});
        let signed = format!(
            "{}.{}",
            encoded(header.to_string()),
            encoded(claims.to_string())
        );
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", encoded(signature.expect("a signature")))
    }
}

/// Returns the time of the wall clock in seconds.
pub fn unix_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
