//! The proxies that may name the address of a client: with the header of the PROXY protocol, or with `X-Forwarded-For`.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

/// The addresses of the trusted proxies. By default no peer is trusted.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts all addresses of these networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Returns whether a peer with this address is a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses an address, or a network in CIDR notation (RFC 4632, 3.1).
///
/// # Errors
///
/// The text is neither.
pub fn network(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address
        .or_else(|_| text.parse::<IpNet>())
        .map_err(|_| "expected an address, or a network such as 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_trusted() {
        let networks = ["192.0.2.1", "10.0.0.0/8", "172.16.3.4/12", "2001:db8::/32"];
        let networks = networks.map(|text| network(text).expect("a network"));
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
        ];
        for (address, expected) in table {
            let parsed = address.parse().expect("an address");
            assert_eq!(proxies.trusts(parsed), expected, "{address}");
        }
        assert!(!TrustedProxies::default().trusts(IpAddr::from([127, 0, 0, 1])));
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
        ] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
