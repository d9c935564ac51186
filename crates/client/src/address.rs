//! Server addresses as users write them, and the endpoint that they stand for in each protocol.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use tokio_tungstenite::tungstenite::http::Uri;

use super::{protocol::Protocol, site::Site};

/// An address as users write it: `mqtt://HOST:PORT`, `ws://HOST:PORT/PATH`, `http://HOST:PORT` or
/// `HOST:PORT`; with TLS `mqtts://`, `wss://` or `https://`. `unix:PATH` is a Unix socket of a server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    scheme: Scheme,
    layer: Layer,
    host: String,
    port: Option<u16>,
    /// The path and the query: empty, or a text that begins with '/' or '?'.
    path: String,
    /// The path of a Unix socket, which is used instead of host and port.
    socket: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    None,
    /// `ws://` or `http://`.
    WebSocket,
    Mqtt,
}

/// The layer on TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Plain,
    Tls,
}

/// A server to connect to, with the transport to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    carrier: Carrier,
    target: Target,
}

/// A host and port, with the layer on TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub layer: Layer,
    /// A host name or IP address; IPv6 addresses are in brackets.
    pub host: String,
    pub port: u16,
    /// The path of a Unix socket, which is used instead of host and port.
    pub socket: Option<PathBuf>,
}

/// The transport that carries the protocol's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// A plain or TLS byte stream. Only MQTT uses it.
    Tcp,
    /// A WebSocket with this URL.
    WebSocket(Uri),
}

/// The error for a text that is not an address, or not one of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The scheme is unknown.
    #[error(
        "{0}:// is not a supported scheme; use http://, ws:// or mqtt://HOST:PORT, or https://, wss:// or mqtts:// for TLS"
    )]
    Scheme(String),
    /// The address has a user name or a password.
    #[error("an address cannot contain a user name or a password")]
    Credentials,
    /// The text is no address.
    #[error(
        "not a valid address; use ws://HOST:PORT, http://HOST:PORT, mqtt://HOST:PORT or HOST:PORT"
    )]
    Malformed,
    /// The path of a Unix socket is not a whole path.
    #[error("a Unix socket needs its whole path, such as unix:/run/carillon/http.sock")]
    SocketPath,
    /// An address of MQTT over TCP has a path.
    #[error(
        "an mqtt:// address has no path; for MQTT over WebSocket use ws://HOST:PORT/PATH with --protocol mqtt"
    )]
    Path,
    /// An address of MQTT over TCP is used with STOMP.
    #[error("an mqtt:// address cannot be used with STOMP; use ws://HOST:PORT or wss://HOST:PORT")]
    NotStomp,
    /// An address of MQTT over TCP is used with HTTP.
    #[error("this command uses HTTP and not MQTT; use http://HOST:PORT or https://HOST:PORT")]
    NotHttp,
}

impl ServerAddress {
    /// Returns the protocol that the scheme implies, or None if it fits several protocols.
    pub(crate) const fn protocol(&self) -> Option<Protocol> {
        match self.scheme {
            Scheme::None | Scheme::WebSocket => None,
            Scheme::Mqtt => Some(Protocol::Mqtt),
        }
    }

    /// Returns the endpoint for a protocol.
    pub(crate) fn endpoint(&self, protocol: Protocol) -> Result<Endpoint, InvalidAddress> {
        let tcp = || Endpoint {
            carrier: Carrier::Tcp,
            target: self.target(match self.layer {
                Layer::Plain => MQTT_PORT,
                Layer::Tls => MQTTS_PORT,
            }),
        };
        match (self.scheme, protocol) {
            (Scheme::Mqtt, Protocol::Stomp) => Err(InvalidAddress::NotStomp),
            (Scheme::Mqtt, Protocol::Mqtt) => Ok(tcp()),
            (Scheme::None, Protocol::Mqtt) if self.path.is_empty() => Ok(tcp()),
            (Scheme::None, Protocol::Stomp) => self.websocket(protocol, CARILLON_PORT),
            (Scheme::None, Protocol::Mqtt) | (Scheme::WebSocket, _) => {
                self.websocket(protocol, self.http_port())
            }
        }
    }

    /// Returns the address of the HTTP interface. The path of a WebSocket at the end is removed, so that one address fits
    /// all commands.
    ///
    /// # Errors
    /// The address is one of MQTT over TCP.
    pub fn site(&self) -> Result<Site, InvalidAddress> {
        let default_port = match self.scheme {
            Scheme::Mqtt => return Err(InvalidAddress::NotHttp),
            Scheme::None => CARILLON_PORT,
            Scheme::WebSocket => self.http_port(),
        };
        if self.path.contains('?') {
            return Err(InvalidAddress::Malformed);
        }
        let path = self.path.trim_end_matches('/');
        let sockets = ["/ws", "/stomp", "/mqtt"];
        let prefix = sockets.iter().find_map(|end| path.strip_suffix(end));
        Ok(Site::new(self.target(default_port), prefix.unwrap_or(path)))
    }

    const fn http_port(&self) -> u16 {
        match self.layer {
            Layer::Plain => HTTP_PORT,
            Layer::Tls => HTTPS_PORT,
        }
    }

    fn target(&self, default_port: u16) -> Target {
        Target {
            layer: self.layer,
            host: self.host.clone(),
            port: self.port.unwrap_or(default_port),
            socket: self.socket.clone(),
        }
    }

    fn websocket(&self, protocol: Protocol, default_port: u16) -> Result<Endpoint, InvalidAddress> {
        let target = self.target(default_port);
        let path = match (self.path.as_str(), protocol) {
            ("" | "/", Protocol::Stomp) => "/ws",
            ("" | "/", Protocol::Mqtt) => "/mqtt",
            (path, _) => path,
        };
        let scheme = match self.layer {
            Layer::Plain => "ws",
            Layer::Tls => "wss",
        };
        let url = format!("{scheme}://{}{path}", target.authority()).parse();
        Ok(Endpoint {
            carrier: Carrier::WebSocket(url.map_err(|_| InvalidAddress::Malformed)?),
            target,
        })
    }
}

impl Endpoint {
    /// Returns Carillon's default endpoint for a protocol.
    pub(crate) fn default_of(protocol: Protocol) -> Result<Self, InvalidAddress> {
        let address: ServerAddress = "127.0.0.1".parse()?;
        address.endpoint(protocol)
    }

    pub(crate) const fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }
}

impl Target {
    /// Returns host and port, separated by a colon; for a Unix socket only the host.
    pub(crate) fn authority(&self) -> String {
        match self.socket {
            Some(_) => self.host.clone(),
            None => format!("{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return Self::unix(path);
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let scheme = scheme.to_ascii_lowercase();
        let (scheme, layer) = match scheme.as_str() {
            "" => (Scheme::None, Layer::Plain),
            "ws" | "http" => (Scheme::WebSocket, Layer::Plain),
            "wss" | "https" => (Scheme::WebSocket, Layer::Tls),
            "mqtt" => (Scheme::Mqtt, Layer::Plain),
            "mqtts" => (Scheme::Mqtt, Layer::Tls),
            _ => return Err(InvalidAddress::Scheme(scheme)),
        };
        Self::from_rest(scheme, layer, rest)
    }
}

impl ServerAddress {
    /// Parses the part after `unix:`. The mode of the form of the server's options is ignored. Over the socket, the address is
    /// like `HOST:PORT` without a scheme: the listener of HTTP detects the protocol, and that of MQTT accepts MQTT.
    fn unix(path: &str) -> Result<Self, InvalidAddress> {
        let (path, _mode) = path.split_once('?').unwrap_or((path, ""));
        let in_url = path.strip_prefix("//").filter(|path| path.starts_with('/'));
        let path = Path::new(in_url.unwrap_or(path));
        if !path.has_root() || path.parent().is_none() {
            return Err(InvalidAddress::SocketPath);
        }
        Ok(Self {
            scheme: Scheme::None,
            layer: Layer::Plain,
            host: "localhost".to_owned(),
            port: None,
            path: String::new(),
            socket: Some(path.to_owned()),
        })
    }

    /// Parses the part after the scheme.
    fn from_rest(scheme: Scheme, layer: Layer, rest: &str) -> Result<Self, InvalidAddress> {
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(InvalidAddress::Credentials);
        }
        if scheme == Scheme::Mqtt && !matches!(path, "" | "/") {
            return Err(InvalidAddress::Path);
        }
        let (host, port) = host_and_port(authority)?;
        let address = Self {
            scheme,
            layer,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            socket: None,
        };
        // A host that makes no valid WebSocket URL is invalid for MQTT, too.
        address.websocket(Protocol::Stomp, HTTP_PORT)?;
        Ok(address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.target.socket {
            return write!(f, "{UNIX}{}", path.display());
        }
        match (&self.carrier, self.target.layer) {
            (Carrier::WebSocket(uri), _) => uri.fmt(f),
            (Carrier::Tcp, Layer::Plain) => write!(f, "mqtt://{}", self.target.authority()),
            (Carrier::Tcp, Layer::Tls) => write!(f, "mqtts://{}", self.target.authority()),
        }
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), InvalidAddress> {
    let host_end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    if host.is_empty() {
        return Err(InvalidAddress::Malformed);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some(port) => Some(port.parse().map_err(|_| InvalidAddress::Malformed)?),
        None => return Err(InvalidAddress::Malformed),
    };
    Ok((host, port))
}

/// The beginning of the address of a Unix socket.
pub(crate) const UNIX: &str = "unix:";
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;
/// Carillon's default port, used for an address without a scheme.
const CARILLON_PORT: u16 = 8080;
const MQTT_PORT: u16 = 1883;
const MQTTS_PORT: u16 = 8883;

#[cfg(test)]
mod tests {
    use super::Protocol::{Mqtt, Stomp};
    use super::*;

    fn endpoint(text: &str, protocol: Protocol) -> Result<Endpoint, InvalidAddress> {
        text.parse::<ServerAddress>()?.endpoint(protocol)
    }

    #[test]
    fn an_address_has_an_endpoint_for_each_protocol() {
        let table = [
            ("127.0.0.1", Stomp, "ws://127.0.0.1:8080/ws"),
            ("127.0.0.1", Mqtt, "mqtt://127.0.0.1:1883"),
            ("ws://example.org:1234", Stomp, "ws://example.org:1234/ws"),
            ("ws://example.org:1234", Mqtt, "ws://example.org:1234/mqtt"),
            ("ws://example.org:1234/", Stomp, "ws://example.org:1234/ws"),
            ("ws://example.org/a?b=c", Stomp, "ws://example.org:80/a?b=c"),
            ("ws://example.org/a?b=c", Mqtt, "ws://example.org:80/a?b=c"),
            ("WS://example.org", Stomp, "ws://example.org:80/ws"),
            ("http://127.0.0.1:8080", Stomp, "ws://127.0.0.1:8080/ws"),
            ("http://127.0.0.1:8080/", Mqtt, "ws://127.0.0.1:8080/mqtt"),
            ("127.0.0.1:9000", Stomp, "ws://127.0.0.1:9000/ws"),
            ("127.0.0.1:9000", Mqtt, "mqtt://127.0.0.1:9000"),
            ("localhost", Stomp, "ws://localhost:8080/ws"),
            ("mqtt://localhost", Mqtt, "mqtt://localhost:1883"),
            ("MQTT://localhost:1/", Mqtt, "mqtt://localhost:1"),
            ("mqtts://localhost", Mqtt, "mqtts://localhost:8883"),
            ("wss://example.org", Stomp, "wss://example.org:443/ws"),
            (
                "https://example.org:8443",
                Mqtt,
                "wss://example.org:8443/mqtt",
            ),
            ("wss://[::1]:9000/stomp", Stomp, "wss://[::1]:9000/stomp"),
            ("[::1]:9000", Stomp, "ws://[::1]:9000/ws"),
            ("[::1]", Mqtt, "mqtt://[::1]:1883"),
            ("http://[::1]", Stomp, "ws://[::1]:80/ws"),
            ("unix:/run/a.sock", Stomp, "unix:/run/a.sock"),
            ("unix:/run/a.sock?mode=0600", Mqtt, "unix:/run/a.sock"),
            ("unix:///run/a.sock", Mqtt, "unix:/run/a.sock"),
        ];
        for (text, protocol, wanted) in table {
            let found = endpoint(text, protocol).map(|endpoint| endpoint.to_string());
            assert_eq!(found.as_deref(), Ok(wanted), "{text} {protocol}");
        }
    }

    #[test]
    fn an_invalid_address_is_refused_with_the_reason() {
        let table = [
            ("ftp://example.org", InvalidAddress::Scheme("ftp".into())),
            ("ws://user:secret@example.org", InvalidAddress::Credentials),
            ("mqtt://example.org/a", InvalidAddress::Path),
            ("mqtt://example.org", InvalidAddress::NotStomp),
            ("mqtts://example.org", InvalidAddress::NotStomp),
            ("", InvalidAddress::Malformed),
            ("unix:", InvalidAddress::SocketPath),
            ("unix:a.sock", InvalidAddress::SocketPath),
            ("unix:/", InvalidAddress::SocketPath),
            (":8080", InvalidAddress::Malformed),
            ("ws://", InvalidAddress::Malformed),
            ("host:port", InvalidAddress::Malformed),
            ("host:65536", InvalidAddress::Malformed),
            ("[::1]9000", InvalidAddress::Malformed),
            ("a b:80", InvalidAddress::Malformed),
        ];
        for (text, wanted) in table {
            assert_eq!(endpoint(text, Stomp), Err(wanted), "{text}");
        }
    }

    #[test]
    fn only_an_mqtt_address_implies_a_protocol() {
        for (text, protocol) in [("mqtt://h", Some(Mqtt)), ("ws://h", None), ("h", None)] {
            let address: ServerAddress = text.parse().unwrap();
            assert_eq!(address.protocol(), protocol, "{text}");
        }
    }

    #[test]
    fn the_authority_is_host_and_port() {
        let endpoint = endpoint("[::1]:9000", Stomp).unwrap();
        assert_eq!(endpoint.target().authority(), "[::1]:9000");
        assert_eq!(endpoint.target().host, "[::1]");
    }
}
