//! The addresses of clients, to which shares and quotas are charged.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Serialize, Serializer};

/// The address of a client: that of the network, or the user of the operating system at the other end of a Unix socket.
/// Written `192.0.2.1`, `2001:db8::1` or `unix:uid=1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientAddress {
    /// A client of TCP.
    Ip(IpAddr),
    /// A client of a Unix socket, by the id of its user. The system reports the id, so a client cannot choose it.
    UnixUser(u32),
}

impl ClientAddress {
    /// Returns whether this is an IP address of this machine. All clients on loopback have the same address, so they have no
    /// share of an address. A user at a Unix socket has one.
    #[must_use]
    pub fn is_loopback(self) -> bool {
        matches!(self, Self::Ip(address) if address.to_canonical().is_loopback())
    }

    /// Returns the address with an IPv4 address in IPv6 form replaced by the IPv4 address.
    #[must_use]
    pub fn to_canonical(self) -> Self {
        match self {
            Self::Ip(address) => Self::Ip(address.to_canonical()),
            user @ Self::UnixUser(_) => user,
        }
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<Ipv4Addr> for ClientAddress {
    fn from(address: Ipv4Addr) -> Self {
        Self::Ip(address.into())
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(formatter),
            Self::UnixUser(uid) => write!(formatter, "{UNIX_USER}{uid}"),
        }
    }
}

impl FromStr for ClientAddress {
    type Err = InvalidClientAddress;

    fn from_str(text: &str) -> Result<Self, InvalidClientAddress> {
        let Some(uid) = text.strip_prefix(UNIX_USER) else {
            let address = text.parse().map_err(|_| InvalidClientAddress)?;
            return Ok(Self::Ip(address));
        };
        let is_decimal = uid.bytes().all(|byte| byte.is_ascii_digit());
        let uid = uid.parse().ok().filter(|_| is_decimal);
        uid.map(Self::UnixUser).ok_or(InvalidClientAddress)
    }
}

impl Serialize for ClientAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The error for a text that is no address of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address nor unix:uid=NUMBER")]
pub struct InvalidClientAddress;

/// Returns the address that identifies a client: for IPv6 the network, because a client can choose its address within
/// it.
#[must_use]
pub fn network(address: impl Into<ClientAddress>) -> ClientAddress {
    match address.into().to_canonical() {
        ClientAddress::Ip(IpAddr::V6(address)) if !address.is_loopback() => {
            ClientAddress::Ip(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into())
        }
        other => other,
    }
}

/// The network part of an IPv6 address (RFC 4291, 2.5.4).
const NETWORK: u128 = !0 << 64;
/// The beginning of the text of [`ClientAddress::UnixUser`].
const UNIX_USER: &str = "unix:uid=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_they_are_read() {
        for text in [
            "192.0.2.1",
            "2001:db8::1",
            "unix:uid=0",
            "unix:uid=4294967295",
        ] {
            let address = text.parse::<ClientAddress>();
            let written = address.map(|address| address.to_string());
            assert_eq!(written.as_deref(), Ok(text));
        }
        for text in [
            "",
            "unix",
            "unix:",
            "unix:uid=",
            "unix:uid=+1",
            "unix:uid=4294967296",
            "x",
        ] {
            assert_eq!(
                text.parse::<ClientAddress>(),
                Err(InvalidClientAddress),
                "{text}"
            );
        }
    }

    #[test]
    fn a_user_at_a_unix_socket_is_not_loopback() {
        assert!(!ClientAddress::UnixUser(0).is_loopback());
        assert!(ClientAddress::Ip([127, 0, 0, 1].into()).is_loopback());
        assert_eq!(
            network(ClientAddress::UnixUser(7)),
            ClientAddress::UnixUser(7)
        );
    }
}
