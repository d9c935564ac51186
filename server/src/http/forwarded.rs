//! The client of a request that a trusted proxy passes on.
//!
//! Only `X-Forwarded-For` and `X-Forwarded-Proto` are read, and not `Forwarded` (RFC 7239): a proxy that writes one of the two passes the other on as
//! the client sent it, so a server that reads both lets clients choose their address.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::trusted_proxies::TrustedProxies;

/// Returns the address of the client: the last one that is not a trusted proxy's, because each proxy appends the address
/// of its peer, and a client may send any addresses before. If all are trusted, it is the first one. `None` if the proxy
/// names no address.
pub fn client_address(headers: &HeaderMap, proxies: &TrustedProxies) -> Option<IpAddr> {
    let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let elements = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    let mut found = None;
    for element in elements.map(<[u8]>::trim_ascii) {
        let Some(address) = address(element) else {
            let element = element.escape_ascii();
            tracing::debug!(%element, "the rest of X-Forwarded-For is ignored: this is not an address");
            break;
        };
        found = Some(address);
        if !proxies.trusts(address.into()) {
            break;
        }
    }
    found
}

/// Returns the scheme of the request that the proxy got, or that the first of several proxies got.
pub fn scheme(headers: &HeaderMap) -> Option<&'static str> {
    let value = headers.get(X_FORWARDED_PROTO)?.as_bytes();
    let first = value.split(|byte| *byte == b',').next()?.trim_ascii();
    match first {
        b"http" => Some("http"),
        b"https" => Some("https"),
        _ => None,
    }
}

/// Reads an address with or without a port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    let in_brackets = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = in_brackets.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    Some(address.ok()?.to_canonical())
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_last_address_that_is_not_a_proxys_is_the_clients() {
        let proxies = TrustedProxies::new(&["10.0.0.0/8".parse().expect("a network")]);
        let table: &[(&[&str], Option<&str>)] = &[
            (&[], None),
            (&["203.0.113.7"], Some("203.0.113.7")),
            (&["203.0.113.7:4711"], Some("203.0.113.7")),
            (&["2001:db8::9"], Some("2001:db8::9")),
            (&["[2001:db8::9]"], Some("2001:db8::9")),
            (&["[2001:db8::9]:4711"], Some("2001:db8::9")),
            (&["::ffff:203.0.113.7"], Some("203.0.113.7")),
            (&["198.51.100.1, 203.0.113.7"], Some("203.0.113.7")),
            (
                &["198.51.100.1,203.0.113.7 , 10.0.0.1"],
                Some("203.0.113.7"),
            ),
            (
                &["198.51.100.1", "203.0.113.7", "10.0.0.1"],
                Some("203.0.113.7"),
            ),
            (&["10.0.0.2, 10.0.0.1"], Some("10.0.0.2")),
            (&["unknown"], None),
            (&[""], None),
            (&["203.0.113.7, evil"], None),
            (&["evil, 203.0.113.7"], Some("203.0.113.7")),
            (&["203.0.113.7, evil, 10.0.0.1"], Some("10.0.0.1")),
            (&["[203.0.113.7"], None),
            (&["203.0.113.7:port"], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
            }
            let expected = expected.map(|address| address.parse().expect("an address"));
            let found = client_address(&headers, &proxies);
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
