//! The beginning of a body, as a trace shows it.

use serde::Serialize;

use super::secrets;

/// The beginning of a body.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Payload {
    /// The size of the whole body.
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    /// True if only the beginning is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// The reason why the body is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
}

impl Payload {
    /// Returns the beginning of a body of `total` bytes, if it is not complete: as text if all of the beginning is UTF-8,
    /// otherwise as bytes.
    pub(super) fn of(body: &[u8], total: Option<usize>) -> Self {
        let beginning = &body[..body.len().min(MAX_PAYLOAD_BYTES)];
        let text = match std::str::from_utf8(beginning) {
            Ok(text) => Some(text),
            // The cut may be inside of a character.
            Err(error) if error.error_len().is_none() && beginning.len() < body.len() => {
                std::str::from_utf8(&beginning[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        let max_bytes = match text {
            Some(_) => MAX_PAYLOAD_BYTES,
            None => MAX_HEX_BYTES,
        };
        let bytes = total.unwrap_or(body.len());
        if text.is_none() && secrets::has_token(beginning) {
            return Self::withheld(bytes, TOKEN);
        }
        Self {
            bytes,
            cut: bytes > max_bytes,
            text: text.map(|text| secrets::without_tokens(text).into_owned()),
            hex: match text {
                Some(_) => None,
                None => Some(hex(beginning)),
            },
            withheld: None,
        }
    }

    /// Returns the place of a body of this number of bytes that is not shown for this reason.
    pub(super) fn withheld(bytes: usize, reason: &'static str) -> Self {
        Self {
            bytes,
            withheld: Some(reason),
            ..Self::default()
        }
    }
}

/// Returns the beginning of bytes, at most [`MAX_HEX_BYTES`] of them, as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let beginning = bytes.iter().take(MAX_HEX_BYTES);
    beginning.map(|byte| format!("{byte:02x}")).collect()
}

/// Number of bytes of a body that are shown as text, and as bytes.
pub const MAX_PAYLOAD_BYTES: usize = 256;
const MAX_HEX_BYTES: usize = 64;
/// Stands for bytes with a secret.
const TOKEN: &str = "(left out: it contains a token)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_text_or_bytes_and_are_cut() {
        let text = |body: &[u8]| Payload::of(body, None).text;
        assert_eq!(text(b"21.5").as_deref(), Some("21.5"));
        assert_eq!(text(b"").as_deref(), Some(""));
        // 3 bytes each, so the cut is inside of a character.
        let long = "한".repeat(200);
        let shown = Payload::of(long.as_bytes(), None);
        assert_eq!((shown.bytes, shown.cut), (600, true));
        assert_eq!(shown.text, Some("한".repeat(MAX_PAYLOAD_BYTES / 3)));
        let binary = Payload::of(&[0xff; 100], Some(1_000));
        assert_eq!((binary.text, binary.bytes), (None, 1_000));
        assert_eq!(binary.hex, Some("ff".repeat(MAX_HEX_BYTES)));
        let json = serde_json::to_string(&Payload::of(&[0, 0xab], None)).expect("JSON");
        assert_eq!(json, r#"{"bytes":2,"hex":"00ab"}"#);
    }

    #[test]
    fn no_token_is_shown_as_bytes() {
        let shown = Payload::of(b"\xffeyJhbGciOiJIUzI1NiJ9.e30.c2ln", None);
        assert_eq!((shown.hex, shown.withheld), (None, Some(TOKEN)));
    }
}
