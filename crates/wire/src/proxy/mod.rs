//! The PROXY protocol, versions 1 and 2: the header with which a proxy names the client of a connection that it passes on
//! (`proxy-protocol.txt` of HAProxy).
//!
//! Only decoding, and only the address of the client. Whether a peer may send a header is left to the caller: whoever may,
//! chooses the address that counts as its own.

mod v1;
mod v2;

use std::net::SocketAddr;

/// The beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// There is no header; all bytes are the client's.
    Other,
    /// More bytes are needed.
    Incomplete,
    /// The connection begins with a header.
    Header(Header),
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The address of the client. `None` if the proxy has opened the connection for itself, such as for a health check, or
    /// if the client has no address of TCP.
    pub client: Option<SocketAddr>,
    /// Length of the header in bytes, at most [`MAX_BYTES`]. The client's bytes follow.
    pub length: usize,
}

/// A header that violates the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// 2.1: "the line will be at most 107 characters".
    #[error("the line is longer than {} bytes", v1::MAX_BYTES)]
    LineTooLong,
    /// 2.1: the fields of the line.
    #[error("the line does not have the form PROXY TCP4|TCP6|UNKNOWN and two addresses with ports")]
    Line,
    /// 2.2: "the version as of this specification must always be sent as \x2".
    #[error("version {0} is unknown")]
    Version(u8),
    /// 2.2: "other values are unassigned [...] Receivers must drop connections presenting unexpected values".
    #[error("command {0} is unknown")]
    Command(u8),
    /// 2.2: the same for the transport protocol and address family.
    #[error("the protocol and address family {0:#04x} is unknown")]
    Family(u8),
    /// 2.2: the length does not cover the addresses of the family.
    #[error("the addresses are incomplete")]
    Addresses,
    /// The limit of this implementation.
    #[error("the header is longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// Maximum length of a header in bytes. The largest common ones contain the client's certificate.
pub const MAX_BYTES: usize = 4 << 10;

/// Decodes the first bytes of a connection.
///
/// # Errors
///
/// The bytes begin like a header and are none.
pub fn decode(input: &[u8]) -> Result<Beginning, Malformed> {
    if has_prefix(input, v2::SIGNATURE) {
        v2::decode(input)
    } else if has_prefix(input, v1::SIGNATURE) {
        v1::decode(input)
    } else {
        Ok(Beginning::Other)
    }
}

/// Returns whether the input begins with the signature, or is the beginning of it.
fn has_prefix(input: &[u8], signature: &[u8]) -> bool {
    let length = input.len().min(signature.len());
    input[..length] == signature[..length]
}
