//! Version 2: binary (2.2). The fields after the addresses (type, length, value) are ignored.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Beginning, Header, MAX_BYTES, Malformed};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Decodes input that begins like [`SIGNATURE`].
pub(super) fn decode(input: &[u8]) -> Result<Beginning, Malformed> {
    let Some((fixed, rest)) = input.split_first_chunk::<FIXED_BYTES>() else {
        return Ok(Beginning::Incomplete);
    };
    let [.., command, family, high, low] = *fixed;
    let (version, command) = (command >> 4, command & 0x0f);
    if version != 2 {
        return Err(Malformed::Version(version));
    }
    if command > PROXY {
        return Err(Malformed::Command(command));
    }
    if family >> 4 > UNIX || family & 0x0f > DATAGRAM {
        return Err(Malformed::Family(family));
    }
    let rest_length = usize::from(u16::from_be_bytes([high, low]));
    let length = FIXED_BYTES + rest_length;
    if length > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    let Some(rest) = rest.get(..rest_length) else {
        return Ok(Beginning::Incomplete);
    };
    let client = match command {
        PROXY => client(family, rest)?,
        // "The receiver must accept this connection as valid and must use the real connection endpoints."
        _ => None,
    };
    Ok(Beginning::Header(Header { client, length }))
}

/// Returns the source of a connection of TCP.
fn client(family: u8, addresses: &[u8]) -> Result<Option<SocketAddr>, Malformed> {
    match family {
        TCP_4 => {
            // Source, destination, and their ports.
            let addresses = addresses.first_chunk::<12>().ok_or(Malformed::Addresses)?;
            let [a, b, c, d, _, _, _, _, high, low, ..] = *addresses;
            let port = u16::from_be_bytes([high, low]);
            Ok(Some((Ipv4Addr::new(a, b, c, d), port).into()))
        }
        TCP_6 => {
            let addresses = addresses.first_chunk::<36>().ok_or(Malformed::Addresses)?;
            let mut source = [0; 16];
            source.copy_from_slice(&addresses[..16]);
            let port = u16::from_be_bytes([addresses[32], addresses[33]]);
            Ok(Some((Ipv6Addr::from(source), port).into()))
        }
        _ => Ok(None),
    }
}

/// The signature, version and command, family, and length of the rest.
const FIXED_BYTES: usize = 16;
const PROXY: u8 = 1;
/// The greatest address family.
const UNIX: u8 = 3;
/// The greatest transport protocol.
const DATAGRAM: u8 = 2;
const TCP_4: u8 = 0x11;
const TCP_6: u8 = 0x21;
