//! Version 1: a line of text (2.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{Beginning, Header, Malformed};

pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// Maximum length of the line with its end.
pub(super) const MAX_BYTES: usize = 107;

/// Decodes input that begins like [`SIGNATURE`].
pub(super) fn decode(input: &[u8]) -> Result<Beginning, Malformed> {
    let start = &input[..input.len().min(MAX_BYTES)];
    let Some(end) = start.windows(2).position(|pair| pair == b"\r\n") else {
        return match start.len() < MAX_BYTES {
            true => Ok(Beginning::Incomplete),
            false => Err(Malformed::LineTooLong),
        };
    };
    let line = std::str::from_utf8(&start[SIGNATURE.len()..end]).map_err(|_| Malformed::Line)?;
    Ok(Beginning::Header(Header {
        client: client(line).ok_or(Malformed::Line)?,
        length: end + 2,
    }))
}

/// Reads the fields after the signature. The inner `None` is a client without an address; the outer one is a fault.
fn client(line: &str) -> Option<Option<SocketAddr>> {
    let (family, rest) = line.split_once(' ').unwrap_or((line, ""));
    match family {
        "TCP4" => addresses::<Ipv4Addr>(rest).map(Some),
        "TCP6" => addresses::<Ipv6Addr>(rest).map(Some),
        // "The receiver must ignore anything presented before the CRLF is found."
        "UNKNOWN" => Some(None),
        _ => None,
    }
}

/// Returns the source; the destination is only checked.
fn addresses<A: FromStr + Into<IpAddr>>(text: &str) -> Option<SocketAddr> {
    let mut fields = text.split(' ');
    let source: A = fields.next()?.parse().ok()?;
    let _destination: A = fields.next()?.parse().ok()?;
    let source_port = port(fields.next()?)?;
    port(fields.next()?)?;
    let is_complete = fields.next().is_none();
    is_complete.then(|| SocketAddr::new(source.into(), source_port))
}

/// Reads a decimal number without sign and leading zeros.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    (is_plain && is_short).then(|| text.parse().ok())?
}
