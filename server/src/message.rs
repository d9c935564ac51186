//! A message as JSON, the same wherever the server shows one.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;

/// A body: text where it is UTF-8, base 64 otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    Body(String),
    BodyBase64(String),
}

impl Body {
    pub fn new(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Body(text.to_owned()),
            Err(_) => Self::BodyBase64(BASE64_STANDARD.encode(bytes)),
        }
    }
}
