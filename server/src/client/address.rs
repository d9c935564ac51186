//! Where a server is: what users write, as the URL of its WebSocket.

use std::{fmt, str::FromStr};

use tokio_tungstenite::tungstenite::http::Uri;

/// The URL of a WebSocket, with a host, a port and a path.
///
/// Written `ws://HOST:PORT/PATH`, `http://HOST:PORT` or `HOST:PORT`; with TLS `wss://` or `https://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    uri: Uri,
    host: String,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    #[error("{0}:// is not a scheme of Carillon; use ws://HOST:PORT, or wss:// for TLS")]
    Scheme(String),
    #[error("a user name or password does not belong here")]
    Credentials,
    #[error("not an address; use ws://HOST:PORT, wss://HOST:PORT or HOST:PORT")]
    Malformed,
}

impl ServerAddress {
    pub const DEFAULT: &str = "ws://127.0.0.1:8080/ws";

    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    pub fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    /// A name, or an IP address; IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Host and port, as a socket is connected to.
    pub fn endpoint(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let scheme = scheme.to_ascii_lowercase();
        let (scheme, default_port) = match scheme.as_str() {
            "ws" | "http" => ("ws", HTTP_PORT),
            "wss" | "https" => ("wss", HTTPS_PORT),
            "" => ("ws", CARILLON_PORT),
            _ => return Err(InvalidAddress::Scheme(scheme)),
        };
        Self::from_rest(scheme, rest, default_port)
    }
}

impl ServerAddress {
    /// What comes after the scheme.
    fn from_rest(scheme: &str, rest: &str, default_port: u16) -> Result<Self, InvalidAddress> {
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidAddress::Credentials);
        }
        let (host, port) = host_and_port(authority, default_port)?;
        let path = match path {
            "" | "/" => DEFAULT_PATH,
            path => path,
        };
        let uri: Uri = format!("{scheme}://{host}:{port}{path}")
            .parse()
            .map_err(|_| InvalidAddress::Malformed)?;
        let host = host.to_owned();
        Ok(Self { uri, host, port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

fn host_and_port(authority: &str, default_port: u16) -> Result<(&str, u16), InvalidAddress> {
    let host_end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    if host.is_empty() {
        return Err(InvalidAddress::Malformed);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => default_port,
        Some(port) => port.parse().map_err(|_| InvalidAddress::Malformed)?,
        None => return Err(InvalidAddress::Malformed),
    };
    Ok((host, port))
}

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
/// Where Carillon listens unless told otherwise; for an address without a scheme.
const CARILLON_PORT: u16 = 8080;
const DEFAULT_PATH: &str = "/ws";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write_becomes_the_url_of_a_websocket() {
        let table = [
            (ServerAddress::DEFAULT, "ws://127.0.0.1:8080/ws"),
            ("ws://example.org:1234", "ws://example.org:1234/ws"),
            ("ws://example.org:1234/", "ws://example.org:1234/ws"),
            (
                "ws://example.org/stomp?a=b",
                "ws://example.org:80/stomp?a=b",
            ),
            ("WS://example.org", "ws://example.org:80/ws"),
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
            ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/ws"),
            ("127.0.0.1:9000", "ws://127.0.0.1:9000/ws"),
            ("localhost", "ws://localhost:8080/ws"),
            ("[::1]:9000", "ws://[::1]:9000/ws"),
            ("http://[::1]", "ws://[::1]:80/ws"),
            ("wss://example.org", "wss://example.org:443/ws"),
            ("https://example.org:8443", "wss://example.org:8443/ws"),
            ("wss://[::1]:9000/stomp", "wss://[::1]:9000/stomp"),
        ];
        for (text, wanted) in table {
            let found = text
                .parse()
                .map(|address: ServerAddress| address.to_string());
            assert_eq!(found.as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_reached_is_refused_with_the_reason() {
        let table = [
            ("ftp://example.org", InvalidAddress::Scheme("ftp".into())),
            ("ws://user:secret@example.org", InvalidAddress::Credentials),
            ("", InvalidAddress::Malformed),
            (":8080", InvalidAddress::Malformed),
            ("ws://", InvalidAddress::Malformed),
            ("host:port", InvalidAddress::Malformed),
            ("host:65536", InvalidAddress::Malformed),
            ("[::1]9000", InvalidAddress::Malformed),
            ("a b:80", InvalidAddress::Malformed),
        ];
        for (text, wanted) in table {
            assert_eq!(text.parse::<ServerAddress>(), Err(wanted), "{text}");
        }
    }

    #[test]
    fn the_endpoint_is_host_and_port() {
        let address: ServerAddress = "[::1]:9000".parse().unwrap();
        assert_eq!(address.endpoint(), "[::1]:9000");
        assert_eq!(address.host(), "[::1]");
    }
}
