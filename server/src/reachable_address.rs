//! The address at which other machines reach a port of this one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Returns the address of a port for other machines: for `0.0.0.0` and `::` the address of the interface with the default
/// route. Returns `None` for loopback addresses, and if there is no such interface.
pub fn reachable_address(listening: SocketAddr) -> Option<SocketAddr> {
    let ip = match listening.ip().to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => of_default_route(FAR_IPV4)?,
        // A listener for IPv6 accepts IPv4 too, and phones in a home network have its addresses.
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            of_default_route(FAR_IPV4).or_else(|| of_default_route(FAR_IPV6))?
        }
        ip => ip,
    };
    (!ip.is_loopback()).then(|| SocketAddr::new(ip, listening.port()))
}

/// Returns the address from which the system would send to another one. Connecting a UDP socket sends nothing: it only chooses
/// the route. The system's list of interfaces would need unsafe code or another library, and does not say which of them
/// (a bridge of containers, a tunnel) leads to other machines.
fn of_default_route(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match far {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((far, DISCARD)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// Addresses for documentation (RFC 5737, RFC 3849), which no network has.
const FAR_IPV4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_IPV6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
/// Any port.
const DISCARD: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_network_is_its_own_and_a_loopback_one_is_none() {
        for (listening, expected) in [
            ("192.168.1.7:80", Some("192.168.1.7:80")),
            ("[2001:db8::7]:80", Some("[2001:db8::7]:80")),
            ("[::ffff:192.168.1.7]:80", Some("192.168.1.7:80")),
            ("127.0.0.1:80", None),
            ("127.1.2.3:80", None),
            ("[::1]:80", None),
            ("[::ffff:127.0.0.1]:80", None),
        ] {
            let expected = expected.map(|text| text.parse().expect("an address"));
            let listening = listening.parse().expect("an address");
            assert_eq!(reachable_address(listening), expected, "{listening}");
        }
    }

    #[test]
    fn an_unspecified_address_is_never_returned() {
        for listening in ["0.0.0.0:80", "[::]:80"] {
            let found = reachable_address(listening.parse().expect("an address"));
            if let Some(found) = found {
                assert!(!found.ip().is_unspecified() && !found.ip().is_loopback());
                assert_eq!(found.port(), 80);
            }
        }
    }
}
