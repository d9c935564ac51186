//! Networks: addresses with the same first bits, or a user at Unix sockets, as bans name them.

use std::{fmt, net::IpAddr, str::FromStr};

use broker::ClientAddress;
use ipnet::IpNet;

/// The addresses with the same first bits, or a user of the operating system at Unix sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// Addresses of TCP.
    Ip(IpNet),
    /// The user with this id.
    UnixUser(u32),
}

/// The kind of a network's addresses, and the number of bits that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NetworkSize {
    V4(u8),
    V6(u8),
    /// A single user.
    UnixUser,
}

impl Network {
    /// Returns the network of this size in which an address is; `None` if the address is of another kind.
    pub(super) fn around(address: ClientAddress, size: NetworkSize) -> Option<Self> {
        match (address.to_canonical(), size) {
            (ClientAddress::Ip(address @ IpAddr::V4(_)), NetworkSize::V4(bits))
            | (ClientAddress::Ip(address @ IpAddr::V6(_)), NetworkSize::V6(bits)) => {
                Self::of_ip(address, bits)
            }
            (ClientAddress::UnixUser(uid), NetworkSize::UnixUser) => Some(Self::UnixUser(uid)),
            _ => None,
        }
    }

    /// Returns the network that contains only this address.
    pub fn of_one(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical().into())
    }

    /// Returns the network of an address with this number of bits; `None` if the address has fewer.
    fn of_ip(address: IpAddr, bits: u8) -> Option<Self> {
        let network = IpNet::new(address, bits).ok()?;
        Some(Self::Ip(network.trunc()))
    }

    /// Returns whether an address is in the network.
    pub fn includes(&self, address: ClientAddress) -> bool {
        match (self, address.to_canonical()) {
            (Self::Ip(network), ClientAddress::Ip(address)) => network.contains(&address),
            (Self::UnixUser(banned), ClientAddress::UnixUser(uid)) => *banned == uid,
            _ => false,
        }
    }

    /// Returns the size.
    pub(super) fn size(&self) -> NetworkSize {
        match self {
            Self::Ip(IpNet::V4(network)) => NetworkSize::V4(network.prefix_len()),
            Self::Ip(IpNet::V6(network)) => NetworkSize::V6(network.prefix_len()),
            Self::UnixUser(_) => NetworkSize::UnixUser,
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Reads an address, a network such as `192.0.2.0/24`, or a user such as `unix:uid=1000`. An IPv6 address stands for its
    /// network of 64 bits, as for shares.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        if let Ok(ClientAddress::UnixUser(uid)) = text.parse() {
            return Ok(Self::UnixUser(uid));
        }
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let address = address.to_canonical();
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| InvalidNetwork)?,
            None if address.is_ipv6() && !address.is_loopback() => CLIENT_BITS,
            None => IpNet::from(address).prefix_len(),
        };
        Self::of_ip(address, bits).ok_or(InvalidNetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(network) => network.fmt(formatter),
            Self::UnixUser(uid) => ClientAddress::UnixUser(*uid).fmt(formatter),
        }
    }
}

/// The error for a text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address, a network such as 192.0.2.0/24, or a user such as unix:uid=1000")]
pub struct InvalidNetwork;

/// The bits of an IPv6 address that identify a client, as in [`broker::network`].
const CLIENT_BITS: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ClientAddress {
        text.parse().expect("an address")
    }

    fn network(text: &str) -> Network {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn networks_include_their_addresses() {
        let table = [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.0/24", "192.0.3.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::1", "2001:db8::2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("2001:db8::1/128", "2001:db8::2", false),
            ("2001:db8::/32", "2001:db8:ff::1", true),
            ("::/0", "2001:db8::1", true),
            ("::1", "::1", true),
            ("::1", "::2", false),
            ("unix:uid=1000", "unix:uid=1000", true),
            ("unix:uid=1000", "unix:uid=1001", false),
            ("unix:uid=1000", "0.0.3.232", false),
            ("0.0.0.0/0", "unix:uid=1000", false),
        ];
        for (text, from, expected) in table {
            assert_eq!(
                network(text).includes(address(from)),
                expected,
                "{text} {from}"
            );
        }
        for text in [
            "",
            "x",
            "192.0.2.1/33",
            "::1/129",
            "192.0.2.1/",
            "1.2.3.4/-1",
            "unix:uid=x",
            "unix:uid=1000/32",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
