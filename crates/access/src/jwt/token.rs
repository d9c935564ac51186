//! The form of a JWT: three parts in base64url (RFC 7515, 7.1), of which two are JSON objects.

use std::{collections::BTreeMap, fmt};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::Value;

use super::{JwtError, key_set::Algorithm};

/// Returns whether a text is meant as a JWT: it has three parts, and the first is a JSON object in base64url. Other texts are
/// passwords.
#[must_use]
pub fn is_jwt(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(4, '.').collect();
    let [header, _, _] = parts.as_slice() else {
        return false;
    };
    let header = BASE64_URL_SAFE_NO_PAD.decode(header);
    header.is_ok_and(|header| header.trim_ascii().starts_with(b"{"))
}

/// A token whose signature is not verified yet.
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// The part that is signed.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

/// The claims of a token.
pub(super) struct Claims(Object);

impl<'a> Token<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, JwtError> {
        let parts = text.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            let is_three = !payload.contains('.');
            is_three.then_some((signed, header, payload, signature))
        });
        let (signed, header, payload, signature) =
            parts.ok_or_else(|| malformed("header", "there are not three parts"))?;
        let header = Object::read("header", header)?;
        if header.0.contains_key("crit") {
            return Err(JwtError::Critical);
        }
        let text = |name: &str| header.0.get(name).map(Value::as_str);
        let algorithm = text("alg").flatten().and_then(Algorithm::from_name);
        let key_id = match text("kid") {
            None => None,
            Some(Some(id)) => Some(id.to_owned()),
            Some(None) => return Err(malformed("header", "the kid is not a text")),
        };
        Ok(Self {
            algorithm: algorithm.ok_or(JwtError::Algorithm)?,
            key_id,
            signed,
            signature: decoded("signature", signature)?,
            payload,
        })
    }

    pub(super) fn claims(&self) -> Result<Claims, JwtError> {
        Object::read("payload", self.payload).map(Claims)
    }
}

impl Claims {
    pub(super) fn fault(name: &str) -> JwtError {
        JwtError::Claim { name: name.into() }
    }

    /// Returns a claim that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.0.get(name)?.as_str()
    }

    /// Returns a claim that is a text or a list of texts; nothing if it is missing.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, JwtError> {
        match self.0.0.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(list)) => {
                let texts = list.iter().map(|one| one.as_str().map(str::to_owned));
                let texts: Option<Vec<_>> = texts.collect();
                texts.ok_or_else(|| Self::fault(name))
            }
            Some(_) => Err(Self::fault(name)),
        }
    }

    /// Returns a claim that is a time in Unix seconds, of which a fraction is cut off (RFC 7519, 2, "NumericDate").
    pub(super) fn time(&self, name: &str) -> Result<Option<u64>, JwtError> {
        match self.0.0.get(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                // A number beyond the range becomes the largest one.
                Some(time) if time >= 0.0 => Ok(Some(time as u64)),
                _ => Err(Self::fault(name)),
            },
        }
    }
}

/// A JSON object without duplicate names, which are a means to show different claims to different readers.
struct Object(BTreeMap<String, Value>);

impl Object {
    fn read(part: &'static str, text: &str) -> Result<Self, JwtError> {
        let bytes = decoded(part, text)?;
        serde_json::from_slice(&bytes).map_err(|error| malformed(part, &error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name occurs twice"));
                    }
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn decoded(part: &'static str, text: &str) -> Result<Vec<u8>, JwtError> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| malformed(part, "it is not base64url"))
}

fn malformed(part: &'static str, fault: &str) -> JwtError {
    let fault = fault.to_owned();
    JwtError::Malformed { part, fault }
}
