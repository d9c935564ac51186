//! The address of a listener, as an option names it.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use tokio::net::TcpListener;

use super::{ListeningSocket, UnixAddress};

/// The address of a listener: `127.0.0.1:8080`, or `unix:/run/carillon/http.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A port of TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(UnixAddress),
}

impl ListenAddress {
    /// Returns the IP address for the rules about who can reach the listener. Only processes of this machine can open a Unix
    /// socket, so it counts as loopback.
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::Tcp(address) => address.ip(),
            Self::Unix(_) => Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Returns whether only this machine can reach the listener.
    pub fn is_loopback(&self) -> bool {
        self.ip().to_canonical().is_loopback()
    }

    /// Returns the port of TCP.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// Returns whether a listener at `actual` is one at this address. Port 0 stands for any port.
    pub fn allows(&self, actual: &Self) -> bool {
        match (self, actual) {
            (Self::Tcp(wanted), Self::Tcp(actual)) => wanted == actual || wanted.port() == 0,
            (Self::Unix(wanted), Self::Unix(actual)) => wanted.path() == actual.path(),
            (Self::Tcp(_), Self::Unix(_)) | (Self::Unix(_), Self::Tcp(_)) => false,
        }
    }

    /// Listens. `option` is the command-line option for another address.
    ///
    /// # Errors
    ///
    /// The address is not available; the text names a remedy. For TCP it is a [`BindError`].
    pub async fn bind(&self, option: &str) -> anyhow::Result<ListeningSocket> {
        match self {
            Self::Tcp(address) => Ok(ListeningSocket::tcp(bind_tcp(*address, option).await?)),
            Self::Unix(address) => {
                let (listener, file) = address.bind(option)?;
                Ok(ListeningSocket::unix(listener, address.clone(), Some(file)))
            }
        }
    }
}

async fn bind_tcp(address: SocketAddr, option: &str) -> Result<TcpListener, BindError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|reason| BindError {
        address,
        reason,
        option: option.into(),
    })
}

/// The error for an address of TCP that is not available.
#[derive(Debug)]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// The error of the system.
    pub reason: io::Error,
    /// The command-line option for another address.
    option: Box<str>,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            reason,
            option,
        } = self;
        match reason.kind() {
            io::ErrorKind::AddrInUse => write!(
                formatter,
                "{address} is in use by another program; end it, or choose another address with {option}"
            ),
            io::ErrorKind::PermissionDenied => write!(
                formatter,
                "no permission to listen on {address}; choose a port from 1024 on with {option}"
            ),
            _ => write!(formatter, "cannot listen on {address}: {reason}"),
        }
    }
}

impl std::error::Error for BindError {}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix(UNIX) {
            Some(rest) => rest.parse().map(Self::Unix),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| "neither ADDRESS:PORT nor unix:PATH".to_owned()),
        }
    }
}

/// Without the mode of a Unix socket.
impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(address) => write!(formatter, "{UNIX}{address}"),
        }
    }
}

const UNIX: &str = "unix:";

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ListenAddress {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_unix_socket_is_reachable_from_its_own_machine_only() {
        let table = [
            ("127.0.0.1:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("unix:/run/carillon/http.sock", true),
        ];
        for (text, expected) in table {
            assert_eq!(address(text).is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_compared_with_those_of_inherited_sockets() {
        let table = [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:0", "127.0.0.1:80", true),
            ("127.0.0.1:81", "127.0.0.1:80", false),
            ("unix:/a?mode=0600", "unix:/a", true),
            ("unix:/a", "unix:/b", false),
            ("127.0.0.1:0", "unix:/a", false),
        ];
        for (wanted, actual, expected) in table {
            assert_eq!(
                address(wanted).allows(&address(actual)),
                expected,
                "{wanted} {actual}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "8080",
            "localhost:80",
            "/run/a.sock",
            "unix:",
            "unix:a",
            "UNIX:/a",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
