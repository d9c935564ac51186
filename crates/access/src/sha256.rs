//! SHA-256 digests, and their text in the users file: `sha256:` and 64 hexadecimal digits.

use std::fmt;

use ring::digest;

/// A digest.
pub(crate) type Sha256 = [u8; 32];

/// Returns the digest of some bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Sha256 {
    let mut digest = Sha256::default();
    digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    digest
}

/// Parses the text of a digest.
pub(crate) fn parse(text: &str) -> Option<Sha256> {
    let digits = text.strip_prefix(PREFIX)?.as_bytes();
    let mut digest = Sha256::default();
    if digits.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(digest)
}

/// Writes the text of a digest.
pub(crate) fn write(digest: &Sha256, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str(PREFIX)?;
    digest
        .iter()
        .try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

const PREFIX: &str = "sha256:";
