//! Networks: addresses with the same first bits, as bans name them.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// The addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// The kind of a network's addresses, and the number of bits that they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NetworkSize {
    pub(super) is_v6: bool,
    pub(super) bits: u8,
}

impl Network {
    /// Returns the network of an address with this number of bits; `None` if the address has fewer.
    pub(super) fn new(address: IpAddr, bits: u8) -> Option<Self> {
        let network = IpNet::new(address.to_canonical(), bits).ok()?;
        Some(Self(network.trunc()))
    }

    /// Returns whether an address is in the network.
    pub(super) fn includes(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Returns the size.
    pub(super) fn size(&self) -> NetworkSize {
        NetworkSize {
            is_v6: self.0.addr().is_ipv6(),
            bits: self.0.prefix_len(),
        }
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Reads an address, or a network such as `192.0.2.0/24`. An IPv6 address stands for its network of 64 bits, as for
    /// shares.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
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
        Self::new(address, bits).ok_or(InvalidNetwork)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The error for a text that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address, or a network such as 192.0.2.0/24")]
pub struct InvalidNetwork;

/// The bits of an IPv6 address that identify a client, as in [`broker::network`].
const CLIENT_BITS: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
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
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }
}
