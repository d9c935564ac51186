//! The proxies that may name the address of a client: with the header of the PROXY protocol, or with `X-Forwarded-For`.

use std::{str::FromStr, sync::Arc};

use broker::ClientAddress;
use ipnet::IpNet;

/// The trusted proxies. By default no peer is trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[TrustedProxy]>);

/// One proxy, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// The proxies with these addresses.
    Network(IpNet),
    /// All peers of Unix sockets. Who may connect is decided by the mode of the socket's file.
    Unix,
    /// The peers of Unix sockets that run as this user.
    UnixUser(u32),
}

impl TrustedProxies {
    /// Trusts these proxies.
    pub fn new(proxies: &[TrustedProxy]) -> Self {
        Self(proxies.into())
    }

    /// Returns whether a peer with this address is a trusted proxy.
    pub fn trusts(&self, address: ClientAddress) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|proxy| proxy.includes(address))
    }
}

impl TrustedProxy {
    fn includes(self, peer: ClientAddress) -> bool {
        match (self, peer) {
            (Self::Network(network), ClientAddress::Ip(address)) => network.contains(&address),
            (Self::Unix, ClientAddress::UnixUser(_)) => true,
            (Self::UnixUser(trusted), ClientAddress::UnixUser(uid)) => trusted == uid,
            _ => false,
        }
    }
}

impl FromStr for TrustedProxy {
    type Err = &'static str;

    /// Reads an address, a network in CIDR notation (RFC 4632, 3.1), `unix`, or `unix:uid=33`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        match text.parse() {
            Ok(ClientAddress::Ip(address)) => Ok(Self::Network(address.into())),
            Ok(ClientAddress::UnixUser(uid)) => Ok(Self::UnixUser(uid)),
            Err(_) => text.parse().map(Self::Network).map_err(
                |_| "expected an address, a network such as 10.0.0.0/8, unix, or unix:uid=NUMBER",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_trusted() {
        let networks = ["192.0.2.1", "10.0.0.0/8", "172.16.3.4/12", "2001:db8::/32"];
        let networks = networks.map(|text| text.parse().expect("a network"));
        let proxies = TrustedProxies::new(&networks);
        let table = [
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("::ffff:10.0.0.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("127.0.0.1", false),
            ("unix:uid=33", false),
        ];
        for (address, expected) in table {
            let parsed = address.parse().expect("an address");
            assert_eq!(proxies.trusts(parsed), expected, "{address}");
        }
        assert!(!TrustedProxies::default().trusts(ClientAddress::UnixUser(0)));
    }

    #[test]
    fn peers_of_unix_sockets_are_trusted_by_name() {
        let table = [
            ("unix", "unix:uid=33", true),
            ("unix", "127.0.0.1", false),
            ("unix:uid=33", "unix:uid=33", true),
            ("unix:uid=33", "unix:uid=34", false),
            ("0.0.0.0/0", "unix:uid=33", false),
            ("0.0.0.33", "unix:uid=33", false),
        ];
        for (trusted, peer, expected) in table {
            let proxies = TrustedProxies::new(&[trusted.parse().expect("a proxy")]);
            let found = proxies.trusts(peer.parse().expect("an address"));
            assert_eq!(found, expected, "{trusted} {peer}");
        }
    }

    #[test]
    fn other_texts_are_no_networks() {
        for text in [
            "",
            "proxy.example",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.1:80",
            "*",
            "unix:",
            "unix:/run/nginx.sock",
            "unix:uid=www-data",
        ] {
            assert!(text.parse::<TrustedProxy>().is_err(), "{text}");
        }
    }
}
