//! The address of the server under load: `tcp://HOST:PORT` or `ws://HOST:PORT/PATH`.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    str::FromStr,
};

use anyhow::Context as _;

use super::dialect::Protocol;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Host and port.
    authority: String,
    /// The path of a WebSocket, or None for TCP.
    pub path: Option<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid address; use tcp://HOST:PORT or ws://HOST:PORT/PATH")]
pub struct InvalidAddress;

impl Address {
    /// Returns the default address for a protocol.
    pub fn default_of(protocol: Protocol) -> Self {
        let port = match protocol {
            Protocol::Stomp => 61613,
            Protocol::Mqtt => 1883,
            Protocol::Nats => 4222,
        };
        Self {
            authority: format!("127.0.0.1:{port}"),
            path: None,
        }
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// # Errors
    ///
    /// The host name cannot be resolved.
    pub fn resolve(&self) -> anyhow::Result<SocketAddr> {
        let unknown = || format!("{} cannot be resolved", self.authority);
        let mut found = self.authority.to_socket_addrs().with_context(unknown)?;
        found.next().with_context(unknown)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.rsplit_once(':').ok_or(InvalidAddress)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(InvalidAddress);
        }
        let path = match (scheme, path) {
            ("tcp", "" | "/") => None,
            ("ws" | "http", "") => Some("/".to_owned()),
            ("ws" | "http", path) => Some(path.to_owned()),
            _ => return Err(InvalidAddress),
        };
        let authority = authority.to_owned();
        Ok(Self { authority, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_selects_the_transport() {
        let table = [
            ("tcp://localhost:1883", Some(("localhost:1883", None))),
            ("127.0.0.1:1883", Some(("127.0.0.1:1883", None))),
            ("[::1]:1883", Some(("[::1]:1883", None))),
            ("ws://h:80", Some(("h:80", Some("/")))),
            ("ws://h:80/mqtt", Some(("h:80", Some("/mqtt")))),
            ("http://h:80/ws", Some(("h:80", Some("/ws")))),
            ("tcp://h:80/path", None),
            ("tcp://h", None),
            (":80", None),
            ("wss://h:80", None),
            ("h:65536", None),
        ];
        for (text, wanted) in table {
            let found = text.parse::<Address>().ok();
            let found = found
                .as_ref()
                .map(|address| (address.authority(), address.path.as_deref()));
            assert_eq!(found, wanted, "{text}");
        }
    }
}
